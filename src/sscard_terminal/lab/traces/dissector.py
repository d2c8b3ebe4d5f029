"""The Lua dissector that shows Wireshark our commands: made from the same tables and words as every trace (voice/apdus).

Without it Wireshark shows a SIM's names (`B0 26` is DISABLE CHV there). It takes GSMTAP's packets of type SIM over; where a
capture holds SIM cards, start Wireshark without it.
Source: the Wireshark Developer's Guide, chapter 11 (Lua).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sscard_terminal.iso7816.status import STATUS_WORDS, Language
from sscard_terminal.voice.apdus.commands import BY_HEADER, BY_INSTRUCTION, LOG_RECORD, SETTLEMENT_RECORD
from sscard_terminal.voice.apdus.files import DF_BY_ID, DF_BY_NAME, TAGS
from sscard_terminal.voice.apdus.parts import (
    REST,
    Form,
    Part,
    Told,
    amount,
    date,
    day_of_year,
    decimal_amount,
    digits,
    number,
    text,
    time,
)
from sscard_terminal.voice.apdus.telling import words

from .dissector_lua import HEAD, PROGRAM

_FORMS: Mapping[Form, str] = {
    amount: "amount",
    decimal_amount: "decimal_amount",
    number: "number",
    digits: "digits",
    date: "date",
    time: "time",
    day_of_year: "day",
    text: "text",
}
"""How a part reads, by the name of the function in Lua; any other reads as hex, with a code's word where there is one."""
_BY_NAME: dict[str, str] = {
    "00A4": "command.select",
    "00C0": "command.get-response",
    "0020": "command.verify",
    "0082": "command.external-authenticate",
    "00B0": "command.read-binary",
    "00B2": "command.read-record",
    "00D6": "command.update-binary",
    "04D6": "command.update-binary",
    "00DC": "command.update-record",
    "04DC": "command.update-record",
    "BFDE": "command.delivery-session-key",
}
"""Commands whose parts depend on what went before (voice/apdus/telling.py)."""


def lua(language: Language) -> str:
    """The dissector's source, in the words of `language`."""
    said = words(language)
    tables = [
        (
            "HEADERS",
            _commands(
                {key.hex().upper(): (row.key, row.sends, row.answers) for key, row in BY_HEADER.items()}, said
            ),
        ),
        (
            "INSTRUCTIONS",
            _commands(
                {key.hex().upper(): (row.key, row.sends, row.answers) for key, row in BY_INSTRUCTION.items()},
                said,
            ),
        ),
        ("NAMES", _pairs((key, said[word]) for key, word in _BY_NAME.items())),
        ("DF_BY_NAME", _pairs((name.hex().upper(), df) for name, df in DF_BY_NAME.items())),
        ("DF_BY_ID", _pairs((f"{number:04X}", df) for number, df in DF_BY_ID.items())),
        (
            "DFS",
            _pairs((key.removeprefix("df."), word) for key, word in said.items() if key.startswith("df.")),
        ),
        (
            "FILES",
            _pairs(
                (key.removeprefix("file."), word) for key, word in said.items() if key.startswith("file.")
            ),
        ),
        ("TAGS", _tags(said)),
        ("ROWS", _rows(said)),
        ("CODES", _pairs((key, word) for key, word in said.items() if _is_code(key))),
        ("STATUS", _status(language)),
        ("WORDS", _pairs((key, said[key]) for key in _WORDS)),
    ]
    head = "".join(f"local {name} = {{\n{rows}}}\n" for name, rows in tables)
    return f"{HEAD}\n{head}\n{PROGRAM}"


_WORDS = ("yuan", "power-on", "no-answer", "command.query-tries")


def _is_code(key: str) -> bool:
    return key.partition(".")[0] in ("algorithm", "kind", "settlement", "class", "sex", "mode")


def _commands(
    rows: Mapping[str, tuple[str, tuple[Part, ...], tuple[Part, ...]]], said: Mapping[str, str]
) -> str:
    return "".join(
        f'  ["{key}"] = {{ name = {_quoted(said[name])}, sends = {_parts(sends, said)}, answers = {_parts(answers, said)} }},\n'
        for key, (name, sends, answers) in rows.items()
    )


def _parts(parts: tuple[Part, ...], said: Mapping[str, str]) -> str:
    return "{" + ", ".join(_part(part, said) for part in parts) + "}"


def _part(part: Part, said: Mapping[str, str]) -> str:
    secret = ", secret = true" if part.told is not Told.OPENLY else ""
    group = part.form.__qualname__.partition(".")[0] if part.form not in _FORMS else ""
    codes = f', codes = "{_group(part)}"' if group == "one_of" else ""
    form = _FORMS.get(part.form, "hex")
    length = "" if part.length == REST else f", length = {part.length}"
    name = part.key.partition(".")[2]
    return f'{{ key = "{name}", name = {_quoted(said[part.key])}, form = "{form}"{length}{codes}{secret} }}'


def _group(part: Part) -> str:
    """The group of codes a form of `one_of` names: it is in its closure."""
    closure = part.form.__closure__ or ()
    return next((str(cell.cell_contents) for cell in closure), "")


def _tags(said: Mapping[str, str]) -> str:
    return "".join(
        f'  ["{file}"] = {{ '
        + ", ".join(f"[{tag}] = {_part(part, said)}" for tag, part in tags.items())
        + " },\n"
        for file, tags in TAGS.items()
    )


def _rows(said: Mapping[str, str]) -> str:
    return "".join(
        f'  ["{file}"] = {_parts(parts, said)},\n'
        for file, parts in (("DF04/EF08", LOG_RECORD), ("DF04/EF15", SETTLEMENT_RECORD))
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f'  ["{key}"] = {_quoted(value)},\n' for key, value in pairs)


def _status(language: Language) -> str:
    return "".join(
        f"  {{ 0x{row.value:04X}, 0x{row.mask:04X}, {_quoted(row.zh if language == 'zh' else row.en)} }},\n"
        for row in STATUS_WORDS
    )


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
