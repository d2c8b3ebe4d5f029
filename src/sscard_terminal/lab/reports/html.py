"""Runs as one page that needs nothing but itself: sections with their requirements, every step with sent, expected, got, in
words, the half bytes that differ marked, and the time.

Not here: what happened (run/events.py). No script, no font, no picture from elsewhere; it prints on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from html import escape
from importlib.resources import files

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.messages import text

from ..run.events import Event, Note, Result, RunBegan, RunEnded, SectionResult, Step, Verdict
from .telling import Narrator, Told

Write = Callable[[str], object]
_HEADINGS = ("line", "step", "expected", "got", "time")


class HtmlPage:
    """Listens to runs and writes the page, section by section; `finish` closes it."""

    def __init__(self, write: Write, language: Language, began: datetime) -> None:
        self._write = write
        self._language: Language = language
        self._narrator = Narrator(language)
        self._rows: list[str] = []
        self._parts: list[str] = []
        self._began = began
        self._results: list[Result] = []

    def hear(self, event: Event) -> None:
        self._narrator.hear(event)
        match event:
            case RunBegan():
                self._parts.append(self._run_head(event))
            case Step():
                self._rows.append(self._row(event, self._narrator.tell(event)))
            case Note():
                self._rows.append(self._note(event))
            case SectionResult():
                self._parts.append("".join(self._section(event)))
                self._rows = []
            case RunEnded(result):
                self._results.append(result)
            case _:
                pass

    def finish(self) -> None:
        style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
        title = self._text("script.page.title")
        self._write(
            f'<!doctype html>\n<html lang="{"zh-CN" if self._language == "zh" else "en"}">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n<main>\n<h1>{escape(title)}</h1>\n"
        )
        self._write(self._summary())
        for part in self._parts:
            self._write(part)
        self._write("</main>\n</html>\n")

    # ----------------------------------------------------------------------------------------------------

    def _summary(self) -> str:
        worst = max((result.exit_code for result in self._results), default=0)
        counts = {
            verdict: sum(result.count(verdict) for result in self._results)
            for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.BROKEN, Verdict.DONE)
        }
        not_applicable = sum(
            section.outcome is Verdict.NOT_APPLICABLE
            for result in self._results
            for section in result.sections
        )
        outcome = Verdict.PASSED if worst == 0 else Verdict.BROKEN if worst == 3 else Verdict.FAILED
        facts = [
            *((self._verdict(verdict), str(count)) for verdict, count in counts.items()),
            (self._verdict(Verdict.NOT_APPLICABLE), str(not_applicable)),
            (
                self._text("script.page.time"),
                f"{sum(result.elapsed_s for result in self._results):.3f} s",
            ),
            (self._text("script.page.began"), f"{self._began:%Y-%m-%d %H:%M:%S %Z}"),
        ]
        rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
        return f'<p class="outcome {outcome}">{escape(self._verdict(outcome))}</p>\n<dl>{rows}</dl>\n'

    def _run_head(self, run: RunBegan) -> str:
        cards = "".join(
            f"<li><b>{escape(card.name)}</b> {escape(card.says or card.kind)} "
            f"<code>{card.atr.hex(' ').upper()}</code></li>"
            for card in run.targets
        )
        seed = "" if run.seed is None else f" <small>seed {run.seed}</small>"
        return f"<h2>{escape(run.file)}{seed}</h2>\n<ul>{cards}</ul>\n"

    def _section(self, section: SectionResult) -> Iterator[str]:
        is_open = " open" if section.outcome in (Verdict.FAILED, Verdict.BROKEN) else ""
        title = section.title or self._text("script.page.prelude")
        requirement = f" <small>{escape(section.requirement)}</small>" if section.requirement else ""
        reason = f" <small>{escape(self._narrator.reason(section))}</small>" if section.reason else ""
        yield (
            f'<details{is_open}><summary><span class="verdict {section.outcome}">'
            f"{escape(self._verdict(section.outcome))}</span> {escape(title)}{requirement}{reason}</summary>\n"
        )
        if self._rows:
            heads = "".join(f"<th>{escape(self._text(f'script.page.{name}'))}</th>" for name in _HEADINGS)
            yield f"<table><thead><tr>{heads}</tr></thead><tbody>\n"
            yield from self._rows
            yield "</tbody></table>\n"
        yield "</details>\n"

    def _row(self, step: Step, told: Told) -> str:
        sent = f"<code>{_spaced(told.sent)}</code><br>" if told.sent else ""
        card = f'<span class="card">{escape(step.target)}</span> '
        got = f"<code>{_marked(told.got, step)}</code><br>" if told.got else ""
        problem = f'<p class="problem">{escape(told.problem)}</p>' if told.problem else ""
        expected = f"<code>{escape(step.expected)}</code>" if step.expected else ""
        return (
            f'<tr class="{step.verdict}"><td title="{escape(str(step.at))}">{step.at.line}</td>'
            f"<td>{card}{sent}{escape(told.sent_says)}</td><td>{expected}</td>"
            f"<td>{got}{escape(told.got_says)}{problem}</td><td>{step.elapsed_s * 1000:.3f} ms</td></tr>\n"
        )

    def _note(self, note: Note) -> str:
        words = self._text(f"script.note.{note.key}", fact=note.fact)
        return f'<tr class="note"><td>{note.at.line}</td><td colspan="4">{escape(words)}</td></tr>\n'

    def _verdict(self, verdict: Verdict) -> str:
        return self._text(f"script.verdict.{verdict}")

    def _text(self, key: str, **facts: object) -> str:
        return text(self._language, key, **facts)


def _spaced(octets: str) -> str:
    return escape(" ".join(octets[at : at + 2] for at in range(0, len(octets), 2)))


def _marked(octets: str, step: Step) -> str:
    """Pairs of digits, those that differ from what was expected in a mark."""
    differing = set(step.differing)
    digits = [
        f"<mark>{escape(digit)}</mark>" if at in differing else escape(digit)
        for at, digit in enumerate(octets)
    ]
    return " ".join("".join(digits[at : at + 2]) for at in range(0, len(digits), 2))
