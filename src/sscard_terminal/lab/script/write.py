"""Statements as text again: what `script convert` writes, and what parse.py reads back as the same statements.

Not here: comments and blank lines, which no statement holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .masks import written_answer, written_mask
from .syntax import (
    Argument,
    Ask,
    Break,
    Command,
    Complete,
    Echo,
    Exit,
    Expectation,
    Fault,
    Fresh,
    Include,
    Let,
    Masked,
    Octets,
    On,
    Part,
    Power,
    Repeat,
    Reset,
    Script,
    Section,
    Set,
    Statement,
    TearBlock,
    Text,
    UseCard,
    UseImage,
    UsePsam,
    UseReader,
    UseTranscript,
    Wait,
)

HEAD = "#! sscard 1"
INDENT = "    "
ARROW_COLUMN = 38


def written(script: Script) -> str:
    """The script as a text; masked bytes, which the language cannot say, become $card.pin."""
    return "".join(line + "\n" for line in (HEAD, *_lines(script.statements, "")))


def _lines(statements: Iterable[Statement], indent: str) -> Iterator[str]:
    for statement in statements:
        match statement:
            case Repeat(_, count, body, name):
                head = f"repeat {count} as {name}" if name else f"repeat {count}"
                yield from _block(head, body, indent)
            case On(_, name, body):
                yield from _block(f"on {name}", body, indent)
            case TearBlock(_, writes, body, target):
                yield from _block(f"{_to(target)}tear after-write {writes}", body, indent)
            case Section():
                yield ""
                yield indent + written_statement(statement)
            case _:
                yield indent + written_statement(statement)


def _block(head: str, body: tuple[Statement, ...], indent: str) -> Iterator[str]:
    yield f"{indent}{head} {{"
    yield from _lines(body, indent + INDENT)
    yield indent + "}"


def written_statement(statement: Statement) -> str:
    """One statement that is no block, on one line."""
    match statement:
        case Command(_, parts, expectation, target):
            return _with_expectation(_to(target) + written_parts(parts), expectation)
        case Reset(_, cold, atr, target):
            text = f"{_to(target)}reset {'cold' if cold else 'warm'}"
            return text if atr is None else f"{text} -> {written_mask(atr)}"
        case Power(_, on, target):
            return f"{_to(target)}power {'on' if on else 'off'}"
        case Fault(_, verb, target):
            return f"{_to(target)}{verb}"
        case Fresh(_, name):
            return f"fresh {name}"
        case UseCard() | UsePsam() | UseImage() | UseReader() | UseTranscript():
            return f"use {_used(statement)} as {statement.name}"
        case Section(_, title, requirement, only):
            text = f"section {_quoted(title)}"
            text += f" requirement {_quoted(requirement)}" if requirement else ""
            return text + (f" only {' '.join(only)}" if only else "")
        case Complete(_, on):
            return f"complete {'on' if on else 'off'}"
        case Set(_, name, parts):
            return f"set {name} = {written_parts(parts)}"
        case Let(_, name, function, arguments, target):
            called = f"{target}.{function}" if target else function
            return f"let {name} = {called}({', '.join(map(_argument, arguments))})"
        case Ask(_, name):
            return f"ask pin {name}"
        case Include(_, file):
            return f"include {_quoted(file)}"
        case Echo(_, text):
            return f"echo {_quoted(text)}"
        case Wait(_, duration_ms):
            return f"wait {duration_ms} ms"
        case Exit():
            return "exit"
        case _:
            raise TypeError(f"{type(statement).__name__} is a block")


def _used(use: UseCard | UsePsam | UseImage | UseReader | UseTranscript) -> str:
    match use:
        case UseCard(_, profile, person, balance):
            text = f"card {_name(profile)}" + (f" person {_name(person)}" if person else "")
            return text + (f" balance {balance}" if balance else "")
        case UsePsam(_, profile):
            return f"psam {_name(profile)}"
        case UseImage(_, file):
            return f"image {_quoted(file)}"
        case UseReader(_, reader):
            return f"reader {_quoted(reader)}"
        case UseTranscript(_, file):
            return f"transcript {_quoted(file)}"


def _with_expectation(text: str, expectation: Expectation | None) -> str:
    match expectation:
        case None:
            return text
        case Break(reason):
            return f"{text:<{ARROW_COLUMN}} -> link {reason}".rstrip()
        case answer:
            return f"{text:<{ARROW_COLUMN}} -> {written_answer(answer)}"


def written_parts(parts: Iterable[Part]) -> str:
    """Bytes in pairs, variables by name."""
    return " ".join(_part(part) for part in parts)


def _part(part: Part) -> str:
    match part:
        case Octets(value):
            return value.hex(" ").upper()
        case Masked():
            return "$card.pin"
        case variable:
            return str(variable)


def _argument(argument: Argument) -> str:
    return _quoted(argument.value) if isinstance(argument, Text) else written_parts(argument)


def _to(target: str) -> str:
    return f"{target}: " if target else ""


def _name(name: str) -> str:
    plain = name and name[0].isalnum() and name.isascii() and all(c.isalnum() or c in "._-" for c in name)
    return name if plain else _quoted(name)


def _quoted(text: str) -> str:
    """A text in quotes; what a text cannot hold is replaced."""
    flat = " ".join(text.splitlines()).replace('"', "'")
    return f'"{flat}"'
