"""`sscard debit` and `sscard recover`: pay once, and settle what stayed open; the sale itself is terminal/debit.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal import debit as sale
from sscard_terminal.terminal.at_pad import PinSource
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_beside import opened_beside
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, Declined, SaleKind, Unsettled
from sscard_terminal.terminal.psam import PsamFailure
from sscard_terminal.terminal.recovery import Settlement, settle, settle_by_psam
from sscard_terminal.terminal.sale_rules import objection_before_card
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.printing import SlipSettings
from sscard_terminal.terminal.workflow import verify_pin

from .command import Run, service
from .console import Console
from .desk import Desk, desk_of, now, warn_of_key_end
from .entry import Holder, ask_holder, same_card, source_of, undisturbed, verified, warn_of_first_pin
from .exits import Exit, StillOpen, Stop
from .outcomes import declined, held, unsettled
from .pins import pin_option
from .price import Price, agreed, amounts_of, price_of, price_options
from .printing import hand_out
from .settings import configuration_of
from .signed_in import operator_for
from .state import made_state_folder, state_folder
from .training import journal_path
from .values import FilePath

_KEYS = {
    SaleState.CHARGED: "recover.charged",
    SaleState.NOT_CHARGED: "recover.not-charged",
    SaleState.OPEN: "recover.open",
}


@contextmanager
def opened_journal(configuration: Configuration, named: Path | None) -> Iterator[Journal]:
    """The journal of this run: the one `named` by --journal, else the configured or the user's, in training its own.

    Raises:
        JournalTrouble, OSError: it cannot be used.
    """
    file = journal_path(configuration, named)
    if file.parent == state_folder():
        made_state_folder()
    with Journal.open(file, training=configuration.training) as journal:
        yield journal


@contextmanager
def opened_to_read(configuration: Configuration, named: Path | None) -> Iterator[Journal]:
    """As `opened_journal`, for what only reads: beside a terminal that has it open, a copy of what stands in it now.

    Raises:
        JournalTrouble, OSError: it cannot be used.
    """
    with ExitStack() as stack:
        try:
            journal = stack.enter_context(opened_journal(configuration, named))
        except JournalTrouble as trouble:
            if trouble.fault is not JournalFault.IN_USE:
                raise
            training = configuration.training
            journal = stack.enter_context(opened_beside(trouble.path, training=training))
        yield journal


@service("debit")
@price_options
@click.option("--again", is_flag=True)
@click.option("--operator", metavar="NAME", default="")
@click.option("--journal", metavar="FILE", type=FilePath())
@pin_option
def debit(run: Run, again: bool, operator: str, journal: Path | None, pin_stdin: bool, **typed: Any) -> int:
    """See messages, help.debit."""
    console = run.console
    with desk_of(run) as desk:
        configuration = desk.settings.configuration
        price = price_of(configuration.shares, **typed)
        operator = operator_for(configuration, operator)
        with opened_journal(configuration, journal) as book:
            held(objection_before_card(desk.settings.rules, book, price.amounts, now()))
            holder = ask_holder(
                desk, console, pin_stdin, "pin.prompt-to-pay", amount=yuan_of_fen(price.total)
            )
            price = agreed(desk, console, holder, price)
            request = sale.DebitRequest(price.amounts, configuration.place, operator, again, price.kind)
            outcome = _paid(desk, console, holder, book, request, price)
            if isinstance(outcome, Declined):
                raise declined(outcome)
            slip = _print_slip(console, book, outcome.sale.voucher, configuration.slips)
    if isinstance(outcome, Unsettled):
        raise unsettled(outcome, slip)
    _tell(console, outcome, slip)
    warn_of_first_pin(console, holder)
    return Exit.DONE


def _paid(
    desk: Desk, console: Console, holder: Holder, journal: Journal, request: sale.DebitRequest, price: Price
) -> Approved | Declined | Unsettled:
    """Once there is an outcome nothing that fails afterwards (a link that cannot be closed) takes its place."""
    outcome: Approved | Declined | Unsettled | None = None
    try:
        with verified(desk, holder, to_pay=True) as (pair, card):
            warn_of_key_end(console, desk.settings, pair.psam.valid_to())
            request = replace(request, amounts=amounts_of(price, card))
            outcome = sale.debit(card, pair.psam, journal, request, now, desk.settings.rules)
    except (LinkError, OSError):
        if outcome is None:
            raise
    assert outcome is not None
    return outcome


def _tell(console: Console, outcome: Approved, slip: str) -> None:
    paid, tac = outcome.sale, outcome.tac.hex().upper()
    amount, rest = yuan_of_fen(paid.amounts.account), yuan_of_fen(paid.balance_after)
    if paid.kind is SaleKind.RECORD_KEEPING:
        console.say("debit.recorded", amount=yuan_of_fen(paid.amounts.self_paid), balance=rest, tac=tac)
    else:
        console.say("debit.approved", amount=amount, balance=rest, tac=tac)
    if paid.kind is SaleKind.PURCHASE and paid.amounts.self_paid:
        console.say("debit.self-paid", amount=yuan_of_fen(paid.amounts.self_paid))
    console.give(
        {
            "money": "charged",
            "kind": str(paid.kind),
            "voucher": paid.voucher,
            "account_fen": int(paid.amounts.account),
            "self_paid_fen": int(paid.amounts.self_paid),
            "pooled_fen": int(paid.amounts.pooled),
            "balance_fen": int(paid.balance_after),
            "terminal": paid.terminal,
            "sequence": paid.sequence.hex().upper(),
            "counter": paid.counter,
            "time": str(paid.time),
            "tac": tac,
            "slip": slip,
        }
    )


def _print_slip(console: Console, journal: Journal, voucher: int, settings: SlipSettings) -> str:
    """From the journal, never from what we hold (counter.md screen rule 9). What --json says of it."""

    def made() -> Slip:
        entry = journal.entry(voucher)
        assert entry is not None
        return slip_of_sale(entry, console.language, training=journal.training)

    return hand_out(console, made, settings, "debit.not-printed", voucher=voucher)


@service("recover")
@click.option("--journal", metavar="FILE", type=FilePath())
@click.option("--at-start", is_flag=True)
@click.option("--no-pin", is_flag=True)
@pin_option
def recover(run: Run, journal: Path | None, at_start: bool, no_pin: bool, pin_stdin: bool) -> int:
    """See messages, help.recover."""
    console = run.console
    if at_start:
        return _tell_open(run, journal)
    with desk_of(run) as desk, opened_journal(desk.settings.configuration, journal) as book:
        if not book.open_sales():
            return _tell_settled(console, book, ())
        with _still_open_unless_done():
            holder = (
                Holder(None) if no_pin else ask_holder(desk, console, pin_stdin, "pin.prompt", to_settle=book)
            )
            settled = _settled(desk, holder, book)
        return _tell_settled(console, book, settled)


def _tell_open(run: Run, journal: Path | None) -> int:
    """No card, no reader: at start-up it is said what waits for its card, and for which."""
    with opened_to_read(configuration_of(run), journal) as book:
        sales = [entry.sale for entry in book.open_sales()]
    for paid in sales:
        number = masked_number(paid.card_number)
        amount = yuan_of_fen(paid.amounts.account)
        run.console.say("recover.waits", voucher=paid.voucher, time=paid.time, number=number, amount=amount)
    run.console.say("recover.at-start" if sales else "recover.nothing", count=len(sales))
    rows = [
        {
            "voucher": paid.voucher,
            "time": str(paid.time),
            "number": masked_number(paid.card_number),
            "account_fen": int(paid.amounts.account),
        }
        for paid in sales
    ]
    code = Exit.UNVERIFIED if sales else Exit.DONE
    run.console.give({"exit": code, "open_sales": rows})
    return code


@contextmanager
def _still_open_unless_done() -> Iterator[None]:
    """What ends a recovery early must not read as "not charged": the sales are still to be verified."""
    try:
        yield
    except (Stop, LinkError, PsamFailure, CardRefused) as error:
        raise StillOpen from error


def _settled(desk: Desk, holder: Holder, journal: Journal) -> tuple[Settlement, ...]:
    """By the PSAM first, which identification would make forget; then by all the card tells."""
    with undisturbed(), desk.at_work() as pair:
        by_psam = settle_by_psam(pair.card, pair.psam, journal, now)
        if by_psam and not journal.open_sales(by_psam[0].entry.sale.identification):
            return by_psam
        card = same_card(pair, holder, journal)
        pin_verified = _opens_log(card, source_of(pair, holder))
        return by_psam + settle(card, pair.psam, journal, now, pin_verified=pin_verified)


def _opens_log(card: IdentifiedCard, pin: PinSource) -> bool:
    """Whether the card's log and counter are open to us; a wrong PIN ends the recovery."""
    if pin is None and card.tries_left is not None:
        return False
    held(verify_pin(card, pin))
    return True


