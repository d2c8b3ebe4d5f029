"""Balance, load, purchase, proof, year rule and state machine of DF04."""

import pytest

from sscard_terminal.card.chip import Chip
from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.ciphers import TRIPLE_DES
from sscard_terminal.cardspec.money import Fen
from tests.applets.test_pin import card_key
from tests.cards import ask, ask_all, fetch, new_card

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
DF04 = "00A4040006D15600000503"
RIGHT = "0020000003123456"
BALANCE, SELF_PAID, POOLED = "B026000104", "B026000206", "B026000306"
TERMINAL = bytes.fromhex("370900000001")
READ_LOG = "00B201441C"


def medical(balance: int = 10_000, **amounts: object) -> Chip:
    card = new_card(balance=balance, **amounts)  # type: ignore[arg-type]
    ask_all(card, SSSE, RIGHT, DF04)
    return card


def amounts(account: int, self_paid: int = 0, pooled: int = 0) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in (account, self_paid, pooled))


def initialize(account: int, self_paid: int = 0, pooled: int = 0, index: int = 1) -> str:
    body = bytes((index,)) + amounts(account, self_paid, pooled) + TERMINAL
    return f"B028010113{body.hex()}"


def debit_command(challenge: str, spent: bytes, time: str, sequence: int = 1) -> str:
    """MAC1 as a PSAM would make it."""
    answer, number = bytes.fromhex(challenge), sequence.to_bytes(4, "big")
    counter = int.from_bytes(answer[14:16], "big")
    key = transaction.purchase_session_key(TRIPLE_DES, card_key("DPK"), answer[18:22], counter, number)
    moment = bytes.fromhex(time)
    mac1 = transaction.purchase_mac1(TRIPLE_DES, key, spent, TERMINAL, moment)
    return f"B02C01000F{(number + moment + mac1).hex()}"


def buy(card: Chip, account: int, self_paid: int = 0, pooled: int = 0, time: str = "20120601120000") -> str:
    challenge = fetch(card, initialize(account, self_paid, pooled))
    assert challenge.endswith("9000"), challenge
    return fetch(card, debit_command(challenge, amounts(account, self_paid, pooled), time))


def load(card: Chip, amount: int, time: str = "20120601120000") -> str:
    answer = fetch(card, f"B02800010B01{amount:08X}{TERMINAL.hex()}")
    random, counter = bytes.fromhex(answer)[8:12], int(answer[8:12], 16)
    key = transaction.load_session_key(TRIPLE_DES, card_key("DLK"), random, counter)
    mac2 = transaction.load_mac2(TRIPLE_DES, key, Fen(amount), TERMINAL, bytes.fromhex(time))
    return fetch(card, f"B02A00000B{time}{mac2.hex()}")


def test_a_purchase_takes_the_amount_counts_up_and_logs_itself() -> None:
    card = medical()

    answer = buy(card, 1234, 2000, 8000)

    assert len(answer) == 20 and answer.endswith("9000")
    assert ask_all(card, BALANCE, SELF_PAID, POOLED) == [
        "0000223E9000",
        "000007D020129000",
        "00001F4020129000",
    ]
    assert ask(card, READ_LOG) == "0000323709000000012012060112000" + "0000004D2000007D000001F409000"
    assert fetch(card, initialize(1)).endswith("9000")


def test_the_tac_is_the_one_the_centre_computes() -> None:
    card = medical()
    spent, time = amounts(1234, 2000, 8000), bytes.fromhex("20120601120000")

    answer = buy(card, 1234, 2000, 8000)

    expected = transaction.purchase_tac(
        TRIPLE_DES, card_key("DTK"), spent, TERMINAL, bytes.fromhex("00000001"), time
    )
    assert answer[:8] == expected.hex().upper()


def test_a_wrong_mac1_moves_no_money_and_ends_the_transaction() -> None:
    card = medical()
    fetch(card, initialize(1234))

    refused = ask(card, "B02C01000F" + "00000001" + "20120601120000" + "00000000")

    assert refused == "9302"
    assert ask_all(card, BALANCE, "B02C01000F" + "00" * 15) == ["000027109000", "6901"]


def test_a_debit_is_taken_once() -> None:
    card = medical()
    challenge = fetch(card, initialize(1234))
    command = debit_command(challenge, amounts(1234), "20120601120000")

    assert fetch(card, command).endswith("9000")
    assert fetch(card, command) == "6901"
    assert ask(card, BALANCE) == "0000223E9000"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (initialize(10_001), "9401"),
        (initialize(10_000), "6116"),
        (initialize(0), "6116"),
        (initialize(1, index=2), "9403"),
        (initialize(1, index=0), "9403"),
        (initialize(1, 0xFFFFFFFF), "6116"),
    ],
    ids=["over-balance", "all-of-it", "nothing", "index-2", "index-0", "large-total"],
)
def test_initialize_for_purchase_checks_index_amount_and_totals(sent: str, answer: str) -> None:
    assert ask(medical(), sent) == answer


def test_without_the_pin_no_balance_load_or_purchase() -> None:
    card = new_card(balance=10_000)
    fetch(card, DF04)

    assert ask_all(card, BALANCE, initialize(1), f"B02800010B0100000001{TERMINAL.hex()}") == ["6982"] * 3


def test_counters_at_their_maximum_answer_9402() -> None:
    card = medical(load_counter=0xFFFF, purchase_counter=0xFFFF)

    assert ask_all(card, initialize(1), f"B02800010B0100000001{TERMINAL.hex()}") == ["9402", "9402"]


