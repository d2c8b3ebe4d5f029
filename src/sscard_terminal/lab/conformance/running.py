"""Runs the suite against a subject: each file from a card as it was, dangerous sections only where they may be run.

Not here: which cards (subjects.py), what follows (certificate.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from ..run.events import Verdict
from ..run.guard import dangers
from ..run.runner import Options, run
from ..run.targets import Target
from ..script.syntax import Command, Fresh, Octets, Section, Statement, Variable, walk
from .certificate import Certificate, Licence, Reason, Shown, judged, shown_of
from .suite import Subject, SuiteFile, clauses_of, suite

VERIFY_HEADER = bytes.fromhex("00200000")
OWN_PIN = "pin"
"""The variable that a file of the suite sets by `let pin = card.pin_field()`, and by nothing else; a test holds that."""
Told = Callable[[str, Shown], None]
"""Hears of each section as it ends: the file's name, and what came of it."""


def conform(
    subject: Subject,
    targets: Mapping[str, Target],
    *,
    licence: Licence,
    began: datetime,
    told: Told = lambda _file, _shown: None,
) -> Certificate:
    """Run every file about `subject` against the first of `targets`; the others are what files need beside.

    Sections that go beyond `licence` are not run. A virtual card is made anew before each file.

    Raises:
        LinkError: the first card cannot be connected.
        ScriptError: a file of the suite is wrong.
    """
    started = time.perf_counter()
    first = next(iter(targets.values()))
    first.power_on()
    found: list[Shown] = []
    is_whole = True
    for file in suite(subject):
        for shown in _file(file, targets, licence):
            found.append(shown)
            told(file.name, shown)
            is_whole &= shown.verdict is not Verdict.BROKEN
        if not is_whole:
            break
    elapsed_s = time.perf_counter() - started
    return Certificate(first.facts, first.profile, licence, began, elapsed_s, judged(found), is_whole)


def _file(file: SuiteFile, targets: Mapping[str, Target], licence: Licence) -> Iterator[Shown]:
    if not file.needs <= targets.keys():
        for section in _sections(file):
            yield _not_run(file, section, Reason.LACKING)
        return
    script, first = file.script, next(iter(targets))
    if licence is not Licence.EVERYTHING:
        kept, dropped = _licensed(script.statements, first, licence)
        for section in dropped:
            yield _not_run(file, section, Reason.READ_ONLY)
        script = replace(script, statements=kept)
    beside = {name: target for name, target in targets.items() if name == first or name in file.needs}
    for name, target in beside.items():
        if target.is_virtual and not _begins_afresh(script.statements, name):
            target.fresh()
    for result in run(script, beside, options=Options(skip_impossible=True)).sections:
        if result.requirement:
            yield shown_of(file.name, result)


def _begins_afresh(statements: tuple[Statement, ...], name: str) -> bool:
    """Whether every section has a new card of that name made first, so that nobody else need."""
    parts = _parts(statements)
    return all(
        any(isinstance(statement, Fresh) and statement.name == name for statement in part[1:3])
        for part in parts[1:]
    )


def _sections(file: SuiteFile) -> Iterator[Section]:
    return (statement for statement in file.script.statements if isinstance(statement, Section))


def _not_run(file: SuiteFile, section: Section, reason: Reason) -> Shown:
    return Shown(file.name, section.title, clauses_of(section), Verdict.NOT_APPLICABLE, (), reason)


def _parts(statements: tuple[Statement, ...]) -> list[list[Statement]]:
    """What stands before the first section, then each section with its head."""
    parts: list[list[Statement]] = [[]]
    for statement in statements:
        if isinstance(statement, Section):
            parts.append([])
        parts[-1].append(statement)
    return parts


def _licensed(
    statements: tuple[Statement, ...], first: str, licence: Licence
) -> tuple[tuple[Statement, ...], tuple[Section, ...]]:
    """The statements without the sections that go beyond the licence, and those sections."""
    kept: list[Statement] = []
    dropped: list[Section] = []
    for part in _parts(statements):
        head = part[0] if part else None
        if isinstance(head, Section) and _goes_beyond(part, first, licence):
            dropped.append(head)
        else:
            kept += part
    return tuple(kept), tuple(dropped)


def _goes_beyond(part: list[Statement], first: str, licence: Licence) -> bool:
    """Whether something in a section could do harm, but for VERIFY with the card's own PIN where that is licensed."""
    found = {danger.at for danger in dangers(part, first)}
    if licence is Licence.WITH_PIN:
        found -= {
            statement.at
            for statement in walk(tuple(part))
            if isinstance(statement, Command) and _verifies_own_pin(statement)
        }
    return bool(found)


def _verifies_own_pin(command: Command) -> bool:
    match command.parts:
        case (Octets(value), Variable(name=name)):
            return value == VERIFY_HEADER and name == OWN_PIN
    return False
