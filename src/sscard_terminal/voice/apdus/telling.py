"""Tells a conversation exchange by exchange; remembers what is selected and whose answer is waited for, and no more.

Whatever the bytes are, it gives a line and never an error. Not here: which command has which parts (commands.py), what a
file holds (files.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language, StatusWord
from sscard_terminal.iso7816.tlv import BerTlv, parse_ber

from .commands import (
    AUTHENTICATION,
    BY_HEADER,
    BY_INSTRUCTION,
    DF04_KEYS,
    GLOBAL_KEYS,
    SAM_COMMANDS,
    SAM_KEYS,
    SECRET_INSTRUCTIONS,
    Known,
)
from .files import (
    DF_BY_ID,
    DF_BY_NAME,
    LAYOUTS,
    MF,
    PERSONAL_TAGS,
    PSAM,
    PSAM_SFIS,
    SSSE,
    TAGS,
    WITHHELD_FILES,
)
from .parts import REST, Part, Range, Told, Words, cut, masked, one_of, text

Cut = tuple[list[str], list[Range]]
"""The texts of a body's parts, and which of its bytes are withheld."""
_Reader = Callable[[bytes], Cut]
_HIDDEN_PINS = (Part("part.pin", REST, told=Told.NEVER),)
_FACTORS = (Part("part.factors", REST, told=Told.NEVER),)
_algorithm = one_of("fci-algorithm")
_NAMES = {
    b"\x00\xa4": "command.select",
    b"\x00\x20": "command.verify",
    b"\x00\x82": "command.external-authenticate",
    b"\x00\xb0": "command.read-binary",
    b"\x00\xb2": "command.read-record",
    b"\xbf\xde": "command.delivery-session-key",
    **dict.fromkeys((b"\x00\xd6", b"\x04\xd6"), "command.update-binary"),
    **dict.fromkeys((b"\x00\xdc", b"\x04\xdc"), "command.update-record"),
}
"""Of commands whose length fields do not fit."""


class Line(NamedTuple):
    """Bytes as hex, `**` for each that is withheld, and what they say."""

    octets: str
    says: str


@cache
def words(language: Language) -> Words:
    found: Mapping[str, str] = import_module(f"{__package__}.{language}").WORDS
    return found


