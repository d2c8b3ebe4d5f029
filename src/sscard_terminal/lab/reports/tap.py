"""A run as TAP version 14: a subtest a section, a test for every step that something was expected of.

Not here: what happened (run/events.py).
Source: the specification of TAP 14 (testanything.org): the plan may come last, `#` and `\\` are escaped, details stand in
a YAML block two columns in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sscard_terminal.iso7816.status import Language

from ..run.events import Event, Note, RunEnded, SectionResult, Step, Verdict
from .telling import Narrator, Told

Write = Callable[[str], object]
_SUB = "    "


class Tap:
    """Listens to runs and writes TAP, each section when it has ended; `finish` writes the plan."""

    def __init__(self, write: Write, language: Language) -> None:
        self._write = write
        self._narrator = Narrator(language)
        self._number = 0
        self._tests: list[tuple[Step, Told]] = []
        write("TAP version 14\n")

    def hear(self, event: Event) -> None:
        self._narrator.hear(event)
        match event:
            case Step():
                told = self._narrator.tell(event)
                if event.verdict is not Verdict.DONE:
                    self._tests.append((event, told))
            case Note(at, key, fact):
                self._line(f"# {at.file}:{at.line}: {key} {fact}".rstrip())
            case SectionResult():
                self._section(event)
            case RunEnded(result) if any(section.outcome is Verdict.BROKEN for section in result.sections):
                self._line(f"# {result.file}: the link broke, the rest was not run")
            case _:
                pass

    def finish(self) -> None:
        self._line(f"1..{self._number}")

    def _section(self, section: SectionResult) -> None:
        tests, self._tests = self._tests, []
        self._number += 1
        title = section.title or section.at.file
        if section.requirement:
            title = f"{title} ({section.requirement})"
        if section.outcome is Verdict.NOT_APPLICABLE:
            self._line(
                f"ok {self._number} - {_escaped(title)} # SKIP {_escaped(self._narrator.reason(section))}"
            )
            return
        self._line(f"# Subtest: {_escaped(title)}")
        for number, (step, told) in enumerate(tests, start=1):
            for line in _test(number, step, told):
                self._line(_SUB + line)
        self._line(f"{_SUB}1..{len(tests)}" + ("" if tests else " # SKIP nothing was expected"))
        held = section.outcome in (Verdict.PASSED, Verdict.DONE)
        self._line(f"{'ok' if held else 'not ok'} {self._number} - {_escaped(title)}")

    def _line(self, line: str) -> None:
        self._write(line + "\n")


def _test(number: int, step: Step, told: Told) -> Iterator[str]:
    held = step.verdict is Verdict.PASSED
    yield f"{'ok' if held else 'not ok'} {number} - {_escaped(f'{step.at.file}:{step.at.line} {told.title}')}"
    if held:
        return
    facts: dict[str, object] = {
        "message": told.problem,
        "sent": told.sent,
        "expected": step.expected,
        "got": told.got or step.link,
        "answer": told.got_says,
        "line": step.at.line,
        "column": step.at.column,
        "duration_ms": round(step.elapsed_s * 1000, 3),
    }
    yield "  ---"
    for name, value in facts.items():
        if value != "":
            yield f"  {name}: {json.dumps(value, ensure_ascii=False)}"
    yield "  ..."


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("#", "\\#")
