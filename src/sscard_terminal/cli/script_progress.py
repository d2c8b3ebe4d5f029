"""What a person sees of a run: a line that moves while it goes on, a line a section, and every failure with its reasons.

Not here: reports in files (lab/reports).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from sscard_terminal.lab.reports.telling import Narrator
from sscard_terminal.lab.run.events import (
    Event,
    Note,
    Result,
    RunBegan,
    SectionBegan,
    SectionResult,
    Step,
    Verdict,
)

from .console import Console, wants_colour

REFRESH_S = 0.1
WIDEST = 100


class Progress:
    """Listens to runs; with --json it says nothing, and away from a terminal nothing moves."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._narrator = Narrator(console.language)
        self._moves = sys.stderr.isatty() and not console.as_json
        self._shown_at = 0.0
        self._is_shown = False
        self._title = ""
        self._steps = 0
        self._counts: dict[Verdict, int] = {}

    def hear(self, event: Event) -> None:
        if self._console.as_json:
            return
        self._narrator.hear(event)
        match event:
            case RunBegan(file, targets):
                cards = ", ".join(f"{card.name}: {card.says or card.kind}" for card in targets)
                self._print(self._console.text("script.run.began", file=file, cards=cards).rstrip())
                self._title, self._counts = "", {}
            case SectionBegan(title):
                self._title, self._counts = title, {}
            case Step():
                self._step(event)
            case Note(at, key, fact):
                self._print(f"    {at.file}:{at.line}  {self._console.text(f'script.note.{key}', fact=fact)}")
            case SectionResult():
                self._section(event)
            case _:
                pass

    def _step(self, step: Step) -> None:
        self._steps += 1
        self._counts[step.verdict] = self._counts.get(step.verdict, 0) + 1
        told = self._narrator.tell(step)
        if step.verdict in (Verdict.FAILED, Verdict.BROKEN):
            says, text = f"  {told.sent_says}", self._console.text
            self._print(click.style(f"  {step.at}{says}", fg="red"))
            for key, value in (
                ("sent", _spaced(told.sent)),
                ("expected", step.expected),
                ("got", f"{_spaced(told.got)}  {told.got_says}".strip()),
                ("problem", told.problem),
            ):
                if value:
                    self._print(f"      {text(f'script.run.{key}')} {value}")
        elif self._moves and time.monotonic() - self._shown_at > REFRESH_S:
            self._move(f"{self._steps}  {self._title}  {step.at.line}  {told.title}")

    def _section(self, section: SectionResult) -> None:
        text = self._console.text
        verdicts = (Verdict.PASSED, Verdict.FAILED, Verdict.BROKEN)
        counts = ", ".join(
            f"{count} {text(f'script.verdict.{verdict}')}"
            for verdict in verdicts
            if (count := self._counts.get(verdict, 0))
        )
        title = section.title or text("script.page.prelude")
        requirement = f" ({section.requirement})" if section.requirement else ""
        if section.outcome is Verdict.NOT_APPLICABLE:
            words = f"{text('script.verdict.not-applicable')}: {self._narrator.reason(section)}"
            self._print(f"- {title}{requirement}  {words}")
            return
        mark = self._console.mark(section.outcome in (Verdict.PASSED, Verdict.DONE))
        counts = counts or text("script.verdict.done")
        self._print(f"{mark} {title}{requirement}  {counts}  {section.elapsed_s:.2f} s")

    def say_total(self, results: Sequence[Result], seed: int) -> None:
        """The last line."""
        passed = sum(section.outcome is Verdict.PASSED for result in results for section in result.sections)
        others = sum(
            section.outcome in (Verdict.FAILED, Verdict.BROKEN)
            for result in results
            for section in result.sections
        )
        elapsed = f"{sum(result.elapsed_s for result in results):.2f}"
        facts = {"sections": passed + others, "failed": others, "elapsed": elapsed, "seed": seed}
        self._console.say("script.run.failed" if others else "script.run.passed", **facts)

    def clear(self) -> None:
        """The moving line is gone."""
        if self._is_shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._is_shown = False

    def _print(self, line: str) -> None:
        self.clear()
        self._console.print(line)

    def _move(self, line: str) -> None:
        self._shown_at, self._is_shown = time.monotonic(), True
        click.secho(f"\r\x1b[K{line[:WIDEST]}", nl=False, err=True, dim=True, color=wants_colour())


def _spaced(octets: str) -> str:
    return " ".join(octets[at : at + 2] for at in range(0, len(octets), 2))
