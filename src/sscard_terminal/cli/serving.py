"""Keeping a chip in a virtual reader until somebody says stop: what `card serve` and `psam serve` share.

Not here: the link itself (card/vpicc.py) and images (images.py).
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

import click

from sscard_terminal.card.vpicc import Card, LinkState, Vpicc
from sscard_terminal.reader.transcript import Octets, answer_line, atr_line, carries_pin, command_line

from .command import Run
from .exits import Exit
from .images import OpenedChip
from .ports import is_open_to_network
from .trace import Sink, sink_to
from .values import Address, AddressType


def serve_options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--vpcd, --t1, --until-eof."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--until-eof", is_flag=True),
            click.option("--t1", is_flag=True),
            click.option("--vpcd", metavar="HOST:PORT", type=AddressType(), default=f"127.0.0.1:{port}"),
        ):
            function = option(function)
        return function

    return decorate


def serve(run: Run, opened: OpenedChip, what: str, address: Address, until_eof: bool) -> int:
    """Keep the chip in the reader at `address`; `what` is its name in the lines this prints.

    Returns when SIGTERM, SIGINT or (with `until_eof`) the end of standard input asks to.
    """
    with ExitStack() as stack:
        card: Card = opened.chip
        if run.trace is not None:
            card = TracedCard(card, stack.enter_context(sink_to(run.trace)))
        vpicc = Vpicc(card, address.port, address.host, on_state=_teller(run, what, address))
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.signal(number, _stopper(vpicc))
            stack.callback(signal.signal, number, previous)
        if until_eof:
            threading.Thread(target=_stop_at_eof, args=(vpicc,), daemon=True).start()
        vpicc.serve()
    return Exit.DONE


def _teller(run: Run, what: str, address: Address) -> Callable[[LinkState], None]:
    """Says each change of state once; and, once in the reader, whether its port is open to everybody."""
    warned: list[int] = []

    def tell(state: LinkState) -> None:
        run.console.say(f"serve.{state.value}", what=what, address=address)
        run.console.give({"state": state.value, "address": str(address)})
        sys.stdout.flush()
        if state is LinkState.INSERTED and not warned and is_open_to_network(address.port):
            warned.append(address.port)
            run.console.warn("serve.open-port", port=address.port)

    return tell


def _stopper(vpicc: Vpicc) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: vpicc.request_stop()


def _stop_at_eof(vpicc: Vpicc) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    vpicc.request_stop()


class TracedCard:
    """A card that writes down what it is asked and what it answers; PINs are masked."""

    def __init__(self, card: Card, sink: Sink) -> None:
        self._card = card
        self._sink = sink

    def atr(self) -> bytes:
        return self._card.atr()

    def power_on(self) -> bytes:
        atr = self._card.power_on()
        self._sink(atr_line(atr))
        return atr

    def reset(self) -> bytes:
        atr = self._card.reset()
        self._sink(atr_line(atr, "reset"))
        return atr

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        octets = Octets(tuple(command))
        self._sink(command_line(octets.masked(5, len(octets)) if carries_pin(octets) else octets))
        answer = self._card.respond(command)
        self._sink(answer_line(Octets(tuple(answer))))
        return answer
