"""What every `from_apdu` checks about the outside of a command: P1 P2, Lc, Le."""

from __future__ import annotations

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import LengthError, ParameterError


def expect_p1p2(apdu: CommandApdu, *allowed: int) -> None:
    """
    Raises:
        ParameterError: P1 P2 is none of `allowed`.
    """
    if apdu.p1 << 8 | apdu.p2 not in allowed:
        raise ParameterError(f"P1 P2 {apdu.p1:02X}{apdu.p2:02X} is not known for INS {apdu.ins:02X}")


def expect_lc(apdu: CommandApdu, *allowed: int) -> None:
    """
    Raises:
        LengthError: the number of data bytes is none of `allowed`.
    """
    if len(apdu.data) not in allowed:
        raise LengthError(f"INS {apdu.ins:02X} does not take {len(apdu.data)} data bytes")


def expect_no_data(apdu: CommandApdu) -> None:
    """
    Raises:
        LengthError: there are data bytes.
    """
    if apdu.data:
        raise LengthError(f"INS {apdu.ins:02X} takes no data")


def expect_ne(apdu: CommandApdu, *allowed: int) -> None:
    """Answers of fixed length refuse any other Le. Source: card.md §10 A11.

    Raises:
        LengthError: Ne is none of `allowed`, or there are data bytes.
    """
    expect_no_data(apdu)
    if apdu.ne not in allowed:
        raise LengthError(f"INS {apdu.ins:02X} does not answer {apdu.ne} bytes")


def expect_answer(raw: bytes, length: int, what: str) -> bytes:
    """`raw` itself.

    Raises:
        LengthError: the card's answer has another length; it may have been cut off on its way (pcsc.md §6).
    """
    if len(raw) != length:
        raise LengthError(f"{what} answers {length} bytes, {len(raw)} came")
    return raw
