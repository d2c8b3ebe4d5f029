"""What the counter does without a card: slips, voids, the day; each as the lines a clerk reads.

Not here: the rules (terminal/day.py, requests.py), and when it is asked for (clerk.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.terminal.day import close_day, open_day
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.operators import NotAllowed, Refusal
from sscard_terminal.terminal.operators_file import recognise
from sscard_terminal.terminal.passwords import Password
from sscard_terminal.terminal.ports import Clock
from sscard_terminal.terminal.requests import Asker, request_void
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.trouble import SlipTrouble

from ..console import Console
from ..day import tell_day
from ..desk import now
from ..exits import Exit, Stop
from ..outcomes import held
from ..printing import handed_out, problem_of
from ..settings import Settings
from ..signed_in import current_operator, let_through, operator_for, refused, told_of_file


class LineConsole(Console):
    """A console whose words are kept as lines, for a screen of ours."""

    def __init__(self, console: Console) -> None:
        super().__init__(console.language, as_json=False)
        self.training = console.training
        self.lines: list[str] = []

    def print(self, line: str) -> None:
        self.lines += line.splitlines()

    def warn(self, key: str, **facts: object) -> None:
        self.print(self.text(key, **facts))


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Whose number and password were typed."""

    number: str
    password: Password


@dataclass(frozen=True, slots=True)
class Office:
    """One counter's journal and settings. Every method raises what `sentences.KNOWN_ERRORS` knows."""

    journal: Journal
    settings: Settings
    console: Console
    clock: Clock = now

    def operator(self) -> str:
        """The number of whoever is signed in, "" where nobody needs to."""
        return operator_for(self.settings.configuration)

    def needs_supervisor(self) -> bool:
        """Whether somebody else than whoever is signed in must answer for a void."""
        configuration = self.settings.configuration
        return configuration.operators is not None and not current_operator(configuration).is_supervisor

    def to_be_verified(self) -> Iterator[str]:
        """What waits for its card, said when the session begins."""
        sales = [entry.sale for entry in self.journal.open_sales()]
        for paid in sales:
            yield self.console.text(
                "recover.waits",
                voucher=paid.voucher,
                time=paid.time,
                number=masked_number(paid.card_number),
                amount=yuan_of_fen(paid.amounts.account),
            )
        if sales:
            yield self.console.text("keyed.recover.at-start", count=len(sales))

    def slip(self, voucher: int | None, *, reprint: bool) -> list[str]:
        """The slip of a sale, of the last one without a number; from the journal alone, to screen or printer.

        A printer that fails undoes nothing: one line says so, and the slip is kept (counter.md screen rule 14).
        """
        entry = self.journal.last_entry() if voucher is None else self.journal.entry(voucher)
        if entry is None:
            raise Stop(Exit.REFUSED, "slip.none")
        console = LineConsole(self.console)
        slip = slip_of_sale(entry, console.language, reprint=reprint, training=self.journal.training)
        try:
            handed_out(console, slip, self.settings.configuration.slips)
        except SlipTrouble as trouble:
            problem = problem_of(console, trouble)
            console.warn("keyed.debit.not-printed", voucher=entry.sale.voucher, problem=problem)
        return console.lines

    def void(self, voucher: int, supervisor: Supervisor | None) -> Iterator[str]:
        """Ask the centre to give a sale of today back."""
        asker = Asker(self.operator(), self._answering(supervisor))
        asked = held(request_void(self.journal, voucher, self.clock, asker, self.settings.rules))
        yield self.console.text(
            "counter.voided", voucher=voucher, amount=yuan_of_fen(asked.event.amount or 0)
        )

    def open_day(self) -> Iterator[str]:
        yield from self._told(held(open_day(self.journal, self.clock, self.operator())))

    def close_day(self, despite: str, supervisor: Supervisor | None) -> Iterator[str]:
        """Close the day; `despite`: why over sales to be verified, for which a supervisor answers."""
        answering = self._answering(supervisor) if despite else ""
        yield from self._told(held(close_day(self.journal, self.clock, self.operator(), despite, answering)))

    def _told(self, day: Any) -> list[str]:
        console = LineConsole(self.console)
        tell_day(console, day)
        return console.lines

    def _answering(self, supervisor: Supervisor | None) -> str:
        """The number of the supervisor who answers for it."""
        file = self.settings.configuration.operators
        if file is None:
            return ""
        if supervisor is None:
            operator = current_operator(self.settings.configuration)
        else:
            with told_of_file():
                operator = let_through(
                    recognise(file, supervisor.number, supervisor.password, self.clock(), secrets.token_bytes)
                )
        if not operator.is_supervisor:
            raise refused(NotAllowed(Refusal.NEEDS_SUPERVISOR, operator.number))
        return operator.number
