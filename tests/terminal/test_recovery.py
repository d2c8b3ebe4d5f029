"""The recovery table, complete: what the card can show, what is known of the PIN and the PSAM, what follows.

Over literal conversations where every answer is chosen, and over the loopback card where other terminals have sold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import CardRemoved, LinkReason
from sscard_terminal.reader.replay import Replay
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.evidence import VERDICTS, Evidence
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import EventKind, SaleState
from sscard_terminal.terminal.outcomes import Approved, DebitIntent, Unsettled
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.recovery import Settlement, settle, settle_by_psam
from tests.cards import new_card
from tests.terminal.doubles import (
    AMOUNTS,
    DEBIT,
    NOON,
    OPENING,
    Desk,
    Faulty,
    Refusing,
    StillPowered,
    another_card,
    answer_lost,
    never_arrives,
    psam_with_number,
    replay,
)

N = 5
SELECT = "> 00A4040006D15600000503\n< 9000\n"
PROOF = "> B02E003202 0005\n< 37F86753 CEA3FB75 9000\n"
NO_PROOF = "> B02E003202 0005\n< 9406\n"
INITIALIZE = "> B028010113 01 00000000 00000000 00000000 370900000001\n"
OURS = "0005 32 370900000001 20260105101530 000004D2 000007D0 00001F40"


SSSE = "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6118\n"
READ_EF05 = "> 00B2012D40\n"
EF05 = (
    "0110370900D15600000500000002DE678D75 0201330304322E3030 040C915600000237090037090001"
    " 050420120101 060420320101 0709443231343335363958"
)
STILL_THERE = f"{SSSE}{READ_EF05}< {EF05} 9000\n"


def counter(n: int, balance: int = OPENING) -> str:
    return f"{INITIALIZE}< {balance:08X} 00000000 00000000 2026 {n:04X} 01 00 AABBCCDD 9000\n"


def log(*records: str) -> str:
    lines = [f"> 00B2{number:02X}441C\n< {record} 9000\n" for number, record in enumerate(records, 1)]
    return "".join(lines)


def end(number: int) -> str:
    return f"> 00B2{number:02X}441C\n< 6A83\n"


def numbered(n: int, kind: str = "32") -> str:
    return f"{n:04X} {kind} 370900000009 20260106090000 00000001 00000000 00000000"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def open_sale(desk: Desk) -> DebitIntent:
    """The sale of card.md §2.4 with counter 5, whose answer is lost."""
    card = desk.identified(pin=None)
    intent = DebitIntent(
        identification=card.identification,
        card_number=card.number,
        amounts=AMOUNTS,
        counter=N,
        key_index=1,
        balance_before=Fen(OPENING),
        terminal="370900000001",
        sequence=bytes.fromhex("00000001"),
        time=NOON,
        mac1=bytes.fromhex("409CAC6A"),
    )
    desk.journal.record_intent(intent)
    return intent


def settling(desk: Desk, text: str, *, pin_verified: bool = True) -> tuple[Settlement, Replay]:
    """What comes of the open sale when the card talks like this."""
    open_sale(desk)
    played, link = replay("# ATR 3B6D0000008154313286603709 00000002\n" + text)
    card = replace(desk.identified(pin=None), client=SocialSecurityCard(link))
    (settlement,) = settle(card, None, desk.journal, desk.clock, pin_verified=pin_verified)
    played.assert_finished()
    return settlement, played


TABLE = {
    "proof, and the log shows our sale": (PROOF + log(OURS), Evidence.LOG_SHOWS_OURS),
    "proof, and the log shows our sale behind a load": (
        PROOF + log(numbered(5, "31"), OURS),
        Evidence.LOG_SHOWS_OURS,
    ),
    "proof, and the totals of an account-only card are not kept": (
        PROOF + log(OURS.replace("000007D0 00001F40", "00000000 00000000")),
        Evidence.LOG_SHOWS_OURS,
    ),
    "proof, but another terminal's": (
        PROOF + 2 * (log(OURS.replace("370900000001", "370900000002")) + end(2)),
        Evidence.LOG_SHOWS_ANOTHER,
    ),
    "proof, but another terminal's of the same amounts and second": (
        PROOF + 2 * (log(OURS.replace("370900000001", "371000000001")) + end(2)),
        Evidence.LOG_SHOWS_ANOTHER,
    ),
    "proof, but ours at another time": (
        PROOF + 2 * (log(OURS.replace("20260105101530", "20260105101531")) + end(2)),
        Evidence.LOG_SHOWS_ANOTHER,
    ),
    "proof, another terminal's at first, ours when read again": (
        PROOF + log(numbered(5)) + end(2) + log(OURS) + end(2),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, but a terminal number that is none": (
        PROOF + log(OURS.replace("370900000001", "37090000000F")) + end(2),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, but a time that is none": (
        PROOF + log(OURS.replace("20260105101530", "FFFFFFFFFFFFFF")) + end(2),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, another terminal's, and ours under the same number": (
        PROOF + log(numbered(5), OURS) + end(3),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, another terminal's, and ours under another number": (
        PROOF + log(numbered(5), OURS.replace("0005 32", "0004 32")) + end(3),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, ours by terminal and time, with another amount": (
        PROOF + log(OURS.replace("000004D2", "000004D3")),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, ours by terminal and time, with other totals": (
        PROOF + log(OURS.replace("000007D0", "000007D1")),
        Evidence.CARD_CONTRADICTS,
    ),
    "proof, and a log without record n": (PROOF + log(numbered(4)) + end(2), Evidence.CARD_CONTRADICTS),
    "proof, and an empty log": (PROOF + end(1), Evidence.CARD_CONTRADICTS),
    "proof, and a log of FF": (PROOF + log("FF" * 28), Evidence.CARD_CONTRADICTS),
    "no proof, counter still n, the log ends before it": (
        NO_PROOF + counter(5) + log(numbered(4)),
        Evidence.COUNTER_UNMOVED,
    ),
    "no proof, counter still n, behind loads the log ends before it": (
        NO_PROOF + counter(5) + log(numbered(9, "31"), numbered(8, "31"), numbered(4)),
        Evidence.COUNTER_UNMOVED,
    ),
    "no proof, counter still n, an empty log": (NO_PROOF + counter(5) + end(1), Evidence.COUNTER_UNMOVED),
    "no proof, counter still n, the log is refused": (
        NO_PROOF + counter(5) + "> 00B201441C\n< 6A82\n",
        Evidence.COUNTER_UNMOVED,
    ),
    "no proof, counter still n, the log cannot be understood": (
        NO_PROOF + counter(5) + "> 00B201441C\n< 0004 32 9000\n",
        Evidence.COUNTER_UNMOVED,
    ),
    "no proof, counter still n, more on the card than before": (
        NO_PROOF + counter(5, balance=20_000) + log(numbered(9, "31"), numbered(4)),
        Evidence.COUNTER_UNMOVED,
    ),
    "no proof, counter still n, but the log shows our sale": (
        NO_PROOF + counter(5) + log(OURS),
        Evidence.CARD_CONTRADICTS,
    ),
    "no proof, counter still n, but the log shows another's purchase n": (
        NO_PROOF + counter(5) + log(numbered(5)),
        Evidence.CARD_CONTRADICTS,
    ),
    "no proof, counter still n, but the log goes beyond it": (
        NO_PROOF + counter(5) + log(numbered(6)),
        Evidence.CARD_CONTRADICTS,
    ),
    "no proof, counter still n, but less on the card than before": (
        NO_PROOF + counter(5, balance=8_766),
        Evidence.CARD_CONTRADICTS,
    ),
    "no proof, counter above n, the log shows our sale": (
        NO_PROOF + counter(6) + log(numbered(7, "31"), OURS),
        Evidence.LOG_SHOWS_OURS,
    ),
    "no proof, counter far above n, the log shows our sale": (
        NO_PROOF + counter(8) + log(numbered(7), numbered(6), OURS),
        Evidence.LOG_SHOWS_OURS,
    ),
    "no proof, counter above n, another terminal's": (
        NO_PROOF + counter(7) + 2 * (log(numbered(6), numbered(5)) + end(3)),
        Evidence.LOG_SHOWS_ANOTHER,
    ),
    "no proof, counter above n, the log has rolled over": (
        NO_PROOF + counter(60) + log(numbered(59), numbered(58)) + end(3),
        Evidence.LOG_TOO_SHORT,
    ),
    "no proof, counter at its end, the log shows our sale": (
        NO_PROOF + INITIALIZE + "< 9402\n" + log(OURS),
        Evidence.LOG_SHOWS_OURS,
    ),
    "no proof, counter below n": (NO_PROOF + counter(4), Evidence.CARD_CONTRADICTS),
    "no proof, initialise refused": (NO_PROOF + INITIALIZE + "< 6985\n", Evidence.CARD_REFUSED),
    "no proof, the PIN is not verified after all": (NO_PROOF + INITIALIZE + "< 6982\n", Evidence.PIN_NEEDED),
    "proof, the log is shut": (PROOF + "> 00B201441C\n< 6982\n", Evidence.PIN_NEEDED),
    "proof cut short": ("> B02E003202 0005\n< 37F86753 CEA3 9000\n", Evidence.CARD_REFUSED),
    "proof refused": ("> B02E003202 0005\n< 6A81\n", Evidence.CARD_REFUSED),
    "counter cut short": (NO_PROOF + INITIALIZE + "< 0000 9000\n", Evidence.CARD_REFUSED),
    "log record cut short": (PROOF + "> 00B201441C\n< 0005 32 9000\n", Evidence.CARD_REFUSED),
}


@pytest.mark.parametrize("row", TABLE)
def test_what_the_card_shows_settles_the_sale(desk: Desk, row: str) -> None:
    conversation, evidence = TABLE[row]

    ends = "" if VERDICTS[evidence] is SaleState.OPEN else STILL_THERE
    settlement, _ = settling(desk, SELECT + conversation + ends)

    entry = desk.journal.entry(1)
    assert settlement.evidence is evidence
    assert settlement.state is VERDICTS[evidence]
    assert entry == settlement.entry
    assert entry is not None
    assert entry.events[-1].detail == evidence


def test_a_sale_found_charged_by_proof_and_log_has_its_tac(desk: Desk) -> None:
    settlement, _ = settling(desk, SELECT + PROOF + log(OURS) + STILL_THERE)

    assert (settlement.entry.tac, settlement.entry.mac2) == (
        bytes.fromhex("CEA3FB75"),
        bytes.fromhex("37F86753"),
    )


def test_a_sale_found_charged_by_the_log_alone_has_no_tac(desk: Desk) -> None:
    settlement, _ = settling(desk, SELECT + NO_PROOF + counter(6) + log(OURS) + STILL_THERE)

    assert settlement.state is SaleState.CHARGED
    assert settlement.entry.tac is None


def test_the_tac_of_another_terminals_purchase_is_not_kept(desk: Desk) -> None:
    others = 2 * (log(OURS.replace("370900000001", "370900000002")) + end(2))

    settlement, _ = settling(desk, SELECT + PROOF + others + STILL_THERE)

    assert settlement.entry.tac is None


@pytest.mark.parametrize("answer", [PROOF, NO_PROOF], ids=["proof", "no proof"])
def test_without_the_pin_the_sale_stays_open_and_nothing_that_needs_it_is_asked(
    desk: Desk, answer: str
) -> None:
    settlement, _ = settling(desk, SELECT + answer, pin_verified=False)

    assert (settlement.evidence, settlement.state) == (Evidence.PIN_NEEDED, SaleState.OPEN)


def test_a_refused_selection_leaves_the_sale_open(desk: Desk) -> None:
    settlement, _ = settling(desk, "> 00A4040006D15600000503\n< 9303\n")

    assert (settlement.evidence, str(settlement.entry.events[-1].sw)) == (Evidence.CARD_REFUSED, "9303")


SWAPPED = {
    "another number": EF05.replace("443231343335363958", "423030303030313331"),
    "another code": EF05.replace("00000002DE678D75", "00000042DE678D75"),
}


@pytest.mark.parametrize("swapped", SWAPPED)
def test_what_a_card_shows_that_was_swapped_meanwhile_settles_nothing(desk: Desk, swapped: str) -> None:
    """An unpaid card of the same counter, put in between two looks of the reader (pcsc.md §3)."""
    ends = f"{SSSE}{READ_EF05}< {SWAPPED[swapped]} 9000\n"

    settlement, _ = settling(desk, SELECT + NO_PROOF + counter(5) + end(1) + ends)

    assert (settlement.evidence, settlement.state) == (Evidence.CARD_SWAPPED, SaleState.OPEN)


@pytest.mark.parametrize(
    "ends", [f"{SSSE.replace('6118', '6A81')}", f"{SSSE}{READ_EF05}< 0110 9000\n> 00B2012D00\n< 0110 9000\n"]
)
def test_a_card_that_no_longer_says_whose_it_is_settles_nothing(desk: Desk, ends: str) -> None:
    settlement, _ = settling(desk, SELECT + NO_PROOF + counter(5) + end(1) + ends)

    assert (settlement.evidence, settlement.state) == (Evidence.CARD_REFUSED, SaleState.OPEN)


@dataclass(frozen=True)
class OtherTerminal:
    """A pharmacy next door with its own PSAM number, clock and journal."""

    journal: Journal
    psam: Psam

    @classmethod
    def at(cls, folder: Path) -> OtherTerminal:
        psam = completing(LoopbackConnection(psam_with_number("370900000002")))
        return cls(Journal.open(folder / "other.db"), Psam(psam))

    def sells(self, desk: Desk) -> None:
        """To the desk's card, at the desk's very second if the clock stands."""
        ours, desk.psam = desk.psam, self.psam
        card = desk.identified()
        desk.psam = ours
        assert isinstance(debit(card, self.psam, self.journal, DebitRequest(AMOUNTS), desk.clock), Approved)


def test_another_terminals_purchase_with_our_counter_is_never_ours(tmp_path: Path, desk: Desk) -> None:
    """Same card, same n, same amounts, same second: only the terminal number tells them apart."""
    lost = desk.sell(never_arrives(LinkReason.CARD_REMOVED))
    assert isinstance(lost, Unsettled)
    sold_at = desk.last_sale().time
    other = OtherTerminal.at(tmp_path)
    desk.clock.now = sold_at - timedelta(seconds=1)
    other.sells(desk)
    assert desk.balance() == OPENING - AMOUNTS.account

    (settlement,) = desk.come_back()

    assert (settlement.evidence, settlement.state) == (Evidence.LOG_SHOWS_ANOTHER, SaleState.NOT_CHARGED)


@pytest.mark.parametrize("later", [1, 2, 3])
def test_our_purchase_is_found_behind_later_ones_of_another_terminal(
    tmp_path: Path, desk: Desk, later: int
) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    other = OtherTerminal.at(tmp_path)
    for _ in range(later):
        other.sells(desk)

    (settlement,) = desk.come_back()

    assert (settlement.evidence, settlement.state) == (Evidence.LOG_SHOWS_OURS, SaleState.CHARGED)


def test_a_purchase_older_than_the_log_stays_open(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path, new_card(balance=100_000))
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    other = OtherTerminal.at(tmp_path)
    for _ in range(30):
        other.sells(desk)

    (settlement,) = desk.come_back()

    assert (settlement.evidence, settlement.state) == (Evidence.LOG_TOO_SHORT, SaleState.OPEN)


def test_without_a_pin_the_psam_that_still_holds_the_sale_settles_it(desk: Desk) -> None:
    assert isinstance(desk.sell(answer_lost(LinkReason.CARD_RESET)), Unsettled)

    (settlement,) = desk.come_back(pin=None, psam=True)

    assert (settlement.evidence, settlement.state) == (Evidence.PSAM_ACCEPTED_MAC2, SaleState.CHARGED)
    assert settlement.entry.tac


def test_a_card_that_comes_straight_back_is_settled_before_it_is_identified(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_RESET))

    (settlement,) = desk.come_straight_back()

    assert (settlement.evidence, settlement.state) == (Evidence.PSAM_ACCEPTED_MAC2, SaleState.CHARGED)


def test_a_card_that_comes_straight_back_unpaid_is_left_to_identification(desk: Desk) -> None:
    desk.sell(never_arrives(LinkReason.CARD_RESET))

    assert desk.come_straight_back() == ()
    assert len(desk.journal.open_sales()) == 1


def test_the_psam_of_another_process_may_still_hold_the_sale(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_RESET))
    desk.psam = Psam(completing(StillPowered(desk.psam_chip)))

    (settlement,) = desk.come_straight_back()

    assert settlement.evidence is Evidence.PSAM_ACCEPTED_MAC2


def test_a_psam_that_holds_a_later_sale_is_not_asked_about_an_earlier_one(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    first = desk.card
    desk.card = another_card()
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    second, desk.card = desk.card, first

    before = desk.come_straight_back()
    desk.card = second
    after = desk.come_straight_back()

    assert before == ()
    assert [settlement.evidence for settlement in after] == [Evidence.PSAM_ACCEPTED_MAC2]


def test_without_open_sales_coming_straight_back_costs_no_command(desk: Desk) -> None:
    _, silent = replay("")

    assert settle_by_psam(SocialSecurityCard(silent), desk.psam, desk.journal, desk.clock) == ()


def test_a_card_that_refuses_its_data_is_left_to_identification(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    card = desk.insert(lambda inner: Refusing(inner, b"\x00\xb2", "6A82"))

    assert settle_by_psam(card, desk.psam, desk.journal, desk.clock) == ()


def test_a_psam_that_refuses_the_mac2_proves_nothing(desk: Desk) -> None:
    """9302 from a PSAM, and still the card's log shows our sale."""
    desk.psam = Psam(completing(Refusing(LoopbackConnection(desk.psam_chip), b"\x80\x72", "9302")))
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    (settlement,) = desk.come_back(psam=True)

    assert settlement.evidence is Evidence.LOG_SHOWS_OURS