def test_totals_and_balance_that_would_overflow_answer_6985() -> None:
    card = medical(balance=0xFFFFFFFF, spip=Fen(0xFFFFFFFF))

    assert ask_all(card, initialize(1, 1), f"B02800010B0100000001{TERMINAL.hex()}") == ["6985", "6985"]


def test_a_load_adds_counts_up_and_logs_itself() -> None:
    card = medical()

    tac = load(card, 5000)

    assert len(tac) == 12
    assert ask(card, BALANCE) == "00003A989000"
    assert ask(card, READ_LOG).startswith("000031370900000001")
    assert fetch(card, "B02E0031020000") == "00000000" + tac[:8] + "9000"


@pytest.mark.parametrize(
    ("time", "year", "self_paid"),
    [
        ("20121231235959", "2012", 1100),
        ("20130101000000", "2013", 100),
        ("20110101000000", "2012", 1100),  # before the year: inside it by the formula, card.md §9.36
        ("20200229120000", "2020", 100),
    ],
)
def test_the_payment_year_turns_by_the_rule(time: str, year: str, self_paid: int) -> None:
    card = medical(spip=Fen(1000), year=bytes.fromhex("2012"))

    buy(card, 1, 100, 0, time)

    assert ask(card, SELF_PAID) == f"{self_paid:08X}{year}9000"


def test_a_year_that_starts_in_july_is_named_after_its_start() -> None:
    card = medical(spip=Fen(1000), year=bytes.fromhex("2012"), starting_day=bytes.fromhex("0701"))

    buy(card, 1, 100, 0, "20140630120000")

    assert ask(card, SELF_PAID) == "0000006420139000"


def test_time_that_is_no_digits_is_refused_after_the_mac() -> None:
    card = medical()
    challenge = fetch(card, initialize(1))

    assert ask(card, debit_command(challenge, amounts(1), "2012060112000A")) == "6A80"
    assert ask(card, BALANCE) == "000027109000"


def test_the_card_keeps_one_proof_of_either_kind() -> None:
    card = medical()
    buy(card, 1)
    first = fetch(card, "B02E0032020000")
    load(card, 1)

    assert first.endswith("9000")
    assert ask_all(card, "B02E0032020000", "B02E0031020000")[0] == "9406"


def test_a_refused_transaction_leaves_the_proof() -> None:
    card = medical()
    buy(card, 1)
    fetch(card, initialize(1))
    ask(card, "B02C01000F" + "00" * 15)

    assert fetch(card, "B02E0032020000").endswith("9000")


def test_the_proof_needs_no_pin_and_survives_the_power() -> None:
    card = medical()
    answer = buy(card, 1)
    card.reset()
    fetch(card, DF04)

    assert fetch(card, "B02E0032020000") == answer[8:16] + answer[:8] + "9000"


STATES = {"idle": (), "load": (f"B02800010B0100000001{TERMINAL.hex()}",), "purchase": (initialize(1),)}
CREDIT, DEBIT = "B02A00000B" + "00" * 11, "B02C01000F" + "00" * 15


@pytest.mark.parametrize(
    ("state", "sent", "answer"),
    [
        ("idle", CREDIT, "6901"), ("load", CREDIT, "9302"), ("purchase", CREDIT, "6901"),
        ("idle", DEBIT, "6901"), ("load", DEBIT, "6901"), ("purchase", DEBIT, "9302"),
    ],
)  # fmt: skip
def test_the_state_table_of_the_specification(state: str, sent: str, answer: str) -> None:
    card = medical()
    for step in STATES[state]:
        fetch(card, step)

    assert ask(card, sent) == answer


@pytest.mark.parametrize("between", [BALANCE, SELF_PAID], ids=["cia", "spip"])
def test_a_balance_in_between_keeps_the_purchase_open(between: str) -> None:
    card = medical()
    challenge = fetch(card, initialize(1))
    ask(card, between)

    assert fetch(card, debit_command(challenge, amounts(1), "20120601120000")).endswith("9000")


@pytest.mark.parametrize(
    "between",
    [
        "B02E0032020009",
        READ_LOG,
        "0084000008",
        "00A4020002EF08",
        "B056010002",
        RIGHT,
        "00FF0000",
        DF04,
        "00A4020002EF99",
    ],
    ids=[
        "proof-9406",
        "read",
        "challenge",
        "select-ef",
        "starting-day",
        "verify",
        "unknown",
        "select",
        "failed-select",
    ],
)
def test_any_other_command_or_failure_ends_the_purchase(between: str) -> None:
    card = medical()
    challenge = fetch(card, initialize(1))
    fetch(card, between)

    assert ask(card, debit_command(challenge, amounts(1), "20120601120000")) == "6901"


def test_the_log_keeps_thirty_records_newest_first() -> None:
    card = medical()
    for _ in range(32):
        buy(card, 1)

    numbers = [ask(card, f"00B2{number:02X}441C")[:4] for number in range(1, 31)]

    assert numbers == [f"{31 - place:04X}" for place in range(30)]
    assert ask(card, "00B21F441C") == "6A83"


def test_a_fresh_log_is_empty_and_needs_the_pin() -> None:
    card = new_card()
    fetch(card, DF04)

    assert ask(card, READ_LOG) == "6982"
    assert ask_all(card, RIGHT, READ_LOG) == ["9000", "6A83"]


def test_the_log_is_written_by_the_card_alone() -> None:
    assert ask(medical(), "00DC00431C" + "00" * 28) == "6982"


def test_the_starting_day_is_free_to_read_and_locked_to_write() -> None:
    card = new_card()
    fetch(card, DF04)

    assert ask_all(card, "B056010002", "B0560000020701") == ["01019000", "6982"]
