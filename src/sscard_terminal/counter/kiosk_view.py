"""What the kiosk shows: the holder's own balance and details as long as they are there, and nothing of them afterwards.

Not here: when they are gone (kiosk.py), the keys' part of it (pad_view.py).
Source: counter.md, screen rules 1, 2, 4, 6, 15; system.md, "Asking for balance and details".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.till.steps import Purpose, Screen, Step
from sscard_terminal.terminal.workflow import Balances
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.pages import word

from .access import kiosk_of
from .beside import Line, Match
from .desk import Desk
from .kiosk import Phase
from .pad_view import keys_of, pin_says
from .pairing import Stage
from .view import TONES, balances_of, settlement_line, without_hex

MOMENT = "%Y-%m-%d %H:%M"
NOTHING: dict[str, Any] = {
    "stage": str(Stage.NOTHING),
    "tone": "",
    "tries": "",
    "typed": "",
    "lines": [],
    "name": None,
    "balances": None,
    "details": None,
}
"""Of a holder who is not there."""


def kiosk_state_of(desk: Desk, language: Language) -> dict[str, Any]:
    """`number` goes back with whatever is asked; `may`: what may be; `warns`: the holder is asked to say they are there."""
    kiosk, snapshot = kiosk_of(desk), desk.snapshot
    screen = snapshot.screen
    always = {
        **keys_of(desk, language),
        "language": kiosk.language,
        "warns": kiosk.warns,
        "training": desk.fittings.configuration.training,
    }
    if not kiosk.serves:
        step = "insert-card" if kiosk.phase is Phase.SERVING else str(kiosk.phase)
        trouble = snapshot.reader_trouble is not None and step == "insert-card"
        line = word(language, "kiosk.out-of-order" if trouble else f"kiosk.{step}")
        may = [] if step == "insert-card" else ["again"]
        return {**always, **NOTHING, "step": step, "line": line, "may": may}
    panel = screen.panel
    return {
        **always,
        "step": str(screen.step),
        "tone": TONES.get(screen.step, ""),
        "line": _line(desk, language),
        "lines": list(_lines(desk, language)),
        "may": list(_may(screen)),
        "name": None if panel is None else panel.name,
        "balances": screen.balances and _balances(screen.balances, language),
        "details": None if screen.details is None else list(_details(snapshot.beside, language)),
    }


def _line(desk: Desk, language: Language) -> str:
    screen, stage = desk.snapshot.screen, desk.pin.stage
    if stage is not Stage.NOTHING:
        return word(language, f"pad.line.{stage}")
    if screen.step is Step.DONE and screen.purpose is not None:
        return word(language, f"kiosk.done.{screen.purpose}")
    if screen.step in (Step.CHARGING, Step.READING):
        return word(language, "step.pin-at-pad" if screen.at_pad else "step.reading")
    return word(language, f"kiosk.{screen.step}")


def _lines(desk: Desk, language: Language) -> Iterator[str]:
    screen = desk.snapshot.screen
    if (says := pin_says(desk, language)) and desk.pin.stage is not Stage.NOTHING:
        yield says
    elif screen.declined is not None:
        yield without_hex(told.declined(screen.declined), language)
    if screen.step is Step.ENTER_PIN and screen.purpose is Purpose.RECOVER:
        yield word(language, "pin.why-to-recover")
    if screen.step is Step.DONE and screen.purpose is Purpose.CHANGE_PIN:
        yield text(language, "pin.changed")
    for settlement in screen.settled:
        yield settlement_line(settlement, language)


def _may(screen: Screen) -> Iterator[str]:
    match screen.step:
        case Step.INSERT_CARD:
            yield "again"
        case Step.READY:
            yield from (str(purpose) for purpose in (Purpose.BALANCE, Purpose.DETAILS, Purpose.CHANGE_PIN))
        case Step.DONE | Step.REFUSED if screen.panel is not None:
            yield "next"
    if screen.step in (Step.READY, Step.DONE, Step.REFUSED, Step.TO_BE_VERIFIED):
        yield "finish"


def _balances(balances: Balances, language: Language) -> list[dict[str, str]]:
    """The account first."""
    yuan = balances_of(balances)
    year = yuan["year"]
    return [
        {"says": word(language, "panel.balance"), "yuan": yuan["account"]},
        {"says": word(language, "balances.self-paid", year=year), "yuan": yuan["self_paid"]},
        {"says": word(language, "balances.pooled", year=year), "yuan": yuan["pooled"]},
    ]


def _details(lines: tuple[Line, ...], language: Language) -> Iterator[dict[str, Any]]:
    """The card's log alone: what a journal here says to it is the staff's business."""
    for line in lines:
        if line.match is not Match.NOT_ON_CARD:
            kind = "load" if line.match is Match.LOAD else "purchase"
            yield {
                "at": "-" if line.at is None else f"{line.at:{MOMENT}}",
                "kind": word(language, f"kiosk.{kind}"),
                "account": yuan_of_fen(line.amounts.account),
                "self_paid": yuan_of_fen(line.amounts.self_paid),
                "pooled": yuan_of_fen(line.amounts.pooled),
            }
