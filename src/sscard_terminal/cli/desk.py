"""The desk: finds the card and the PSAM among the readers, opens both, and holds them for one breath.

Not here: PC/SC itself (reader) and what is then done with them (terminal).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkError, ReaderBusy, exclusively
from sscard_terminal.reader.pcsc import card_present, list_readers, open_reader
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam, PsamFailure, PsamProblem
from sscard_terminal.terminal.psam_care import PsamState, key_end, look_at
from sscard_terminal.terminal.recovery import identify_to_settle

from .command import Run
from .console import Console
from .exits import Exit, Stop
from .outcomes import held
from .settings import Settings, settings_of
from .trace import NoTrace, Trace, tracing_to
from .training import IMAGE_PREFIX, require_usable, usable

CARD, PSAM = "card", "psam"


def now() -> datetime:
    """The terminal's clock."""
    return datetime.now()


@dataclass(frozen=True, slots=True)
class Pair:
    """Card and PSAM, both held."""

    card: SocialSecurityCard
    psam: Psam
    policy: Policy

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

    @contextmanager
    def at_work(self) -> Iterator[Pair]:
        """Open card and PSAM and keep other programs off them until the block ends: ask the human before.

        Raises:
            Stop: no reader, no card, no PSAM, or more than one to choose from.
            LinkError: one of them cannot be opened.
        """
        if self._readers is None:
            self._readers = _search(self._configuration, *self._wishes)
        card_reader, psam_reader = self._readers
        with ExitStack() as stack:
            card = self._trace.around(stack.enter_context(opened(card_reader, self._language)), CARD)
            psam = self._trace.around(stack.enter_context(opened(psam_reader, self._language)), PSAM)
            stack.enter_context(exclusively(card))
            stack.enter_context(exclusively(psam))
            yield Pair(SocialSecurityCard(completing(card)), Psam(completing(psam)), self.settings.policy)


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
    wish = run.psam_reader or settings.configuration.psam_reader
    configuration = settings.configuration
    psams = (
        [require_usable(configuration, _named(wish))]
        if wish
        else _sorted_by_kind(usable(configuration, filled_readers()))[0]
    )
    if not psams:
        raise Stop(Exit.TROUBLE, "readers.no-psam")
    with opened(psams[0], run.console.language) as connection, exclusively(connection):
        return look_at(Psam(completing(connection)))


@contextmanager
def desk_of(run: Run) -> Iterator[Desk]:
    """The desk a command works at, with its settings read and its trace open.

    Raises:
        Stop: the configuration or the hotlist is wrong, or the trace file is something else.
    """
    settings = settings_of(run)
    with tracing_to(run.trace, run.console.language) as trace:
        yield Desk(run, trace, settings)


def _search(configuration: Configuration, card: str | None, psam: str | None) -> tuple[str, str]:
    """The names of both readers: those asked for, the others by what is in them."""
    card = card and require_usable(configuration, _named(card))
    psam = psam and require_usable(configuration, _named(psam))
    if card and psam:
        return card, psam
    candidates = usable(configuration, filled_readers())
    psams, cards = _sorted_by_kind([name for name in candidates if name not in (card, psam)])
    if not (psam or psams) and (card or cards):
        raise Stop(Exit.TROUBLE, "readers.no-psam")
    return card or _the_one(cards), psam or psams[0]


@contextmanager
def opened(reader: str, language: Language = "en") -> Iterator[Connection]:
    """The card in a reader, or the chip of `image:FILE`, until the block ends.

    Raises:
        LinkError: it cannot be opened.
        Stop, OSError: the image cannot be used.
    """
    with ExitStack() as stack:
        if reader.startswith(IMAGE_PREFIX):
            from . import images  # here, because image files need Linux and real readers do not

            file = Path(reader.removeprefix(IMAGE_PREFIX))
            chip = stack.enter_context(images.opened(file, None, language)).chip
            connection: Connection = LoopbackConnection(chip)
        else:
            connection = open_reader(reader)
        stack.callback(connection.close)
        yield connection


def _named(wish: str) -> str:
    """The one reader whose name is, or holds, what was asked for."""
    if wish.startswith(IMAGE_PREFIX):
        return wish
    names = list_readers()
    if wish in names:
        return wish
    found = [name for name in names if wish.lower() in name.lower()]
    match found:
        case [name]:
            return name
        case []:
            key = "readers.no-such" if names else "readers.none"
            raise Stop(Exit.TROUBLE, key, name=wish)
        case _:
            raise Stop(Exit.USAGE, "readers.ambiguous", name=wish, found=", ".join(found))


def filled_readers() -> list[str]:
    """The readers that hold a card.

    Raises:
        Stop: there is no reader at all, or every one is empty.
    """
    names = list_readers()
    if not names:
        raise Stop(Exit.TROUBLE, "readers.none")
    filled = [name for name in names if card_present(name)]
    if not filled:
        raise Stop(Exit.TROUBLE, "readers.no-card")
    return filled


def _sorted_by_kind(names: list[str]) -> tuple[list[str], list[str]]:
    """PSAMs and others. A reader another program holds is no candidate, unless there is no other at all."""
    psams: list[str] = []
    cards: list[str] = []
    busy: LinkError | None = None
    for name in names:
        try:
            with opened(name) as connection, exclusively(connection):
                (cards if terminal_number_of(connection) is None else psams).append(name)
        except ReaderBusy as error:
            busy = error
    if busy is not None and not (psams and cards):
        raise busy
    return psams, cards


def terminal_number_of(connection: Connection) -> str | None:
    """The terminal number of a PSAM, None where the card is none: file 0016 under 3F00 tells.

    Source: card.md §10, row PSAM.

    Raises:
        PsamFailure: the link broke.
    """
    try:
        return Psam(completing(connection)).terminal_number()
    except PsamFailure as failure:
        if failure.problem is PsamProblem.LINK_BROKEN:
            raise
        return None


def _the_one(cards: list[str]) -> str:
    match cards:
        case [name]:
            return name
        case []:
            raise Stop(Exit.TROUBLE, "readers.no-card")
        case _:
            raise Stop(Exit.USAGE, "readers.several-cards", found=", ".join(cards))
