"""Scripts of opensc-explorer: the commands that send something everybody can tell; the others are refused by name.

Its words as ISO/IEC 7816-4 commands, as OpenSC's driver for plain ISO cards sends them; other drivers send others.
Source: scripts.md §4; the manual page of opensc-explorer 0.23.

    cd aid:D15600000503
    apdu B0 26 00 01 04
    verify CHV1 "1234"
    update_binary 0015 0 41:42:43
"""

from __future__ import annotations

import re

from ..script.syntax import Complete, Echo, Exit, Script
from .source import Source, Word, lowest

COMMANDS = (
    *("apdu", "asn1", "cat", "cd", "change", "create", "debug", "delete", "do_get", "do_put", "echo"),
    *("erase", "find", "find_tags", "get", "get_record", "help", "info", "ls", "mkdir", "pin_info"),
    *("put", "quit", "random", "rm", "sm", "unblock", "update_binary", "update_record", "verify", "exit"),
)  # fmt: skip
READ = (
    *("apdu", "verify", "change", "unblock", "cd", "cat", "update_binary", "update_record", "random"),
    *("echo", "quit", "exit"),
)  # fmt: skip
_MOST_WORDS = 260
_FID = re.compile(r"[0-9A-Fa-f]{4}")
_REFERENCE = re.compile(r"CHV([0-9]{1,3})", re.IGNORECASE)
_KEYS = re.compile(r"(KEY|AUT|PRO)([0-9]{1,3})?", re.IGNORECASE)
_USAGE = {
    "cd": "cd ..|FID|aid:AID",
    "cat": "cat [FID|sfi:N [NUMBER]]",
    "verify": "verify CHVn PIN",
    "change": "change CHVn [OLD] NEW",
    "unblock": "unblock CHVn PUK NEW",
    "update_binary": "update_binary FID OFFSET DATA",
    "update_record": "update_record FID NUMBER 0 DATA",
    "random": "random COUNT",
    "apdu": "apdu DATA",
}
_SELECT_BY_FID, _SELECT_BY_AID = bytes.fromhex("00A40000"), bytes.fromhex("00A40400")
_MF = "3F00"


def read(text: str, file: str) -> Script:
    """A script of opensc-explorer.

    Raises:
        ScriptError: what is refused or wrong.
    """
    reader = _Reader(Source.of(text, file))
    for number, line in reader.source.numbered():
        words = reader.source.words(number, _after_prompt(line), len(line) - len(_after_prompt(line)) + 1)
        if len(words) > _MOST_WORDS:
            raise reader.source.wrong(number, words[_MOST_WORDS].column, "words", most=_MOST_WORDS)
        if words:
            reader.remark_comment(number, line, words[-1])
        if words and not reader.take(number, words[0], words[1:]):
            break
    return reader.source.script()


def _after_prompt(line: str) -> str:
    return re.sub(r"^OpenSC \[[^\]]*\]> ?", "", line)


