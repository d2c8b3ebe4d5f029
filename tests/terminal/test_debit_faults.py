"""Every way in which DEBIT can end other than well, by name; and the law, each time the card is back.

The law (reliability.md): the sale ends charged exactly when the chip has paid, the chip pays at most once, and until
the card is back it is neither charged nor not charged.
"""

from pathlib import Path

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.terminal.attempt import REFUSALS_BEFORE_EXECUTION
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind, SaleState
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, Declined, Doubt, Reason, Unsettled
from sscard_terminal.terminal.psam import Psam
from tests.cards import new_card
from tests.terminal.doubles import (
    AMOUNTS,
    DEBIT,
    GET_RESPONSE,
    OPENING,
    Desk,
    Fault,
    Faulty,
    Refusing,
    answer_lost,
    answers,
    cut_after,
    delivered_twice,
    never_arrives,
    obeyed_but_answers,
)

PAID = OPENING - AMOUNTS.account
MAY_HAVE_ARRIVED = [reason for reason in LinkReason if reason.name in {
    "CARD_REMOVED", "CARD_RESET", "EMPTY_ANSWER", "CUT_ANSWER", "DEADLINE_PASSED", "INTERRUPTED", "SERVICE_GONE",
    "READER_GONE", "NOT_TRANSACTED", "UNKNOWN",
}]  # fmt: skip
NEVER_LEFT = [LinkReason.CLOSED, LinkReason.NO_CARD, LinkReason.READER_BUSY, LinkReason.NO_SERVICE]
PROOF, INITIALIZE = bytes.fromhex("B02E0032"), bytes.fromhex("B0280101")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


@pytest.fixture
def quick_desk(tmp_path: Path) -> Desk:
    """A card that answers at once, as over T=1: the answer to DEBIT comes in one piece with its status word."""
    return Desk.at(tmp_path, new_card(balance=OPENING, rules={"answers_at_once": True}))


def assert_lawful_once_back(desk: Desk, paid: bool) -> None:
    """The chip says what happened; the journal says the same as soon as the card is back; then it can sell again."""
    assert desk.balance() == (PAID if paid else OPENING)
    settled = desk.come_back()
    entry = desk.journal.entry(1)
    assert entry is not None
    assert entry.state is (SaleState.CHARGED if paid else SaleState.NOT_CHARGED)
    assert len(settled) <= 1
    assert desk.come_back() == ()
    assert isinstance(desk.sell(), Approved)
    assert desk.balance() == (PAID if paid else OPENING) - AMOUNTS.account


def events_of(desk: Desk) -> tuple[Event, ...]:
    entry = desk.journal.last_entry()
    assert entry is not None
    return entry.events


@pytest.mark.parametrize("reason", MAY_HAVE_ARRIVED)
def test_a_debit_lost_on_its_way_is_unsettled_and_found_not_charged(desk: Desk, reason: LinkReason) -> None:
    outcome = desk.sell(never_arrives(reason))

    assert isinstance(outcome, Unsettled)
    assert (outcome.doubt, outcome.link, outcome.tac) == (Doubt.ANSWER_LOST, reason, None)
    assert_lawful_once_back(desk, paid=False)


@pytest.mark.parametrize("reason", MAY_HAVE_ARRIVED)
def test_a_debit_whose_answer_is_lost_is_unsettled_and_found_charged(desk: Desk, reason: LinkReason) -> None:
    outcome = desk.sell(answer_lost(reason))

    assert isinstance(outcome, Unsettled)
    entry = desk.journal.last_entry()
    assert entry is not None
    assert (outcome.doubt, outcome.link) == (Doubt.ANSWER_LOST, reason)
    assert [(event.kind, event.detail) for event in entry.events] == [(EventKind.LOST, reason)]
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("reason", MAY_HAVE_ARRIVED)
def test_a_debit_whose_answer_waits_and_is_never_fetched_is_found_charged(
    desk: Desk, reason: LinkReason
) -> None:
    outcome = desk.sell(never_arrives(reason), GET_RESPONSE, after=DEBIT)

    assert isinstance(outcome, Unsettled)
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("reason", NEVER_LEFT)
def test_a_debit_that_certainly_never_left_is_declined(desk: Desk, reason: LinkReason) -> None:
    outcome = desk.sell(never_arrives(reason))

    assert outcome == Declined(Reason.LINK_BROKEN, link=reason, voucher=1)
    assert_lawful_once_back(desk, paid=False)


