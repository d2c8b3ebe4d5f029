"""The script language as values: what a script says, with the place in the file where it says it.

Not here: reading it (parse.py), writing it (write.py), doing it (lab/run). Every reader of a foreign format makes these same
values, so that one runner serves all.
Source: scripts.md §8; the grammar is in docs/scripts.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sscard_terminal.card.control.verbs import Verb
from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.messages import text

from .places import NOWHERE as NOWHERE
from .places import Position as Position
from .places import ScriptError as ScriptError

# What is sent -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Octets:
    """Bytes as written."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME` or `$NAME.PART`: what `set`, `let`, `ask`, `repeat … as` or a capture left there; `$card.pin` asks the target."""

    name: str
    part: str = ""
    at: Position = field(default=Position(), compare=False)

    def __str__(self) -> str:
        return f"${self.name}.{self.part}" if self.part else f"${self.name}"


@dataclass(frozen=True, slots=True)
class Masked:
    """Bytes a transcript does not tell (`******`); only readers of transcripts make this, the language itself has no such thing.

    The runner puts the card's PIN in if it is of that length, and else refuses to send.
    """

    length: int


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text, as an argument of a function."""

    value: str


Part = Octets | Variable | Masked
Argument = Text | tuple[Part, ...]


# What is expected ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nibbles:
    """Bytes of an answer, some of whose half bytes do not matter: (answer & care) == value. Both of one length."""

    value: bytes
    care: bytes

    @classmethod
    def exactly(cls, value: bytes) -> Nibbles:
        return cls(value, b"\xff" * len(value))


@dataclass(frozen=True, slots=True)
class Capture:
    """`{name:4}`: so many bytes, kept under the name; `length` None (`{name:*}`): all the rest."""

    name: str
    length: int | None
    at: Position = field(default=Position(), compare=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """`xx*`: any number of bytes, none too; only at the end."""


MaskPart = Nibbles | Variable | Capture | Rest


@dataclass(frozen=True, slots=True)
class WordMask:
    """A status word some of whose half bytes do not matter: (sw & care) == value; `63Cx` is (0x63C0, 0xFFF0)."""

    value: int
    care: int = 0xFFFF

    def fits(self, sw: int) -> bool:
        return sw & self.care == self.value

    def __str__(self) -> str:
        digits = f"{self.value:04X}"
        return "".join(digit if self.care >> 12 - 4 * at & 0xF else "x" for at, digit in enumerate(digits))


ANY_WORD = WordMask(0, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """`-> [DATA] WORD|WORD`: data None is not looked at, () is no data; at least one status word."""

    words: tuple[WordMask, ...]
    data: tuple[MaskPart, ...] | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """`-> link` or `-> link card-removed`: no answer comes. `reason` is a word of reader.connection.LinkReason, "" any."""

    reason: str = ""


Expectation = Answer | Break


# Statements ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UseCard:
    """`use card PROFILE [person NAME|"FILE"] [balance YUAN] as NAME`: a new virtual card in this process."""

    at: Position
    profile: str
    person: str = ""
    balance: str = ""
    name: str = "card"


@dataclass(frozen=True, slots=True)
class UsePsam:
    """`use psam PROFILE as NAME`: a new virtual PSAM; `profile` without "psam-": national."""

    at: Position
    profile: str = "national"
    name: str = "psam"


@dataclass(frozen=True, slots=True)
class UseImage:
    """`use image "FILE" as NAME`: a card or PSAM image, of which the file is left as it is."""

    at: Position
    file: str
    name: str = "card"


@dataclass(frozen=True, slots=True)
class UseReader:
    """`use reader "NAME" as NAME`: the card in a reader; part of the reader's name is enough."""

    at: Position
    reader: str
    name: str = "card"


@dataclass(frozen=True, slots=True)
class UseTranscript:
    """`use transcript "FILE" as NAME`: a recorded conversation answers."""

    at: Position
    file: str
    name: str = "card"