class _Reader:
    """Knows where in the file tree the script stands, for `cd ..`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._path: list[bytes] = [bytes.fromhex(_MF)]
        self._line = 1
        self._command = Word("", 1)
        source.add(Complete(source.at(1), True))

    def remark_comment(self, number: int, line: str, last: Word) -> None:
        """A comment behind a command, which opensc-explorer takes for an argument."""
        end = last.column - 1 + len(last.text) + 2 * last.is_quoted
        if "#" in line[end:]:
            self.source.remark(number, line.index("#", end) + 1, "explorer-comment")

    def take(self, line: int, command: Word, arguments: list[Word]) -> bool:
        """Whether the script goes on after this line."""
        self._line, self._command = line, command
        name = self._whole_name(command)
        match name, arguments:
            case "apdu", [_, *_]:
                self._send(b"".join(map(self._data, arguments)))
            case "verify", [kind, *rest]:
                self._verify(*self._reference(kind, rest))
            case "change", [kind, *rest]:
                self._change(*self._reference(kind, rest))
            case "unblock", [kind, *rest]:
                self._unblock(*self._reference(kind, rest))
            case "cd", [where]:
                self._cd(where)
            case "cat", []:
                self._cat(None)
            case "cat", [file]:
                self._cat(file)
            case "cat", [file, number]:
                self._record(file, number)
            case "update_binary", [file, offset, data]:
                self._update_binary(file, offset, data)
            case "update_record", [file, number, offset, data]:
                self._update_record(file, number, offset, data)
            case "random", [count]:
                self._send(bytes.fromhex("00840000") + bytes((self._number(count, 1, 255),)))
            case "echo", _:
                self.source.add(
                    Echo(self.source.at(line, command.column), " ".join(word.text for word in arguments))
                )
            case "quit" | "exit", []:
                self.source.add(Exit(self.source.at(line, command.column)))
                return False
            case _ if name in READ:
                raise self._wrong(command, "arguments", command=name, usage=_USAGE.get(name, name))
            case _:
                raise self._wrong(command, "refused", command=name, tool="opensc-explorer")
        return True

    def _whole_name(self, word: Word) -> str:
        """A command may be shortened as long as only one begins so."""
        text = word.text.lower()
        if text in COMMANDS:
            return text
        found = [name for name in COMMANDS if text and name.startswith(text)]
        if len(found) > 1:
            raise self._wrong(word, "ambiguous", known=", ".join(found))
        if not found:
            raise self._wrong(word, "command", tool="opensc-explorer")
        return found[0]

    def _reference(self, kind: Word, rest: list[Word]) -> tuple[int, list[bytes]]:
        """CHV1, or CHV 1 as older versions have it; and the values after it."""
        if kind.text.upper() == "CHV" and rest:
            kind, rest = Word(f"CHV{rest[0].text}", rest[0].column), rest[1:]
        if _KEYS.fullmatch(kind.text):
            raise self._wrong(kind, "pin-type")
        found = _REFERENCE.fullmatch(kind.text)
        if found is None or int(found[1]) > 255:
            raise self._wrong(kind, "pin-reference")
        return int(found[1]), [self._data(word) for word in rest]

    def _verify(self, reference: int, values: list[bytes]) -> None:
        match values:
            case [pin] if pin:
                self._pin_command(0x20, 0x00, reference, pin)
            case []:
                raise self._wrong(self._command, "pin-pad")
            case _:
                raise self._wrong(self._command, "arguments", command="verify", usage=_USAGE["verify"])

    def _change(self, reference: int, values: list[bytes]) -> None:
        match values:
            case [new] if new:
                self._pin_command(0x24, 0x01, reference, new)
            case [old, new] if new:
                self._pin_command(0x24, 0x00 if old else 0x01, reference, old + new)
            case []:
                raise self._wrong(self._command, "pin-pad")
            case _:
                raise self._wrong(self._command, "arguments", command="change", usage=_USAGE["change"])

    def _unblock(self, reference: int, values: list[bytes]) -> None:
        """Of a resetting code and a new PIN either may be "" (ISO/IEC 7816-4 §11.6.10: P1)."""
        match values:
            case [puk, new]:
                p1 = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[
                    bool(puk), bool(new)
                ]
                self._pin_command(0x2C, p1, reference, puk + new)
            case [] | [_]:
                raise self._wrong(self._command, "pin-pad")
            case _:
                raise self._wrong(self._command, "arguments", command="unblock", usage=_USAGE["unblock"])

    def _pin_command(self, ins: int, p1: int, reference: int, data: bytes) -> None:
        if len(data) > 255:
            raise self._wrong(self._command, "data-long", most=255)
        self._send(bytes((0x00, ins, p1, reference)) + (lowest(data) + data if data else b""))

    def _cd(self, where: Word) -> None:
        if where.text.lower().startswith("aid:"):
            aid = self.source.octets(self._line, where.column + 4, where.text[4:], ":")
            if not 0 < len(aid) <= 16:
                raise self._wrong(where, "aid")
            self._path = [bytes.fromhex(_MF), _SELECT_BY_AID + lowest(aid) + aid]
            self._send(self._path[-1])
        elif where.text == "..":
            if len(self._path) < 2:
                raise self._wrong(where, "above-mf")
            self._path.pop()
            for step in self._path:
                self._send(step if len(step) > 2 else _SELECT_BY_FID + lowest(step) + step)
        else:
            fid = self._fid(where)
            self._path = [fid] if fid.hex().upper() == _MF else [*self._path, fid]
            self._select(fid)

    def _cat(self, file: Word | None) -> None:
        """The beginning of a file; opensc-explorer goes on until its end, whose place only the card tells."""
        p1 = 0
        if file is not None and file.text.lower().startswith("sfi:"):
            p1 = 0x80 | self._number(Word(file.text[4:], file.column + 4), 1, 30)
        elif file is not None:
            self._select(self._fid(file))
        self.source.remark(self._line, self._command.column, "explorer-cat")
        self._send(bytes((0x00, 0xB0, p1, 0x00, 0x00)))

    def _record(self, file: Word, number: Word) -> None:
        record = self._number(number, 1, 255)
        if file.text.lower().startswith("sfi:"):
            sfi = self._number(Word(file.text[4:], file.column + 4), 1, 30)
            self._send(bytes((0x00, 0xB2, record, sfi << 3 | 4, 0x00)))
        else:
            self._select(self._fid(file))
            self._send(bytes((0x00, 0xB2, record, 0x04, 0x00)))

    def _update_binary(self, file: Word, offset: Word, data: Word) -> None:
        fid, place, value = self._fid(file), self._number(offset, 0, 0x7FFF), self._value(data)
        self._select(fid)
        self._send(bytes((0x00, 0xD6, place >> 8, place & 0xFF)) + lowest(value) + value)

    def _update_record(self, file: Word, number: Word, offset: Word, data: Word) -> None:
        fid, record, value = self._fid(file), self._number(number, 1, 255), self._value(data)
        if self._number(offset, 0, 0xFFFF):
            raise self._wrong(offset, "record-offset")
        self._select(fid)
        self._send(bytes((0x00, 0xDC, record, 0x04)) + lowest(value) + value)

    def _value(self, word: Word) -> bytes:
        value = self._data(word)
        if not 0 < len(value) < 256:
            raise self._wrong(word, "data-long", most=255)
        return value

    def _data(self, word: Word) -> bytes:
        """Hexadecimal digits, with or without colons, or a text in quotes."""
        if word.is_quoted:
            return word.text.encode()
        return self.source.octets(self._line, word.column, word.text, ":")

    def _fid(self, word: Word) -> bytes:
        if not _FID.fullmatch(word.text):
            raise self._wrong(word, "fid")
        return bytes.fromhex(word.text)

    def _number(self, word: Word, least: int, most: int) -> int:
        text = word.text.lower()
        if re.fullmatch(r"0x[0-9a-f]{1,4}", text):
            value = int(text, 16)
        elif re.fullmatch(r"[0-9]{1,5}", text):
            value = int(text)
        else:
            raise self._wrong(word, "between", least=least, most=most)
        if not least <= value <= most:
            raise self._wrong(word, "between", least=least, most=most)
        return value

    def _select(self, fid: bytes) -> None:
        self._send(_SELECT_BY_FID + lowest(fid) + fid)

    def _send(self, raw: bytes) -> None:
        self.source.command(self._line, self._command.column, raw)

    def _wrong(self, word: Word, key: str, **facts: object) -> Exception:
        return self.source.wrong(self._line, word.column, key, **facts)
