"""`sscard read`, `balance`, `details`: whose card is this, what is on it, what was done with it; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.bcd import time_of_bcd
from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import LogRecord, masked_name, masked_number
from sscard_terminal.cardspec.transaction import LOAD_TYPE, PURCHASE_TYPE
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.workflow import Balances, read_balances, read_details

from .command import Run, service
from .console import Console
from .debit import opened_journal
from .desk import desk_of, now, warn_of_key_end
from .entry import ask_holder, verified
from .exits import Exit
from .outcomes import held
from .pins import pin_option
from .signed_in import current_operator, supervisor_for, supervisor_options
from .values import FilePath

KINDS = {LOAD_TYPE: "load", PURCHASE_TYPE: "purchase"}


@service("read")
@click.option("--in-full", is_flag=True)
@supervisor_options
@click.option("--journal", metavar="FILE", type=FilePath())
def read(
    run: Run, in_full: bool, supervisor: str | None, supervisor_password_stdin: bool, journal: Path | None
) -> int:
    """See messages, help.read."""
    console = run.console
    with desk_of(run) as desk:
        configuration = desk.settings.configuration
        people = ("", "")
        if in_full:
            people = _who_discloses(run, configuration, supervisor, supervisor_password_stdin)
        with desk.at_work() as pair:
            card, terminal = pair.identified(), pair.psam.terminal_number()
            warn_of_key_end(console, desk.settings, pair.psam.valid_to())
        if in_full:  # written before it is shown: what cannot be written is not shown
            with opened_journal(configuration, journal) as book:
                book.record_disclosure(now().replace(microsecond=0), *people, card.identification)
    facts = _facts_of(card, terminal, in_full=in_full)
    tries = facts["tries_left"]
    words = {None: "read.no-pin", 0: "read.locked"}
    told = console.text(words[tries]) if tries in words else tries
    for line in ("holder", "number", "dates", "proved", "tries"):
        console.say(f"read.{line}", **{**facts, "tries": told})
    console.give(facts)
    return Exit.DONE


def _who_discloses(
    run: Run, configuration: Configuration, supervisor: str | None, supervisor_password_stdin: bool
) -> tuple[str, str]:
    """Operator and supervisor: without somebody to answer for it nothing is shown in full, at no desk.

    Raises:
        Stop: there is nobody.
    """
    operator = current_operator(configuration).number
    return operator, supervisor_for(run, configuration, supervisor, supervisor_password_stdin)


def _facts_of(card: IdentifiedCard, terminal: str, *, in_full: bool) -> dict[str, Any]:
    """Masked as on a screen, or `in_full` (counter.md screen rule 4)."""
    issuer, holder = card.issuer, card.cardholder
    name, number = (str, str) if in_full else (masked_name, masked_number)
    return {
        "name": name(holder.name),
        "social_security_number": number(holder.social_security_number),
        "number": number(card.number),
        "version": issuer.version,
        "region": issuer.identification.region,
        "issued": str(issuer.issued or "-"),
        "expires": str(issuer.expires or "-"),
        "tries_left": card.tries_left,
        "terminal": terminal,
    }


@service("balance")
@pin_option
def balance(run: Run, pin_stdin: bool) -> int:
    """See messages, help.balance."""
    with desk_of(run) as desk:
        holder = ask_holder(desk, run.console, pin_stdin, "pin.prompt")
        with verified(desk, holder) as (_, card):
            amounts = held(read_balances(card))
    _tell_balances(run.console, amounts)
    return Exit.DONE


def _tell_balances(console: Console, amounts: Balances) -> None:
    console.say("balance.account", amount=yuan_of_fen(amounts.account))
    for key, total in (("balance.self-paid", amounts.self_paid), ("balance.pooled", amounts.pooled)):
        console.say(key, year=total.year.hex(), amount=yuan_of_fen(total.amount))
    console.give(
        {
            "account_fen": int(amounts.account),
            "self_paid_fen": int(amounts.self_paid.amount),
            "pooled_fen": int(amounts.pooled.amount),
            "year": amounts.self_paid.year.hex(),
        }
    )


@service("details")
@pin_option
def details(run: Run, pin_stdin: bool) -> int:
    """See messages, help.details."""
    with desk_of(run) as desk:
        holder = ask_holder(desk, run.console, pin_stdin, "pin.prompt")
        with verified(desk, holder) as (_, card):
            records = held(read_details(card))
    for line in detail_lines(run.console, records):
        run.console.print(line)
    run.console.give({"records": [_row_of(record) for record in records]})
    return Exit.DONE


def detail_lines(console: Console, records: Iterable[LogRecord]) -> Iterator[str]:
    """The chip's own log for people, or one line that it is empty."""
    rows = [_row_of(record) for record in records]
    for row in rows:
        kind = console.text(f"details.{row['kind']}")
        yield console.text("details.row", **{**row, "kind": kind, "amount": yuan_of_fen(row["account_fen"])})
        if row["self_paid_fen"] or row["pooled_fen"]:
            parts = {name: yuan_of_fen(row[f"{name}_fen"]) for name in ("self_paid", "pooled")}
            yield console.text("details.parts", **parts)
    if not rows:
        yield console.text("details.none")


def _row_of(record: LogRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "kind": KINDS.get(record.kind, "unknown"),
        "terminal": record.terminal.hex(),
        "time": _time_of(record),
        "account_fen": int(record.account),
        "self_paid_fen": int(record.self_paid),
        "pooled_fen": int(record.pooled),
    }


def _time_of(record: LogRecord) -> str:
    """As the calendar has it; what a terminal with a wrong clock wrote, digit by digit."""
    try:
        return str(time_of_bcd(record.time))
    except FormatError:
        return record.time.hex()