@pytest.mark.parametrize("reason", NEVER_LEFT)
def test_a_fetch_that_never_left_does_not_undo_the_debit_before_it(desk: Desk, reason: LinkReason) -> None:
    outcome = desk.sell(never_arrives(reason), GET_RESPONSE, after=DEBIT)

    assert isinstance(outcome, Unsettled)
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("count", range(10))
def test_an_answer_cut_off_after_some_bytes_never_ends_as_declined(quick_desk: Desk, count: int) -> None:
    """0 and 1 byte break the link; from 2 on the last two bytes pass for a status word (pcsc.md §6)."""
    outcome = quick_desk.sell(cut_after(count))

    assert not isinstance(outcome, Declined)
    assert_lawful_once_back(quick_desk, paid=True)


@pytest.mark.parametrize("count", range(10))
def test_a_fetched_answer_cut_off_after_some_bytes_never_ends_as_declined(desk: Desk, count: int) -> None:
    outcome = desk.sell(cut_after(count), GET_RESPONSE, after=DEBIT)

    assert not isinstance(outcome, Declined)
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("sw", [*map(str, REFUSALS_BEFORE_EXECUTION), "6581", "6C08", "6F00", "63C2"])
def test_a_cut_answer_that_looks_like_a_refusal_is_found_out_by_asking_back(desk: Desk, sw: str) -> None:
    """Two bytes of a TAC can read 9302; the card's proof says that it paid, and the PSAM agrees."""
    outcome = desk.sell(obeyed_but_answers(sw))

    assert isinstance(outcome, Approved)
    assert_lawful_once_back(desk, paid=True)


def test_an_earlier_answer_fetched_in_place_of_the_proof_leaves_no_tac_behind(desk: Desk) -> None:
    """DEBIT's own answer still waits when 61 08 comes for the proof: TAC and MAC2 then change places."""
    card = desk.identified(
        lambda inner: Faulty(Faulty(inner, DEBIT, obeyed_but_answers("6F00")), PROOF, answers("6108"))
    )

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Unsettled) and outcome.doubt is Doubt.MAC2_REFUSED
    [entry] = desk.journal.entries()
    assert (outcome.tac, entry.tac) == (None, None)
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("at", [DEBIT, GET_RESPONSE])
def test_a_command_delivered_twice_debits_once_and_ends_approved(desk: Desk, at: bytes) -> None:
    """The second DEBIT answers 6901, the second GET RESPONSE 6F00: both after a debit that happened."""
    outcome = desk.sell(delivered_twice, at, after=DEBIT)

    assert isinstance(outcome, Approved)
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize("sw", [*map(str, REFUSALS_BEFORE_EXECUTION)])
def test_a_refusal_before_execution_with_no_proof_behind_it_is_declined(desk: Desk, sw: str) -> None:
    outcome = desk.sell(answers(sw))

    assert isinstance(outcome, Declined)
    assert (outcome.reason, str(outcome.sw), outcome.voucher) == (Reason.DEBIT_REFUSED, sw, 1)
    assert outcome.command == "DEBIT FOR PURCHASE"
    assert_lawful_once_back(desk, paid=False)


@pytest.mark.parametrize("sw", ["6581", "6C08", "6F00", "6A88", "63C2", "1234", "6108"])
def test_any_other_word_leaves_the_sale_open(desk: Desk, sw: str) -> None:
    """6108 has nothing behind it here: the card did not debit, so GET RESPONSE is refused."""
    outcome = desk.sell(answers(sw))

    assert isinstance(outcome, Unsettled)
    assert outcome.doubt is Doubt.ANSWER_LOST
    assert [(event.kind, event.detail) for event in events_of(desk)] == [(EventKind.LOST, "")]
    assert_lawful_once_back(desk, paid=False)


@pytest.mark.parametrize("text", ["9000", "CEA3FB75 37F867 9000", "CEA3FB75 37F86753 00 9000"])
def test_a_success_of_another_length_is_no_answer(quick_desk: Desk, text: str) -> None:
    outcome = quick_desk.sell(answers(text))

    assert isinstance(outcome, Unsettled)
    assert_lawful_once_back(quick_desk, paid=False)


def test_a_refusal_is_not_believed_when_the_card_cannot_be_asked_back(desk: Desk) -> None:
    card = desk.identified(
        lambda inner: Faulty(
            Faulty(inner, DEBIT, answers("9302")), PROOF, never_arrives(LinkReason.CARD_REMOVED)
        )
    )

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Unsettled)
    assert (str(outcome.sw), outcome.link) == ("9302", LinkReason.CARD_REMOVED)
    assert_lawful_once_back(desk, paid=False)


