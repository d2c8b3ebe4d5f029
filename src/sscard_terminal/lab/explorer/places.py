"""Which files a card may have, how each is selected and what it is called: our card, the PSAM, and a stranger.

Not here: asking the card (walker.py) and the words (voice/apdus). Source: card.md §1.1, §1.5–1.8, §5.1; ISO/IEC 7816-4 §8.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.cardspec.commands.basic import Select, SelectAnswer, SelectBy
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.apdus.telling import words


class Kind(StrEnum):
    """What sort of card it is; the value is the end of the key of its words."""

    CARD = "card"
    PSAM = "psam"
    STRANGER = "stranger"


AMOUNTS = "AMOUNTS"
"""Not a file: what GET BALANCE tells of the medical account (card.md §1.7, internal amount file)."""
SSSE_NAME = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
_DF_NAMES = {
    f"DF{number:02X}": bytes.fromhex(f"D156000005{low}")
    for number, low in ((1, "00"), (2, "01"), (3, "02"), (4, "03"), (7, "04"))
}
_PSAM_FILES = (0x0001, 0x0015, 0x0016)
_PSAM_APPLICATION_FILES = (0x0019, 0x001A, 0x001B, 0x001C)
_STRANGERS = (
    *(0x2F00, 0x2F01, 0x2F02, 0x2F05, 0x2FE2, 0x5015, 0x5031, 0x5032, 0x7F10, 0x7F20, 0xA000, 0xDDF1),
    *range(0x0001, 0x0020),
    *range(0xDF01, 0xDF0B),
    *range(0xEF01, 0xEF20),
)
"""File identifiers that standards and usual cards have; nobody can ask a card for the list of its files."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: `name` as typed, `key` of its word, how it is selected."""

    name: str
    key: str
    select: CommandApdu | None
    is_folder: bool = False
    sfi: int = 0

    def word(self, language: Language) -> str:
        """What it is called, "" where nobody knows."""
        return words(language).get(self.key, "")


ROOT = Place("MF", "df.MF", Select.df().to_apdu(), is_folder=True)
Path = tuple[Place, ...]


def candidates(kind: Kind, path: Path, answer: SelectAnswer) -> tuple[Place, ...]:
    """What may lie in the folder at the end of `path` (root first)."""
    match kind, path[-1].name:
        case Kind.CARD, "MF":
            return (_df("SSSE", SSSE_NAME),)
        case Kind.CARD, "SSSE":
            return (*_efs("SSSE"), *(_df(name, aid) for name, aid in _DF_NAMES.items()))
        case Kind.CARD, "DF04":
            return (*_efs("DF04"), Place(AMOUNTS, "file.AMOUNTS", None))
        case Kind.CARD, name:
            return _efs(name)
        case Kind.PSAM, "MF":
            application = Place("DF01", "df.PSAM", Select.df(0xDF01).to_apdu(), is_folder=True)
            return (*map(_psam_ef, _PSAM_FILES), application)
        case Kind.PSAM, _:
            return tuple(map(_psam_ef, _PSAM_APPLICATION_FILES))
    return tuple(_stranger(file_id, answer) for file_id in _STRANGERS)


def select(by: SelectBy, target: bytes, answer: SelectAnswer) -> CommandApdu:
    """SELECT with the answer the card can give: without one it is asked for none."""
    command = Select(by, target, answer=answer).to_apdu()
    return CommandApdu(command.cla, command.ins, command.p1, command.p2, target, 0 if answer else command.ne)


def _df(name: str, aid: bytes) -> Place:
    return Place(name, f"df.{name}", Select.name(aid).to_apdu(), is_folder=True)


def _efs(df: str) -> tuple[Place, ...]:
    return tuple(
        Place(
            f"EF{number:02X}", f"file.{df}/EF{number:02X}", Select.ef(0xEF00 | number).to_apdu(), sfi=number
        )
        for number in range(1, 0x1F)
    )


def _psam_ef(file_id: int) -> Place:
    return Place(f"{file_id:04X}", f"file.{file_id:04X}", Select.ef(file_id).to_apdu())


def _stranger(file_id: int, answer: SelectAnswer) -> Place:
    target = file_id.to_bytes(2, "big")
    return Place(f"{file_id:04X}", "", select(SelectBy.FILE_ID, target, answer))
