"""`sscard void`, `refund` and `requests`: ask the centre to give money back, and what is on its way (terminal/requests.py)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import EventKind, JournalEntry, Request
from sscard_terminal.terminal.requests import (
    Asker,
    all_requests,
    left_to_ask,
    request_refund,
    request_void,
    requests_on_their_way,
    sales_of_card,
)
from sscard_terminal.terminal.slips.forms import slip_of_request
from sscard_terminal.terminal.slips.trouble import SlipTrouble
from sscard_terminal.terminal.upload_queue import acknowledged, key_in

from .command import BadValue, Run, service
from .console import Console
from .debit import opened_journal, opened_to_read
from .desk import desk_of, now
from .exits import Exit
from .outcomes import held
from .printing import NOT_PRINTED, handed_out, problem_of
from .settings import settings_of
from .signed_in import operator_for, supervisor_for, supervisor_options
from .values import FilePath, Yuan

_KINDS = {EventKind.VOID_REQUESTED: "void", EventKind.REFUND_REQUESTED: "refund"}
_ANSWERS = {EventKind.REQUEST_CREDITED: "credited", EventKind.REQUEST_REFUSED: "refused"}


@service("void", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("voucher", metavar="VOUCHER", type=click.IntRange(min=1))
@click.option("--operator", metavar="NAME", default="")
@supervisor_options
@click.option("--journal", metavar="FILE", type=FilePath())
def void(
    run: Run,
    voucher: int,
    operator: str,
    supervisor: str | None,
    supervisor_password_stdin: bool,
    journal: Path | None,
) -> int:
    """See messages, help.void."""
    settings = settings_of(run)
    configuration = settings.configuration
    operator = operator_for(configuration, operator)
    answering = supervisor_for(run, configuration, supervisor, supervisor_password_stdin)
    with opened_journal(configuration, journal) as book:
        asked = held(request_void(book, voucher, now, Asker(operator, answering), settings.rules))
        _tell_made(run.console, book, asked, configuration)
    return Exit.DONE


@service("refund", has_trace=False)
@click.argument("voucher", metavar="[VOUCHER]", type=click.IntRange(min=1), required=False)
@click.option("--card", is_flag=True)
@click.option("--amount", metavar="YUAN", type=Yuan())
@click.option("--again", is_flag=True)
@click.option("--operator", metavar="NAME", default="")
@supervisor_options
@click.option("--journal", metavar="FILE", type=FilePath())
def refund(
    run: Run,
    voucher: int | None,
    card: bool,
    amount: Fen | None,
    again: bool,
    operator: str,
    supervisor: str | None,
    supervisor_password_stdin: bool,
    journal: Path | None,
) -> int:
    """See messages, help.refund."""
    if (voucher is None) is not card:
        raise BadValue("usage.refund-what")
    if amount == Fen(0):
        raise BadValue("usage.amount-zero")
    if voucher is None:
        return _list_sales(run, journal)
    settings = settings_of(run)
    configuration = settings.configuration
    operator = operator_for(configuration, operator)
    answering = ""
    if supervisor or supervisor_password_stdin:
        answering = supervisor_for(run, configuration, supervisor, supervisor_password_stdin)
    asker = Asker(operator, answering, again)
    with opened_journal(configuration, journal) as book:
        asked = held(request_refund(book, voucher, now, amount, asker, settings.rules))
        _tell_made(run.console, book, asked, configuration)
    return Exit.DONE


@service("requests", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--all", "every", is_flag=True)
@click.option("--journal", metavar="FILE", type=FilePath())
def requests(run: Run, every: bool, journal: Path | None) -> int:
    """See messages, help.requests."""
    with opened_to_read(settings_of(run).configuration, journal) as book:
        found = all_requests(book) if every else requests_on_their_way(book)
        rows = [_facts_of(book, request, acknowledged(book)) for request in found]
    for row in rows:
        kind, standing = run.console.text(f"request.{row['kind']}"), _standing(run.console, row)
        amount = yuan_of_fen(row["amount_fen"])
        run.console.say(
            "request.row", at=row["at"], kind=kind, voucher=row["voucher"], amount=amount, standing=standing
        )
    if not rows:
        run.console.say("request.none")
    run.console.give({"requests": rows})
    return Exit.DONE


def _standing(console: Console, row: dict[str, Any]) -> str:
    return console.text(f"request.{row['standing']}", reason=row["reason"] or "-")


def _facts_of(journal: Journal, request: Request, sent: int) -> dict[str, Any]:
    answer = request.answer
    on_its_way = "sent" if request.event.number <= sent else "waiting"
    return {
        "request": key_in(journal, request.event.number),
        "kind": _KINDS[request.event.kind],
        "voucher": request.entry.sale.voucher,
        "amount_fen": int(request.event.amount or 0),
        "at": str(request.event.at),
        "operator": request.event.operator or None,
        "supervisor": request.event.supervisor or None,
        "standing": on_its_way if answer is None else _ANSWERS[answer.kind],
        "reason": None if answer is None else answer.detail or None,
    }


def _tell_made(console: Console, journal: Journal, asked: Request, configuration: Configuration) -> None:
    facts = _facts_of(journal, asked, 0)
    printed = _print_slip(console, journal, asked, configuration)
    console.say("request.made", voucher=facts["voucher"], amount=yuan_of_fen(facts["amount_fen"]))
    console.give({**facts, "left_fen": int(left_to_ask(asked.entry)), "printed": printed})


def _print_slip(console: Console, journal: Journal, asked: Request, configuration: Configuration) -> str:
    """The request stands whatever becomes of its slip (counter.md screen rule 14). What --json says of it."""
    voucher = asked.entry.sale.voucher
    try:
        slip = slip_of_request(asked, console.language, training=journal.training)
        return handed_out(console, slip, configuration.slips)
    except SlipTrouble as trouble:
        console.warn("request.not-printed", voucher=voucher, problem=problem_of(console, trouble))
        return NOT_PRINTED


def _list_sales(run: Run, journal: Path | None) -> int:
    """The card in the reader only says who it is; no PIN, and nothing is asked for."""
    with desk_of(run) as desk, opened_journal(desk.settings.configuration, journal) as book:
        with desk.at_work() as pair:
            card = pair.identified()
        rows = [_facts_of_sale(entry) for entry in sales_of_card(book, card)]
    for row in rows:
        paid, left = yuan_of_fen(row["account_fen"]), yuan_of_fen(row["left_fen"])
        run.console.say("refund.sale", voucher=row["voucher"], time=row["time"], paid=paid, left=left)
    run.console.say("refund.how" if rows else "refund.no-sales")
    run.console.give({"sales": rows})
    return Exit.DONE


def _facts_of_sale(entry: JournalEntry) -> dict[str, Any]:
    time: datetime = entry.sale.time
    return {
        "voucher": entry.sale.voucher,
        "time": str(time),
        "account_fen": int(entry.sale.amounts.account),
        "left_fen": int(left_to_ask(entry)),
    }
