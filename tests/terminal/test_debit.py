"""The sale that goes well, and everything that declines one before money is at stake."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.reader.counting import Counting, counting
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.clock_rules import CLOCK_TOLERANCE
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind, SaleState
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, DebitIntent, Declined, Reason, Sale, Unsettled
from sscard_terminal.terminal.psam import Psam
from tests.cards import new_card
from tests.terminal.doubles import (
    AMOUNTS,
    DEBIT,
    NOON,
    OPENING,
    Desk,
    Faulty,
    Refusing,
    answers,
    fill_the_disk,
    never_arrives,
    replay,
    statements_of,
)

INITIALIZE = bytes.fromhex("B0280101")
GET_BALANCE = bytes.fromhex("B0260001")
MOST_EXCHANGES = 16


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def test_a_sale_takes_the_amount_once_and_ends_confirmed(desk: Desk) -> None:
    outcome = desk.sell()

    entry = desk.journal.last_entry()
    assert isinstance(outcome, Approved)
    assert entry is not None
    assert desk.balance() == OPENING - AMOUNTS.account == outcome.sale.balance_after
    assert (entry.state, entry.tac) == (SaleState.CHARGED, outcome.tac)
    assert [event.kind for event in entry.events] == [EventKind.ANSWERED, EventKind.CONFIRMED]


@pytest.mark.parametrize("at_once", [False, True], ids=["T=0", "answers at once"])
def test_a_whole_sale_takes_at_most_sixteen_exchanges_with_the_card(tmp_path: Path, at_once: bool) -> None:
    desk = Desk.at(tmp_path, new_card(balance=OPENING, rules={"answers_at_once": at_once}))
    links: list[Counting] = []

    def counted(inner: Connection) -> Connection:
        links.append(counting(inner))
        return links[-1]

    card = desk.identified(counted)
    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Approved)
    assert links[0].counts.apdus == (9 if at_once else 13) <= MOST_EXCHANGES


def test_a_sale_of_which_nobody_says_where_and_by_whom_says_nothing_of_it(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)

    outcome = debit(desk.identified(), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Approved)
    assert (outcome.sale.place, outcome.sale.operator) == ("", "")


def test_the_sale_of_the_specification_byte_by_byte(tmp_path: Path) -> None:
    """card.md §2.4 and §5.4, both sides; the card identified before."""
    desk = Desk.at(tmp_path)
    card_side, card_link = replay(
        """
        # ATR 3B6D0000008154311686603709 00000001
        > 00A4040006 D15600000503
        < 6108
        > B028010113 01 000004D2 000007D0 00001F40 370900000001
        < 6116
        > 00C0000016
        < 00002710 00000000 00000000 2026 0000 01 00 AABBCCDD 9000
        > B02C01000F 00000001 20260105101530 409CAC6A
        < 6108
        > 00C0000008
        < CEA3FB75 37F86753 9000
        """
    )
    psam_side, psam_link = replay(
        """
        # ATR 3B6D0000008154310086603709 000000A1
        > 00A40000023F00
        < 6113
        > 00A40200020016
        < 9000
        > 00B0000006
        < 370900000001 9000
        > 8070010034 AABBCCDD 0000 000004D2 000007D0 00001F40 32 20260105 101530 01 00 8660370900000001 3337303930307378 3337303030307368
        < 00000001 409CAC6A 9000
        > 8072000004 37F86753
        < 9000
        """
    )
    factors = DiversificationFactors.of("370900", bytes.fromhex("00815431168660370900000001"))
    card = replace(desk.identified(), client=SocialSecurityCard(card_link), factors=factors)
    desk.clock.now = NOON

    outcome = debit(card, Psam(psam_link), desk.journal, DebitRequest(AMOUNTS, "药店", "01"), desk.clock)

    card_side.assert_finished()
    psam_side.assert_finished()
    assert isinstance(outcome, Approved)
    assert (outcome.tac.hex(), outcome.sale.sequence.hex(), outcome.sale.counter) == (
        "cea3fb75",
        "00000001",
        0,
    )
    assert (outcome.sale.place, outcome.sale.operator, outcome.sale.voucher) == ("药店", "01", 1)


@dataclass
class Watched:
    """Writes down, in one list with the journal's commits, what goes to the card."""

    inner: Connection
    happened: list[str] = field(default_factory=list)

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self.happened.append(command.header.hex().upper())
        return self.inner.transmit(command)

    def close(self) -> None:
        self.inner.close()


