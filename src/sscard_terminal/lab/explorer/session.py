"""The explorer's verbs: a line in, lines of text out; the same at a prompt, from a file and in a test.

Not here: prompts, files and screens (cli/explorer), and the card (walker.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from sscard_terminal.cardspec.commands.security import VerifyPin
from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.run.exact import exact
from sscard_terminal.lab.traces.entries import MASK
from sscard_terminal.lab.traces.formats import transcript
from sscard_terminal.reader.connection import Connection, LinkError, exclusively, reset
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.psam import PsamFailure
from sscard_terminal.voice.messages import text

from .contents import decoded, dump
from .heard import Heard
from .lines import TAKES_A_PLACE, Line, Verb, parse, verb_of
from .places import Kind, Path, Place
from .refusal import NotUnderstood, Refused
from .sale import SaleDesk, sell
from .walker import Found, Walker

UP = ".."
LEAST_COMMAND = 4
ENDINGS = (Refused, NotUnderstood, LinkError, PsamFailure, JournalTrouble, FormatError)
"""What a line may end with."""
ASKS_FIRST = (Verb.VERIFY, Verb.SALE)
"""A person is asked before the card is held (style.md, "Ask the human first")."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the explorer works with: `open_card` opens the card (anew), `ask_pin` asks somebody who is hidden from others."""

    open_card: Callable[[], Connection]
    ask_pin: Callable[[str], Pin]
    reader: str
    language: Language
    make_desk: Callable[[], SaleDesk] | None = None
    reveals: bool = False