class Telling:
    """One card's conversation, in one language. `reveals`: nothing is withheld; for a person's own test cards only."""

    def __init__(self, language: Language = "zh", *, reveals: bool = False) -> None:
        self._words = words(language)
        self._language: Language = language
        self._reveals = reveals
        self._meanings: dict[int, str] = {}
        self._comma, self._colon = self._words["comma"], self._words["colon"]
        self._df: str | None = None
        """None: nobody knows; the conversation may have begun before we listened."""
        self._ef: str | None = None
        self._selecting: tuple[str | None, str | None] | None = None
        self._is_psam = False
        self._is_query = False
        self._read: _Reader = self._unread
        self._commands: dict[bytes, Callable[[bytes, bytes], tuple[str, Cut]]] = {
            b"\x00\xa4": self._select,
            b"\x00\x20": self._verify,
            b"\x00\x82": self._external_authenticate,
            b"\x00\xb0": self._binary,
            b"\x00\xd6": self._binary,
            b"\x04\xd6": self._binary,
            b"\x00\xb2": self._record,
            b"\x00\xdc": self._record,
            b"\x04\xdc": self._record,
            b"\xbf\xde": self._session_key,
        }

    def powered(self, atr: bytes, *, is_reset: bool = False) -> Line:
        """The card was powered, or reset while it had power: what was selected is forgotten."""
        self._df, self._ef, self._selecting, self._is_psam = MF, None, None, False
        self._read = self._unread
        return Line(atr.hex().upper(), self._words["reset" if is_reset else "power-on"])

    def command(self, raw: bytes) -> Line:
        """What is asked."""
        header = raw[:4]
        if header == b"\x00\xc0\x00\x00":
            return Line(raw.hex().upper(), self._words["command.get-response"])
        self._selecting, self._read, self._is_query = None, self._unread, False
        if len(header) < 4:
            return Line(raw.hex().upper(), self._words["no-command"])
        start, end, fits = _body_of(raw)
        body = raw[start:end]
        if header[:2] in SAM_COMMANDS:
            self._at_psam()
        if (known := BY_HEADER.get(header) or BY_INSTRUCTION.get(header[:2])) is not None:
            name, (texts, ranges) = self._by_table(known, raw, body)
        elif fits and (tell := self._commands.get(header[:2])) is not None:
            name, (texts, ranges) = tell(raw, body)
        else:
            name, (texts, ranges) = self._unknown(raw, body, fits)
        says = f"{name}{self._colon}{self._comma.join(texts)}" if texts else name
        if ranges:
            return Line(masked(raw, [(start + first, start + last) for first, last in ranges]), says)
        return Line(raw.hex().upper(), says)

    def answer(self, raw: bytes | None) -> Line:
        """What the card says to it; None: nothing came."""
        if raw is None or not raw:
            return Line("", self._words["no-answer"])
        if len(raw) == 1:
            return Line("**", self._words["cut-answer"])
        sw = raw[-2] << 8 | raw[-1]
        meaning = self._meanings.get(sw) or self._meaning_of(sw)
        if self._is_query and sw & 0xFFF0 == 0x63C0:
            meaning = f"{sw:04X} {self._words['tries-left'].format(count=sw & 0x0F)}"
        if self._selecting is not None and (sw == 0x9000 or raw[-2] == 0x61):
            self._df, self._ef = self._selecting
            self._selecting = None
        if len(raw) == 2:
            return Line(meaning[:4], meaning)
        texts, ranges = self._read(raw[:-2])
        says = f"{meaning}{self._colon}{self._comma.join(texts)}"
        return Line(masked(raw, ranges) if ranges else raw.hex().upper(), says)

    def _meaning_of(self, sw: int) -> str:
        meaning = f"{sw:04X} {StatusWord(sw).meaning(self._language)}"
        self._meanings[sw] = meaning
        return meaning

    # Commands ---------------------------------------------------------------------------------------------

    def _by_table(self, known: Known, raw: bytes, body: bytes) -> tuple[str, Cut]:
        if known.answers:
            self._read = self._reader_of(known.answers)
        found = cut(known.sends, body, self._words, self._reveals)
        if found is None:
            found = self._odd(body, _has_secrets(known.sends) or raw[1] in SECRET_INSTRUCTIONS)
        return self._words[known.key], found

    def _unknown(self, raw: bytes, body: bytes, fits: bool) -> tuple[str, Cut]:
        """Not of this card, or of a length that does not fit; it may carry a PIN or a person's data all the same."""
        key = _NAMES.get(raw[:2], "command.unknown")
        name = self._words[key].format(cla=f"{raw[0]:02X}", ins=f"{raw[1]:02X}")
        is_secret = raw[1] in SECRET_INSTRUCTIONS or not fits
        if is_secret:
            self._read = self._withheld
        if not body:
            return name, ([], [])
        if not fits:
            return name, self._odd(body, is_secret)
        return name, self._withheld(body) if is_secret else self._unread(body)

    def _select(self, raw: bytes, target: bytes) -> tuple[str, Cut]:
        name = self._words["command.select"]
        self._read = self._control_information
        if raw[2] == 0x04:
            df = DF_BY_NAME.get(target) or _partly(target) or target.hex().upper()
            if df == PSAM:
                self._at_psam()
            self._selecting = (df, None)
            return name, ([self._words.get(f"df.{df}", df)], [])
        if len(target) % 2 or (raw[2] not in (0x00, 0x02, 0x08, 0x09)):
            return name, self._odd(target, is_secret=False)
        file_id = int.from_bytes(target[-2:], "big") if target else 0x3F00
        found = DF_BY_ID.get(file_id)
        if found is not None:
            df = self._df_of(found)
            self._selecting = (df, None)
            return name, ([self._words.get(f"df.{df}", df)], [])
        ef = f"EF{file_id & 0xFF:02X}" if file_id >> 8 == 0xEF else f"{file_id:04X}"
        if file_id < 0x100:
            self._at_psam()
        self._selecting = (self._df, ef)
        return name, ([self._file_word(self._key_of(ef))], [])

    def _at_psam(self) -> None:
        """It shows that this is a PSAM: what was taken for the card's DF01 is the PSAM's."""
        self._is_psam = True
        if self._df == "DF01":
            self._df = PSAM

    def _df_of(self, found: str) -> str:
        if found == "DDF1":
            return "SX2" if self._is_psam else SSSE
        return PSAM if found == "DF01" and self._is_psam else found

    def _verify(self, raw: bytes, pin: bytes) -> tuple[str, Cut]:
        if not pin:
            self._is_query = True
            return self._words["command.query-tries"], ([], [])
        return self._words["command.verify"], self._cut(_HIDDEN_PINS, pin)

    def _external_authenticate(self, raw: bytes, body: bytes) -> tuple[str, Cut]:
        key = GLOBAL_KEYS.get(raw[3]) or (DF04_KEYS.get(raw[3]) if self._df == "DF04" else None)
        texts, ranges = self._cut(AUTHENTICATION, body)
        return self._words["command.external-authenticate"], ([self._key_word(key, raw[3]), *texts], ranges)

    def _session_key(self, raw: bytes, body: bytes) -> tuple[str, Cut]:
        levels = self._words["levels"].format(count=raw[2] >> 5)
        texts, ranges = self._cut(_FACTORS, body)
        key = self._key_word(SAM_KEYS.get(raw[3]), raw[3])
        return self._words["command.delivery-session-key"], ([key, levels, *texts], ranges)

    def _key_word(self, key: str | None, key_id: int) -> str:
        return f"{self._words['part.key']} {key or f'{key_id:02X}'}"

    # Files ------------------------------------------------------------------------------------------------

    def _record(self, raw: bytes, body: bytes) -> tuple[str, Cut]:
        file = self._referred(raw[3] >> 3)
        mode = raw[3] & 0b111
        which = {4: "record", 5: "records-from", 6: "records-to", 7: "record"}.get(mode, "by-tag")
        told = f"{raw[2]:02X}" if which == "by-tag" else raw[2]
        place = [self._file_word(file), self._words[f"which.{which}"].format(told=told)]
        return self._reading_or_writing(raw, body, place, lambda data: self._records(data, file))

    def _binary(self, raw: bytes, body: bytes) -> tuple[str, Cut]:
        by_sfi = bool(raw[2] & 0x80)
        file = self._referred(raw[2] & 0x1F if by_sfi else 0)
        offset = raw[3] if by_sfi else raw[2] << 8 | raw[3]
        place = [self._file_word(file)]
        if offset:
            place.append(self._words["offset"].format(count=offset))
        return self._reading_or_writing(raw, body, place, lambda data: self._content(data, file, offset))

    def _reading_or_writing(
        self, raw: bytes, body: bytes, place: list[str], read: _Reader
    ) -> tuple[str, Cut]:
        kind = "record" if raw[1] in (0xB2, 0xDC) else "binary"
        if raw[1] in (0xB0, 0xB2):
            self._read = read
            if body:
                return self._words[f"command.read-{kind}"], self._odd(body, is_secret=False)
            return self._words[f"command.read-{kind}"], (place, [])
        is_protected = raw[0] == 0x04
        texts, ranges = read(body[:-4] if is_protected else body)
        if is_protected:
            texts = [*texts, f"{self._words['part.mac']} {body[-4:].hex().upper()}"]
        return self._words[f"command.update-{kind}"], ([*place, *texts], ranges)

    def _referred(self, sfi: int) -> str | None:
        """The key of the file a command refers to, None where nobody knows."""
        if sfi == 0:
            return None if self._ef is None else self._key_of(self._ef)
        if sfi in PSAM_SFIS and (self._is_psam or self._df == MF):
            self._at_psam()
            ef = f"00{sfi:02X}"
        else:
            ef = f"EF{sfi:02X}"
        self._selecting = (self._df, ef)
        return self._key_of(ef)

    def _key_of(self, ef: str) -> str:
        return f"{self._df or '?'}/{ef}" if ef.startswith("EF") else ef

    def _file_word(self, key: str | None) -> str:
        if key is None:
            return self._words["file.current"]
        name = key.rpartition("/")[2]
        word = self._words.get(f"file.{key}")
        return name if word is None else f"{name} {word}"

    # What a body says -------------------------------------------------------------------------------------

    def _records(self, data: bytes, file: str | None) -> Cut:
        if file in WITHHELD_FILES:
            return self._withheld(data)
        if (layouts := LAYOUTS.get(file or "")) is not None:
            return self._rows(layouts, data)
        if file == "SSSE/EF1E":
            return self._directory(data)
        tags = TAGS.get(file or "") or (PERSONAL_TAGS if file is None or file.startswith("?") else {})
        texts: list[str] = []
        ranges: list[Range] = []
        at, end = 0, len(data)
        while at + 2 <= end:
            tag, stop = data[at], at + 2 + data[at + 1]
            if stop > end:
                break
            self._tell_record(tags.get(tag), tag, data, at + 2, stop, texts, ranges)
            at = stop
        return (texts, ranges) if at == end else self._odd(data, _has_secrets(tags.values()))

    def _tell_record(
        self,
        part: Part | None,
        tag: int,
        data: bytes,
        start: int,
        stop: int,
        texts: list[str],
        ranges: list[Range],
    ) -> None:
        value = data[start:stop]
        found = None if part is None or not value else cut((part,), value, self._words, self._reveals)
        if found is None:
            texts.append(f"{tag:02X} {value.hex().upper()}".rstrip())
            return
        texts.append(f"{tag:02X} {found[0][0]}".rstrip())
        if found[1]:
            ranges.append((start, stop))

    def _rows(self, layouts: tuple[tuple[Part, ...], ...], data: bytes) -> Cut:
        for parts in layouts:
            length = sum(part.length for part in parts)
            if data and len(data) % length == 0:
                rows = [self._cut(parts, data[at : at + length]) for at in range(0, len(data), length)]
                if len(rows) == 1:
                    return rows[0]
                return [self._comma.join(texts) for texts, _ in rows], []
        return self._odd(data, is_secret=False)

    def _content(self, data: bytes, file: str | None, offset: int) -> Cut:
        if file in WITHHELD_FILES or file in ("?/EF07", "?/EF08"):
            return self._withheld(data)
        layouts = LAYOUTS.get(file or "")
        if layouts is not None and offset == 0:
            return self._rows(layouts, data)
        return self._unread(data)

    def _directory(self, data: bytes) -> Cut:
        """EF DIR: 61 templates with the name (4F) and the label (50) of each application."""
        try:
            found = [_application(template) for template in parse_ber(data)]
        except FormatError:
            return self._unread(data)
        return [self._words.get(f"df.{DF_BY_NAME.get(name, '')}", label) for name, label in found], []

    def _control_information(self, data: bytes) -> Cut:
        """The FCI: the name, and on a card that says so its algorithm."""
        try:
            (template,) = parse_ber(data)
            name = template.find(0x84)
            algorithm = template.find(0xA5, 0x9F0C, 0x86)
        except (FormatError, ValueError):
            return self._unread(data)
        texts = []
        if name is not None:
            df = DF_BY_NAME.get(name, "")
            texts.append(self._words.get(f"df.{df}") or name.hex().upper())
        if algorithm is not None:
            texts.append(f"{self._words['part.algorithm']} {_algorithm(algorithm, self._words)}")
        return (texts, []) if texts else self._unread(data)

    def _reader_of(self, parts: tuple[Part, ...]) -> _Reader:
        return lambda data: self._cut(parts, data)

    def _cut(self, parts: tuple[Part, ...], body: bytes) -> Cut:
        """The parts' texts; a body of another length is told by its length alone."""
        found = cut(parts, body, self._words, self._reveals)
        return self._odd(body, _has_secrets(parts)) if found is None else found

    def _odd(self, body: bytes, is_secret: bool) -> Cut:
        """A body that does not fit."""
        told = [self._words["odd-length"].format(count=len(body))]
        return told, [(0, len(body))] if is_secret and body and not self._reveals else []

    def _unread(self, data: bytes) -> Cut:
        return [self._words["bytes"].format(count=len(data))], []

    def _withheld(self, data: bytes) -> Cut:
        return [self._words["bytes"].format(count=len(data))], [] if self._reveals else [(0, len(data))]


def _body_of(raw: bytes) -> tuple[int, int, bool]:
    """Where the data of a command lie, and whether its length fields fit; if not, all after P3."""
    length = len(raw)
    if length <= 5:
        return length, length, True
    if (count := raw[4]) != 0:
        end = 5 + count
        return (5, end, True) if length in (end, end + 1) else (5, length, False)
    if length <= 7:
        return (7, 7, True) if length == 7 else (5, length, False)
    count = raw[5] << 8 | raw[6]
    end = 7 + count
    return (7, end, True) if count and length in (end, end + 2) else (5, length, False)


def _has_secrets(parts: Iterable[Part]) -> bool:
    return any(part.told is not Told.OPENLY for part in parts)


def _partly(target: bytes) -> str | None:
    """Partial names match in tree order. Source: card.md §10 B24."""
    return next((df for name, df in DF_BY_NAME.items() if target and name.startswith(target)), None)


def _application(template: BerTlv) -> tuple[bytes, str]:
    return template.find(0x4F) or b"", text(template.find(0x50) or b"", {})
