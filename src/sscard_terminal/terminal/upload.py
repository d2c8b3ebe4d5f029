"""Sends the queue to the centre, in order, until the centre has it all: every record exactly once in effect.

A batch goes out, and only what the centre itself acknowledges counts. An acknowledgement that is lost brings the same
bytes again, which the centre knows by their key; one of something that was not sent is not believed. Not here: the
queue (upload_queue.py), the messages (cardspec/upload_record.py), and how they travel (upload_file.py for a folder; the
centre's own HTTP link later).
Source: counter.md, last paragraph (repeated until the centre, not a gateway, acknowledges); reliability.md, "Recovery"
step 4 (a sale that stays open goes to the centre as unknown).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sscard_terminal.cardspec.upload_record import (
    News,
    UploadAnswer,
    UploadBatch,
    UploadRecord,
    event_of,
    key_of,
)

from .journal import Journal
from .ports import Clock
from .upload_queue import (
    acknowledge,
    acknowledged,
    name_of,
    name_the_unknown,
    records_behind,
    take_news,
)

BATCH = 100
"""Records in one message, about 90 kB. Our choice."""


class LinkFault(StrEnum):
    """Why the centre did not answer. The value is the key of its sentence in cli/messages."""

    UNREACHABLE = "unreachable"
    """No answer, or none that can be understood; it may have heard us."""
    CANNOT_WRITE = "cannot-write"
    """The file that stands in for it takes nothing: no room, no rights."""
    NOT_AN_UPLOAD_FILE = "not-an-upload-file"
    """There is a file of that name, and it is something else."""
    OTHER_JOURNAL = "other-journal"
    """It holds another journal's records."""
    DAMAGED = "damaged"
    """The file is ours, and a line of it is not."""


class CentreUnreachable(Exception):
    """The centre gave no answer: what was sent waits, and is sent again. `where` a file or an address."""

    def __init__(self, where: str, fault: LinkFault = LinkFault.UNREACHABLE) -> None:
        super().__init__(where, fault)
        self.where = where
        self.fault = fault


class CentreLink(Protocol):
    """A way to the centre."""

    def send(self, batch: UploadBatch) -> UploadAnswer:
        """Hand over a batch; the answer is the centre's own, about what lies durably with it.

        Raises:
            CentreUnreachable: there is none; the batch may have arrived all the same.
        """


class Ending(StrEnum):
    """How an upload ended. The value is the key of its sentence in cli/messages."""

    DONE = "done"
    """The centre has everything."""
    NO_ANSWER = "no-answer"
    TOOK_NOTHING = "took-nothing"
    """The centre answers, and holds no more than before."""
    NOT_BELIEVED = "not-believed"
    """It acknowledges what was not sent: it speaks of another journal, or this one is an old copy."""
    TRAINING = "training"
    """Training sales never leave this computer."""
    MORE = "more"
    """As many batches went out as were asked for; the rest waits for the next time."""


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What an upload did: how many events were `sent` and acknowledged now; what the centre said about requests that was
    `news`, and how much of what it said about them was `disbelieved`; `trouble` with NO_ANSWER.
    """

    ending: Ending
    sent: int = 0
    news: tuple[News, ...] = ()
    disbelieved: int = 0
    trouble: CentreUnreachable | None = None


def upload(
    journal: Journal, centre: CentreLink, clock: Clock, batch: int = BATCH, most_batches: int | None = None
) -> UploadReport:
    """Send what waits, until the centre has everything or does not go along, `most_batches` at most (else MORE).
    Whatever it ends with, nothing is lost.

    Sales of which nothing but the intent is known are named first (`name_the_unknown`); not in the middle of a sale.
    With nothing to send the centre is asked all the same, for news about requests.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    if journal.training:
        return UploadReport(Ending.TRAINING)
    name = name_of(journal)
    if name is None:
        return UploadReport(Ending.DONE)
    return _Upload(journal, name, centre, clock, batch).run(most_batches)


class _Upload:
    """One run. `position` is the newest event the centre says it holds, which need not be the newest acknowledged."""

    def __init__(self, journal: Journal, name: str, centre: CentreLink, clock: Clock, most: int) -> None:
        self._journal = journal
        self._name = name
        self._centre = centre
        self._clock = clock
        self._most = most
        self._acknowledged = acknowledged(journal)
        self._position = self._acknowledged
        self._may_step_back = True
        self._sent = 0
        self._news: list[News] = []
        self._disbelieved = 0
        self._trouble: CentreUnreachable | None = None

    def run(self, most_batches: int | None) -> UploadReport:
        name_the_unknown(self._journal, self._now())
        ending, batches = self._send_next(), 1
        while ending is None:
            ending = Ending.MORE if batches == most_batches else self._send_next()
            batches += 1
        return UploadReport(ending, self._sent, tuple(self._news), self._disbelieved, self._trouble)

    def _send_next(self) -> Ending | None:
        """One batch and its answer; None while there is more to send."""
        behind = key_of(self._name, self._position) if self._position else None
        batch = UploadBatch(self._name, behind, self._next(self._most))
        try:
            answer = self._centre.send(batch)
        except CentreUnreachable as trouble:
            self._trouble = trouble
            return Ending.NO_ANSWER
        held = self._number(answer.held)
        if held is None or held > (batch.records[-1].event if batch.records else self._position):
            return Ending.NOT_BELIEVED
        ending = self._go_to(held, batch)
        self._take_news(answer)
        if ending is None and not self._next(1):
            return Ending.DONE
        return ending

    def _number(self, held: str | None) -> int | None:
        """0 for nothing; None where the centre speaks of another journal."""
        if held is None:
            return 0
        name, number = event_of(held)
        return number if name == self._name else None

    def _go_to(self, held: int, batch: UploadBatch) -> Ending | None:
        """Where the next batch begins: behind what the centre holds, which it was sent now or before."""
        if held == self._position:
            return Ending.TOOK_NOTHING if batch.records else None
        if held < self._position:
            return self._step_back(held)
        self._position = held
        if held > self._acknowledged:
            acknowledge(self._journal, held, self._now())
            self._sent += sum(self._acknowledged < record.event <= held for record in batch.records)
            self._acknowledged = held
        return None

    def _step_back(self, held: int) -> Ending | None:
        """The centre has lost something (or an old answer of it has lost its way): all from there once more, which harms
        nothing. Once a run, or it might never end."""
        if not self._may_step_back:
            return Ending.TOOK_NOTHING
        self._may_step_back = False
        self._position = held
        return None

    def _take_news(self, answer: UploadAnswer) -> None:
        for news in answer.news:
            match take_news(self._journal, self._name, news, self._acknowledged, self._now()):
                case True:
                    self._news.append(news)
                case None:
                    self._disbelieved += 1

    def _next(self, most: int) -> tuple[UploadRecord, ...]:
        return records_behind(self._journal, self._name, self._position, most)

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)
