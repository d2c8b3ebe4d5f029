"""A snapshot as a page shows it: JSON with the words in it, so that a page only puts texts where they belong.

Not here: what happens (workplace.py), who may see it (access.py), the words (voice).
Source: counter.md, screen rules 1–7, 11, 12, 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.outcomes import Reason, SaleKind
from sscard_terminal.terminal.recovery import Settlement
from sscard_terminal.terminal.till.steps import Panel, Purpose, Screen, Step
from sscard_terminal.terminal.workflow import Balances
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.pages import word
from sscard_terminal.voice.told import Money, Told

from .desk import Desk
from .office_view import line_of
from .pairing import PadState
from .snapshot import Became, Books, OpenSale, Paper, Snapshot
from .words import said, text_here

TONES = {
    Step.DONE: "good",
    Step.REFUSED: "bad",
    Step.TO_BE_VERIFIED: "doubt",
    Step.READING: "busy",
    Step.CHARGING: "busy",
}
"""The colour of the state line; its words say the same."""
_TELLS_OF_SALE = (Step.DONE, Step.INSERT_CARD)
"""With its card in, and after it was taken, until the next card."""
TECHNICAL = ("command", "sw", "link", "rule", "tac")
MOMENT = "%Y-%m-%d %H:%M:%S"
SERVICES = ("sell", Purpose.BALANCE, Purpose.DETAILS, Purpose.CHANGE_PIN)


def state_of(desk: Desk, snapshot: Snapshot, language: Language) -> dict[str, Any]:
    """What the clerk's page shows of a snapshot. Amounts are yuan as text; `…_fen` beside them are for programs."""
    screen = snapshot.screen
    return {
        "number": snapshot.number,
        "step": str(screen.step),
        "purpose": screen.purpose and str(screen.purpose),
        "tone": TONES.get(screen.step, ""),
        "line": _line(snapshot, language),
        "lines": list(_lines(snapshot, language)),
        "technical": list(_technical(screen)),
        "money": _money(screen),
        "may": list(_may(snapshot)),
        "panel": screen.panel and _panel(screen.panel, language),
        "amounts": screen.amounts and amounts_of(screen.amounts),
        "missing": None if screen.missing is None else yuan_of_fen(screen.missing),
        "balances": screen.balances and balances_of(screen.balances),
        "details": [line_of(line, language) for line in snapshot.beside]
        if screen.details is not None
        else None,
        "voucher": screen.voucher,
        "paper": snapshot.paper and _paper(snapshot.paper, language),
        "books": _books(snapshot.books, language),
        "hotlist": _hotlist(desk, snapshot.books.hotlist, language),
        "card_is_in": snapshot.card_is_in,
        "training": desk.fittings.configuration.training,
    }


def pad_of(pad: PadState, language: Language) -> dict[str, Any]:
    """What everybody may know of the pad: never a digit."""
    if not pad.is_paired:
        says = word(language, "pad.not-paired")
    elif pad.differed:
        says = word(language, "pad.differed")
    else:
        says = word(language, f"pad.stage.{pad.stage}", digits=pad.digits)
    return {"is_paired": pad.is_paired, "stage": str(pad.stage), "digits": pad.digits, "says": says}


def amounts_of(amounts: PurchaseAmounts) -> dict[str, Any]:
    total = amounts.account + amounts.self_paid + amounts.pooled
    parts = {
        "total": total,
        "account": amounts.account,
        "self_paid": amounts.self_paid,
        "pooled": amounts.pooled,
    }
    return {
        **{name: yuan_of_fen(fen) for name, fen in parts.items()},
        **{f"{name}_fen": int(fen) for name, fen in parts.items()},
    }


def _line(snapshot: Snapshot, language: Language) -> str:
    screen = snapshot.screen
    if snapshot.reader_trouble is not None and screen.step is Step.INSERT_CARD:
        return word(language, "step.no-reader")
    if screen.step is Step.CHARGING and screen.purpose is not Purpose.SALE:
        return word(language, "step.reading")
    if screen.step is Step.DONE and screen.purpose is Purpose.SALE:
        return word(language, "step.sold-cash" if _is_all_cash(screen) else "step.sold")
    if screen.at_pad and screen.step in (Step.ENTER_PIN, Step.READING, Step.CHARGING):
        return word(language, "step.pin-at-pad")
    return word(language, f"step.{screen.step}")


