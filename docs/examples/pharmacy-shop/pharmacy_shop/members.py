"""Greets a member by the card: its number, and with the PIN its balance and last purchases. Over PC/SC, with pyscard.

Not here: taking money. A sale goes through the terminal, which does it exactly once and keeps the journal.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from smartcard.CardConnection import CardConnection
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.System import readers

SELECT_SSSE = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
SELECT_MEDICAL_ACCOUNT = bytes.fromhex("00A4040006D15600000503")
READ_CARD_NUMBER = bytes.fromhex("00B2072C0B")
HOW_MANY_TRIES = bytes.fromhex("0020000000")
GET_BALANCE = bytes.fromhex("B026000104")
DONE, NO_RECORD, LOCKED = 0x9000, 0x6A83, 0x6983


class NoMember(Exception):
    """There is no social security card, or it went away; the text is for the cashier."""


@dataclass(frozen=True)
class Greeting:
    """What the cashier's screen shows. `balance` in fen; None without the right PIN."""

    card_number: str
    balance: int | None = None
    tries_left: int = 0
    purchases: tuple[int, ...] = ()
    """The newest first, in fen."""


def greet(reader: str, pin: str | None = None) -> Greeting:
    """Read the card in `reader`; with `pin` what it guards, too. A locked PIN is not tried.

    Raises:
        NoMember: no card, another kind of card, or a card that was pulled.
    """
    with _card_in(reader) as card:
        if card.ask(SELECT_SSSE) != DONE:
            raise NoMember("this is no social security card")
        number = card.fetch(READ_CARD_NUMBER)[2:].decode("ascii")
        if not number:  # a terminal's own module bears the same name and has no such file
            raise NoMember("this is no social security card")
        tries_left = _tries(card.ask(HOW_MANY_TRIES))
        if pin is None or tries_left == 0:
            return Greeting(number, tries_left=tries_left)
        answer = card.ask(b"\x00\x20\x00\x00" + bytes([len(pin) // 2]) + bytes.fromhex(pin))
        if answer != DONE:
            return Greeting(number, tries_left=_tries(answer))
        card.ask(SELECT_MEDICAL_ACCOUNT)
        balance = int.from_bytes(card.fetch(GET_BALANCE), "big")
        return Greeting(number, balance, tries_left, tuple(_purchases(card)))


def _purchases(card: "_Card") -> Iterator[int]:
    for number in range(1, 6):
        record = card.fetch(bytes([0x00, 0xB2, number, 0x44, 0x1C]))
        if not record:
            return
        yield int.from_bytes(record[16:20], "big")


def _tries(status: int) -> int:
    """x of 63Cx; 0 where the PIN is locked."""
    return status & 0x0F if status & 0xFFF0 == 0x63C0 else 0


class _Card:
    def __init__(self, connection: CardConnection) -> None:
        self._connection = connection

    def ask(self, command: bytes) -> int:
        """Send a command; its status word, 61xx counting as done."""
        _, sw1, sw2 = self._transmit(command)
        return DONE if sw1 == 0x61 else sw1 << 8 | sw2

    def fetch(self, command: bytes) -> bytes:
        """Send a command that reads; the data, or nothing where the card has none."""
        data, sw1, sw2 = self._transmit(command)
        if sw1 == 0x61:
            data, sw1, sw2 = self._transmit(bytes([0x00, 0xC0, 0x00, 0x00, sw2]))
        return bytes(data) if sw1 << 8 | sw2 == DONE else b""

    def _transmit(self, command: bytes) -> tuple[list[int], int, int]:
        answer = self._connection.transmit(list(command))
        if answer[1] is None:
            raise NoMember("the card was taken out; please put it in again")
        return answer


@contextmanager
def _card_in(name: str) -> Iterator[_Card]:
    reader = next((reader for reader in readers() if reader.name == name), None)
    if reader is None:
        raise NoMember(f"there is no reader {name}")
    connection = reader.createConnection()
    try:
        connection.connect()
        yield _Card(connection)
    except NoCardException as error:
        raise NoMember("please put the card in") from error
    except CardConnectionException as error:
        raise NoMember("the card was taken out; please put it in again") from error
    finally:
        with suppress(CardConnectionException):  # the card is gone, and the connection with it
            connection.disconnect()
        connection.release()
