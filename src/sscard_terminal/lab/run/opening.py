"""The targets a script names, or the command line in their place: made or looked for, each under its name.

Not here: connecting them (runner.py does, before anything is sent) and what is asked of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sscard_terminal.card.image import ImageError
from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import OK
from sscard_terminal.reader.connection import Connection, LinkReason, NoReader
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript, TranscriptError

from .. import virtual
from ..script.parse import read_text
from ..script.syntax import (
    Position,
    Script,
    ScriptError,
    Use,
    UseCard,
    UseImage,
    UsePsam,
    UseReader,
    UseTranscript,
    walk,
)
from .checking import USES
from .exact import exact
from .guard import Danger, Harm, dangers
from .targets import Target
from .virtual_target import VirtualTarget, profile_of

USUAL_BALANCE = Fen(100_00)
"""What a new card holds where the script does not say: something to buy with. Our choice."""
PSAM_PREFIX = "psam-"
CARD, PSAM = "card", "psam"
IMAGE_PREFIX = "image:"
"""A reader's name that begins so is an image file, as everywhere on the command line."""
LEAST_TRIES = 2
"""With fewer left, a real card is not sent what could burn one. Our choice."""
_SELECT_SSSE = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
_ASK_TRIES = bytes.fromhex("0020000000")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says in place of the script: one of these for the card, a reader for the PSAM."""

    profile: str = ""
    person: str = ""
    balance: str = ""
    image: str = ""
    reader: str = ""
    transcript: str = ""
    psam_reader: str = ""

    @property
    def use(self) -> Use | None:
        """As the statement of a script that says the same."""
        at = Position("", 0, 0)
        if self.reader:
            return UseReader(at, self.reader)
        if self.image:
            return UseImage(at, self.image)
        if self.transcript:
            return UseTranscript(at, self.transcript)
        if self.profile or self.person or self.balance:
            profile = self.profile or virtual.USUAL_CARD
            if profile in virtual.psam_profiles():
                return UsePsam(at, profile)
            return UseCard(at, profile, self.person, self.balance)
        return None


def opened_targets(script: Script, choice: Choice, seed: int, folder: Path) -> dict[str, Target]:
    """The targets in the order of the script; what the command line chose takes the place of the first that is no PSAM.

    Raises:
        ScriptError: one cannot be made, named with the line that wants it.
        LinkError: no smart card service.
    """
    random = Random(seed)
    found: dict[str, Target] = {}
    chosen, is_placed = choice.use, False
    for statement in walk(script.statements):
        if not isinstance(statement, USES):
            continue
        use: Use = statement
        if isinstance(use, UsePsam):
            if choice.psam_reader:
                use = UseReader(use.at, choice.psam_reader, use.name)
        elif chosen is not None and not is_placed:
            use, is_placed = _renamed(chosen, use), True
        found[statement.name] = _target(use, statement.name, random, script, folder)
    if chosen is not None and not is_placed:
        card = _target(chosen, chosen.name, random, script, folder)
        return {card.name: card, **found}
    return found


def _renamed(chosen: Use, told: Use) -> Use:
    """The person and balance of the script stay where the command line only says another kind of card."""
    if isinstance(chosen, UseCard) and isinstance(told, UseCard):
        person, balance = chosen.person or told.person, chosen.balance or told.balance
        return UseCard(told.at, chosen.profile, person, balance, told.name)
    return chosen


def _target(use: Use, name: str, random: Random, script: Script, folder: Path) -> Target:
    try:
        return _made(use, name, random, folder)
    except (FormatError, ImageError) as error:
        raise ScriptError(use.at, "use", script.line(use.at), problem=str(error)) from error
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise ScriptError(use.at, "use", script.line(use.at), problem=problem) from error


def _made(use: Use, name: str, random: Random, folder: Path) -> Target:
    match use:
        case UseCard(_, profile, person, balance):
            return _card(name, profile, person, balance, random, folder)
        case UsePsam(_, profile):
            full = profile if profile.startswith(PSAM_PREFIX) else PSAM_PREFIX + profile
            image = _psam_image(full)
            return VirtualTarget(name, image, random, _no_other, kind=PSAM, says=full)
        case UseReader(at, reader) if reader.startswith(IMAGE_PREFIX):
            return _made(UseImage(at, reader.removeprefix(IMAGE_PREFIX)), name, random, folder)
        case UseImage(_, file):
            path = folder / file
            kind = PSAM if profile_of(path.read_bytes()).startswith(PSAM_PREFIX) else CARD
            find = _finder("", folder)
            return VirtualTarget(name, path.read_bytes, random, find, kind=kind, says=file)
        case UseReader(_, reader):
            return _reader(name, reader)
        case UseTranscript(_, file):
            return _transcript(name, folder / file)


def _psam_image(profile: str) -> Callable[[], bytes]:
    return lambda: virtual.psam_image(profile)


def _card(name: str, profile: str, person: str, balance: str, random: Random, folder: Path) -> Target:
    held = fen_of_yuan(balance) if balance else USUAL_BALANCE
    whose = person or virtual.USUAL_PERSON

    def image() -> bytes:
        return virtual.card_image(profile, _holder(whose, folder), held)

    return VirtualTarget(name, image, random, _finder(profile, folder), kind=CARD, says=f"{profile} {whose}")


def _holder(person: str, folder: Path) -> str | Path:
    """A shipped person by name, or a file of the script's folder."""
    return person if person in virtual.people() else folder / person


