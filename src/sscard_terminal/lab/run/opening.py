"""The targets a script names, or the command line in their place: made or looked for, each under its name.

Not here: connecting them (runner.py does, before anything is sent) and what is asked of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from sscard_terminal.card.image import ImageError
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import Connection, LinkReason, NoReader
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript, TranscriptError

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
from .targets import Target

USUAL_CARD = "gen2-32k"
COMMAND_LINE = Position("", 0, 0)
"""Where something stands that the command line says."""
PSAM_PREFIX = "psam-"
IMAGE_PREFIX = "image:"
"""A reader's name that begins so is an image file, as everywhere on the command line."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says in place of the script: one of these for the card, a reader for the PSAM.

    With a reader, `profile` tells what kind of card is in it.
    """

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
        at = COMMAND_LINE
        if self.reader:
            return UseReader(at, self.reader)
        if self.image:
            return UseImage(at, self.image)
        if self.transcript:
            return UseTranscript(at, self.transcript)
        if self.profile.startswith(PSAM_PREFIX):
            return UsePsam(at, self.profile)
        if self.profile or self.person or self.balance:
            return UseCard(at, self.profile, self.person, self.balance)
        return None


def opened_targets(script: Script, choice: Choice, seed: int, folder: Path) -> dict[str, Target]:
    """The targets in the order of the script; what the command line chose takes the place of the first that is no PSAM.

    Raises:
        ScriptError: one cannot be made, named with the line that wants it.
        LinkError: no smart card service.
    """
    random = Random(seed)
    found: dict[str, Target] = {}
    chosen = choice.use
    uses = [statement for statement in walk(script.statements) if isinstance(statement, USES)]
    replaced = next((use for use in uses if not isinstance(use, UsePsam)), None) if chosen else None
    for use in uses:
        meant: Use = use
        if chosen is not None and use is replaced:
            meant = _in_place_of(chosen, use)
        elif isinstance(use, UsePsam) and choice.psam_reader:
            meant = UseReader(COMMAND_LINE, choice.psam_reader)
        found[use.name] = _target(meant, use.name, random, script, folder)
        found[use.name].is_psam |= isinstance(use, UsePsam)
    if chosen is not None and replaced is None:
        card = _target(_in_place_of(chosen, None), chosen.name, random, script, folder)
        found = {card.name: card, **found}
    if choice.reader and choice.profile:
        next(target for target in found.values() if target.is_real).profile = choice.profile
    return found


def _in_place_of(chosen: Use, told: Use | None) -> Use:
    """What the command line leaves open of a new card stays as the script says it."""
    if not isinstance(chosen, UseCard):
        return chosen
    if not isinstance(told, UseCard):
        return replace(chosen, profile=chosen.profile or USUAL_CARD)
    return UseCard(
        COMMAND_LINE,
        chosen.profile or told.profile,
        chosen.person or told.person,
        chosen.balance or told.balance,
    )


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
        case UseReader(at, reader) if reader.startswith(IMAGE_PREFIX):
            return _made(UseImage(at, reader.removeprefix(IMAGE_PREFIX)), name, random, folder)
        case UseReader(_, reader):
            return _reader(name, reader)
        case UseTranscript(_, file):
            return _transcript(name, folder / file)
        case _:
            # Not above: a card of this process needs what a reader's does not.
            from .virtual_opening import virtual_target

            return virtual_target(use, name, random, folder)


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
