"""What a program has begun at the counter: one service at a time, followed to its end, a sale's end kept in the journal.

The till is the clerk's as much as the program's: the clerk sees the service on the screen and may cancel it. Not here: how it
is begun (programs.py), HTTP (api.py).
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import JournalEntry, SaleState
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.journal_requests import SaleRequests, first_outcome
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, Unsettled
from sscard_terminal.terminal.ports import Clock
from sscard_terminal.terminal.till.steps import Screen, Step
from sscard_terminal.voice import told
from sscard_terminal.voice.told import Told

from .beside import Line
from .words import said

_WITH_PEOPLE = (Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.NEW_PIN, Step.REST_IN_CASH)
_GOES_ON = {True: (*_WITH_PEOPLE, Step.CHARGING), False: (*_WITH_PEOPLE, Step.READING)}
"""In which steps a service is not at its end: a sale, and any other."""


@dataclass(eq=False)
class Service:
    """One service; `screen` is the one it ended with. `request`: its name in the journal, where it is a sale."""

    program: str
    request: str = ""
    screen: Screen | None = field(default=None, init=False)
    lines: tuple[Line, ...] = field(default=(), init=False)
    """The card's log beside the journal, where that was asked for."""

    @property
    def is_sale(self) -> bool:
        return self.request != ""

    @property
    def is_over(self) -> bool:
        return self.screen is not None

    @property
    def is_done(self) -> bool:
        """It was done, and not refused, cancelled or broken off."""
        return self.screen is not None and self.screen.step is Step.DONE and self.screen.declined is None

    @property
    def why_not(self) -> Declined:
        """Why it was not done; one that nobody has ended yet waits for the holder's PIN."""
        return Declined(Reason.PIN_ENTRY_TIMED_OUT) if self.screen is None else why_no_sale(self.screen)

    def goes_on_at(self, step: Step) -> bool:
        return step in _GOES_ON[self.is_sale]

    def end(self, journal: Journal, screen: Screen, clock: Clock, lines: tuple[Line, ...] = ()) -> None:
        """In the working thread. A sale that came to no debit gets its answer, for whoever repeats the request."""
        if self.is_sale:
            with suppress(JournalTrouble):  # without one it counts as interrupted, which is no sale either
                if journal.entry_of_request(self.request) is None:
                    SaleRequests(journal).answer(self.request, written(why_no_sale(screen)), clock())
        self.lines = lines
        self.screen = screen


def why_no_sale(screen: Screen) -> Declined:
    """What a service that ended with this screen, and with no debit, came to."""
    if screen.declined is not None:
        return screen.declined
    if screen.step is Step.INSERT_CARD:
        return Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)
    return Declined(Reason.CANCELLED)


class Standing(StrEnum):
    """Where a request of a program stands."""

    AT_WORK = "at-work"
    """People are at it, or the card is."""
    CHARGED = "charged"
    NOT_CHARGED = "not-charged"
    TO_BE_VERIFIED = "to-be-verified"


@dataclass(frozen=True, slots=True)
class SaleStatus:
    """A request as it stands: `entry` is its debit, where it came to one; `why` the answer of one that did not."""

    request: str
    standing: Standing
    entry: JournalEntry | None = None
    why: dict[str, Any] | None = None


_STANDINGS = {
    SaleState.CHARGED: Standing.CHARGED,
    SaleState.NOT_CHARGED: Standing.NOT_CHARGED,
    SaleState.OPEN: Standing.TO_BE_VERIFIED,
}


def status_of(request: str, entry: JournalEntry) -> SaleStatus:
    """By the debit, as the journal has it now."""
    outcome = first_outcome(entry)
    why = None if isinstance(outcome, Approved) else answer_of(_told(outcome))
    return SaleStatus(request, _STANDINGS[entry.state], entry, why)


def _told(outcome: Declined | Unsettled) -> Told:
    return told.declined(outcome) if isinstance(outcome, Declined) else told.unsettled(outcome)


def answer_of(why: Told) -> dict[str, Any]:
    """A refusal as programs get it, in both languages, so that it can be told again."""
    return {
        "error": why.key,
        "sentence": {"zh": said(why, "zh"), "en": said(why, "en")},
        "facts": told.for_programs(why.facts),
    }


def written(declined: Declined) -> str:
    """As the journal keeps it."""
    return json.dumps(answer_of(told.declined(declined)), ensure_ascii=False)
