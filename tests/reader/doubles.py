"""Connections for the tests of what wraps them: one that plays a text, one that answers by a function."""

from collections.abc import Callable
from textwrap import dedent

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript

T0_ATR = bytes.fromhex("3B6D000000815431328660370900000002")  # card.md §7, 32K
T1_ATR = bytes.fromhex("3B800181")


def played(text: str) -> Replay:
    return Replay(Transcript.parse(dedent(text)))


def command(text: str) -> CommandApdu:
    return CommandApdu.parse(bytes.fromhex(text))


def answer(text: str) -> ResponseApdu:
    return ResponseApdu.parse(bytes.fromhex(text))


class Answering:
    """A connection whose answers a function makes; it remembers the commands and whether it was closed."""

    def __init__(self, respond: Callable[[CommandApdu], ResponseApdu], atr: bytes = T0_ATR) -> None:
        self.atr = atr
        self.commands: list[CommandApdu] = []
        self.closed = False
        self._respond = respond

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self.commands.append(command)
        return self._respond(command)

    def close(self) -> None:
        self.closed = True


def saying(text: str, atr: bytes = T0_ATR) -> Answering:
    """A connection that gives the same answer to everything."""
    return Answering(lambda _: answer(text), atr)


def breaking(error: BaseException, atr: bytes = T0_ATR) -> Answering:
    """A connection on which every command breaks."""

    def respond(_: CommandApdu) -> ResponseApdu:
        raise error

    return Answering(respond, atr)