def _lines(snapshot: Snapshot, language: Language) -> Iterator[str]:
    """What happened, whether money moved, what to do now: sentences below the state line."""
    screen = snapshot.screen
    if snapshot.reader_trouble is not None:
        yield text_here(language, f"link.{snapshot.reader_trouble}")
    if screen.unsettled is not None:
        yield without_hex(told.unsettled(screen.unsettled), language)
    if screen.declined is not None:
        yield without_hex(told.declined(screen.declined), language)
    if screen.step is Step.ENTER_PIN and screen.panel is not None and screen.panel.tries_left == 1:
        yield word(language, "pin.last-try")
    if screen.step is Step.ENTER_PIN and screen.purpose is Purpose.RECOVER:
        yield word(language, "pin.why-to-recover")
    if screen.step is Step.REST_IN_CASH and screen.missing is not None:
        yield word(language, "rest.missing", missing=yuan_of_fen(screen.missing))
    if screen.step is Step.DONE and screen.purpose is Purpose.CHANGE_PIN:
        yield text(language, "pin.changed")
    if screen.step in _TELLS_OF_SALE and screen.purpose is Purpose.SALE and screen.voucher is not None:
        key = "sold.cash" if _is_all_cash(screen) else "sold.voucher"
        yield word(language, key, voucher=screen.voucher)
    for settlement in screen.settled:
        yield settlement_line(settlement, language)
    if snapshot.first_pin_used:
        yield word(language, "pin.first")
    if not snapshot.books.is_readable:
        yield word(language, "books.unreadable")


def without_hex(what: Told, language: Language, *, at_window: bool = False) -> str:
    """The sentence without the status word behind it (counter.md screen rule 6)."""
    return said(replace(what, facts={**what.facts, "sw": None}), language, at_window=at_window)


def _is_all_cash(screen: Screen) -> bool:
    """Nothing came from the account, and the rest is paid in cash."""
    return screen.kind is SaleKind.PURCHASE and screen.amounts is not None and screen.amounts.account == 0


def _technical(screen: Screen) -> Iterator[str]:
    """What stands under "details": status word, link, TAC."""
    outcomes = []
    if screen.declined is not None:
        outcomes.append(told.declined(screen.declined))
    if screen.unsettled is not None:
        outcomes.append(told.unsettled(screen.unsettled))
    for outcome in outcomes:
        facts = told.for_programs(outcome.facts)
        yield from (f"{name} {facts[name]}" for name in TECHNICAL if name in facts)


def settlement_line(settlement: Settlement, language: Language) -> str:
    sale = settlement.entry.sale
    facts = {"voucher": sale.voucher, "amount": yuan_of_fen(sale.amounts.account)}
    evidence = text_here(language, f"evidence.{settlement.evidence}")
    return text(language, f"recover.{settlement.state}", **facts, evidence=evidence)


def _money(screen: Screen) -> str | None:
    """Whether money moved, where the screen is about that."""
    match screen.step:
        case Step.DONE | Step.INSERT_CARD if screen.voucher is not None and _is_all_cash(screen):
            return str(Money.NOT_CHARGED)
        case Step.DONE if screen.purpose is Purpose.SALE:
            return str(Money.CHARGED)
        case Step.REFUSED:
            return str(Money.NOT_CHARGED)
        case Step.INSERT_CARD if screen.voucher is not None:
            return str(Money.CHARGED)
        case Step.INSERT_CARD | Step.READY if screen.declined is not None:
            return str(Money.NOT_CHARGED)
        case Step.TO_BE_VERIFIED:
            return str(Money.TO_BE_VERIFIED)
    return None


