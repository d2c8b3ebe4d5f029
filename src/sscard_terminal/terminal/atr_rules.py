"""Which answer to reset this terminal accepts, rule by rule, before the first command is sent.

Not here: the form of an ATR (iso7816.atr) and what its historical bytes mean (cardspec).
Source: terminal.md, "Answer to reset" (part 8 of the card specification, 5.1.3; clauses named below are its own).

TB1, TC1, TB2, TB3 and TC3 have no rule below because the text accepts every value of them, and their absence: TB1 and
TB2 speak of a programming voltage no card has, a missing TC1 stands for 00.
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
CLASS_INDICATOR = 0x3F
"""TA3 behind T=15, bits 6 to 1: the supply voltages the card takes. Source: part 2 of the card specification, table 15."""
CLASSES_WITH_A_OR_B = (1, 2, 3, 6, 7)
"""A, B, both; with class C beside them. Source: part 2, table 15; 6 and 7: ISO/IEC 7816-3:2006 §8.3, later."""
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
    TA3 = "TA3"
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
    """In specific mode F = 372 and D = 1, 2 or 4; while TA1 may be negotiated it only says what the card could do.

    The text has 01 and 11 accepted "and F = 372, D = 1 kept" (5.1.3.3.1), and lets a card of this specification name
    any F and D (part 2, table 7); F = 372 and D = 1 hold until both sides agree on others (part 2, 8.3.3.2). A card
    with TA2 does not wait for that: then what it names must be what we can do (EMV 4.3 Book 1 §8.3.3.1 says the same).
    """
    ta1 = atr.group(1).ta
    if ta1 is None or atr.group(2).ta is None:
        return True
    return ta1 >> 4 in F_372 and ta1 & 0x0F in D_1_2_4


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


def _ta3(atr: Atr) -> bool:
    """Behind T=15 it must name a class of part 2 (5.1.3.3.9); missing it stands for 01. With T=1 it is any block size."""
    ta3, td2 = atr.group(3).ta, atr.group(2).td
    if ta3 is None or td2 is None or td2 & 0x0F != GLOBAL_BYTES:
        return True
    return ta3 & CLASS_INDICATOR in CLASSES_WITH_A_OR_B


def _tck(atr: Atr) -> bool:
    """None where T=0 is all there is (5.1.3.4), one everywhere else; that it fits, the form has shown.

    That it may not be missing: ISO/IEC 7816-3:2006 §8.2.5; for T=15 also part 2, 8.3.3.11. An ATR cut short by its
    last byte looks just like one without TCK.
    """
    return (atr.tck is not None) is any(protocol != 0 for protocol in atr.protocols)


RULES = (
    Rule(AtrRule.TA1, _ta1),
    Rule(AtrRule.TD1, _td1),
    Rule(AtrRule.TA2, _ta2),
    Rule(AtrRule.TC2, _tc2),
    Rule(AtrRule.TD2, _td2),
    Rule(AtrRule.TA3, _ta3),
    Rule(AtrRule.TCK, _tck),
)
"""In the order of the bytes."""
