"""A piece of text through the grammar, and the parser's tree made into statements.

Not here: whole files (parse.py) and what the errors say (words.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from sscard_terminal.card.control.verbs import LONGEST_MUTE_MS, MOST_WRITES, VerbError, parse_verb

from ..needs import needed
from .masks import parse_mask, parse_word
from .syntax import (
    Answer,
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
    Octets,
    On,
    Part,
    Position,
    Power,
    Repeat,
    Reset,
    ScriptError,
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
    Variable,
    Wait,
)

MOST_TURNS = 1_000_000
MOST_NAMED_TURNS = 255
"""The turn is one byte where it has a name."""
_BLANKS = re.compile(r"[ \t\r\f]+")


@cache
def _grammar() -> Any:
    lark = needed("lark")
    text = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return lark.Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def body_of(builder: Builder, text: str) -> Iterator[Statement]:
    """The statements of a piece.

    Raises:
        ScriptError: it is wrong.
    """
    exceptions = needed("lark.exceptions")
    try:
        tree = _grammar().parse(text)
    except exceptions.UnexpectedInput as error:
        raise builder.misread(error, text) from None
    return builder.body(tree.children[0])


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes statements of the trees of a piece that begins after `lines_before` lines of the file."""

    file: str
    lines: list[str]
    lines_before: int

    # Places ---------------------------------------------------------------------------------------------------

    def at(self, thing: Any) -> Position:
        """Where a token or a tree begins."""
        begin = thing if hasattr(thing, "line") else thing.meta
        return Position(self.file, begin.line + self.lines_before, begin.column)

    def line(self, at: Position) -> str:
        return self.lines[at.line - 1] if at.line <= len(self.lines) else ""

    def wrong(self, thing: Any, key: str, **facts: object) -> ScriptError:
        at = thing if isinstance(thing, Position) else self.at(thing)
        return ScriptError(at, key, self.line(at), **facts)

    def misread(self, error: Any, text: str) -> ScriptError:
        """What is wrong; an end that came too early is shown behind the last thing that is there."""
        from .words import error_of

        last = text.rstrip().count("\n") + 1
        number = last if error.line is None or not 0 < error.line <= last else error.line
        at = Position(self.file, number + self.lines_before, 1)
        line = self.line(at)
        column = error.column if number == error.line else len(line.rstrip()) + 1
        return error_of(error, replace(at, column=column), line)

    # Statements -----------------------------------------------------------------------------------------------

    def body(self, tree: Any) -> Iterator[Statement]:
        return (self.statement(child) for child in tree.children)

    def statement(self, tree: Any) -> Statement:
        at, found = self.at(tree), tree.children
        match str(tree.data):
            case "command":
                return self._command(tree)
            case "use":
                return self._use(at, found[0])
            case "section":
                only = () if found[2] is None else tuple(map(str, found[2].children))
                return Section(at, _unquoted(found[0]), _unquoted(found[1]) if found[1] else "", only)
            case "complete":
                return Complete(at, found[0].type == "ON")
            case "reset":
                atr = self._mask(found[2]) if found[2] is not None else None
                is_cold = found[1] is not None and found[1].type == "COLD"
                return Reset(at, is_cold, atr, _target(found[0]))
            case "power":
                return Power(at, found[1].type == "ON", _target(found[0]))
            case "fresh":
                return Fresh(at, str(found[0]))
            case "fault":
                return self._fault(at, found)
            case "tear":
                return self._tear(at, found)
            case "repeat":
                return self._repeat(at, found)
            case "on":
                return On(at, str(found[0]), tuple(self._block(found[1])))
            case "set":
                return Set(at, str(found[0]), self._parts(found[1:]))
            case "let":
                return self._let(at, found)
            case "ask":
                return Ask(at, str(found[0]))
            case "include":
                return Include(at, _unquoted(found[0]))
            case "echo":
                return Echo(at, _unquoted(found[0]))
            case "wait":
                return self._wait(at, found)
            case _:
                return Exit(at)

    def _use(self, at: Position, tree: Any) -> Statement:
        found = tree.children
        match str(tree.data):
            case "use_card":
                person, balance = self._name(found[1]), str(found[2] or "")
                return UseCard(at, self._name(found[0]), person, balance, self._alias(found[3], "card"))
            case "use_psam":
                return UsePsam(at, self._name(found[0]) or "national", self._alias(found[1], "psam"))
            case "use_image":
                return UseImage(at, _unquoted(found[0]), self._alias(found[1], "card"))
            case "use_reader":
                return UseReader(at, _unquoted(found[0]), self._alias(found[1], "card"))
            case _:
                return UseTranscript(at, _unquoted(found[0]), self._alias(found[1], "card"))

    def _command(self, tree: Any) -> Command:
        target, *rest = tree.children
        expectation = self._expectation(rest.pop())
        return Command(self.at(tree), self._parts(rest), expectation, _target(target))

    def _expectation(self, tree: Any) -> Expectation | None:
        if tree is None:
            return None
        if tree.data == "break_":
            return Break(self._reason(tree.children[0]))
        mask, *words = tree.children
        data = None if mask is None else self._mask(mask)
        return Answer(tuple(parse_word(str(word)) for word in words), data)

    def _reason(self, token: Any) -> str:
        from sscard_terminal.reader.connection import LinkReason

        if token is None:
            return ""
        if token not in set(LinkReason):
            raise self.wrong(token, "link-reason", known=", ".join(LinkReason))
        return str(token)

    def _mask(self, token: Any) -> Any:
        at = self.at(token)
        return parse_mask(str(token), at, self.line(at))

    def _parts(self, found: list[Any]) -> tuple[Part, ...]:
        return tuple(self._part(tree) for tree in found)

    def _part(self, tree: Any) -> Octets | Variable:
        token = tree.children[0]
        if tree.data == "octets":
            return Octets(bytes.fromhex(_BLANKS.sub("", str(token))))
        name, _, part = str(token)[1:].partition(".")
        return Variable(name, part, self.at(token))

    def _fault(self, at: Position, found: list[Any]) -> Fault:
        target, token = found
        try:
            verb = parse_verb(str(token).rstrip())
        except VerbError as error:
            place = self.at(token)
            place = replace(place, column=place.column + error.column - 1)
            raise self.wrong(place, "verb", wanted=error.expected) from None
        return Fault(at, verb, _target(target))

    def _tear(self, at: Position, found: list[Any]) -> Statement:
        target, token, block = found
        if token.type == "INT" and int(token) > MOST_WRITES:
            raise self.wrong(token, "tear-writes", most=MOST_WRITES)
        if token.type == "INT" and block is None:
            return Fault(at, parse_verb(f"tear after-write {int(token)}"), _target(target))
        if block is None:
            raise self.wrong(token, "tear-block")
        name, _, part = str(token)[1:].partition(".")
        writes = int(token) if token.type == "INT" else Variable(name, part, self.at(token))
        return TearBlock(at, writes, tuple(self._block(block)), _target(target))

    def _repeat(self, at: Position, found: list[Any]) -> Repeat:
        count, alias, block = found
        turns, name = int(count), self._alias(alias, "")
        most = MOST_NAMED_TURNS if name else MOST_TURNS
        if not 0 < turns <= most:
            raise self.wrong(count, "repeat-count", most=most)
        return Repeat(at, turns, tuple(self._block(block)), name)

    def _block(self, tree: Any) -> Iterator[Statement]:
        for statement in self.body(tree.children[0]):
            if isinstance(statement, Section):
                raise self.wrong(statement.at, "section-in-block")
            yield statement

    def _let(self, at: Position, found: list[Any]) -> Let:
        name, function, *arguments = found
        target, _, plain = str(function).rpartition(".")
        told = tuple(self._argument(tree) for tree in arguments if tree is not None)
        return Let(at, str(name), plain, told, target)

    def _argument(self, tree: Any) -> Argument:
        return Text(_unquoted(tree.children[0])) if tree.data == "text" else self._parts(tree.children)

    def _wait(self, at: Position, found: list[Any]) -> Wait:
        number, unit = found
        whole, _, decimals = str(number).partition(".")
        is_s = unit == "s"
        duration_ms = int(whole) * 1000 + int(decimals.ljust(3, "0")) if is_s else int(whole)
        if (decimals and not is_s) or not 0 <= duration_ms <= LONGEST_MUTE_MS:
            raise self.wrong(number, "wait", most=LONGEST_MUTE_MS // 1000)
        return Wait(at, duration_ms)

    # Names ----------------------------------------------------------------------------------------------------

    def _name(self, tree: Any) -> str:
        if tree is None:
            return ""
        token = tree.children[0]
        return _unquoted(token) if token.type == "STRING" else str(token)

    def _alias(self, tree: Any, otherwise: str) -> str:
        return otherwise if tree is None else str(tree.children[0])


def _target(token: Any) -> str:
    return "" if token is None else str(token).rstrip(": \t")


def _unquoted(token: Any) -> str:
    return str(token)[1:-1]
