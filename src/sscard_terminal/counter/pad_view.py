"""What the customer's pad shows: the amount, what is asked for, the tries left, how many digits; no card data.

Not here: what the clerk's page shows (view.py).
Source: counter.md, screen rules 2 and 3.
"""

from __future__ import annotations

from typing import Any

from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.till.steps import Purpose, Screen, Step
from sscard_terminal.voice import told
from sscard_terminal.voice.pages import word

from .desk import Desk
from .pairing import Stage
from .view import TONES, without_hex


def pad_state_of(desk: Desk, language: Language) -> dict[str, Any]:
    """`amount`: what the account pays, or what is loaded onto it, yuan; None where no money is about to move."""
    screen, entry = desk.snapshot.screen, desk.pin
    amount, key = _amount(screen)
    return {
        **keys_of(desk, language),
        "step": str(screen.step),
        "purpose": screen.purpose and str(screen.purpose),
        "purpose_says": "" if screen.purpose is None else word(language, f"pad.for.{screen.purpose}"),
        "tone": TONES.get(screen.step, ""),
        "line": word(
            language,
            f"pad.line.{entry.stage}" if entry.stage is not Stage.NOTHING else f"pad.step.{screen.step}",
        ),
        "says": pin_says(desk, language),
        "amount": None if amount is None else yuan_of_fen(amount),
        "amount_says": word(language, key),
        "tries_left": screen.panel.tries_left if screen.panel is not None else None,
        "training": desk.fittings.configuration.training,
    }


def _amount(screen: Screen) -> tuple[Fen | None, str]:
    """How much, and the word for what becomes of it."""
    match screen.purpose:
        case Purpose.SALE if screen.step is not Step.INSERT_CARD:
            return screen.price, "pad.amount"
        case Purpose.LOAD if screen.window is not None:
            return screen.window.amount, "pad.load"
    return None, "pad.amount"


def keys_of(desk: Desk, language: Language) -> dict[str, Any]:
    """What is being typed. `number` goes back with every key; `turn` tells two states of one number apart, `entry` two
    things to be typed; between `least` and `most` digits OK may be pressed.
    """
    screen, entry = desk.snapshot.screen, desk.pin
    asks = entry.stage is not Stage.NOTHING
    tries = None if screen.panel is None else screen.panel.tries_left
    is_pin = entry.stage is Stage.PIN and tries is not None
    return {
        "number": entry.number,
        "turn": entry.turn,
        "entry": f"{entry.number}-{entry.stage}",
        "stage": str(entry.stage),
        "digits": entry.digits,
        "typed": word(language, "pad.typed", digits=entry.digits) if asks else "",
        "least": entry.least,
        "most": entry.most,
        "tries": word(language, "pad.tries", left=tries) if is_pin else "",
    }


def pin_says(desk: Desk, language: Language) -> str:
    """What came of what was typed before, and what the next one might come to."""
    screen, entry = desk.snapshot.screen, desk.pin
    if entry.differed:
        return word(language, "pad.differed")
    if screen.declined is not None:
        return without_hex(told.declined(screen.declined), language)
    if entry.stage is Stage.PIN and screen.panel is not None and screen.panel.tries_left == 1:
        return word(language, "pin.last-try")
    return ""