class Explorer:
    """One walk through one card. `is_over` after `quit`.

    Raises (from here and from `run`):
        LinkError: the card is gone; `reset` looks for it again.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._language = around.language
        self._traces = False
        self.is_over = False
        self._walker = self._opened()

    def _opened(self) -> Walker:
        heard = Heard(self._around.open_card(), self._language, reveals=self._around.reveals)
        with exclusively(heard):
            return Walker(heard)

    def close(self) -> None:
        self._walker.heard.close()

    @property
    def kind(self) -> Kind:
        return self._walker.kind

    @property
    def where(self) -> str:
        """Where one stands, as a path: `SSSE/DF04`."""
        return _written(self._walker.path)

    def greeting(self) -> Iterator[str]:
        yield self._text(
            "explorer.card", reader=self._around.reader, kind=self._text(f"explorer.kind.{self.kind}")
        )
        yield f"ATR {self._walker.heard.atr.hex().upper()}"

    def run(self, said: str) -> Iterator[str]:
        """Do what a line says; its lines of text as they come.

        Raises:
            NotUnderstood: it is no line.
            Refused: the card or the explorer says no.
        """
        line = parse(said)
        if line is None:
            return
        heard: list[str] = []
        self._walker.heard.sink = heard.append if self._traces else None
        try:
            with nullcontext() if line.verb in ASKS_FIRST else exclusively(self._walker.heard):
                for words in self._done(line):
                    yield from _taken(heard)
                    yield words
        except ENDINGS:
            yield from _taken(heard)  # what was said until then
            raise
        yield from _taken(heard)

    def complete(self, said: str) -> tuple[str, ...]:
        """What may stand in place of the last word of an unfinished line; asks the card nothing."""
        *before, last = said.split(" ")
        if not [word for word in before if word]:
            return tuple(verb for verb in Verb if verb.startswith(last))
        verb = verb_of(next(word for word in before if word))
        if verb is Verb.HELP:
            return tuple(other for other in Verb if other.startswith(last))
        if verb is Verb.TRACE:
            return tuple(word for word in ("on", "off") if word.startswith(last))
        if verb not in TAKES_A_PLACE:
            return ()
        folder, slash, beginning = last.rpartition("/")
        try:
            path = self._followed(folder + slash, asks=False) if slash else self._walker.path
        except Refused:
            return ()
        names = [(place.name + "/" if place.is_folder else place.name) for place in self._walker.known(path)]
        return tuple(folder + slash + name for name in names if name.lower().startswith(beginning.lower()))

    # Verbs ------------------------------------------------------------------------------------------------

    def _done(self, line: Line) -> Iterator[str]:
        arguments = line.arguments
        match line.verb:
            case Verb.LS:
                return self._ls(self._folder(arguments))
            case Verb.TREE:
                return self._tree(self._folder(arguments))
            case Verb.CD:
                return self._cd(arguments)
            case Verb.PWD:
                return iter((self.where,))
            case Verb.CAT:
                return self._cat(arguments[0])
            case Verb.READ:
                return self._read(arguments)
            case Verb.APDU:
                return self._apdu("".join(arguments))
            case Verb.VERIFY:
                return self._verify()
            case Verb.SALE:
                return self._sale(arguments)
            case Verb.RESET:
                return self._reset(arguments)
            case Verb.TRACE:
                return self._trace(arguments)
            case Verb.INFO:
                return self.greeting()
            case Verb.HELP:
                return self._help(arguments)
            case Verb.QUIT:
                self.is_over = True
                return iter(())

    def _ls(self, path: Path) -> Iterator[str]:
        found = self._walker.inside(path)
        if not found:
            yield self._text("explorer.empty")
        for one in found:
            yield self._row(one)

    def _row(self, one: Found) -> str:
        name = one.place.name + ("/" if one.place.is_folder else "")
        word = one.place.word(self._language)
        refused = "" if one.sw is None else f"[{one.sw} {one.sw.meaning(self._language)}]"
        return f"{name:<10} {word} {refused}".rstrip()

    def _tree(self, path: Path) -> Iterator[str]:
        yield f"{path[-1].name} {path[-1].word(self._language)}".rstrip()
        yield from self._branches(path, "")

    def _branches(self, path: Path, before: str) -> Iterator[str]:
        found = self._walker.inside(path)
        for one in found:
            is_last = one is found[-1]
            yield f"{before}{'└─' if is_last else '├─'} {self._row(one)}"
            if one.place.is_folder and one.sw is None and one.place not in path:
                yield from self._branches((*path, one.place), before + ("   " if is_last else "│  "))

    def _cd(self, arguments: tuple[str, ...]) -> Iterator[str]:
        path = self._folder(arguments) if arguments else self._walker.path[:1]
        self._walker.enter(path)
        self._walker.path = path
        yield from ()

    def _cat(self, name: str) -> Iterator[str]:
        path, place = self._file(name)
        lines = decoded(self._walker.read(path, place), self._language)
        is_empty = True
        for line in lines:
            is_empty = False
            yield line
        if is_empty:
            yield self._text("explorer.empty")

    def _read(self, arguments: tuple[str, ...]) -> Iterator[str]:
        path, place = self._file(arguments[0])
        match arguments[1:]:
            case ():
                for number, one in self._walker.read(path, place):
                    yield from dump(one.answer.octets[:-4], number)
                return
            case ("tag", tag):
                number, by_tag = _number(tag, 16), True
            case (reference,):
                number, by_tag = _number(reference, 10), False
            case _:
                raise NotUnderstood("explorer.arguments", verb=Verb.READ)
        one = self._walker.one(path, place, number, by_tag=by_tag)
        yield from dump(one.answer.octets[:-4], number)

    def _apdu(self, digits: str) -> Iterator[str]:
        if MASK in digits:
            raise NotUnderstood("explorer.masked", 6)
        try:
            raw = bytes.fromhex(digits)
        except ValueError:
            raise NotUnderstood("explorer.hex", 6) from None
        if len(raw) < LEAST_COMMAND:
            raise NotUnderstood("explorer.hex", 6)
        heard = self._walker.heard
        self._walker.come_back()
        self._walker.lost()
        if (sink := heard.sink) is not None:
            heard.sink = None  # what this verb shows is that exchange
        try:
            heard.transmit(exact(raw))
        finally:
            heard.sink = sink
        yield from (line.rstrip("\n") for line in transcript.write([heard.last]))

    def _verify(self) -> Iterator[str]:
        if self.kind is not Kind.CARD:
            raise Refused("explorer.no-pin-here")
        pin = self._around.ask_pin(self._text("pin.prompt"))
        try:
            with exclusively(self._walker.heard):
                self._walker.enter(self._walker.path if len(self._walker.path) > 1 else self._walker.home())
                self._walker.heard.transmit(VerifyPin.of(pin).to_apdu())
        finally:
            pin.wipe()
        yield self._walker.heard.last.answer.says

    def _sale(self, arguments: tuple[str, ...]) -> Iterator[str]:
        if self.kind is not Kind.CARD or self._around.make_desk is None:
            raise Refused("explorer.no-sale-here" if self.kind is not Kind.CARD else "explorer.no-psam")
        try:
            amounts = PurchaseAmounts(*(Fen(fen_of_yuan(yuan)) for yuan in arguments))
        except FormatError:
            raise NotUnderstood("explorer.amount", 6) from None
        desk = self._around.make_desk()
        self._walker.lost()
        yield sell(self._walker.heard, desk, amounts, self._around.ask_pin, self._language)

    def _reset(self, arguments: tuple[str, ...]) -> Iterator[str]:
        if arguments not in ((), ("cold",)):
            raise NotUnderstood("explorer.arguments", 7, verb=Verb.RESET)
        heard = self._walker.heard
        try:
            reset(heard, cold=bool(arguments))
            self._walker.reset()
        except (
            TypeError,
            LinkError,
        ):  # a chip in this process, or a card that was taken out: it is put in anew
            self._reopen()
        yield f"ATR {self._walker.heard.atr.hex().upper()}"

    def _reopen(self) -> None:
        """Look at the card anew: what was taken out may be another one now.

        Raises:
            LinkError: there is none.
        """
        self._walker.heard.close()
        self._walker = self._opened()

    def _trace(self, arguments: tuple[str, ...]) -> Iterator[str]:
        if arguments not in ((), ("on",), ("off",)):
            raise NotUnderstood("explorer.arguments", 7, verb=Verb.TRACE)
        self._traces = arguments == ("on",) if arguments else not self._traces
        yield self._text("explorer.trace-on" if self._traces else "explorer.trace-off")

    def _help(self, arguments: tuple[str, ...]) -> Iterator[str]:
        verbs = tuple(Verb) if not arguments else (verb_of(arguments[0]),)
        for verb in verbs:
            if verb is None:
                raise NotUnderstood("explorer.no-such-verb", 6, known=", ".join(Verb))
            yield self._text(f"explorer.help.{verb}")

    # Names ------------------------------------------------------------------------------------------------

    def _folder(self, arguments: tuple[str, ...]) -> Path:
        return self._followed(arguments[0]) if arguments else self._walker.path

    def _file(self, name: str) -> tuple[Path, Place]:
        """
        Raises:
            Refused: there is no such file, or it is a folder.
        """
        folder, slash, last = name.rpartition("/")
        path = self._followed(folder + slash) if slash else self._walker.path
        place = self._named(path, last)
        if place is None:
            raise Refused("explorer.no-such-file", name=last)
        if place.is_folder:
            raise Refused("explorer.is-folder", name=last)
        return path, place

    def _named(self, path: Path, name: str, *, asks: bool = True) -> Place | None:
        """The file or folder of that name; the card is asked (unless not `asks`) where nobody knows it."""
        place = _of_name(self._walker.known(path), name)
        if place is None and asks:
            place = _of_name(tuple(found.place for found in self._walker.inside(path)), name)
        return place

    def _followed(self, name: str, *, asks: bool = True) -> Path:
        """The path that `name` leads to from here (from the root, where it begins with / or MF).

        Raises:
            Refused: it leads nowhere.
        """
        steps = name.split("/")
        path = self._walker.path
        if name.startswith("/") or steps[0].upper() == "MF":
            path, steps = path[:1], steps[1:]
        for step in steps:
            if step in ("", "."):
                continue
            if step == UP:
                path = path[:-1] or path
                continue
            place = self._named(path, step, asks=asks)
            if place is None or not place.is_folder:
                raise Refused("explorer.no-such-folder", name=step)
            path = (*path, place)
        return path

    def _text(self, key: str, **facts: object) -> str:
        return text(self._language, key, **facts)


def _taken(lines: list[str]) -> Iterator[str]:
    """The lines there are, which are gone then."""
    while lines:
        yield lines.pop(0)


def _of_name(places: tuple[Place, ...], name: str) -> Place | None:
    return next((place for place in places if place.name.upper() == name.upper()), None)


def _written(path: Path) -> str:
    return "/".join(place.name for place in path[1:]) or path[0].name


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        raise NotUnderstood("explorer.number", 6) from None
    if not 0 <= number <= 0x7FFF or (base == 16 and number > 0xFF):
        raise NotUnderstood("explorer.number", 6)
    return number