@pytest.mark.parametrize("text", ["6985", "6A81", "CEA3 9000"])
def test_a_refusal_is_not_believed_when_the_card_does_not_say_9406(desk: Desk, text: str) -> None:
    card = desk.identified(lambda inner: Faulty(Faulty(inner, DEBIT, answers("9302")), PROOF, answers(text)))

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Unsettled)
    assert_lawful_once_back(desk, paid=False)


def test_a_refusal_and_a_missing_proof_are_not_believed_while_the_counter_has_moved(desk: Desk) -> None:
    """Two garbled answers in a row, and a card that paid all the same."""
    card = desk.identified(
        lambda inner: Faulty(Faulty(inner, DEBIT, obeyed_but_answers("6901")), PROOF, answers("9406"))
    )

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Unsettled)
    assert (outcome.doubt, str(outcome.sw)) == (Doubt.ANSWER_LOST, "6901")
    assert_lawful_once_back(desk, paid=True)


@pytest.mark.parametrize(
    "fault",
    [answers("6982"), answers("9402"), answers("0000 9000"), never_arrives(LinkReason.CARD_REMOVED)],
    ids=["refused", "at its end", "cut short", "gone"],
)
def test_a_refusal_is_not_believed_when_the_card_does_not_tell_its_counter(desk: Desk, fault: Fault) -> None:
    card = desk.identified(
        lambda inner: Faulty(Faulty(inner, DEBIT, answers("9302")), INITIALIZE, fault, after=PROOF)
    )

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Unsettled)
    assert_lawful_once_back(desk, paid=False)


