"""`sscard card serve --control SOCKET` and `sscard card control SOCKET VERB…`: faults for a served card, from the shell.

Not here: the verbs (card/control/verbs.py), the socket (card/control/link.py), serving without them (serving.py).
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click

from sscard_terminal.card.control.control import Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.link import SocketInUse, ask, listening
from sscard_terminal.card.control.slots import VpcdSlot
from sscard_terminal.card.control.verbs import Insert
from sscard_terminal.card.memory import ByteStore, FileStore, RamStore
from sscard_terminal.card.slow import Line, SlowCard
from sscard_terminal.card.vpicc import Card, Vpicc
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkError

from . import images
from .command import BadValue, Run, service
from .exits import Exit, Stop
from .serving import teller
from .values import Address, FilePath

DEMO = "demo"
"""The name of the throw-away card."""
LOOK_S = 0.1
"""How often it looks whether it was told to end: an Event may lock up in a signal handler."""
NAMING = ("insert", "swap")
"""Verbs whose name may be a file, which each side finds from where it stands."""


class Served:
    """The cards a serving process has opened: image files, each opened when it is first named, and kept."""

    def __init__(self, stack: ExitStack, language: Language, at_once: bool) -> None:
        self._stack = stack
        self._language: Language = language
        self._at_once = at_once
        self._cards: dict[str, FaultyCard] = {}

    def find(self, name: str) -> FaultyCard | None:
        """The card of that name or in that file; None where there is none."""
        if name not in self._cards:
            try:
                self.add(name, FileStore(Path(name)))
            except (OSError, Stop):
                return None
        return self._cards[name]

    def add(self, name: str, store: ByteStore) -> None:
        """
        Raises:
            Stop: it is no card's image; it was left as it is.
        """
        try:
            images.require_image(store, Path(name), "card", self._language)
            card = FaultyCard(store, partial(images.chip_over, at_once=self._at_once))
        except BaseException:
            store.close()
            raise
        self._stack.callback(card.close)
        self._cards[name] = card


def serve_controlled(
    run: Run,
    image: Path | None,
    socket: Path,
    address: Address,
    at_once: bool,
    until_eof: bool,
    line: Line | None = None,
) -> int:
    """Keep a card in the reader at `address`, at the pace of `line`, and obey the verbs said at `socket`, until a signal or the end of input.

    Raises:
        Stop: the socket or the image cannot be used.
        OSError: the same.
    """
    with ExitStack() as stack:
        served = Served(stack, run.console.language, at_once)
        if image is None:
            from .demo.people import demo_card_image

            name, store = DEMO, RamStore(demo_card_image())
            served.add(name, store)
        else:
            name = str(image.resolve())
            served.add(name, FileStore(image))
        around = _traced(run, stack)
        tell = teller(run, run.console.text("control.card"), address)

        def link(card: FaultyCard) -> Vpicc:
            paced = card if line is None else SlowCard(card, line, sleep=card.wait_until_out)
            return Vpicc(around(paced), address.port, address.host, on_state=tell)

        slot = VpcdSlot(link)
        control = Control(slot, served.find, name, _reset_of(run.reader))
        stack.callback(control.close)
        try:
            stack.enter_context(listening(socket, control, (LinkError,)))
        except SocketInUse as error:
            raise Stop(Exit.USAGE, "control.socket-in-use", socket=socket) from error
        run.console.say("control.listening", socket=socket)
        control.obey(Insert())
        _wait(stack, until_eof)
    return Exit.DONE


def _traced(run: Run, stack: ExitStack) -> Callable[[Card], Card]:
    if run.trace is None:
        return lambda card: card
    from .trace import sink_to
    from .traced_card import TracedCard

    sink = stack.enter_context(sink_to(run.trace))
    return lambda card: TracedCard(card, sink, run.console.language)


def _wait(stack: ExitStack, until_eof: bool) -> None:
    """Until SIGTERM, SIGINT or, with `until_eof`, the end of standard input."""
    told: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.signal(number, lambda _number, _frame: told.append(True))
        stack.callback(signal.signal, number, previous)
    if until_eof:
        threading.Thread(target=_read_to_end, args=(told,), daemon=True).start()
    while not told:
        time.sleep(LOOK_S)


def _read_to_end(told: list[bool]) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    told.append(True)


def _reset_of(reader: str | None) -> Callable[[], None] | None:
    """How another program resets the card: through PC/SC, where the reader's name is known."""
    if reader is None:
        return None

    def reset_by_other() -> None:
        from sscard_terminal.reader.connection import reset
        from sscard_terminal.reader.pcsc import open_reader

        other = open_reader(reader)
        try:
            reset(other)
        finally:
            other.close()

    return reset_by_other


@service("control", uses_readers=False, has_trace=False)
@click.argument("socket", metavar="SOCKET", type=FilePath())
@click.argument("verb", metavar="VERB…", nargs=-1)
def control(run: Run, socket: Path, verb: tuple[str, ...]) -> int:
    """See messages, help.card control."""
    said = _said(verb)
    try:
        answer = ask(socket, said)
    except (OSError, ValueError) as error:
        raise Stop(Exit.TROUBLE, "control.nobody", socket=socket) from error
    if not answer.get("done"):
        raise _refused(answer)
    run.console.say("control.in" if answer["is_in"] else "control.out", card=answer["card"])
    for fault in answer["ordered"]:
        run.console.say("control.ordered", fault=fault)
    run.console.give(answer)
    return Exit.DONE


def _said(words: tuple[str, ...]) -> str:
    """The verb as one line; a file that lies here is named so that it is found from there."""
    if words and words[0] in NAMING and len(words) == 2:
        file = Path(words[1])
        return f'{words[0]} "{file.resolve() if file.exists() else words[1]}"'
    return " ".join(words)


def _refused(answer: dict[str, Any]) -> Exception:
    if answer.get("error") == "verb":
        return BadValue("usage.verb", column=answer.get("column", 1), expected=answer.get("expected", ""))
    known = ("no-card", "card-is-in", "no-such-card", "no-other")
    error = answer.get("error")
    return Stop(Exit.REFUSED, f"control.{error if error in known else 'nobody'}", socket="-")
