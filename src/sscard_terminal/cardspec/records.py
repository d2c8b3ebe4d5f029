"""What the files of the card hold, as values: issuer data, cardholder, log, amounts.

Not here: where the files lie and who may read them (applets' descriptions), and the PSAM's (psam_records). The card
reads these by hand on every transaction; layouts.py declares the same, and property tests hold both equal.
Source: card.md §1.5–1.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from struct import Struct
from unicodedata import category

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import TagLengthRecord

from .bcd import date_of_bcd, digits_of_bcd, is_decimal
from .chinese import decoded
from .money import Fen

IDENTIFICATION_LENGTH = 16
_AMOUNT_FILE = Struct(">HHIII2s2s")
_LOG_RECORD = Struct(">HB6s7sIII")
_LOG_RECORD_ACCOUNT_ONLY = Struct(">HB6s7sI")
LOG_RECORD_LENGTH = 28
LOG_RECORD_LENGTH_ACCOUNT_ONLY = 20
FILLING = b"\x00\xff"


_UNSHOWN = ("Cc", "Cf", "Zl", "Zp")
"""Unicode's categories of characters that move a cursor or turn a line round instead of being seen."""
_VERSION = re.compile(r"[0-9]\.[0-9]")
_CARD_NUMBER = re.compile(r"[0-9A-Za-z]+")


def text_of(raw: bytes) -> str:
    """Type an: GB18030 text without its filling (00, or FF where a field was never written).

    What is no text, and control characters (a card may hold anything, and a screen or printer would obey them), show
    as U+FFFD; never an error.
    """
    text = decoded(raw.rstrip(FILLING))
    if text.isprintable():
        return text
    return "".join("\ufffd" if category(sign) in _UNSHOWN else sign for sign in text)


def by_tag(records: Iterable[TagLengthRecord]) -> Mapping[int, bytes]:
    """The values of a linear file by tag; where a tag stands twice the first counts."""
    found: dict[int, bytes] = {}
    for record in records:
        found.setdefault(record.tag, record.value)
    return found


class IdentificationMalformed(FormatError):
    """What stands where the card identification code should be is none (the driver's -20)."""


def _needed(values: Mapping[int, bytes], tag: int, what: str) -> bytes:
    try:
        return values[tag]
    except KeyError:
        raise FormatError(f"{what} has no record {tag:02X}") from None


