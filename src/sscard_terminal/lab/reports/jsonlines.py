"""A run as JSON lines: one object an event, at once, for programs.

Not here: what happened (run/events.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sscard_terminal.iso7816.status import Language

from ..run.events import Event, Note, RunBegan, RunEnded, SectionBegan, SectionResult, Step, Verdict
from ..script.syntax import Position
from .telling import Narrator

Write = Callable[[str], object]


class JsonLines:
    """Listens to runs and writes a line an event; the words are in `language`."""

    def __init__(self, write: Write, language: Language) -> None:
        self._write = write
        self._narrator = Narrator(language)

    def hear(self, event: Event) -> None:
        self._narrator.hear(event)
        line = json.dumps(self._told(event), ensure_ascii=False, separators=(",", ":"))
        self._write(line + "\n")

    def _told(self, event: Event) -> dict[str, Any]:
        match event:
            case RunBegan(file, targets, seed):
                cards = [
                    {"name": card.name, "kind": card.kind, "is": card.says, "atr": card.atr.hex().upper()}
                    for card in targets
                ]
                return {"event": "began", "file": file, "cards": cards, "seed": seed}
            case SectionBegan(title, requirement, at):
                return {"event": "section", "title": title, "requirement": requirement, **_place(at)}
            case Step():
                return self._step(event)
            case Note(at, key, fact):
                return {"event": "note", "note": key, "fact": fact, **_place(at)}
            case SectionResult():
                return {
                    "event": "section-ended",
                    "title": event.title,
                    "outcome": str(event.outcome),
                    "passed": event.count(Verdict.PASSED),
                    "failed": event.count(Verdict.FAILED),
                    "elapsed_s": round(event.elapsed_s, 6),
                    **({"reason": event.reason} if event.reason else {}),
                }
            case RunEnded(result):
                return {
                    "event": "ended",
                    "file": result.file,
                    "exit": int(result.exit_code),
                    "passed": result.count(Verdict.PASSED),
                    "failed": result.count(Verdict.FAILED),
                    "elapsed_s": round(result.elapsed_s, 6),
                }

    def _step(self, step: Step) -> dict[str, Any]:
        told = self._narrator.tell(step)
        optional = {
            "sent": told.sent,
            "says": told.sent_says,
            "expected": step.expected,
            "got": told.got,
            "answer": told.got_says,
            "link": step.link,
            "problem": told.problem,
            "differing_half_bytes": list(step.differing),
        }
        return {
            "event": "step",
            "verdict": str(step.verdict),
            "card": step.target,
            **_place(step.at),
            **{name: value for name, value in optional.items() if value},
            "elapsed_us": round(step.elapsed_s * 1_000_000),
        }


def _place(at: Position) -> dict[str, Any]:
    return {"file": at.file, "line": at.line, "column": at.column}
