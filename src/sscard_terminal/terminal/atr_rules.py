"""Which answer to reset this terminal accepts, rule by rule, before the first command is sent.

Not here: the form of an ATR (iso7816.atr) and what its historical bytes mean (cardspec).
Source: terminal.md, "Answer to reset" (part 8 of the card specification, 5.1.3).

TB1, TC1, TB2, TA3, TB3 and TC3 have no rule below because the text accepts every value of them, and their absence:
TB1 and TB2 speak of a programming voltage no card has, a missing TC1 stands for 00, a missing TA3 for 01.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.iso7816.atr import DIRECT_CONVENTION, INVERSE_CONVENTION, Atr, CheckByteError
from sscard_terminal.iso7816.errors import FormatError

F_372 = (0x0, 0x1)
"""TA1, high nibble: the clock rate conversion integer stays 372. Source: ISO/IEC 7816-3 §8.3."""
D_1_2_4 = (0x1, 0x2, 0x3)
"""TA1, low nibble: the baud rate adjustment integers 1, 2 and 4. Source: ISO/IEC 7816-3 §8.3."""
PROTOCOLS = (0, 1)
GLOBAL_BYTES = 15
"""T=15 qualifies the interface bytes after it and is no protocol. Source: ISO/IEC 7816-3 §8.2.3."""
IMPLICIT_PARAMETERS = 0x10
"""TA2, bit 5: the card expects parameters its ATR does not name."""
WAITING_INTEGER = 0x0A
"""TC2. The text prints '10', in decimal."""


class AtrRule(StrEnum):
    """What an ATR can break. The value is the name of the byte, or "form" where it is no ATR at all."""

    FORM = "form"
    TS = "TS"
    TA1 = "TA1"
    TD1 = "TD1"
    TA2 = "TA2"
    TC2 = "TC2"
    TD2 = "TD2"
    TCK = "TCK"


def broken_rule(raw: bytes) -> AtrRule | None:
    """The first rule the ATR `raw` (as the reader reports it) breaks; None where it is accepted."""
    if raw[:1] and raw[0] not in (DIRECT_CONVENTION, INVERSE_CONVENTION):
        return AtrRule.TS
    try:
        atr = Atr.parse(raw)
    except CheckByteError:
        return AtrRule.TCK
    except FormatError:
        return AtrRule.FORM
    return next((rule.name for rule in RULES if not rule.holds(atr)), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about a well-formed ATR: whether it `holds`."""

    name: AtrRule
    holds: Callable[[Atr], bool]


def _ta1(atr: Atr) -> bool:
    """F = 372 and D = 1, 2 or 4; missing stands for 11.

    The text names 01 and 11 and has the low nibble decoded for D = 1, 2, 4: read here as both nibbles together.
    """
    ta1 = atr.group(1).ta
    return ta1 is None or (ta1 >> 4 in F_372 and ta1 & 0x0F in D_1_2_4)


def _td1(atr: Atr) -> bool:
    """The first protocol offered is T=0 or T=1; the high nibble may announce anything."""
    td1 = atr.group(1).td
    return td1 is None or td1 & 0x0F in PROTOCOLS


def _ta2(atr: Atr) -> bool:
    """Specific mode is accepted if its conditions can be met at once: a protocol we have, parameters the ATR names."""
    ta2 = atr.group(2).ta
    return ta2 is None or (ta2 & 0x0F in PROTOCOLS and not ta2 & IMPLICIT_PARAMETERS)


def _tc2(atr: Atr) -> bool:
    return atr.group(2).tc in (None, WAITING_INTEGER)


def _td2(atr: Atr) -> bool:
    td2 = atr.group(2).td
    return td2 is None or td2 & 0x0F in (1, GLOBAL_BYTES)


def _tck(atr: Atr) -> bool:
    """No TCK where T=0 is all there is; elsewhere one that is missing is not asked for, as the text has it."""
    return atr.tck is None or any(protocol != 0 for protocol in atr.protocols)


RULES = (
    Rule(AtrRule.TA1, _ta1),
    Rule(AtrRule.TD1, _td1),
    Rule(AtrRule.TA2, _ta2),
    Rule(AtrRule.TC2, _tc2),
    Rule(AtrRule.TD2, _td2),
    Rule(AtrRule.TCK, _tck),
)
"""In the order of the bytes."""
