"""`sscard slip`: the slip of a sale again, marked so, from the journal; no card, no reader, nothing is changed."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of

from .command import Run, service
from .debit import opened_journal
from .exits import Exit, Stop
from .settings import settings_of
from .values import FilePath


@service("slip", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("voucher", metavar="[VOUCHER]", type=click.IntRange(min=1), required=False)
@click.option("--journal", metavar="FILE", type=FilePath())
def slip(run: Run, voucher: int | None, journal: Path | None) -> int:
    """See messages, help.slip."""
    with opened_journal(settings_of(run).configuration, journal) as book:
        entry = book.last_entry() if voucher is None else book.entry(voucher)
    if entry is None:
        raise Stop(Exit.REFUSED, "slip.none")
    text = text_of(slip_of_sale(entry, run.console.language, reprint=True, training=book.training))
    run.console.print(text.rstrip("\n"))
    run.console.give({"voucher": entry.sale.voucher, "state": str(entry.state), "slip": text})
    return Exit.DONE
