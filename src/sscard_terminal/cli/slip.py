"""`sscard slip`: the slip of a sale, request or load again, marked so, from the journal; no card, no reader, nothing is changed."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.load_journal import LoadJournal
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.forms import newest_request, slip_of_request, slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.slips.load_form import slip_of_load
from sscard_terminal.terminal.slips.pdf import pdf_of
from sscard_terminal.terminal.slips.printing import SlipSettings
from sscard_terminal.terminal.slips.targets import Nowhere, Target
from sscard_terminal.terminal.slips.ticket import ticket
from sscard_terminal.terminal.slips.trouble import SlipTrouble

from .command import BadValue, Run, service
from .console import Console
from .debit import opened_to_read
from .exits import Exit, Stop
from .printing import chosen, handed_out, not_printed, printer_options, warn_of_lost
from .settings import settings_of
from .values import FilePath


@service("slip", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("voucher", metavar="[VOUCHER]", type=click.IntRange(min=1), required=False)
@click.option("--request", is_flag=True)
@click.option("--load", metavar="NUMBER", type=click.IntRange(min=1))
@printer_options
@click.option("--pdf", metavar="FILE", type=FilePath())
@click.option("--escpos", metavar="FILE", type=FilePath())
@click.option("--journal", metavar="FILE", type=FilePath())
def slip(
    run: Run,
    voucher: int | None,
    request: bool,
    load: int | None,
    printer: Target | None,
    width_mm: int | None,
    pdf: Path | None,
    escpos: Path | None,
    journal: Path | None,
) -> int:
    """See messages, help.slip."""
    if load is not None and (voucher is not None or request):
        raise BadValue("usage.load-or-sale")
    configuration = settings_of(run).configuration
    with opened_to_read(configuration, journal) as book:
        if load is None:
            made, facts = _of_sale(book, voucher, request, run.console)
        else:
            made, facts = _of_load(book, load, configuration.place, run.console)
    settings = chosen(configuration.slips, printer, width_mm)
    if (pdf or escpos) and printer is None:
        settings = chosen(settings, Nowhere(), None)
    try:
        _write(run.console, made, settings, pdf, escpos)
        became = handed_out(run.console, made, settings)
    except SlipTrouble as trouble:
        raise not_printed(run.console, trouble) from trouble
    run.console.give({**facts, "slip": text_of(made, settings.columns), "printed": became})
    return Exit.DONE


def _of_sale(
    book: Journal, voucher: int | None, request: bool, console: Console
) -> tuple[Slip, dict[str, object]]:
    entry = book.last_entry() if voucher is None else book.entry(voucher)
    if entry is None:
        raise Stop(Exit.REFUSED, "slip.none")
    facts = {"voucher": entry.sale.voucher, "state": str(entry.state)}
    if not request:
        return slip_of_sale(entry, console.language, reprint=True, training=book.training), facts
    asked = newest_request(entry)
    if asked is None:
        raise Stop(Exit.REFUSED, "slip.no-request", voucher=entry.sale.voucher)
    return slip_of_request(asked, console.language, reprint=True, training=book.training), facts


def _of_load(book: Journal, number: int, place: str, console: Console) -> tuple[Slip, dict[str, object]]:
    entry = LoadJournal(book).entry(number)
    if entry is None:
        raise Stop(Exit.REFUSED, "slip.no-load")
    slip = slip_of_load(entry, place, console.language, reprint=True, training=book.training)
    return slip, {"load": number, "state": str(entry.state)}


def _write(
    console: Console, made: Slip, settings: SlipSettings, pdf: Path | None, escpos: Path | None
) -> None:
    """Into new files: a slip never replaces anything."""
    if pdf is not None:
        page = pdf_of(made, settings.width_mm, settings.font)
        _new_file(pdf, page.data)
        if page.lacks_font and settings.font is not None:
            console.warn("slip.no-font", font=settings.font.path)
        warn_of_lost(console, page.lost)
        console.say("slip.written", file=pdf)
    if escpos is not None:
        sent = ticket(made, settings.width_mm, settings.charset, settings.copies)
        _new_file(escpos, sent.data)
        warn_of_lost(console, sent.lost)
        console.say("slip.written", file=escpos)


def _new_file(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
