"""The main flows over the loopback card with prepared randomness and a prepared clock: what they said to card and PSAM.

python -m tests.lab.traces.flows        writes the golden traces (fixtures/traces/golden) anew; look at the difference
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.lab.traces.entries import Entry
from sscard_terminal.lab.traces.formats import transcript
from sscard_terminal.lab.traces.words import told
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.reader.tracing import traced
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.outcomes import Approved, Unsettled
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.recovery import settle
from sscard_terminal.terminal.workflow import read_balances, read_details
from tests.cards import FIXTURES
from tests.terminal.doubles import AMOUNTS, DEBIT, Desk, Faulty, answer_lost

GOLDEN = FIXTURES / "traces/golden"


@dataclass
class Recorder:
    """Lines of card and PSAM in one text, with the name of the speaker where it changes."""

    lines: list[str] = field(default_factory=list)
    speaker: str = ""

    def around(self, connection: Connection, speaker: str) -> Connection:
        def sink(line: str) -> None:
            if self.speaker != speaker and not line.startswith("<"):
                self.speaker = speaker
                self.lines.append(f"# [{speaker}]")
            self.lines.append(line)

        return traced(connection, sink)


class RecordedDesk(Desk):
    """A counter whose every exchange is recorded."""

    recorder: Recorder

    def __post_init__(self) -> None:
        self.recorder = Recorder()
        super().__post_init__()

    def powered_psam(self) -> Psam:
        return Psam(completing(self.recorder.around(LoopbackConnection(self.psam_chip), "PSAM")))

    def link(self, connection: Connection) -> Connection:
        return self.recorder.around(connection, "card")


def read(desk: RecordedDesk) -> None:
    desk.identified(desk.link, pin=None)


def balance(desk: RecordedDesk) -> None:
    card = desk.identified(desk.link)
    read_balances(card)
    read_details(card)


def pin_verify(desk: RecordedDesk) -> None:
    desk.identified(desk.link)


def sale(desk: RecordedDesk) -> None:
    card = desk.identified(desk.link)
    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    assert isinstance(outcome, Approved)


def recover(desk: RecordedDesk) -> None:
    """The card is pulled before its answer to DEBIT, and comes back."""
    card = desk.identified(lambda link: desk.link(Faulty(link, DEBIT, answer_lost(LinkReason.CARD_REMOVED))))
    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    assert isinstance(outcome, Unsettled)
    again = desk.identified(desk.link)
    settle(again, desk.psam, desk.journal, desk.clock, pin_verified=True)


FLOWS: dict[str, Callable[[RecordedDesk], None]] = {
    "read": read,
    "balance": balance,
    "pin-verify": pin_verify,
    "debit": sale,
    "recover": recover,
}


def recorded(name: str, folder: Path) -> list[Entry]:
    """The entries of one flow, run now."""
    desk = RecordedDesk.at(folder)
    assert isinstance(desk, RecordedDesk)
    FLOWS[name](desk)
    return list(transcript.read(desk.recorder.lines))


def main() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in FLOWS:
        with tempfile.TemporaryDirectory() as folder:
            found = recorded(name, Path(folder))
        lines = transcript.write(told(found, "en", reveals=True))
        (GOLDEN / f"{name}.apdu").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