@dataclass(frozen=True, slots=True)
class Section:
    """`section "TITLE" [requirement "TEXT"] [only PROFILE …]`: from here to the next one.

    Several requirements stand in one text, with `;` between them. `only`: for cards of these descriptions; empty: for all.
    """

    at: Position
    title: str
    requirement: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete on|off`: whether 61xx is fetched and 6Cxx repeated for the commands where that is safe."""

    at: Position
    on: bool


@dataclass(frozen=True, slots=True)
class Command:
    """`[NAME:] BYTES [-> EXPECTATION]`; `target` "" is the card of the block around, or the first that was named."""

    at: Position
    parts: tuple[Part, ...]
    expectation: Expectation | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """`[NAME:] reset [cold|warm] [-> [ATR]]`; `atr` None is not looked at."""

    at: Position
    cold: bool = False
    atr: tuple[MaskPart, ...] | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Power:
    """`[NAME:] power on|off`."""

    at: Position
    on: bool
    target: str = ""


@dataclass(frozen=True, slots=True)
class Fresh:
    """`fresh NAME`: a new card of the same kind in its place; virtual cards only."""

    at: Position
    name: str = "card"


@dataclass(frozen=True, slots=True)
class Fault:
    """`[NAME:] eject`, `insert`, `swap NAME`, `mute for N s`, …: a verb of card/control/verbs.py; virtual cards only."""

    at: Position
    verb: Verb
    target: str = ""


@dataclass(frozen=True, slots=True)
class TearBlock:
    """`[NAME:] tear after-write N { … }`: the power goes after so many writes within; then the card is put in again.

    The command that is torn ends the block. A block that writes less is a note in the report, and no failure.
    """

    at: Position
    writes: int | Variable
    body: tuple[Statement, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """`repeat N [as NAME] { … }`: N times; `$NAME` is the turn, one byte from 01 (N then at most 255)."""

    at: Position
    count: int
    body: tuple[Statement, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class On:
    """`on NAME { … }`: commands within go to that card."""

    at: Position
    name: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """`set NAME = BYTES`."""

    at: Position
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Let:
    """`let NAME = [TARGET.]FUNCTION(ARGUMENT, …)`: a function of the closed set (functions.py, lab/run/psam_functions.py)."""

    at: Position
    name: str
    function: str
    arguments: tuple[Argument, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """`ask pin NAME`: a person types a PIN (4 to 12 digits); the variable holds it in BCD, and no report shows it."""

    at: Position
    name: str


@dataclass(frozen=True, slots=True)
class Include:
    """`include "FILE"`, as seen from the file it stands in; `body` is filled in by parse.load."""

    at: Position
    file: str
    body: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """`echo "TEXT"`: a line of the report."""

    at: Position
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """`wait N s`."""

    at: Position
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Exit:
    """`exit`: the rest is not run, and that is no failure."""

    at: Position


Use = UseCard | UsePsam | UseImage | UseReader | UseTranscript
Block = Repeat | On | TearBlock | Include
Statement = (
    Use
    | Section
    | Complete
    | Command
    | Reset
    | Power
    | Fresh
    | Fault
    | TearBlock
    | Repeat
    | On
    | Set
    | Let
    | Ask
    | Include
    | Echo
    | Wait
    | Exit
)


@dataclass(frozen=True, slots=True)
class Remark:
    """Where the tool a foreign script was made for would do otherwise; `key` finds the sentence ("script.remark.KEY")."""

    at: Position
    key: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def sentence(self, language: Language) -> str:
        return text(language, f"script.remark.{self.key}", **self.facts)


@dataclass(frozen=True, slots=True)
class Script:
    """One file: its name, what it says, and its lines as they stand (for errors and reports), those of `included` files too.

    `remarks` are of readers of foreign formats (lab/foreign).
    """

    file: str
    statements: tuple[Statement, ...]
    lines: tuple[str, ...] = field(default=(), repr=False, compare=False)
    included: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    remarks: tuple[Remark, ...] = field(default=(), compare=False)

    def line(self, at: Position) -> str:
        """The line at a place, "" where it is not known."""
        lines = self.lines if at.file == self.file else self.included.get(at.file, ())
        return lines[at.line - 1] if 0 < at.line <= len(lines) else ""


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement in the order of the text, those inside blocks too."""
    for statement in statements:
        yield statement
        if isinstance(statement, Repeat | On | TearBlock | Include):
            yield from walk(statement.body)
