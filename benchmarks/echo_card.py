"""Our link to the virtual reader with nothing behind it: a card that answers every command with eight bytes. Usage: PORT."""

import sys

from sscard_terminal.card.vpicc import Vpicc

ATR = bytes.fromhex("3B6D000000815431328660370900000002")
ANSWER = bytes.fromhex("11223344 55667788 9000")


class EchoCard:
    def atr(self) -> bytes:
        return ATR

    def power_on(self) -> bytes:
        return ATR

    def reset(self) -> bytes:
        return ATR

    def power_off(self) -> None:
        pass

    def respond(self, command: bytes) -> bytes:
        return ANSWER


if __name__ == "__main__":
    Vpicc(EchoCard(), int(sys.argv[1])).serve()
