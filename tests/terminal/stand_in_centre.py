"""A centre for tests: it holds what it was sent, and goes wrong in every way one can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sscard_terminal.cardspec.upload_record import News, UploadAnswer, UploadBatch, UploadRecord
from sscard_terminal.terminal.upload import CentreUnreachable


class Killed(BaseException):
    """The terminal's process ends here."""


Fault = Callable[["Centre", UploadBatch], UploadAnswer]


@dataclass
class Centre:
    """Keeps each record once by its bytes, in the order in which they came; `faults` happen to the next batches."""

    faults: list[Fault] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    batches: list[UploadBatch] = field(default_factory=list)

    def send(self, batch: UploadBatch) -> UploadAnswer:
        sent = UploadBatch.parse(batch.build())  # it travels as text
        self.batches.append(sent)
        answer = self.faults.pop(0)(self, sent) if self.faults else self.take(sent)
        return UploadAnswer.parse(answer.build())

    def take(self, batch: UploadBatch, most: int | None = None) -> UploadAnswer:
        """Hold the first `most` records of a batch, unless that would leave a hole."""
        keys = [record.key for record in self.records]
        if batch.behind is not None and batch.behind not in keys:
            return self.answer(keys[-1] if keys else None)
        taken = batch.records[:most]
        for record in taken:
            if (line := record.build()) not in self.held:
                self.held.append(line)
        return self.answer(taken[-1].key if taken else batch.behind)

    def answer(self, held: str | None) -> UploadAnswer:
        return UploadAnswer(held, tuple(self.news))

    @property
    def records(self) -> list[UploadRecord]:
        return [UploadRecord.parse(line) for line in self.held]


def never_arrives(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    raise CentreUnreachable("the centre")


def answer_lost(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    centre.take(batch)
    raise CentreUnreachable("the centre")


def killed_before(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    raise Killed


def killed_after(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    centre.take(batch)
    raise Killed


def takes_nothing(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    return centre.take(batch, 0)


def takes_one(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    return centre.take(batch, 1)


def half_then_lost(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    centre.take(batch, len(batch.records) // 2)
    raise CentreUnreachable("the centre")


def arrives_twice(centre: Centre, batch: UploadBatch) -> UploadAnswer:
    centre.take(batch)
    return centre.take(batch)


def answers(held: str | None, *news: News) -> Fault:
    """It takes nothing, and says this."""
    return lambda centre, batch: UploadAnswer(held, news)


def takes_and_answers(held: str | None, *news: News) -> Fault:
    """It takes all, and says this."""

    def fault(centre: Centre, batch: UploadBatch) -> UploadAnswer:
        centre.take(batch)
        return UploadAnswer(held, news)

    return fault


def restored(count: int) -> Fault:
    """It has come back from an old copy with its first `count` records only."""

    def fault(centre: Centre, batch: UploadBatch) -> UploadAnswer:
        del centre.held[count:]
        return centre.take(batch)

    return fault


HARMLESS = (
    never_arrives,
    answer_lost,
    takes_nothing,
    takes_one,
    half_then_lost,
    arrives_twice,
    killed_before,
    killed_after,
)
"""What a network and a centre may do without any fault of ours or theirs."""
