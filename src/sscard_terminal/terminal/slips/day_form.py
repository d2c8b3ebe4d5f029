"""The slip of a day: its totals by operator and kind, and of everybody together.

Not here: what the sums are (day.py) and where they come from (journal_days.py). Source: counter.md screen rule 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.iso7816.status import Language

from ..day import Day
from ..day_records import Sum
from .contents import Heading, Mark, Note, Piece, Row, Rule, Signature, Slip, Title
from .forms import marks, moment
from .words import WORDS

AMOUNTS: dict[str, tuple[tuple[str, str], ...]] = {
    "purchase": (("account", "account"), ("self-paid", "self_paid"), ("pooled", "pooled")),
    "record-keeping": (("cost", "self_paid"), ("paid-by-host", "pooled")),
    "void-requested": (("asked", "account"),),
    "refund-requested": (("asked", "account"),),
}
"""Which amounts of a `Sum` mean something for its kind: the label's key, and the field."""


def slip_of_day(
    day: Day, place: str, language: Language, *, reprint: bool = False, training: bool = False
) -> Slip:
    """The totals of a day that is closed, or as far as it has come; `place` as the configuration names it."""
    return tuple(_pieces(day, place, WORDS[language], reprint, training))


def _pieces(day: Day, place: str, words: dict[str, str], reprint: bool, training: bool) -> Iterator[Piece]:
    yield Title(words["title.day"])
    yield from marks(words, reprint, training)
    yield Mark(words["day.open" if day.closed is None else "day.closed"])
    yield Rule()
    yield from _head(day, place, words)
    yield Rule()
    if not day.sums:
        yield Note(words["day.no-sales"])
    by_operator = sorted(day.sums, key=lambda row: row.operator)
    for operator, rows in groupby(by_operator, key=lambda row: row.operator):
        yield Heading(f"{words['operator']} {operator or words['day.nobody']}")
        yield from _sums(rows, words)
        yield Rule()
    if day.sums:
        yield Heading(words["day.everybody"])
        yield from _sums(together(day.sums), words)
        yield Rule()
    if day.settled:
        yield Heading(words["day.settled"])
        yield from _sums(together(day.settled), words)
        yield Rule()
    if day.closed is not None:
        if day.closed.despite:
            yield Note(words["day.despite"] + day.closed.despite)
            if day.closed.supervisor:
                yield Row(words["supervisor"], day.closed.supervisor)
        yield Signature(words["signature.operator"])


def _head(day: Day, place: str, words: dict[str, str]) -> Iterator[Piece]:
    if place:
        yield Row(words["place"], place)
    yield Row(words["day.number"], str(day.number))
    for name, event in (("opened", day.opened), ("closed", day.closed)):
        if event is not None:
            yield Row(words[f"day.{name}-at"], moment(event.at))
            if event.operator:
                yield Row(words[f"day.{name}-by"], event.operator)


def _sums(rows: Iterable[Sum], words: dict[str, str]) -> Iterator[Piece]:
    for row in rows:
        count = words["count"].format(count=row.count)
        yield Row(f"{words[f'kind.{row.kind}']} {words[f'sum.{row.kind}.{row.state}']}", count)
        for label, field in AMOUNTS[row.kind]:
            yield Row(words[label], yuan_of_fen(getattr(row, field)), indented=True)


def together(sums: tuple[Sum, ...]) -> Iterator[Sum]:
    """One sum a kind and state, whoever sold."""
    by_kind = sorted(sums, key=_order)
    for (kind, state), rows in groupby(by_kind, key=lambda row: (row.kind, row.state)):
        several = list(rows)
        totals = (sum(getattr(row, name) for row in several) for name in _ADDED)
        yield Sum("", kind, state, *totals)


def _order(row: Sum) -> tuple[int, str]:
    return list(AMOUNTS).index(row.kind), row.state


_ADDED = ("count", "account", "self_paid", "pooled")
