"""One session at the counter with at most one fault in it, and what is left of everything afterwards.

Not here: which faults there are (faults), what is lawful (books), which sessions follow one another (enumeration).
What a session does is the product's: identification, PIN, sale, recovery, in the order of cli/debit.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sscard_terminal.card.chip import Chip
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, Declined, Unsettled
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam, PsamFailure
from sscard_terminal.terminal.recovery import identify_to_settle, settle, settle_by_psam
from sscard_terminal.terminal.workflow import verify_pin

from .books import Books
from .chips import PSAM as PSAM_PROFILE
from .chips import PsamSession, chip_from, image_of, proof_of, put_back, session_of
from .disk import Disk, Killed, faulty
from .entries import Entry, Names, body_of, entries_of
from .faults import CARD, PSAM, Script
from .links import Line

OURS, OUR_PSAM = "ours", "our PSAM"
AMOUNTS = PurchaseAmounts(Fen(1234), Fen(2000), Fen(8000))
FIRST_DAY = datetime(2026, 1, 5, 10, 15, 30)
BETWEEN_SESSIONS = timedelta(minutes=10)
POLICY = Policy(accept_expired=True)
DEBIT = bytes.fromhex("B02C")
Said = tuple[str, str, str]
"""What a session ended with: a word, the body of its DEBIT, the TAC; the last two in hex or empty."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything between two sessions; no card is in the reader.

    `session`: what the PSAM, still powered, has not forgotten. `memory`: what the terminal's process, still running,
    remembers of the PSAM. Each None: switched on anew.
    """

    profile: str
    rules: Mapping[str, Any]
    pin: str
    names: Names
    cards: Mapping[str, bytes]
    psams: Mapping[str, bytes]
    journal: bytes
    books: Books
    entries: tuple[Entry, ...] = ()
    session: PsamSession | None = None
    memory: Mapping[str, Any] | None = None
    turn: int = 0

    def is_open(self, card: str = OURS) -> bool:
        return any(entry["state"] == "open" and entry["card"] == card for entry in self.entries)


class Session:
    """A card is put in, the product works, and `world` is what is left. `card` names who is in the reader."""

    def __init__(self, world: World, disk: Disk, script: Script | None = None, card: str = OURS) -> None:
        self._world = world
        self._disk = disk
        self.script = script or Script()
        self.books = world.books.copy()
        self._names = {CARD: card, PSAM: OUR_PSAM}
        self._used = {card: self._chip_of(card), OUR_PSAM: self._chip_of(OUR_PSAM)}
        self.chips = {CARD: self._used[card], PSAM: self._used[OUR_PSAM]}
        self._power_up()
        self.before = self.books.copy()
        self._lines = {place: Line(self, place) for place in (CARD, PSAM)}
        self._psam = Psam(completing(self._lines[PSAM]))
        if world.memory is not None:
            vars(self._psam).update({name: copy(value) for name, value in world.memory.items()})
        self._found: tuple[bytes, bytes] | None = None
        journal = disk.opened(world.journal, as_file=self.script.needs_files)
        self._journal = faulty(journal, disk, self.script, self.die)
        self._now = FIRST_DAY + world.turn * BETWEEN_SESSIONS

    def _chip_of(self, name: str) -> Chip:
        world = self._world
        if name in world.psams:
            return chip_from(world.psams[name], PSAM_PROFILE, world.turn)
        return chip_from(world.cards[name], world.profile, world.turn, **world.rules)

    def _power_up(self) -> None:
        self.chips[CARD].power_on()
        self.books.begin(self._names[CARD])
        if self._world.session is not None:
            put_back(self.chips[PSAM], self._world.session)
        else:
            self.books.begin(OUR_PSAM)

    # -- what happens on the links

    def obey(self, place: str, raw: bytes) -> bytes:
        """The command arrives, and the books hear of it."""
        chip, name = self.chips[place], self._names[place]
        answer = chip.respond(raw)
        if place == PSAM:
            self.books.psam_obeyed(name, raw, answer)
        else:
            self.books.card_obeyed(name, raw, answer, proof_of(chip) if raw[:2] == DEBIT else "")
        return answer

    def disturb(self, place: str, other: str) -> None:
        """The power goes and comes back, and, with `other`, another card or PSAM sits there from now on."""
        if other:
            self._names[place] = other
            self.chips[place] = self._used[other] = self._chip_of(other)
        self.chips[place].power_on()
        self.books.begin(self._names[place])

    def service_gone(self) -> None:
        for place, line in self._lines.items():
            line.broken = True
            self.disturb(place, "")

    def die(self, files: tuple[bytes, bytes] | None = None) -> Killed:
        """The terminal's process is gone; the next one finds its files as they are now, or these."""
        self._found = files or self._disk.files(self._journal._database)
        return Killed()

    # -- what is done at the counter

    def sale(self, typed: str = "") -> Said:
        """`typed`: the PIN, when it is not the right one."""
        return self._said(lambda: self._sell(typed or self._world.pin))

    def recovery(self) -> Said:
        return self._said(lambda: self._recover(self._world.pin))

    def recovery_without_pin(self) -> Said:
        return self._said(lambda: self._recover(None))

    def _sell(self, pin: str) -> Approved | Declined | Unsettled:
        client = SocialSecurityCard(completing(self._lines[CARD]))
        card = identify(client, self._psam, POLICY, self._clock, bytes)
        card = card if isinstance(card, Declined) else self._verified(card, pin)
        if isinstance(card, Declined):
            return card
        try:
            return debit(card, self._psam, self._journal, DebitRequest(AMOUNTS), self._clock)
        except LinkError as error:
            raise AssertionError("debit raised a LinkError") from error

    def _verified(self, card: IdentifiedCard, pin: str | None) -> IdentifiedCard | Declined:
        verdict = verify_pin(card, Pin(pin)) if pin is not None else None
        return verdict if isinstance(verdict, Declined) else card

    def _recover(self, pin: str | None) -> Declined | None:
        """As `sscard recover`."""
        journal, psam, client = self._journal, self._psam, SocialSecurityCard(completing(self._lines[CARD]))
        if not journal.open_sales():
            return None
        by_psam = settle_by_psam(client, psam, journal, self._clock)
        if by_psam and not journal.open_sales(by_psam[0].entry.sale.identification):
            return None
        psam.terminal_number()
        card = identify_to_settle(client, psam, journal, POLICY, self._clock, bytes)
        card = card if isinstance(card, Declined) else self._verified(card, pin)
        if isinstance(card, Declined):
            return card
        settle(card, psam, journal, self._clock, pin_verified=pin is not None)
        return None

    def _clock(self) -> datetime:
        return self._now

    def _said(self, act: Callable[[], Approved | Declined | Unsettled | None]) -> Said:
        try:
            match act():
                case Approved(sale=sale, tac=tac):
                    return "approved", body_of(sale), tac.hex().upper()
                case Unsettled(sale=sale):
                    return "unsettled", body_of(sale), ""
                case Declined():
                    return "declined", "", ""
                case None:
                    return "recovered", "", ""
        except Killed:
            return "killed", "", ""
        except (LinkError, PsamFailure, JournalTrouble):
            return "broken", "", ""
        except Exception as error:  # noqa: BLE001 - whatever it is, it breaks the law
            return f"{type(error).__name__}: {error}", "", ""

    # -- what is left

    def world(self) -> World:
        """After a kill the process remembers nothing; a PSAM whose link broke has lost its power."""
        journal, entries = self._journal_and_entries()
        used = {name: image_of(chip) for name, chip in self._used.items()}
        psam_stays = not self._lines[PSAM].broken and self._names[PSAM] == OUR_PSAM
        return replace(
            self._world,
            cards={name: used.get(name, image) for name, image in self._world.cards.items()},
            psams={name: used.get(name, image) for name, image in self._world.psams.items()},
            journal=journal,
            entries=entries,
            books=self.books,
            session=session_of(self.chips[PSAM]) if psam_stays else None,
            memory=self._memory() if psam_stays and self._found is None else None,
            turn=self._world.turn + 1,
        )

    def _memory(self) -> Mapping[str, Any]:
        return {name: value for name, value in vars(self._psam).items() if name != "_connection"}

    def _journal_and_entries(self) -> tuple[bytes, tuple[Entry, ...]]:
        if self._found is not None:
            self._journal.close()
            self._journal = self._disk.found(*self._found)
        entries = entries_of(self._journal, self._world.names)
        return self._disk.closed(self._journal), entries
