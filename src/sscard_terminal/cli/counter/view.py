"""What the clerk reads at each step: one state line, the card's panel, what came of it, and what to type next.

Not here: which keys do what (clerk.py) and how lines get onto a terminal (keyboard.py).
Source: counter.md, screen rules 1–7, 12, 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.outcomes import Reason
from sscard_terminal.terminal.recovery import Settlement
from sscard_terminal.terminal.till.steps import Panel, Purpose, Screen, Step
from sscard_terminal.voice.messages import text

from ..console import Console
from ..reading import detail_lines
from . import keyed


@dataclass(frozen=True, slots=True)
class View:
    """All that is on the screen. `secret`: what is typed shows as dots; `tone` colours the state line.

    `beeps`: a card is still in the reader after its service is done (rule 12).
    """

    state: str
    lines: tuple[str, ...] = ()
    prompt: str = ""
    secret: bool = False
    tone: str = ""
    beeps: bool = False


TONES = {
    Step.DONE: "good",
    Step.REFUSED: "bad",
    Step.TO_BE_VERIFIED: "doubt",
    Step.READING: "busy",
    Step.CHARGING: "busy",
}
"""The colour of the state line; the words say the same, for whoever sees no colours."""


def state_line(screen: Screen, language: Language) -> str:
    """The one large line (rule 1)."""
    facts = {}
    if screen.amounts is not None:
        amounts = screen.amounts
        facts = {
            "account": yuan_of_fen(amounts.account),
            "self_paid": yuan_of_fen(amounts.self_paid),
            "pooled": yuan_of_fen(amounts.pooled),
            "total": yuan_of_fen(amounts.account + amounts.self_paid + amounts.pooled),
        }
    if screen.missing is not None:
        facts["missing"] = yuan_of_fen(screen.missing)
    return text(language, f"step.{screen.step}", **facts)


def body(screen: Screen, console: Console) -> Iterator[str]:
    """The lines below: the card, and what came of what was asked."""
    language = console.language
    if screen.panel is not None:
        yield from _panel(screen.panel, language)
    if screen.unsettled is not None:
        yield keyed.unsettled(screen.unsettled, language)
    if screen.declined is not None:
        is_change = screen.purpose is Purpose.CHANGE_PIN and screen.declined.reason is Reason.LINK_BROKEN
        yield (
            text(language, "pin.change-unknown") if is_change else keyed.declined(screen.declined, language)
        )
    if screen.panel is not None and screen.step is Step.ENTER_PIN and screen.panel.tries_left == 1:
        yield text(language, "pin.last-try")
    if screen.step is Step.ENTER_PIN and screen.purpose is Purpose.RECOVER:
        yield text(language, "counter.why-pin-to-recover")
    if screen.step is Step.DONE:
        yield from _outcome(screen, console)
    for settlement in screen.settled:
        yield _settlement(settlement, language)


def _panel(panel: Panel, language: Language) -> Iterator[str]:
    yield text(language, "read.holder", name=panel.name, social_security_number=panel.social_security_number)
    facts = {"number": panel.number, "expires": panel.expires or "-"}
    if panel.balance is None:
        yield text(language, "counter.card", **facts)
    else:
        yield text(language, "counter.card-holds", **facts, balance=yuan_of_fen(panel.balance))
    words = {None: "read.no-pin", 0: "read.locked"}
    tries = text(language, words[panel.tries_left]) if panel.tries_left in words else panel.tries_left
    yield text(language, "read.tries", tries=tries)


def _outcome(screen: Screen, console: Console) -> Iterator[str]:
    language = console.language
    if screen.purpose is Purpose.CHANGE_PIN:
        yield text(language, "pin.changed")
    if screen.balances is not None:
        balances = screen.balances
        yield text(language, "balance.account", amount=yuan_of_fen(balances.account))
        for key, total in (("balance.self-paid", balances.self_paid), ("balance.pooled", balances.pooled)):
            yield text(language, key, year=total.year.hex(), amount=yuan_of_fen(total.amount))
    if screen.details is not None:
        yield from detail_lines(console, screen.details)
    if screen.purpose is Purpose.SALE and screen.voucher is not None:
        yield text(language, "counter.sold", voucher=screen.voucher)


def _settlement(settlement: Settlement, language: Language) -> str:
    sale = settlement.entry.sale
    return text(
        language,
        f"recover.{settlement.state}",
        voucher=sale.voucher,
        amount=yuan_of_fen(sale.amounts.account),
        evidence=keyed.text_of(language, f"evidence.{settlement.evidence}"),
    )
