"""The certificate as one page that needs nothing but itself: the card, the counts, every clause, and of what failed each step.

Not here: what came of it (certificate.py). No script, no font, no picture from elsewhere; it prints on paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.messages import text

from ..reports.telling import Narrator
from ..run.events import RunBegan, Step
from .certificate import Certificate, ClauseResult, Licence, Reason, Shown, Standing

STYLE_PACKAGE, STYLE = "sscard_terminal.lab.reports", "page.css"
OWN_STYLE = """.clauses td:last-child { white-space: normal; }
.clauses > tbody > tr > td:first-child { width: 16rem; }
.clauses > tbody > tr > td:nth-child(2) { width: 8rem; }
"""
CSS_CLASS = {
    Standing.PASSED: "passed",
    Standing.FAILED: "failed",
    Standing.NOT_APPLICABLE: "not-applicable",
    Standing.UNSCRIPTED: "done",
}


def page(certificate: Certificate, language: Language) -> str:
    """The whole page."""
    return "".join(_Page(certificate, language).parts())


class _Page:
    def __init__(self, certificate: Certificate, language: Language) -> None:
        self._certificate = certificate
        self._language: Language = language

    def parts(self) -> Iterator[str]:
        title = self._say("conform.title")
        style = files(STYLE_PACKAGE).joinpath(STYLE).read_text(encoding="utf-8")
        yield (
            f'<!doctype html>\n<html lang="{"zh-CN" if self._language == "zh" else "en"}">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>{escape(title)}</title>\n<style>\n{style}{OWN_STYLE}</style>\n<main>\n<h1>{escape(title)}</h1>\n"
        )
        yield from self._head()
        for chapter, clauses in self._certificate.by_chapter().items():
            yield from self._chapter(chapter, clauses)
        meaning = self._say("conform.meaning")
        yield f"<p><small>{escape(meaning)}</small></p>\n</main>\n</html>\n"

    def _head(self) -> Iterator[str]:
        found = self._certificate
        outcome = "passed" if found.conforms else "failed"
        yield f'<p class="outcome {outcome}">{escape(self._say(f"conform.outcome.{outcome}"))}</p>\n'
        facts = [
            (self._say("conform.subject"), found.subject.says or found.subject.kind),
            ("ATR", found.subject.atr.hex(" ").upper()),
            (self._say("conform.profile"), found.profile),
            *(
                (self._say(f"conform.standing.{standing}"), str(found.count(standing)))
                for standing in Standing
            ),
            (self._say("conform.clauses"), str(len(found.clauses))),
            (self._say("conform.began"), f"{found.began:%Y-%m-%d %H:%M:%S %Z}".strip()),
            (self._say("conform.time"), f"{found.elapsed_s:.1f} s"),
        ]
        rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
        yield f"<dl>{rows}</dl>\n"
        if found.licence is not Licence.EVERYTHING:
            licence = self._say(f"conform.licence.{found.licence}")
            yield f"<p>{escape(licence)}</p>\n"
        if not found.is_whole:
            yield f'<p class="problem">{escape(self._say("conform.broken"))}</p>\n'

    def _chapter(self, chapter: str, clauses: tuple[ClauseResult, ...]) -> Iterator[str]:
        passed = sum(clause.standing is Standing.PASSED for clause in clauses)
        failed = any(clause.standing is Standing.FAILED for clause in clauses)
        yield (
            f"<details{' open' if failed else ''}><summary>card.md §{escape(chapter)} "
            f'<small>{passed} / {len(clauses)}</small></summary>\n<table class="clauses"><tbody>\n'
        )
        for clause in clauses:
            yield self._clause(clause)
        yield "</tbody></table>\n</details>\n"

    def _clause(self, clause: ClauseResult) -> str:
        word = self._say(f"conform.standing.{clause.standing}")
        beside = "".join(self._failure(shown) for shown in clause.shown if shown.failures)
        if clause.standing is Standing.NOT_APPLICABLE:
            beside = escape("; ".join(self._say(f"conform.reason.{reason}") for reason in reasons_of(clause)))
        elif clause.standing is Standing.UNSCRIPTED:
            beside = escape(clause.why)
        sections = "<br>".join(
            escape(f"{shown.file}: {shown.title}") for shown in clause.shown if shown.reason is None
        )
        return (
            f"<tr><td>{escape(clause.name)}</td>"
            f'<td><span class="verdict {CSS_CLASS[clause.standing]}">{escape(word)}</span></td>'
            f"<td><small>{sections}</small>{beside}</td></tr>\n"
        )

    def _failure(self, shown: Shown) -> str:
        narrator = Narrator(self._language)
        narrator.hear(RunBegan(shown.file, (self._certificate.subject,), None))
        rows = "".join(
            self._step(step, narrator) for step in shown.steps if step in shown.failures or step.sent
        )
        return f"<table><tbody>{rows}</tbody></table>"

    def _step(self, step: Step, narrator: Narrator) -> str:
        told = narrator.tell(step)
        problem = f'<p class="problem">{escape(told.problem)}</p>' if told.problem else ""
        return (
            f'<tr class="{step.verdict}"><td>{step.at.line}</td><td><code>{escape(told.sent)}</code><br>{escape(told.sent_says)}</td>'
            f"<td><code>{escape(step.expected)}</code></td>"
            f"<td><code>{escape(told.got)}</code><br>{escape(told.got_says)}{problem}</td></tr>"
        )

    def _say(self, key: str, **facts: object) -> str:
        return text(self._language, key, **facts)


def reasons_of(clause: ClauseResult) -> tuple[Reason, ...]:
    """Why it was not looked at; a clause no file of this subject speaks of is about another kind."""
    return clause.reasons or (Reason.OTHER_KIND,)
