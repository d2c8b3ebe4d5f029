"""Every lie of a PSAM, and other PSAMs put in its place: no sale ends other than the chip knows it.

One thing is beyond any terminal: a PSAM that accepts whatever MAC2 it is shown. It holds the keys, so it is believed.
"""

from pathlib import Path

import pytest

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.psam import Psam
from tests.terminal.doubles import AMOUNTS, Desk, another_card, psam_with_number
from tests.terminal.hostile import (
    HONEST,
    IDENTIFY,
    PAID,
    SELL,
    UNPAID,
    Lie,
    Lying,
    at,
    breaks,
    cut,
    does_and_says,
    filled,
    longer,
    readied,
    run,
    says,
    spent,
    without_end,
)

NUMBER, DATES, DF01 = "00B0000006", "00B000000A", "00A4000002DF01"
ENVIRONMENT, KEY, CIPHER, MAC1, MAC2 = "BFEC*", "BFDE*", "80FA*", "8070*", "8072*"
WORKFLOWS = (IDENTIFY, SELL, PAID, UNPAID)
OUR_SALE = 2

TROUBLE, NO_KEY, LEVEL = "declined: psam-trouble", "declined: psam-key-missing", "declined: psam-key-level"
REFUSED, FAILED, UNPROVED = "declined: debit-refused", "unsettled: psam-failed", "unsettled: mac2-refused"


def everywhere(ending: str) -> dict[str, str]:
    return dict.fromkeys(WORKFLOWS, ending)


def selling(ending: str) -> dict[str, str]:
    return {SELL: ending}


def another_place() -> Chip:
    return psam_with_number("370900000002")


LIES = (
    Lie("no terminal number", "00A40200020016", says("6A82"), everywhere(TROUBLE)),
    Lie("a terminal number too short", NUMBER, cut(5), everywhere(TROUBLE)),
    Lie("a terminal number too long", NUMBER, longer("00"), everywhere(TROUBLE)),
    Lie("a terminal number with letters", NUMBER, at(0, "AB"), everywhere(TROUBLE)),
    Lie("a terminal number of FF", NUMBER, filled(0xFF), everywhere(TROUBLE)),
    Lie("a terminal number it does not compute with", NUMBER, at(5, "09"), selling(REFUSED)),
    Lie("no DF01", DF01, says("6A82"), everywhere(TROUBLE)),
    Lie("dates that are none", DATES, filled(0xFF)),
    Lie("dates too short", DATES, cut(4)),
    Lie("a key index no card has", DATES, at(0, "09"), selling("declined: key-index-not-supported")),
    Lie("a key index of nothing", DATES, at(0, "00"), selling("declined: key-index-not-supported")),
    Lie("an environment it refuses", ENVIRONMENT, says("6985"), everywhere(TROUBLE)),
    Lie("an environment that is open, and is not", ENVIRONMENT, says("9000"), everywhere(TROUBLE)),
    Lie("no key to check a card with", KEY, says("6A88"), everywhere(NO_KEY)),
    Lie("another number of levels, whichever", KEY, says("6A80"), everywhere(LEVEL)),
    Lie("a locked key", KEY, says("6983"), everywhere(TROUBLE)),
    Lie("a key that is there, and is not", KEY, says("9000"), everywhere(TROUBLE)),
    Lie("cipher data too short", CIPHER, cut(7), everywhere(TROUBLE)),
    Lie("cipher data too long", CIPHER, longer("00"), everywhere(TROUBLE)),
    Lie("no cipher data", CIPHER, says("9000"), everywhere(TROUBLE)),
    Lie("wrong cipher data", CIPHER, filled(0x00), everywhere("declined: not-authentic")),
    Lie("61xx without end", CIPHER, without_end, everywhere(TROUBLE)),
    Lie("no purchase key", MAC1, says("6A88"), selling(NO_KEY)),
    Lie("a purchase key of another level", MAC1, says("6A80"), selling(LEVEL)),
    Lie("no purchase now", MAC1, says("6985"), selling(TROUBLE)),
    Lie("MAC1 too short", MAC1, cut(7), selling(TROUBLE)),
    Lie("MAC1 too long", MAC1, longer("00"), selling(TROUBLE)),
    Lie("no MAC1", MAC1, says("9000"), selling(TROUBLE)),
    Lie("MAC1 without end", MAC1, without_end, selling(TROUBLE)),
    Lie("a wrong MAC1", MAC1, at(4, "00000000"), selling(REFUSED)),
    Lie("a sequence it does not compute with", MAC1, at(0, "00000009"), selling(REFUSED)),
    Lie("a MAC1 out of nowhere", MAC1, says("0000000911223344 9000"), selling(REFUSED)),
    Lie("MAC2 refused, 9302", MAC2, says("9302"), selling(UNPROVED), paid=True),
    Lie("MAC2 accepted, and 63CF", MAC2, does_and_says("63CF"), selling(UNPROVED), paid=True),
    Lie("MAC2 accepted, and 6108", MAC2, does_and_says("6108"), selling(FAILED), paid=True),
    Lie("no purchase to confirm", MAC2, says("6901"), selling(FAILED), paid=True),
    Lie("6F00 to MAC2", MAC2, says("6F00"), selling(FAILED), paid=True),
    Lie("mute when a key is wanted", KEY, breaks(LinkReason.DEADLINE_PASSED), everywhere(TROUBLE)),
    Lie("mute when MAC1 is wanted", MAC1, breaks(LinkReason.DEADLINE_PASSED), selling(TROUBLE)),
    Lie("dead between MAC1 and MAC2", MAC2, breaks(LinkReason.READER_GONE), selling(FAILED), paid=True),
    Lie("mute between MAC1 and MAC2", MAC2, breaks(LinkReason.DEADLINE_PASSED), selling(FAILED), paid=True),
    Lie("another place's PSAM from the start", "00A40000023F00", other=another_place),
    Lie("another place's PSAM before the key", KEY, ends=everywhere(TROUBLE), other=another_place),
    Lie("another place's PSAM before MAC1", MAC1, ends=selling(TROUBLE), other=another_place),
    Lie("another place's PSAM between MAC1 and MAC2", MAC2, ends=selling(FAILED), paid=True, other=another_place),
    Lie("a user card", "00A40000023F00", ends=everywhere(TROUBLE), other=another_card),
    Lie("9000 to everything", "*", says("9000"), everywhere(TROUBLE)),
    Lie("6A80 to everything", "*", says("6A80"), everywhere(TROUBLE)),
    Lie("61xx without end to everything", "*", without_end, everywhere(TROUBLE)),
)  # fmt: skip