def _tell_settled(console: Console, journal: Journal, settled: tuple[Settlement, ...]) -> int:
    for settlement in settled:
        facts = _facts_of(settlement)
        evidence = console.text(f"evidence.{settlement.evidence}")
        console.say(_KEYS[settlement.state], **{**facts, "evidence": evidence})
        if settlement.state is SaleState.CHARGED:
            console.say("recover.slip", voucher=facts["voucher"])
    here = {settlement.entry.sale.voucher for settlement in settled}
    others = [entry for entry in journal.open_sales() if entry.sale.voucher not in here]
    if not settled:
        console.say("recover.nothing")
    if others:
        console.warn("recover.others", count=len(others))
    is_open = any(settlement.state is SaleState.OPEN for settlement in settled)
    code = Exit.UNVERIFIED if is_open else Exit.DONE
    rows = [_facts_of(settlement) for settlement in settled]
    console.give({"exit": code, "settled": rows, "open_sales_of_other_cards": len(others)})
    return code


def _facts_of(settlement: Settlement) -> dict[str, Any]:
    paid = settlement.entry.sale
    return {
        "voucher": paid.voucher,
        "state": str(settlement.state),
        "evidence": str(settlement.evidence),
        "amount": yuan_of_fen(paid.amounts.account),
        "account_fen": int(paid.amounts.account),
    }