def test_debit_is_sent_once_whatever_happens(desk: Desk) -> None:
    links: list[Faulty] = []

    def link(inner: Connection) -> Connection:
        links.append(Faulty(inner, DEBIT, answers("6C08")))
        return links[-1]

    debit(desk.identified(link), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    desk.come_back()

    assert sum(faulty.sent.count(DEBIT) for faulty in links) == 1


def with_psam(desk: Desk, start: str, sw: str) -> Psam:
    """The desk's PSAM behind a link that refuses some command."""
    psam = Psam(completing(Refusing(LoopbackConnection(desk.psam_chip), bytes.fromhex(start), sw)))
    desk.psam = psam
    return psam


@pytest.mark.parametrize("sw", ["9302", "63CF"])
def test_a_mac2_the_psam_refuses_leaves_the_sale_open_with_tac_and_macs(desk: Desk, sw: str) -> None:
    with_psam(desk, "8072", sw)

    outcome = desk.sell()

    entry = desk.journal.last_entry()
    assert isinstance(outcome, Unsettled)
    assert entry is not None
    assert outcome.doubt is Doubt.MAC2_REFUSED
    assert (entry.state, entry.tac, entry.mac2) == (SaleState.OPEN, outcome.tac, outcome.mac2)
    assert entry.sale.mac1
    assert [event.kind for event in entry.events] == [EventKind.ANSWERED, EventKind.UNPROVED]
    assert_open_then_charged(desk)


@pytest.mark.parametrize("sw", ["6901", "6F00", "6985"])
def test_a_psam_that_fails_at_mac2_leaves_the_sale_open(desk: Desk, sw: str) -> None:
    with_psam(desk, "8072", sw)

    outcome = desk.sell()

    assert isinstance(outcome, Unsettled)
    entry = desk.journal.last_entry()
    assert entry is not None
    assert (outcome.doubt, str(outcome.sw)) == (Doubt.PSAM_FAILED, sw)
    assert [(event.kind, event.detail) for event in entry.events] == [
        (EventKind.ANSWERED, ""),
        (EventKind.UNPROVED, Doubt.PSAM_FAILED),
    ]
    assert_open_then_charged(desk)


def test_a_psam_that_fails_at_the_proof_of_a_lost_answer_leaves_the_sale_open(desk: Desk) -> None:
    with_psam(desk, "8072", "6F00")

    outcome = desk.sell(obeyed_but_answers("6581"))

    assert isinstance(outcome, Unsettled)
    entry = desk.journal.last_entry()
    assert entry is not None
    assert (outcome.doubt, str(outcome.sw), outcome.tac) == (Doubt.PSAM_FAILED, "6F00", None)
    assert [event.kind for event in entry.events] == [EventKind.UNPROVED]
    assert_open_then_charged(desk)


def test_a_psam_taken_out_before_mac2_leaves_the_sale_open(desk: Desk) -> None:
    gone = Faulty(
        LoopbackConnection(desk.psam_chip), bytes.fromhex("80720000"), never_arrives(LinkReason.READER_GONE)
    )
    desk.psam = Psam(completing(gone))

    outcome = desk.sell()

    assert isinstance(outcome, Unsettled)
    assert (outcome.doubt, outcome.link) == (Doubt.PSAM_FAILED, LinkReason.READER_GONE)
    assert_open_then_charged(desk)


def assert_open_then_charged(desk: Desk) -> None:
    """Refused until the card's own log, on a genuine card, shows our sale."""
    desk.psam = desk.powered_psam()
    refused = desk.sell()
    assert isinstance(refused, Declined)
    assert refused.reason is Reason.OPEN_SALE
    assert_lawful_once_back(desk, paid=True)


class Failing(Journal):
    """A journal that takes intents and some kinds of event, and then can be written no more."""

    takes: tuple[EventKind, ...] = ()

    def record(self, voucher: int, event: Event) -> None:
        if event.kind not in self.takes:
            raise JournalTrouble(JournalFault.CANNOT_WRITE, Path("journal.db"))
        super().record(voucher, event)


@pytest.mark.parametrize("fault", [None, obeyed_but_answers("6581")], ids=["answered", "asked back"])
@pytest.mark.parametrize("takes", [(), (EventKind.ANSWERED,)], ids=["the answer", "the end"])
def test_a_disk_that_fills_up_after_debit_leaves_the_sale_open(
    tmp_path: Path, takes: tuple[EventKind, ...], fault: Fault | None
) -> None:
    desk = Desk.at(tmp_path)
    desk.journal.close()
    desk.journal = Failing.open(tmp_path / "journal.db")
    desk.journal.takes = takes

    outcome = desk.sell(fault)

    assert isinstance(outcome, Unsettled)
    assert outcome.doubt is Doubt.JOURNAL_FAILED
    assert outcome.tac
    desk.journal.close()
    desk.journal = Journal.open(tmp_path / "journal.db")
    assert_open_then_charged(desk)


@pytest.mark.parametrize(
    "fault", [answers("9302"), never_arrives(LinkReason.CLOSED), never_arrives(LinkReason.CARD_REMOVED)]
)
def test_a_full_disk_makes_even_a_refusal_unsettled(tmp_path: Path, fault: Fault) -> None:
    desk = Desk.at(tmp_path)
    desk.journal.close()
    desk.journal = Failing.open(tmp_path / "journal.db")

    outcome = desk.sell(fault)

    assert isinstance(outcome, Unsettled)
    desk.journal.close()
    desk.journal = Journal.open(tmp_path / "journal.db")
    assert_lawful_once_back(desk, paid=False)


class Killed(BaseException):
    """The process ends here: nothing catches it, nothing is written after it."""


KILLS: list[tuple[str, str, bool]] = [
    # the commit or frame at which it happens, before or after it, has the chip paid?
    ("record_intent", "before", False),
    ("record_intent", "after", False),
    ("DEBIT", "before", False),
    ("DEBIT", "after", True),
    ("ANSWERED", "before", True),
    ("ANSWERED", "after", True),
    ("80 72", "before", True),
    ("80 72", "after", True),
    ("CONFIRMED", "before", True),
    ("CONFIRMED", "after", True),
]


@pytest.mark.parametrize(("step", "when", "paid"), KILLS)
def test_a_process_killed_at_any_step_leaves_what_recovery_can_settle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str, when: str, paid: bool
) -> None:
    kill_at(monkeypatch, step, when)

    with pytest.raises(Killed):
        desk.sell()

    monkeypatch.undo()
    desk.psam = desk.powered_psam()
    if (step, when) == ("record_intent", "before"):
        assert desk.journal.last_entry() is None
        assert desk.balance() == OPENING
        return
    assert_lawful_once_back(desk, paid=paid)


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    """Replace one step of the sale by one that dies before or after it is done."""
    owner: type
    match step:
        case "record_intent":
            owner, name, kind = Journal, "record_intent", None
        case "ANSWERED" | "CONFIRMED":
            owner, name, kind = Journal, "record", EventKind[step]
        case "DEBIT":
            owner, name, kind = SocialSecurityCard, "debit_for_purchase", None
        case _:
            owner, name, kind = Psam, "confirm_mac2", None
    original = getattr(owner, name)

    def dying(self: object, *arguments: object) -> object:
        if kind is not None and getattr(arguments[-1], "kind", None) is not kind:
            return original(self, *arguments)
        if when == "after":
            original(self, *arguments)
        raise Killed

    monkeypatch.setattr(owner, name, dying)