def with_psam(desk: Desk, lie: Lie) -> Lying:
    link = Lying(LoopbackConnection(desk.psam_chip), lie)
    desk.psam = Psam(completing(link))
    return link


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("lie", LIES, ids=[lie.name for lie in LIES])
def test_a_psam_that_lies_makes_no_sale_end_wrong(lie: Lie, workflow: str, tmp_path: Path) -> None:
    desk = readied(workflow, lie.profile).at(tmp_path)
    before = spent(desk)
    link = with_psam(desk, lie)

    ending = run(desk, workflow, lambda inner: inner)

    paid = spent(desk) - before
    assert ending == lie.ends.get(workflow, HONEST[workflow])
    assert link.told or workflow not in lie.ends
    assert paid == (AMOUNTS.account if workflow == SELL and (ending == "approved" or lie.paid) else 0)
    assert_truth_comes_out(desk, ending)


def assert_truth_comes_out(desk: Desk, ending: str) -> None:
    """The right PSAM is back, and so is the card."""
    desk.psam = desk.powered_psam()
    sale = desk.journal.entry(OUR_SALE)
    if ending.startswith("unsettled"):
        assert sale is not None and sale.state is SaleState.OPEN
    desk.come_back(psam=True)
    sale = desk.journal.entry(OUR_SALE)
    if sale is not None:
        assert sale.state is (SaleState.CHARGED if spent(desk) else SaleState.NOT_CHARGED)


def test_another_places_psam_settles_nothing_of_ours_by_its_own_word(tmp_path: Path) -> None:
    """It holds a purchase of its own with the very sequence of ours, and is shown our MAC2."""
    desk = readied(SELL, "gen2-32k").at(tmp_path)
    lost = Lie("lost", "B02C*", breaks(LinkReason.CARD_REMOVED))
    assert run(desk, SELL, lambda inner: Lying(inner, lost)) == "unsettled: answer-lost"
    ours = desk.last_sale()
    theirs = Psam(completing(LoopbackConnection(another_place())))
    theirs._held = ours.sequence
    desk.psam = theirs

    assert desk.come_straight_back() == ()
    assert run(desk, UNPAID, lambda inner: inner) == "not-charged: counter-unmoved"
