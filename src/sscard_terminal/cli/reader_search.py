"""Finds the card's and the PSAM's reader: those asked for, the others by what is in them; and opens one.

Not here: what is done with them (desk.py, terminal) and PC/SC itself (reader).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkError, ReaderBusy, exclusively
from sscard_terminal.reader.pcsc import card_present, list_readers, open_reader
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.psam import Psam, PsamFailure, PsamProblem

from .exits import Exit, Stop
from .training import IMAGE_PREFIX, require_usable, usable


def both_readers(configuration: Configuration, card: str | None, psam: str | None) -> tuple[str, str]:
    """The names of both readers: those asked for, the others by what is in them."""
    card, psam = named_reader(configuration, card), named_reader(configuration, psam)
    if card and psam:
        return card, psam
    candidates = usable(configuration, filled_readers())
    psams, cards = _sorted_by_kind([name for name in candidates if name not in (card, psam)])
    if not (psam or psams) and (card or cards):
        raise Stop(Exit.TROUBLE, "readers.no-psam")
    return card or _the_one(cards), psam or psams[0]


def readers_of_counter(configuration: Configuration, card: str | None, psam: str | None) -> tuple[str, str]:
    """As `both_readers`, for a counter that waits for cards: the card's reader may be empty, if it is the only one left.

    Raises:
        Stop: there is no PSAM, or it cannot be told which reader is meant for cards.
    """
    card = named_reader(configuration, card)
    psam = named_reader(configuration, psam) or psam_reader(configuration, besides=card)
    if card:
        return card, psam
    others = [name for name in usable(configuration, list(list_readers())) if name != psam]
    match others:
        case [name]:
            return name, psam
        case []:
            raise Stop(Exit.TROUBLE, "readers.no-card-reader")
        case _:
            raise Stop(Exit.USAGE, "readers.which-for-cards", found=", ".join(others))


def psam_reader(configuration: Configuration, besides: str | None = None) -> str:
    """The reader that holds the PSAM.

    Raises:
        Stop: there is no reader, or no PSAM in any.
    """
    candidates = [name for name in usable(configuration, filled_readers()) if name != besides]
    psams = _sorted_by_kind(candidates)[0]
    if not psams:
        raise Stop(Exit.TROUBLE, "readers.no-psam")
    return psams[0]


def named_reader(configuration: Configuration, wish: str | None) -> str | None:
    """The one reader whose name is, or holds, what was asked for; None where nothing was.

    Raises:
        Stop: there is none, or more than one, or in training it may not be used.
    """
    return wish and require_usable(configuration, _named(wish))


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