def test_the_intent_is_on_the_disk_before_debit_leaves_and_the_answer_before_mac2_is_asked(
    desk: Desk,
) -> None:
    link = Watched(LoopbackConnection(desk.card))
    card = desk.identified(lambda _: link)
    desk.psam = Psam(completing(Watched(LoopbackConnection(desk.psam_chip), link.happened)))
    desk.psam.open_environment(0x37, card.suite)
    desk.psam.terminal_number()
    desk.psam.open_environment(0x37, card.suite)
    link.happened.clear()
    statements_of(desk.journal, link.happened.append)

    debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    steps = [step for step in link.happened if step in ("COMMIT", "B02C0100", "80700100", "80720000")]
    assert steps == ["80700100", "COMMIT", "B02C0100", "COMMIT", "80720000", "COMMIT"]


def test_a_purchase_beyond_the_balance_is_declined_with_what_is_missing(desk: Desk) -> None:
    card = desk.identified()
    request = DebitRequest(PurchaseAmounts(Fen(OPENING + 1)))

    declined = debit(card, desk.psam, desk.journal, request, desk.clock)

    assert isinstance(declined, Declined)
    assert (declined.reason, declined.balance, declined.missing) == (Reason.INSUFFICIENT_BALANCE, OPENING, 1)
    assert desk.journal.last_entry() is None


def test_the_whole_balance_can_be_spent(desk: Desk) -> None:
    outcome = debit(
        desk.identified(), desk.psam, desk.journal, DebitRequest(PurchaseAmounts(Fen(OPENING))), desk.clock
    )

    assert isinstance(outcome, Approved)
    assert outcome.sale.balance_after == desk.balance() == 0


def test_a_balance_that_cannot_be_asked_for_stays_unsaid(desk: Desk) -> None:
    card = desk.identified(lambda inner: Faulty(inner, GET_BALANCE, never_arrives(LinkReason.CARD_REMOVED)))

    declined = debit(
        card, desk.psam, desk.journal, DebitRequest(PurchaseAmounts(Fen(OPENING + 1))), desk.clock
    )

    assert isinstance(declined, Declined)
    assert (declined.reason, declined.balance, declined.missing) == (Reason.INSUFFICIENT_BALANCE, None, None)


def test_a_card_that_promises_more_than_it_has_is_not_debited(desk: Desk) -> None:
    small = "00000001 00000000 00000000 2026 0000 01 00 AABBCCDD 9000"
    card = desk.identified(lambda inner: Faulty(inner, INITIALIZE, answers(small)))

    declined = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert declined == Declined(Reason.INSUFFICIENT_BALANCE, balance=Fen(1), missing=Fen(1233))


@pytest.mark.parametrize(
    ("sw", "reason"),
    [
        ("6982", Reason.PIN_NEEDED),
        ("9402", Reason.COUNTER_AT_MAXIMUM),
        ("9403", Reason.KEY_INDEX_NOT_SUPPORTED),
        ("9303", Reason.APPLICATION_BLOCKED),
        ("6A81", Reason.CARD_BLOCKED),
        ("6985", Reason.CARD_REFUSED),
        ("6F00", Reason.CARD_REFUSED),
    ],
)
def test_a_refusal_to_initialize_declines_and_nothing_is_written(desk: Desk, sw: str, reason: Reason) -> None:
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(Refusing(inner, INITIALIZE, sw))) or link[0])

    declined = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(declined, Declined)
    assert (declined.reason, str(declined.sw), declined.command) == (reason, sw, "INITIALIZE FOR PURCHASE")
    assert DEBIT not in link[0].sent
    assert desk.journal.last_entry() is None


def test_without_the_pin_there_is_no_sale(desk: Desk) -> None:
    declined = debit(desk.identified(pin=None), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(declined, Declined)
    assert declined.reason is Reason.PIN_NEEDED
    assert desk.balance() == OPENING


def test_a_link_that_breaks_before_debit_declines(desk: Desk) -> None:
    declined = desk.sell(never_arrives(LinkReason.CARD_REMOVED), INITIALIZE)

    assert declined == Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)
    assert desk.journal.last_entry() is None


