"""Which faults there are at each step of a session, by name; a session is the exchanges and the journal's writes.

Not here: how a fault happens (links, disk) and what it may do to the money (books).
Source: reliability.md, "Faults to enumerate, not to sample": at each APDU boundary; card.md §2.1, §2.3 (words).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sscard_terminal.reader.connection import LinkReason

CARD, PSAM, JOURNAL = "card", "psam", "journal"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a session does: a command in hex and the length of its answer, or a write to the journal's file."""

    place: str
    what: str
    length: int

    def __str__(self) -> str:
        header = " ".join(filter(None, (self.what[:4], self.what[4:8])))
        return f"journal's {self.what}" if self.place == JOURNAL else f"{self.place}'s {header}"


class Before(Enum):
    """What happens before the command would arrive."""

    NOTHING = "nothing"
    RESET = "reset"
    """The power goes and comes back: another program's reset, or the card is put in again, unnoticed by the reader."""
    SWAPPED = "swapped"
    """Another card, or another PSAM, sits in the reader, unnoticed."""
    SERVICE = "service"
    """The service of all readers is gone: card and PSAM lose their power."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with one command: how often it arrives, and what comes back instead of its answer."""

    name: str
    arrives: int = 1
    before: Before = Before.NOTHING
    reason: LinkReason | None = None
    """The link breaks with it, and stays broken."""
    cut: int | None = None
    """So many bytes of the answer come."""
    word: str = ""
    """This comes instead of the answer."""
    garbled: bool = False
    """The answer's last data byte has one bit wrong."""
    other: str = ""
    """Who sits in the reader then."""
    killed: bool = False

    def __str__(self) -> str:
        return self.name


class Trouble(Enum):
    """What goes wrong with one write to the journal."""

    KILLED_BEFORE = "killed before the write"
    KILLED_INSIDE = "killed before the commit"
    TORN = "power cut within the commit"
    KILLED_AFTER = "killed after the commit"
    FULL_AT_INSERT = "disk full at the write"
    FULL_AT_COMMIT = "disk full at the commit"
    FULL_FROM_NOW = "disk full from now on"
    FAILED_YET_THERE = "commit reported failed, yet there"


@dataclass(frozen=True, slots=True)
class DiskFault:
    """`kept`: so many of the bytes that the commit added are there after the power cut; `zeros`: the rest reads 00."""

    trouble: Trouble
    kept: int = 0
    zeros: bool = False

    @property
    def name(self) -> str:
        return self.trouble.value

    def __str__(self) -> str:
        rest = ", zeros behind" if self.zeros else ""
        return f"{self.name} after {self.kept} bytes{rest}" if self.trouble is Trouble.TORN else self.name


GONE = LinkReason.CARD_REMOVED
WORDS = ("6108", "63C2", "6581", "6901", "6985", "6A83", "6C08", "6F00", "9302")
"""More waits; a wrong PIN; memory failure; no transaction open; conditions; no such record; another length; unknown; wrong MAC.
As if the card had said so, whatever it did. Not 9000 and 9406: a card that says these untruly lies about the money."""
TWINS = ("of the same number", "of the same code")
"""The other cards: the card number, or the card identification code, is ours, and nothing else. Only the first has keys of
its own, as any two real cards have; so it is the one that is swapped in while nobody notices."""

_ANYWHERE = (
    Fault("held back", arrives=0, reason=LinkReason.READER_BUSY),
    Fault("never arrives", arrives=0, reason=GONE),
    Fault("answer lost", reason=GONE),
    Fault("empty answer, nothing arrived", arrives=0, reason=LinkReason.EMPTY_ANSWER),
    Fault("empty answer", reason=LinkReason.EMPTY_ANSWER),
    Fault("delivered twice", arrives=2),
    Fault("reset by another program", arrives=0, before=Before.RESET, reason=LinkReason.CARD_RESET),
    Fault("taken out and put back, unnoticed", before=Before.RESET),
    Fault("service gone before", arrives=0, before=Before.SERVICE, reason=LinkReason.SERVICE_GONE),
    Fault("service gone after", before=Before.SERVICE, reason=LinkReason.SERVICE_GONE),
    Fault("deadline passed, nothing arrived", arrives=0, reason=LinkReason.DEADLINE_PASSED),
    Fault("deadline passed", reason=LinkReason.DEADLINE_PASSED),
    Fault("killed before the command", arrives=0, killed=True),
    Fault("killed before the answer", killed=True),
    *(Fault(f"{word}, nothing arrived", arrives=0, word=word) for word in WORDS),
    *(Fault(f"{word} in place of the answer", word=word) for word in WORDS),
)
_SWAPS = {
    CARD: (Fault("another card", before=Before.SWAPPED, other=TWINS[0]),),
    PSAM: (Fault("another PSAM", before=Before.SWAPPED, other="another place's"),),
}
GARBLED = Fault("MAC2 garbled", garbled=True)
DEBIT_ANSWER_LENGTH = 10
"""TAC, MAC2 and a status word."""


def faults_of(step: Step, behind: Step | None) -> Iterator[Fault | DiskFault]:
    """Everything that can go wrong at a step; `behind`: the step before it."""
    if step.place == JOURNAL:
        yield from _disk_faults(step.length)
        return
    yield from _ANYWHERE
    yield from _SWAPS[step.place]
    for count in range(1, step.length):
        yield Fault(f"cut after {count} bytes", cut=count)
    fetched = behind is not None and behind.what.startswith("B02C") and step.what.startswith("00C0")
    answers_debit = step.what.startswith("B02C") or fetched
    if answers_debit and step.length == DEBIT_ANSWER_LENGTH:
        yield GARBLED


def _disk_faults(added: int) -> Iterator[DiskFault]:
    for trouble in Trouble:
        if trouble is not Trouble.TORN:
            yield DiskFault(trouble)
    for kept in sorted({1, 32, added // 2, added - 1}):
        yield DiskFault(Trouble.TORN, kept)
        yield DiskFault(Trouble.TORN, kept, zeros=True)


def _is_lie(fault: Fault | DiskFault) -> bool:
    return isinstance(fault, DiskFault) and fault.trouble is Trouble.FAILED_YET_THERE


class Script:
    """What one session has done so far, and the faults it meets, each at its step number, from 0: one, or two.

    `measured`: how many bytes each write to the journal adds is wanted too.
    """

    def __init__(
        self,
        *faults: tuple[int, Fault | DiskFault],
        measured: bool = False,
    ) -> None:
        self.steps: dict[int, Step] = {}
        """By number; the steps that meet a fault are not among them."""
        self.needs_files = measured or any(isinstance(fault, DiskFault) for _, fault in faults)
        self.disk_lies = len(faults) > 1 and any(_is_lie(fault) for _, fault in faults)
        self._taken = 0
        self._faults = dict(faults)

    def take(self) -> Any:
        """The next step begins: the fault that it meets, if any."""
        self._taken += 1
        return self._faults.get(self._taken - 1)

    def done(self, place: str, what: str, length: int) -> None:
        """The step has ended well; `length` of its answer, or of what a commit has added."""
        self.steps[self._taken - 1] = Step(place, what, length)


def kind_of(fault: Fault | DiskFault) -> str:
    """The row of the table it belongs to: cuts and words together."""
    if isinstance(fault, Fault) and fault.cut is not None:
        return "answer cut after b bytes"
    if isinstance(fault, Fault) and fault.word:
        return "a word, nothing arrived" if not fault.arrives else "a word in place of the answer"
    if isinstance(fault, Fault) and fault.before is Before.SWAPPED:
        return "another card or PSAM, unnoticed"
    return fault.name