@dataclass(frozen=True, slots=True)
class CardIdentification:
    """卡的识别码, 16 bytes. Source: card.md §1.5."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != IDENTIFICATION_LENGTH:
            raise IdentificationMalformed(
                f"the card identification code has {IDENTIFICATION_LENGTH} bytes, not {len(self.raw)}"
            )
        if not is_decimal(self.raw[:3]):
            raise IdentificationMalformed("the card identification code begins with no region code")

    @property
    def region(self) -> str:
        """Region code of issue, 6 digits."""
        return self.raw[:3].hex()

    @property
    def serial(self) -> bytes:
        """4 bytes, equal to TA–TD of the ATR on production cards."""
        return self.raw[8:12]

    def __str__(self) -> str:
        return self.raw.hex().upper()


@dataclass(frozen=True, slots=True)
class IssuerData:
    """EF05 of the SSSE. `issued` and `expires` are None where the card holds no date.

    `version` is what cards are told apart by ("2.0"), `version_field` all that stands there ("2.00").
    """

    identification: CardIdentification
    card_class: str
    version: str
    initialising_body: bytes
    issued: date | None
    expires: date | None
    card_number: str
    version_field: str = ""

    @classmethod
    def of(cls, records: Iterable[TagLengthRecord]) -> IssuerData:
        """
        Raises:
            FormatError: a record is missing, or its bytes do not fit.
        """
        values = by_tag(records)
        return cls(
            CardIdentification(_needed(values, 0x01, "EF05")),
            text_of(values.get(0x02, b"")),
            version_of(values.get(0x03, b"")),
            values.get(0x04, b""),
            _date_or_none(values.get(0x05, b"")),
            _date_or_none(values.get(0x06, b"")),
            _card_number(_needed(values, 0x07, "EF05")),
            text_of(values.get(0x03, b"")),
        )


def version_of(raw: bytes) -> str:
    """ "1.0", "2.0", "3.0": the first three characters; an empty field means 1.0. Source: card.md §1.5, tag 03.

    Raises:
        FormatError: these are no version; what the card wants is not guessed at then.
    """
    version = text_of(raw)[:3]
    if version and not _VERSION.fullmatch(version):
        raise FormatError("the specification version is none")
    return version or "1.0"


def _card_number(raw: bytes) -> str:
    """Letters and digits; whether the last is the right check character is not asked (card.md §1.5)."""
    number = text_of(raw)
    if not _CARD_NUMBER.fullmatch(number):
        raise FormatError("the card number is no letters and digits")
    return number


def _date_or_none(raw: bytes) -> date | None:
    return date_of_bcd(raw) if raw and raw.strip(FILLING) else None


@dataclass(frozen=True, slots=True)
class Cardholder:
    """EF06 of the SSSE. Personal: shown masked, never kept in a journal."""

    social_security_number: str
    name: str
    sex: str
    nation: str
    birth_place: str
    birth_date: date | None

    @classmethod
    def of(cls, records: Iterable[TagLengthRecord]) -> Cardholder:
        """The name is tag 09 with its overflow in 4E, joined before decoding.

        Raises:
            FormatError: a date or digits that are none.
        """
        values = by_tag(records)
        name = values.get(0x09, b"").rstrip(FILLING) + values.get(0x4E, b"")
        return cls(
            text_of(values.get(0x08, b"")),
            text_of(name),
            text_of(values.get(0x0A, b"")),
            digits_of_bcd(values.get(0x0B, b"")),
            digits_of_bcd(values.get(0x0C, b"")),
            _date_or_none(values.get(0x0D, b"")),
        )

    def __repr__(self) -> str:
        return f"Cardholder({masked_name(self.name)})"


def masked_name(name: str) -> str:
    """张三 → 张*, 张小三 → 张*三: the first and, from three characters on, the last. Source: counter.md screen rule 4."""
    if len(name) <= 1:
        return name
    return name[0] + "*" * max(1, len(name) - 2) + (name[-1] if len(name) > 2 else "")


LONG_NUMBER, SHORTEST_SHOWN = 15, 8
"""Characters: an identity number has 15 or 18, a card number 9; whatever is no longer than 8 is hidden altogether."""


def masked_number(number: str) -> str:
    """An identity number with its first 4 and last 4 characters, a card number of 9 with 2 and 3: four stay hidden.

    Source: counter.md screen rule 4; PCI DSS 3.4.1 (never more than the first six and the last four). The 2 and 3: our choice.
    """
    first, last = (4, 4) if len(number) >= LONG_NUMBER else (2, 3)
    if len(number) <= SHORTEST_SHOWN:
        return "*" * len(number)
    return number[:first] + "*" * (len(number) - first - last) + number[-last:]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of DF04 EF08: a load (31) or a medical purchase (32), `time` as 7 bytes BCD.

    `number` is the counter before the transaction (inferred, card.md §9.8).
    """

    number: int
    kind: int
    terminal: bytes
    time: bytes
    account: Fen
    self_paid: Fen = Fen(0)  # noqa: RUF009 - Fen is an immutable int
    pooled: Fen = Fen(0)  # noqa: RUF009

    @classmethod
    def parse(cls, raw: bytes) -> LogRecord:
        """A record of 28 bytes, or of 20 from a card in account-only mode.

        Raises:
            FormatError: any other length.
        """
        match len(raw):
            case _LOG_RECORD.size:
                number, kind, terminal, time, account, self_paid, pooled = _LOG_RECORD.unpack(raw)
                return cls(number, kind, terminal, time, Fen(account), Fen(self_paid), Fen(pooled))
            case _LOG_RECORD_ACCOUNT_ONLY.size:
                number, kind, terminal, time, account = _LOG_RECORD_ACCOUNT_ONLY.unpack(raw)
                return cls(number, kind, terminal, time, Fen(account))
        raise FormatError(
            f"a log record has {_LOG_RECORD.size} bytes or {_LOG_RECORD_ACCOUNT_ONLY.size}, not {len(raw)}"
        )

    def build(self, length: int = LOG_RECORD_LENGTH) -> bytes:
        """28 bytes, or the first 20 of them."""
        head = self.number.to_bytes(2, "big") + bytes((self.kind,)) + self.terminal + self.time
        return (head + self.account.to_bytes4() + self.self_paid.to_bytes4() + self.pooled.to_bytes4())[
            :length
        ]

    @staticmethod
    def is_empty(raw: bytes) -> bool:
        """All 00 or all FF: no transaction. Source: card.md §4.6."""
        return not raw.strip(b"\x00") or not raw.strip(b"\xff")


@dataclass(frozen=True, slots=True)
class AmountFile:
    """The internal amount file of DF04, 20 bytes; `year` BCD YYYY, `starting_day` BCD MMDD."""

    load_counter: int
    purchase_counter: int
    cia: Fen
    spip: Fen
    spfp: Fen
    year: bytes
    starting_day: bytes

    @classmethod
    def parse(cls, raw: bytes) -> AmountFile:
        """Hot on the card, so by hand; layouts.AMOUNT_FILE declares the same.

        Raises:
            FormatError: not 20 bytes.
        """
        if len(raw) != _AMOUNT_FILE.size:
            raise FormatError(f"the amount file has {_AMOUNT_FILE.size} bytes, not {len(raw)}")
        loads, purchases, cia, spip, spfp, year, day = _AMOUNT_FILE.unpack(raw)
        return cls(loads, purchases, Fen(cia), Fen(spip), Fen(spfp), year, day)

    def build(self) -> bytes:
        counters, days = (self.load_counter, self.purchase_counter), (self.year, self.starting_day)
        return _AMOUNT_FILE.pack(*counters, self.cia, self.spip, self.spfp, *days)
