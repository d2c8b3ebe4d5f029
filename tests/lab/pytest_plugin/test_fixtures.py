"""The plugin's fixtures as a shop's tests would use them, without PC/SC (with it: test_example.py)."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.apdu import ResponseApdu
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.lab.pytest_plugin.cards import VirtualCard, VirtualPsam
from sscard_terminal.lab.pytest_plugin.conversation import Conversations
from sscard_terminal.lab.pytest_plugin.tearing import Tearing
from sscard_terminal.lab.pytest_plugin.terminal import Terminal
from sscard_terminal.reader.connection import LinkError, NoCard
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, Unsettled
from sscard_terminal.terminal.sale_rules import SaleRules

MakeCard = Callable[..., VirtualCard]
SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


# virtual_card -------------------------------------------------------------------------------------------


def test_a_card_is_new_and_answers_bytes_as_they_are(virtual_card: MakeCard) -> None:
    card = virtual_card()

    assert card.apdu(SSSE) == ResponseApdu.parse(bytes.fromhex("6118"))
    assert card.apdu("00C0000018").data.hex() == "6f16840f7378312e73682ec9e7bbe1b1a3d5cfa50388011e"
    assert (card.number, card.balance, card.tries_left) == ("D2143569X", 0, 3)


@pytest.mark.sscard(profile="gen3", person="li-si", balance="12.34", pin="246810", wrong_pins=2)
def test_the_mark_says_what_the_card_is_like_and_the_call_overrules_it(virtual_card: MakeCard) -> None:
    card, other = virtual_card(), virtual_card(balance="1.00")

    assert (card.name, card.balance, card.tries_left) == ("gen3 li-si", 1234, 1)
    assert card.apdu("0020000003246810").sw == 0x9000
    assert (other.balance, other.tries_left) == (100, 1)
    assert card.tries_left == 3


def test_what_is_wrong_in_an_order_is_named(virtual_card: MakeCard) -> None:
    with pytest.raises(FormatError, match="gen1-16k, gen2-32k, gen3"):
        virtual_card(profile="psam-national")
    with pytest.raises(FormatError, match="zhang-san"):
        virtual_card(person="nobody")
    with pytest.raises(FormatError, match="purchase-counter"):
        virtual_card(settings={"counter": "1"})


def test_settings_reach_every_field_of_the_amount_file(virtual_card: MakeCard) -> None:
    card = virtual_card(balance="1.00", settings={"purchase-counter": "65535", "spip": "7"})

    assert (card.amounts.purchase_counter, card.amounts.spip) == (0xFFFF, 7)


def test_61xx_is_completed_only_where_it_is_asked_for(virtual_card: MakeCard) -> None:
    card = virtual_card()

    assert card.apdu(SSSE, complete=True).sw == 0x9000
    assert card.apdu(SSSE).sw == 0x6118
    assert virtual_card(at_once=True).apdu(SSSE + "00").sw == 0x9000


def test_a_card_that_is_out_cannot_be_asked_and_comes_back_without_its_session(
    virtual_card: MakeCard,
) -> None:
    card = virtual_card()
    card.apdu("0020000003123456")
    card.apdu("00A4040006D15600000503")
    assert card.apdu("B026000104").sw == 0x9000

    card.eject()

    with pytest.raises(NoCard):
        card.apdu("B026000104")
    card.insert()
    card.apdu("00A4040006D15600000503")
    assert card.apdu("B026000104").sw == 0x6982


def test_the_simulators_verbs_are_obeyed(virtual_card: MakeCard) -> None:
    card = virtual_card()

    card.obey("cut answer after 1 byte")

    with pytest.raises(LinkError):
        card.apdu("0084000008")
    assert not card.is_in


def test_a_slow_card_takes_its_time(virtual_card: MakeCard) -> None:
    card = virtual_card(baud=9600)
    card.connect()
    begun = time.monotonic()

    card.apdu("0084000008")

    assert time.monotonic() - begun >= 0.023  # 16 bytes of 1.25 ms and 3 ms of its own


# psam, terminal -----------------------------------------------------------------------------------------


def test_the_psam_is_national_and_counts_its_purchases(terminal: Terminal, psam: VirtualPsam) -> None:
    assert (psam.terminal_number, psam.sequence) == ("370900000001", 0)

    terminal.debit("0.00")

    assert psam.sequence == 1


@pytest.mark.parametrize("profile", ["gen2-32k", "gen3"])
def test_a_terminal_sells_once_and_knows_it(terminal: Terminal, virtual_card: MakeCard, profile: str) -> None:
    terminal.card = virtual_card(profile=profile, balance="100.00")

    outcome = terminal.debit("12.34", self_paid="20.00", pooled="80.00")

    assert isinstance(outcome, Approved)
    assert terminal.card.balance == 8766
    assert [entry.state for entry in terminal.sales] == [SaleState.CHARGED]
    balances, details = terminal.balance(), terminal.details()
    assert not isinstance(balances, Declined) and not isinstance(details, Declined)
    assert (balances.account, balances.self_paid.amount) == (8766, 2000)
    assert [record.account for record in details] == [1234]


@pytest.mark.sscard(balance="1.00")
def test_what_is_declined_says_why(terminal: Terminal) -> None:
    terminal.rules = SaleRules(repeat_within=timedelta(minutes=5))
    short = terminal.debit("1.01")
    wrong = terminal.debit("0.50", pin="999999")
    again = [terminal.debit("0.10") for _ in range(2)][1]

    assert [outcome.reason for outcome in (short, wrong, again) if isinstance(outcome, Declined)] == [
        Reason.INSUFFICIENT_BALANCE,
        Reason.WRONG_PIN,
        Reason.SAME_SALE_AGAIN,
    ]


def test_a_changed_pin_is_the_cards_pin(terminal: Terminal) -> None:
    terminal.change_pin("246810")

    assert terminal.card.pin == "246810"
    assert not isinstance(terminal.verify_pin(), Declined)


@pytest.mark.sscard(profile="gen1-16k")
def test_the_clock_is_the_tests_own(terminal: Terminal) -> None:
    expired = terminal.identify()
    terminal.now = terminal.now.replace(year=2017)

    assert isinstance(expired, Declined) and expired.reason is Reason.EXPIRED
    assert not isinstance(terminal.identify(), Declined)


# tear ---------------------------------------------------------------------------------------------------


@pytest.mark.sscard(balance="5.00")
def test_a_sale_torn_at_every_write_is_charged_or_not_and_never_half(
    terminal: Terminal, virtual_card: MakeCard, tear: Tearing
) -> None:
    def sell(card: VirtualCard) -> Approved | Declined | Unsettled:
        terminal.card = card
        return terminal.debit("1.00", again=True)

    endings = []
    for torn in tear.every_write(virtual_card, sell):
        terminal.recover()
        terminal.restart()
        assert terminal.open_sales == ()
        assert torn.card.balance in (500, 400)
        state = terminal.sales[-1].state if terminal.sales else SaleState.NOT_CHARGED
        if isinstance(torn.outcome, Unsettled | Approved):
            assert torn.card.balance == (400 if state is SaleState.CHARGED else 500)
        endings.append((torn.was_torn, torn.card.balance))

    assert len(endings) > 5
    assert endings[0] == (True, Fen(500)) and endings[-1] == (False, Fen(400))
    assert (True, Fen(400)) in endings  # paid, and the answer was lost


# transcript ---------------------------------------------------------------------------------------------

GOLDEN = """\
# ATR 3B6D000000815431328660370900000002
> 0020000003******        # a comment is no part of it
< 63C2
> 0020000000
< 63C2
"""


def test_what_was_said_is_recorded_without_the_pin(virtual_card: MakeCard, transcript: Conversations) -> None:
    card = virtual_card()
    card.apdu("0020000003999999")
    card.apdu("0020000000")

    assert transcript.of(card) == transcript.parse(GOLDEN)
    assert "9999" not in transcript.words(card)
    assert "VERIFY" in transcript.words(card)


def test_a_recorded_conversation_is_replayed(virtual_card: MakeCard, transcript: Conversations) -> None:
    card = virtual_card()
    card.apdu("0020000003999999")
    command = card.recorder.exchanges[0].command

    replay = transcript.replay(transcript.words(card))

    assert str(command) == "0020000003******"
    assert replay.atr.hex().upper() == "3B6D000000815431328660370900000002"


def test_a_golden_conversation_is_written_once_and_then_held_to(
    virtual_card: MakeCard, tmp_path: Path
) -> None:
    card = virtual_card()
    card.apdu("0020000003999999")
    Conversations(tmp_path, "en", accepts=True).assert_same(card, "golden/verify.apdu")
    held = Conversations(tmp_path, "en")

    held.assert_same(card, "golden/verify.apdu")
    card.apdu("0020000000")

    with pytest.raises(AssertionError, match="exchange 2 is one too many"):
        held.assert_same(card, "golden/verify.apdu")
    assert "VERIFY" in (tmp_path / "golden/verify.apdu").read_text(encoding="utf-8")
