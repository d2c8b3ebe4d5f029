"""The desk: finds the card and the PSAM among the readers, opens both, and holds them for one breath.

Not here: PC/SC itself (reader) and what is then done with them (terminal).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, exclusively
from sscard_terminal.reader.pinpad import PinPad, pin_pad
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.psam_care import PsamState, key_end, look_at
from sscard_terminal.terminal.recovery import identify_to_settle

from .command import Run
from .console import Console
from .outcomes import held
from .reader_search import both_readers, named_reader, opened, psam_reader, readers_of_counter
from .settings import Settings, settings_of
from .trace import NoTrace, Trace, tracing_to

CARD, PSAM, PAD = "card", "psam", "card, at the PIN pad"


def now() -> datetime:
    """The terminal's clock."""
    return datetime.now()


@dataclass(frozen=True, slots=True)
class Pair:
    """Card and PSAM, both held."""

    card: SocialSecurityCard
    psam: Psam
    policy: Policy
    find_pad: Callable[[], PinPad | None] = lambda: None
    """The card reader's own pad; None where it has none or is not to use it. Asks the reader."""

    def identified(self, to_settle: Journal | None = None) -> IdentifiedCard:
        """Whose card it is; with the journal `to_settle` also one that may pay no more, if a sale of it is open there.

        Raises:
            Stop: it may not be served here.
            PsamFailure: what is in the PSAM's reader is none.
        """
        self.psam.terminal_number()
        card, psam, policy, random = self.card, self.psam, self.policy, secrets.token_bytes
        if to_settle is None:
            return held(identify(card, psam, policy, now, random))
        return held(identify_to_settle(card, psam, to_settle, policy, now, random))


class Desk:
    """One command's card and PSAM. Where they are is found out once and stays so; made by `desk_of`."""

    def __init__(self, run: Run, trace: Trace | NoTrace, settings: Settings) -> None:
        self.settings = settings
        self._language = run.console.language
        self._trace = trace
        configured = settings.configuration
        self._configuration = configured
        self._wishes = (run.reader or configured.card_reader, run.psam_reader or configured.psam_reader)
        self._readers: tuple[str, str] | None = None
        self._uses_pad = configured.uses_pad and not run.no_pad
        self._pins: list[Pin] = []

    def kept(self, pin: Pin) -> Pin:
        """`pin`, which is wiped when the command is done."""
        self._pins.append(pin)
        return pin

    def wipe_pins(self) -> None:
        for pin in self._pins:
            pin.wipe()

    def stand_by(self) -> str:
        """Settle on both readers before any card is there; the name of the card's.

        Raises:
            Stop: it cannot be told which they are.
        """
        self._readers = readers_of_counter(self._configuration, *self._wishes)
        return self._readers[0]

    @contextmanager
    def at_work(self) -> Iterator[Pair]:
        """Open card and PSAM and keep other programs off them until the block ends: ask the human before.

        Raises:
            Stop: no reader, no card, no PSAM, or more than one to choose from.
            LinkError: one of them cannot be opened.
        """
        if self._readers is None:
            self._readers = both_readers(self._configuration, *self._wishes)
        card_reader, psam_reader = self._readers
        with ExitStack() as stack:
            reader = stack.enter_context(opened(card_reader, self._language))
            card = self._trace.around(reader, CARD)
            psam = self._trace.around(stack.enter_context(opened(psam_reader, self._language)), PSAM)
            stack.enter_context(exclusively(card))
            stack.enter_context(exclusively(psam))
            yield Pair(
                SocialSecurityCard(completing(card)),
                Psam(completing(psam)),
                self.settings.policy,
                partial(self._pad_of, reader),
            )

    @contextmanager
    def card_alone(self) -> Iterator[SocialSecurityCard]:
        """As `at_work` without the PSAM, for what needs none; `stand_by` has settled on the readers.

        Raises:
            LinkError: the card cannot be opened.
        """
        assert self._readers is not None
        with opened(self._readers[0], self._language) as reader:
            card = self._trace.around(reader, CARD)
            with exclusively(card):
                yield SocialSecurityCard(completing(card))

    def _pad_of(self, reader: Connection) -> PinPad | None:
        return pin_pad(reader, lambda keys: self._trace.around(keys, PAD)) if self._uses_pad else None


def warn_of_key_end(console: Console, settings: Settings, valid_to: date | None) -> None:
    """Say in time that the PSAM's key ends, and say it when it has ended (counter.md screen rule 16)."""
    ahead = timedelta(days=settings.configuration.warn_before_key_end_days)
    if (end := key_end(valid_to, now().date(), ahead)) is None:
        return
    key = "psam.key-has-ended" if end.is_over else "psam.key-ends-soon"
    console.warn(key, valid_to=end.day, days=end.days_left)


def psam_alone(run: Run, settings: Settings) -> PsamState:
    """What the PSAM tells of itself, with no card needed.

    Raises:
        Stop: there is no reader, or no PSAM in any.
        LinkError, PsamFailure: it cannot be opened or read.
    """
    configuration = settings.configuration
    wish = run.psam_reader or configuration.psam_reader
    reader = named_reader(configuration, wish) or psam_reader(configuration)
    with opened(reader, run.console.language) as connection, exclusively(connection):
        return look_at(Psam(completing(connection)))


@contextmanager
def desk_of(run: Run) -> Iterator[Desk]:
    """The desk a command works at, with its settings read and its trace open.

    Raises:
        Stop: the configuration or the hotlist is wrong, or the trace file is something else.
    """
    settings = settings_of(run)
    with tracing_to(run.trace, run.console.language) as trace:
        desk = Desk(run, trace, settings)
        try:
            yield desk
        finally:
            desk.wipe_pins()
