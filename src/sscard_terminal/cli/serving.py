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

from sscard_terminal.card.slow import Line, SlowCard
from sscard_terminal.card.vpicc import Card, LinkState, Vpicc

from .command import Run
from .exits import Exit
from .images import OpenedChip
from .ports import is_open_to_network
from .values import Address, AddressType, BaudRate


def serve_options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--vpcd, --t1, --baud, --until-eof."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--until-eof", is_flag=True),
            click.option("--baud", metavar="N", type=BaudRate()),
            click.option("--t1", is_flag=True),
            click.option("--vpcd", metavar="HOST:PORT", type=AddressType(), default=f"127.0.0.1:{port}"),
        ):
            function = option(function)
        return function

    return decorate


def line_at(baud: int | None, *, t1: bool) -> Line | None:
    """The pace of a contact card; None: as fast as it can."""
    return None if baud is None else Line(baud, t1=t1)


def serve(
    run: Run, opened: OpenedChip, what: str, address: Address, until_eof: bool, line: Line | None = None
) -> int:
    """Keep the chip in the reader at `address`; `what` is its name in the lines this prints, `line` its pace.

    Returns when SIGTERM, SIGINT or (with `until_eof`) the end of standard input asks to.
    """
    with ExitStack() as stack:
        card: Card = opened.chip if line is None else SlowCard(opened.chip, line)
        if run.trace is not None:
            from .trace import sink_to
            from .traced_card import TracedCard

            card = TracedCard(card, stack.enter_context(sink_to(run.trace)), run.console.language)
        vpicc = Vpicc(card, address.port, address.host, on_state=teller(run, what, address))
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.signal(number, _stopper(vpicc))
            stack.callback(signal.signal, number, previous)
        if until_eof:
            threading.Thread(target=_stop_at_eof, args=(vpicc,), daemon=True).start()
        vpicc.serve()
    return Exit.DONE


def teller(run: Run, what: str, address: Address) -> Callable[[LinkState], None]:
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