@pytest.mark.parametrize("sw", ["6901", "6F00"])
def test_a_psam_that_has_confirmed_already_leaves_it_to_the_log(desk: Desk, sw: str) -> None:
    desk.psam = Psam(completing(Refusing(LoopbackConnection(desk.psam_chip), b"\x80\x72", sw)))
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    (settlement,) = desk.come_back(psam=True)

    assert (settlement.evidence, settlement.state) == (Evidence.LOG_SHOWS_OURS, SaleState.CHARGED)


def test_another_card_settles_nothing(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    desk.card = another_card()

    assert desk.come_back() == ()
    assert len(desk.journal.open_sales()) == 1


def test_the_same_identification_with_another_card_number_is_not_the_same_card(desk: Desk) -> None:
    open_sale(desk)
    identified = desk.identified()
    other = replace(identified, issuer=replace(identified.issuer, card_number="B00000131"))

    assert settle(other, None, desk.journal, desk.clock, pin_verified=True) == ()


DURING = ["00A40400", "B02E0032", "B0280101", "00B20144"]


@pytest.mark.parametrize("header", DURING)
@pytest.mark.parametrize("paid", [True, False], ids=["paid", "not paid"])
def test_a_card_taken_away_again_during_recovery_leaves_the_sale_open_for_the_next_time(
    desk: Desk, header: str, paid: bool
) -> None:
    fault = answer_lost if paid else never_arrives
    desk.sell(fault(LinkReason.CARD_REMOVED))
    start, after = bytes.fromhex(header), bytes.fromhex("00200000")
    card = desk.identified(lambda inner: Faulty(inner, start, never_arrives(LinkReason.CARD_REMOVED), after))

    try:
        settle(card, None, desk.journal, desk.clock, pin_verified=True)
    except CardRemoved:
        assert len(desk.journal.open_sales()) == 1
    desk.come_back()

    entry = desk.journal.entry(1)
    assert entry is not None
    assert entry.state is (SaleState.CHARGED if paid else SaleState.NOT_CHARGED)


def test_recovery_never_sends_debit(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(inner)) or link[0])

    settle(card, desk.psam, desk.journal, desk.clock, pin_verified=True)

    assert DEBIT not in link[0].sent


def test_what_stays_open_is_written_down_each_time(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    desk.come_back(pin=None)
    desk.come_back(pin=None)

    (entry,) = desk.journal.open_sales()
    assert [event.kind for event in entry.events] == [EventKind.LOST, *[EventKind.STILL_OPEN] * 2]


def test_after_a_confirmed_sale_coming_back_costs_no_command(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    desk.card, first = another_card(), desk.card
    assert isinstance(desk.sell(), Approved)
    _, silent = replay("")

    assert settle_by_psam(SocialSecurityCard(silent), desk.psam, desk.journal, desk.clock) == ()
    desk.card = first
    assert [settlement.state for settlement in desk.come_back()] == [SaleState.CHARGED]


def test_every_kind_of_evidence_has_a_verdict() -> None:
    assert VERDICTS.keys() == set(Evidence)
