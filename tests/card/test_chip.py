"""The chip's manners: order of checks, T=0 and T=1, power and reset, and that it never falls over."""

import random

import pytest

from sscard_terminal.iso7816.status import StatusWord
from tests.cards import Dice, ask, ask_all, card_image, chip_of, fetch, new_card, new_psam

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
DF04 = "00A4040006D15600000503"
VERIFY = "0020000003123456"
BALANCE = "B026000104"
PURCHASE = "B02801011301000004D2000007D000001F40370900000001"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("FF000000", "6E00"),
        ("00FF0000", "6D00"),
        ("8050000000", "6E00"),  # the bank's purse, card.md §10 A5
        ("84180000", "6D00"),  # APPLICATION UNBLOCK, card.md §9.11
        ("0020FF0003123456", "6A86"),
        ("002000000112", "6700"),
        ("0020FF000112", "6A86"),  # P1P2 before Lc
        ("0020FF00051234", "6A86"),  # P1P2 even before a length that fits no case
        ("00200000051234", "6700"),
        ("B026000104", "6985"),  # DF04 is not current
        ("B026000105", "6700"),  # but Le comes before
        ("00B2010400", "6986"),
        ("00B2012F00", "6A86"),  # mode 111
        ("00B200" + "2C" + "00", "6A86"),  # P1 00 with mode 100, card.md §10 B18
        ("00B2011700", "6A86"),
        ("00B2016C00", "6A82"),
        ("00B0870000", "6982"),
        ("00B0850000", "6981"),
        ("00B2013C00", "6981"),
        ("00C0000000", "6F00"),
        ("0084000005", "6700"),
        ("0082000F10" + "00" * 16, "6A88"),
        ("0082000410" + "00" * 16, "6984"),
        ("0088000110" + "00" * 16, "6A86"),
        ("8424000004" + "00" * 4, "6982"),
        ("8416000004" + "00" * 4, "6982"),
        ("841E000004" + "00" * 4, "6A86"),
        ("00A4040004D1560000", "6700"),
        ("00A4040C06D15600000503", "6A86"),
        ("00A4010002EF05", "6A86"),
        ("00A4020002EF99", "6A82"),
        ("00A4040006D15600000599", "6A82"),
    ],
)  # fmt: skip
def test_checks_come_in_the_ruled_order(sent: str, answer: str) -> None:
    card = new_card()
    fetch(card, SSSE)

    assert ask(card, sent) == answer


@pytest.mark.parametrize(
    ("sent", "answer"), [("00", "6700"), ("00A4", "6700"), ("00A404", "6700"), ("", "6700")]
)
def test_commands_without_a_header_answer_6700(sent: str, answer: str) -> None:
    assert ask(new_card(), sent) == answer


def test_a_t0_card_lets_case_4_answers_wait_and_ignores_le() -> None:
    card = new_card()

    assert ask(card, SSSE + "00") == "6118"
    assert ask(card, "00C0000018").endswith("9000")


def test_get_response_may_come_in_parts() -> None:
    card = new_card()
    whole = fetch(card, SSSE)
    ask(card, SSSE)

    first, rest = ask(card, "00C0000010"), ask(card, "00C0000008")

    assert first.endswith("6108")
    assert first[:-4] + rest == whole


def test_get_response_beyond_what_waits_tells_the_length_and_keeps_it() -> None:
    card = new_card()
    ask(card, SSSE)

    assert ask(card, "00C0000020") == "6C18"
    assert ask(card, "00C0000018").endswith("9000")
    assert ask(card, "00C0000018") == "6F00"


def test_another_command_drops_the_waiting_answer() -> None:
    card = new_card()
    ask(card, SSSE)
    ask(card, "00FF0000")

    assert ask(card, "00C0000018") == "6F00"


def test_a_t1_card_answers_at_once() -> None:
    card = new_card(rules={"answers_at_once": True})

    assert ask(card, SSSE + "00").startswith("6F16840F")
    assert ask(card, "00B2012C00").startswith("0110370900")


def test_a_t1_purchase_is_not_done_with_an_le_that_would_cut_its_answer() -> None:
    card = new_card(balance=10_000, rules={"answers_at_once": True})
    ask_all(card, SSSE, VERIFY, DF04)
    ask(card, PURCHASE + "16")

    assert ask(card, "B02C01000F" + "00" * 15 + "04") == "6700"
    assert ask(card, BALANCE) == "000027109000"


def test_read_record_with_le_00_says_how_much_under_t0() -> None:
    card = new_card()
    fetch(card, SSSE)

    assert ask(card, "00B2012C00") == "6C12"
    assert ask(card, "00B2012D00") == "6C40"
    assert ask(card, "00B2012C13") == "6C12"
    assert ask(card, "00B2012C02") == "01109000"


def test_a_reset_forgets_pin_selection_challenge_and_transaction() -> None:
    card = new_card(balance=10_000)
    ask_all(card, SSSE, VERIFY, DF04, PURCHASE)

    card.reset()

    assert ask(card, "00B2012C12") == "6A82"  # the MF is current
    ask_all(card, DF04)
    assert ask(card, BALANCE) == "6982"
    assert ask(card, "B02C01000F" + "00" * 15) == "6901"


def test_asking_for_the_atr_disturbs_nothing() -> None:
    card = new_card(balance=10_000)
    ask_all(card, SSSE, VERIFY, DF04)

    assert card.atr().hex().upper() == "3B6D000000815431328660370900000002"
    assert ask(card, BALANCE) == "000027109000"


def test_a_command_before_power_on_counts_as_power_on() -> None:
    card = chip_of(card_image())

    assert ask(card, SSSE) == "6118"


def test_every_instruction_is_answered_and_unknown_ones_are_named() -> None:
    card = new_card()
    known_classes = {0x00, 0x04, 0x80, 0x84, 0xB0}

    for cla in range(256):
        for ins in range(256):
            answer = StatusWord(int.from_bytes(card.respond(bytes((cla, ins, 0, 0)))[-2:], "big"))
            assert (answer == 0x6E00) == (cla not in known_classes or (cla == 0x80 and ins != 0x5E))


@pytest.mark.parametrize("make", [new_card, new_psam], ids=["card", "psam"])
@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_always_get_an_answer_of_two_bytes_or_more(make, seed: int) -> None:  # type: ignore[no-untyped-def]
    dice, chip = random.Random(seed), make(Dice())
    headers = [
        bytes.fromhex(text)
        for text in ("00A404", "00B2", "0020", "B028", "B02C", "80FA", "8070", "BFDE", "00D6")
    ]

    for _ in range(5_000):
        head = dice.choice(headers) if dice.random() < 0.7 else b""
        answer = chip.respond(head + dice.randbytes(dice.randrange(0, 40)))
        assert len(answer) >= 2