def _may(snapshot: Snapshot) -> Iterator[str]:
    """What the clerk can do on this screen; a page offers this, and what needs no card."""
    screen = snapshot.screen
    match screen.step:
        case Step.READY:
            yield from map(str, SERVICES)
        case Step.CONFIRM_AMOUNT | Step.REST_IN_CASH:
            yield from ("confirm", "cancel")
        case Step.ENTER_PIN:
            yield from ("ask-pad", "cancel") if screen.at_pad else ("cancel",)
        case Step.NEW_PIN:
            yield "cancel"
        case Step.DONE | Step.REFUSED if screen.panel is not None:
            yield from ("confirm", *map(str, SERVICES))
    if screen.declined is not None and screen.declined.reason is Reason.SAME_SALE_AGAIN:
        yield "sell-again"
    if snapshot.card_is_in:
        yield "read"


def _panel(panel: Panel, language: Language) -> dict[str, Any]:
    match panel.tries_left:
        case None:
            tries = text(language, "read.no-pin")
        case 0:
            tries = text(language, "read.locked")
        case left:
            tries = str(left)
    return {
        "name": panel.name,
        "social_security_number": panel.social_security_number,
        "number": panel.number,
        "expires": str(panel.expires or "-"),
        "tries": tries,
        "tries_left": panel.tries_left,
        "balance": word(language, "panel.balance-after-pin")
        if panel.balance is None
        else yuan_of_fen(panel.balance),
    }


def balances_of(balances: Balances) -> dict[str, Any]:
    return {
        "account": yuan_of_fen(balances.account),
        "self_paid": yuan_of_fen(balances.self_paid.amount),
        "pooled": yuan_of_fen(balances.pooled.amount),
        "year": balances.self_paid.year.hex(),
    }


def _paper(paper: Paper, language: Language) -> dict[str, Any]:
    says = ""
    match paper.became:
        case Became.PRINTING | Became.PRINTED:
            says = word(language, f"paper.{paper.became}")
        case Became.NOT_PRINTED:
            problem = text(language, f"printer.{paper.fault}", where=paper.where)
            says = word(language, "paper.not-printed", problem=problem, voucher=paper.voucher)
    if paper.lost:
        says += text(language, "slip.lost", characters=", ".join(paper.lost))
    return {"voucher": paper.voucher, "text": paper.text, "became": str(paper.became), "says": says}


def _books(books: Books, language: Language) -> dict[str, Any]:
    if books.opened_at is None:
        day = word(language, "books.day-closed")
    else:
        day = word(language, "books.day-open", day=books.day, at=f"{books.opened_at:%H:%M}")
    return {
        "day": day,
        "is_open": books.opened_at is not None,
        "uploads": " ".join(_uploads(books, language)),
        "waiting": books.waiting,
        "open_sales": [_open_sale(sale, language) for sale in books.open_sales],
    }


def _uploads(books: Books, language: Language) -> Iterator[str]:
    """What waits for the centre; behind it what the counter could not see to by itself."""
    yield word(language, "books.uploads", count=books.waiting)
    for note in books.notes:
        yield text(language, f"errand.{note.key}", since=f"{note.since:%H:%M}")


def _open_sale(sale: OpenSale, language: Language) -> dict[str, Any]:
    facts = {"voucher": sale.voucher, "card": sale.card, "at": f"{sale.at:{MOMENT}}"}
    says = word(language, "books.open-sale", amount=yuan_of_fen(sale.amount), **facts)
    return {**facts, "amount_fen": int(sale.amount), "says": says}


def _hotlist(desk: Desk, hotlist: Hotlist | None, language: Language) -> dict[str, Any]:
    if hotlist is None:
        return {"says": word(language, "hotlist.none"), "is_current": True}
    is_current = hotlist.is_current(desk.fittings.clock(), desk.fittings.shop.rules.hotlist_max_age)
    key = "hotlist.current" if is_current else "hotlist.old"
    facts = {"version": hotlist.version, "issued": f"{hotlist.issued:%Y-%m-%d}"}
    return {"says": word(language, key, **facts), "is_current": is_current}