@pytest.mark.parametrize("sw", ["6985", "6A88", "6F00"])
def test_a_psam_that_gives_no_mac1_declines(desk: Desk, sw: str) -> None:
    card = desk.identified()
    psam = Psam(completing(Refusing(LoopbackConnection(desk.psam_chip), b"\x80\x70", sw)))
    psam.open_environment(0x37, card.suite)

    declined = debit(card, psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(declined, Declined)
    assert declined.reason in (Reason.PSAM_TROUBLE, Reason.PSAM_KEY_MISSING)
    assert str(declined.sw) == sw
    assert desk.balance() == OPENING


def test_a_malformed_answer_to_initialize_declines(desk: Desk) -> None:
    card = desk.identified(lambda inner: Faulty(inner, INITIALIZE, answers("0000 9000")))

    declined = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert declined == Declined(Reason.CARD_DATA_MALFORMED)


class FullDisk(Journal):
    """A journal whose intents do not reach the disk."""

    def record_intent(self, intent: DebitIntent) -> Sale:
        raise JournalTrouble(JournalFault.CANNOT_WRITE, Path("journal.db"))


def test_no_debit_leaves_while_the_journal_cannot_be_written(tmp_path: Path, desk: Desk) -> None:
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(inner)) or link[0])

    with FullDisk.open(tmp_path / "full.db") as journal:
        declined = debit(card, desk.psam, journal, DebitRequest(AMOUNTS), desk.clock)

    assert declined == Declined(Reason.JOURNAL_TROUBLE)
    assert DEBIT not in link[0].sent
    assert desk.balance() == OPENING


def test_a_really_full_file_declines_the_next_sale(desk: Desk) -> None:
    desk.sell()
    fill_the_disk(desk.journal)
    outcomes = [desk.sell() for _ in range(40)]

    refused = [outcome for outcome in outcomes if not isinstance(outcome, Approved)]
    approved = len(outcomes) - len(refused)

    assert refused
    assert isinstance(refused[-1], Declined)
    assert all(isinstance(outcome, Declined | Unsettled) for outcome in refused)
    assert approved < 40


def test_a_card_with_an_open_sale_is_refused_and_no_other(tmp_path: Path, desk: Desk) -> None:
    unsettled = desk.sell(never_arrives(LinkReason.CARD_REMOVED))
    assert isinstance(unsettled, Unsettled)
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(inner)) or link[0])

    declined = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert declined == Declined(Reason.OPEN_SALE, voucher=unsettled.sale.voucher)
    assert INITIALIZE not in link[0].sent


def test_a_clock_that_was_set_back_sells_nothing(desk: Desk) -> None:
    desk.sell()
    sold_at = desk.last_sale().time
    desk.clock.now = sold_at - CLOCK_TOLERANCE - timedelta(seconds=30)

    outcome = desk.sell()

    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.known) == (Reason.CLOCK_WENT_BACKWARDS, sold_at)


def test_a_clock_set_right_by_a_little_goes_on_selling(desk: Desk) -> None:
    desk.sell()
    card = desk.identified()
    desk.clock.now = desk.last_sale().time - timedelta(minutes=2)

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Approved)


def test_a_card_that_says_too_little_and_holds_enough_misses_nothing(desk: Desk) -> None:
    card = desk.identified(lambda inner: Faulty(inner, INITIALIZE, answers("9401")))

    declined = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(declined, Declined)
    assert (declined.reason, declined.balance, declined.missing) == (Reason.INSUFFICIENT_BALANCE, OPENING, 0)


def test_the_time_in_debit_has_no_fraction_of_a_second(desk: Desk) -> None:
    desk.clock.now = NOON.replace(microsecond=999_999)

    outcome = desk.sell()

    assert isinstance(outcome, Approved)
    assert outcome.sale.time.microsecond == 0


def test_events_bear_the_time_of_the_clock(desk: Desk) -> None:
    desk.sell()

    entry = desk.journal.last_entry()

    assert entry is not None
    assert all(isinstance(event, Event) and event.at >= entry.sale.time for event in entry.events)
