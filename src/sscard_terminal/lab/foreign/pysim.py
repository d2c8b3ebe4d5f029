"""Scripts of pySim-shell: apdu lines with what they expect; what depends on pySim's file tables is refused by name.

pySim's reader fetches 61xx by itself, so a script of it begins with `complete on`.
Source: scripts.md §6; the source of pySim-shell (do_apdu).

    set apdu_trace true
    reset
    apdu 00a40400023f00 --expect-sw 6f?? --expect-response-regex '^6f.*'
"""

from __future__ import annotations

import re

from ..script.masks import parse_word
from ..script.syntax import ANY_WORD, Answer, Complete, Echo, Exit, Reset, Script
from .regex import mask_of
from .source import Source, Word

_REFUSED = frozenset((
    *("select", "verify_chv", "change_chv", "unblock_chv", "disable_chv", "enable_chv", "verify_adm"),
    *("read_binary", "read_binary_decoded", "read_record", "read_records", "update_binary"),
    *("update_binary_decoded", "update_record", "update_record_decoded", "edit_binary_decoded"),
    *("status", "dir", "tree", "desc", "cardinfo", "card_info", "export", "fsdump", "alias", "macro"),
    *("run_script", "run_pyscript", "shell", "py", "ipy", "edit", "history", "bulk_script", "fsm"),
    *("activate_file", "deactivate_file", "create_ef", "create_df", "delete_file", "open_channel"),
    *("close_channel", "switch_channel", "suspend_uicc", "resume_uicc", "authenticate"),
    *("terminal_capability", "envelope", "envelope_sms", "establish_scp02", "establish_scp03"),
    *("release_scp", "get_data", "store_data", "put_key", "install_for_load", "load"),
    *("delete_card_content", "shortcuts", "version", "decode_hex", "lchan"),
))  # fmt: skip
_PASSED_OVER = frozenset(("set", "equip", "intro"))
_WORD_PATTERN = re.compile(r"[0-9a-fA-F?xX]{4}")


def read(text: str, file: str) -> Script:
    """A script of pySim-shell.

    Raises:
        ScriptError: what is refused or wrong.
    """
    source = Source.of(text, file)
    source.add(Complete(source.at(1), True))
    for number, line in source.numbered():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = source.words(number, line, quotes="\"'", comment="")
        if not _line(source, number, words):
            break
    return source.script()


def _line(source: Source, number: int, words: list[Word]) -> bool:
    """Whether the script goes on."""
    first, rest = words[0], words[1:]
    at = source.at(number, first.column)
    piped = next((word for word in rest if not word.is_quoted and word.text[:1] in ("|", ">", ";")), None)
    if piped is not None:
        raise source.wrong(number, piped.column, "refused", command=piped.text[:1], tool="pySim-shell")
    match first.text:
        case "apdu":
            _apdu(source, number, first, rest)
        case "reset" if not rest:
            source.add(Reset(at, cold=True))
        case "echo":
            source.add(Echo(at, " ".join(word.text for word in rest)))
        case "quit" | "exit" | "q" if not rest:
            source.add(Exit(at))
            return False
        case word if word in _PASSED_OVER:
            pass
        case word if word in _REFUSED:
            raise source.wrong(number, first.column, "refused", command=word, tool="pySim-shell")
        case word if word[:1] in ("!", "@", "?"):
            raise source.wrong(number, first.column, "refused", command=word[:1], tool="pySim-shell")
        case "reset" | "quit" | "exit" | "q" as word:
            raise source.wrong(number, rest[0].column, "arguments", command=word, usage=word)
        case _:
            raise source.wrong(number, first.column, "command", tool="pySim-shell")
    return True


def _apdu(source: Source, number: int, first: Word, words: list[Word]) -> None:
    raw: bytes | None = None
    expected_word, pattern = ANY_WORD, None
    left = iter(words)
    for word in left:
        option, equals, joined = word.text.partition("=") if not word.is_quoted else (word.text, "", "")
        if option in ("--expect-sw", "--expect-response-regex"):
            value = Word(joined, word.column + len(option) + 1) if equals else next(left, None)
            if value is None:
                raise source.wrong(number, word.column, "arguments", command=option, usage=f"{option} …")
            if option == "--expect-sw":
                if not _WORD_PATTERN.fullmatch(value.text):
                    raise source.wrong(number, value.column, "word")
                if value.text != value.text.lower():
                    source.remark(number, value.column, "pysim-case")
                expected_word = parse_word(value.text.replace("?", "x"))
            else:
                pattern = value
        elif option == "--raw":
            pass
        elif option.startswith("-") or raw is not None:
            raise source.wrong(number, word.column, "arguments", command="apdu", usage=_USAGE)
        else:
            raw = source.octets(number, word.column, word.text, " ")
    if raw is None:
        raise source.wrong(number, first.column, "arguments", command="apdu", usage=_USAGE)
    data = mask_of(source, number, pattern) if pattern is not None else None
    wants = data is not None or expected_word is not ANY_WORD
    source.command(number, first.column, raw, Answer((expected_word,), data) if wants else None)


_USAGE = "apdu [--expect-sw XXXX] [--expect-response-regex PATTERN] [--raw] HEX"
