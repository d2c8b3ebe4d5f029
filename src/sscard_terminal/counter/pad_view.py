"""What the customer's pad shows: the amount, what is asked for, the tries left, how many digits; no card data.

Not here: what the clerk's page shows (view.py).
Source: counter.md, screen rules 2 and 3.
"""

from __future__ import annotations

from typing import Any

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.till.steps import Purpose
from sscard_terminal.voice import told
from sscard_terminal.voice.pages import word

from .desk import Desk
from .pairing import Stage
from .view import TONES, without_hex


def pad_state_of(desk: Desk, language: Language) -> dict[str, Any]:
    """`amount`: what the account pays, yuan; None where nothing is paid."""
    screen, entry = desk.snapshot.screen, desk.pin
    pays = screen.amounts is not None and screen.purpose is Purpose.SALE
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
        "amount": yuan_of_fen(screen.amounts.account) if pays and screen.amounts is not None else None,
        "tries_left": screen.panel.tries_left if screen.panel is not None else None,
        "training": desk.fittings.configuration.training,
    }


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
