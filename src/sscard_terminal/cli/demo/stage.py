"""Where the demo plays: three chips behind PC/SC, or in this process; and what travels to them is counted.

Not here: what is done with them (story.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.counting import Counting, Counts, counting
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

from ..console import Console
from ..exits import Exit, Stop
from ..images import thrown_away
from ..making import save_new
from ..trace import NoTrace, Trace
from .people import demo_card_image, demo_psam_image

CARD, PSAM, SPARE = "card", "psam", "second card"
ROLES = (CARD, PSAM, SPARE)
INSERTION_TIMEOUT_S = 20.0
FAREWELL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Actor:
    """One chip on stage: its completed connection, the counter inside, and the name of its reader."""

    connection: Connection
    counter: Counting
    reader: str

    @property
    def counts(self) -> Counts:
        return self.counter.counts


Cast = Mapping[str, Actor]
"""By role."""


def images() -> dict[str, bytes]:
    """The image of each role: two cards of one person, and the PSAM."""
    card = demo_card_image()
    return {CARD: card, PSAM: demo_psam_image(), SPARE: card}


def stage(loopback: bool, console: Console, trace: Trace | NoTrace) -> AbstractContextManager[Cast]:
    """The cast, ready to be spoken to.

    Raises:
        PcscdUnavailable: PC/SC cannot be had here.
        Stop: a card's process ended early.
    """
    return in_this_process(trace) if loopback else behind_pcsc(console, trace)


@contextmanager
def in_this_process(trace: Trace | NoTrace) -> Iterator[Cast]:
    """The chips themselves: no reader, no service."""
    with ExitStack() as stack:
        cast = {}
        for role, image in images().items():
            chip = stack.enter_context(thrown_away(image)).chip
            cast[role] = _actor(LoopbackConnection(chip), role, "loopback", trace)
        yield cast


@contextmanager
def behind_pcsc(console: Console, trace: Trace | NoTrace) -> Iterator[Cast]:
    """A pcscd of our own, and one `sscard ... serve` process a chip."""
    with ExitStack() as stack:
        pcscd = stack.enter_context(PrivatePcscd(len(ROLES)))
        if not pcscd.isolated:
            console.warn("demo.open-ports", ports=", ".join(map(str, pcscd.ports)))
        stack.enter_context(environment(pcscd.environment()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sscard-demo-")))
        slots = dict(zip(ROLES, pcscd.slots, strict=False))
        processes = {}
        for role, image in images().items():
            save_new(folder / f"{role}.image", image)
            command = pcscd.wrap_command(serve_command(role, folder / f"{role}.image", slots[role]))
            processes[role] = stack.enter_context(child(command))
        stack.callback(_send_home, processes.values())  # all at once; each is waited for later
        yield {
            role: _actor(
                stack.enter_context(_inserted(slots[role], processes[role])), role, slots[role].reader, trace
            )
            for role in ROLES
        }


def _actor(connection: Connection, role: str, reader: str, trace: Trace | NoTrace) -> Actor:
    counter = counting(connection)
    return Actor(completing(trace.around(counter, role)), counter, reader)


def serve_command(role: str, image: Path, slot: Slot) -> list[str]:
    """What keeps a chip in a slot until its standard input ends."""
    kind = "psam" if role == PSAM else "card"
    program = [sys.executable, "-m", "sscard_terminal.cli", kind, "serve", str(image)]
    return [*program, "--vpcd", f"127.0.0.1:{slot.port}", "--until-eof", "--json"]


@contextmanager
def child(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when we close its standard input, and so also when we are killed."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us; it follows in its own time
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(FAREWELL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _send_home(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def _inserted(slot: Slot, process: subprocess.Popen[bytes]) -> Iterator[Connection]:
    """The card in the slot, once it is there."""
    # Here, not above: --loopback must work where pyscard cannot be loaded.
    from sscard_terminal.reader.pcsc import open_reader, wait_for_card

    if not wait_for_card(slot.reader, INSERTION_TIMEOUT_S) or process.poll() is not None:
        raise Stop(Exit.TROUBLE, "demo.process-died")
    with closing(open_reader(slot.reader)) as connection:
        yield connection


@contextmanager
def environment(more: Mapping[str, str]) -> Iterator[None]:
    """Before the first PC/SC call of this process: the library looks once (pcsc.md section 2)."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