def _finder(profile: str, folder: Path) -> Callable[[str], bytes]:
    """How `swap NAME` finds another card: somebody's of the same kind, or an image file."""

    def find(name: str) -> bytes:
        if name in virtual.people():
            return virtual.card_image(profile or virtual.USUAL_CARD, name, USUAL_BALANCE)
        return (folder / name).read_bytes()

    return find


def _no_other(name: str) -> bytes:
    raise FormatError("a PSAM is not swapped")


# Readers ------------------------------------------------------------------------------------------------------


def _reader(name: str, wish: str) -> Target:
    from sscard_terminal.reader.pcsc import list_readers

    there = list_readers()
    found = [reader for reader in there if reader == wish] or [reader for reader in there if wish in reader]
    if not found:
        raise NoReader(LinkReason.UNKNOWN_READER)
    if len(found) > 1:
        raise FormatError(f"{wish!r} is the name of more than one reader: {', '.join(found)}")

    def opening() -> Connection:
        from sscard_terminal.reader.pcsc import open_reader

        return open_reader(found[0])

    return Target(name, opening, kind="reader", says=found[0], is_real=True)


def _transcript(name: str, path: Path) -> Target:
    text = read_text(path, Position(str(path)))
    try:
        replay = Replay(Transcript.parse(text))
    except TranscriptError as error:
        lines = text.splitlines()
        shown = lines[error.line - 1] if 0 < error.line <= len(lines) else ""
        raise ScriptError(
            Position(str(path), error.line, 1), "transcript", shown, problem=error.problem
        ) from error
    return Target(name, lambda: replay, kind="transcript", says=str(path))


# The guard ----------------------------------------------------------------------------------------------------


def guard(script: Script, targets: dict[str, Target], *, allow_destructive: bool) -> None:
    """See that nothing a script sends could do harm to a real card, unless that is allowed; then look at its tries first.

    Raises:
        ScriptError: the first line that could, or a card with too few tries left.
        LinkError: the card does not answer.
    """
    first = next(iter(targets), "")
    found = [danger for danger in dangers(script.statements, first) if _is_real(danger, targets)]
    if found and not allow_destructive:
        danger, line = found[0], script.line(found[0].at)
        raise ScriptError(danger.at, f"harm-{danger.harm}", line, command=danger.command, count=len(found))
    seen: set[str] = set()
    for danger in found:
        if danger.harm is Harm.TRIES and danger.target not in seen:
            seen.add(danger.target)
            tries = tries_left(targets[danger.target])
            if tries is not None and tries < LEAST_TRIES:
                raise ScriptError(danger.at, "tries-left", script.line(danger.at), tries=tries)


def _is_real(danger: Danger, targets: dict[str, Target]) -> bool:
    target = targets.get(danger.target)
    return target is not None and target.is_real


def tries_left(target: Target) -> int | None:
    """How many tries the card's PIN has; None: it does not tell. The card is reset before and after.

    Raises:
        LinkError: it does not answer.
    """
    target.power_on()
    target.transmit(exact(_SELECT_SSSE))
    sw = target.transmit(exact(_ASK_TRIES)).sw
    target.reset(cold=False)
    return None if sw == OK else sw.tries_left
