"""Balance, load, purchase, proof, year rule and state machine of DF04."""

from dataclasses import replace

import pytest

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account import MedicalAccount, account
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.ciphers import TRIPLE_DES
from sscard_terminal.cardspec.money import Fen
from tests.applets.test_pin import authentication, card_key
from tests.cards import (
    KEYS,
    NEW_CARD,
    PERSON_TEXT,
    Dice,
    ask,
    ask_all,
    card_image,
    chip_over,
    fetch,
    new_card,
)

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


# -- account-only mode: a log of 20-byte records, no totals and no year (card.md §1.7)


def account_only(**amounts: object) -> Chip:
    profile = load_profile("gen2-32k")
    files = tuple(
        replace(spec, record_length=20) if spec.key == account.LOG else spec for spec in profile.files
    )
    profile = replace(profile, files=files)
    held = replace(NEW_CARD, cia=Fen(10_000), **amounts)  # type: ignore[arg-type]
    person = parse_person(PERSON_TEXT, profile.name)
    image = personalise(profile, person, KEYS, account.fresh_objects(held))
    card = Chip(profile, load_applets(profile), Nvm(RamStore(image)), Dice())
    ask_all(card, SSSE, RIGHT, DF04)
    return card


def test_an_account_only_purchase_moves_the_account_and_nothing_else() -> None:
    card = account_only(spip=Fen(1000), spfp=Fen(2000))

    answer = buy(card, 1234, 2000, 8000, "20260105101530")

    assert len(answer) == 20
    assert ask_all(card, BALANCE, SELF_PAID, POOLED) == [
        "0000223E9000",
        "000003E820129000",
        "000007D020129000",
    ]
    assert ask(card, "00B2014414") == "000032370900000001" + "20260105101530" + "000004D2" + "9000"


def test_account_only_mode_answers_zeros_for_totals_and_year_and_knows_no_overflow_of_them() -> None:
    card = account_only(spip=Fen(0xFFFFFFFF), spfp=Fen(0xFFFFFFFF))

    assert fetch(card, initialize(1, 1, 1)).startswith("00002710" + "00000000" * 2 + "0000" + "0000" + "0100")


# -- what the answers are made of


def test_initialize_for_purchase_answers_amounts_year_counter_key_algorithm_and_random() -> None:
    card = medical(spip=Fen(1), spfp=Fen(2), purchase_counter=3, load_counter=9)

    answer = fetch(card, initialize(5))

    assert (
        answer
        == "00002710" + "00000001" + "00000002" + "2012" + "0003" + "01" + "00" + answer[36:44] + "9000"
    )


def test_initialize_for_load_answers_balance_counter_key_algorithm_random_and_mac1() -> None:
    card = medical(purchase_counter=3, load_counter=9)

    answer = bytes.fromhex(fetch(card, f"B02800010B0100000005{TERMINAL.hex()}"))

    key = transaction.load_session_key(TRIPLE_DES, card_key("DLK"), answer[8:12], 9)
    mac1 = transaction.load_mac1(TRIPLE_DES, key, Fen(10_000), Fen(5), TERMINAL)
    assert answer[:8] == bytes.fromhex("00002710" + "0009" + "01" + "00")
    assert answer[12:] == mac1 + b"\x90\x00"


def test_the_random_of_a_challenge_has_four_bytes_and_is_new_each_time() -> None:
    card = medical()

    first, second = (fetch(card, initialize(1)) for _ in range(2))

    assert len(first) == 2 * (22 + 2)
    assert first[36:44] != second[36:44]


def test_numbers_in_log_and_proof_are_the_counters_before_the_transaction() -> None:
    card = medical(load_counter=7, purchase_counter=40)

    buy(card, 1)
    assert ask_all(card, "B02E0032020028", "B02E0032020029", "B02E0031020028")[1:] == ["9406", "9406"]
    load(card, 1)

    assert [ask(card, f"00B2{number:02X}441C")[:6] for number in (1, 2)] == ["000731", "002832"]
    assert fetch(card, initialize(1))[28:32] == "0029"
    assert fetch(card, f"B02800010B0100000001{TERMINAL.hex()}")[8:12] == "0008"


def test_before_the_first_transaction_there_is_no_proof() -> None:
    card = medical()

    assert ask_all(card, "B02E0032020000", "B02E0031020000") == ["9406", "9406"]


def test_the_tac_of_a_load_covers_the_balance_after_it() -> None:
    card = medical(load_counter=7)
    time = bytes.fromhex("20120601120000")

    answer = load(card, 5000)

    dtk = card_key("DTK")
    assert (
        answer[:8]
        == transaction.load_tac(TRIPLE_DES, dtk, Fen(15_000), 7, Fen(5000), TERMINAL, time).hex().upper()
    )


@pytest.mark.parametrize("index", [0, 2, 255])
def test_a_load_with_another_key_index_is_refused(index: int) -> None:
    assert ask(medical(), f"B02800010B{index:02X}00000001{TERMINAL.hex()}") == "9403"


@pytest.mark.parametrize(("amount", "answer"), [(0xFFFFFFFF - 10_000, "6110"), (0xFFFFFFFF - 9_999, "6985")])
def test_a_load_may_fill_the_account_to_the_last_fen(amount: int, answer: str) -> None:
    assert ask(medical(), f"B02800010B01{amount:08X}{TERMINAL.hex()}") == answer


@pytest.mark.parametrize(
    ("held", "asked", "answer"),
    [
        ({"spip": Fen(0xFFFFFFFE)}, (1, 1, 0), "6116"),
        ({"spip": Fen(0xFFFFFFFE)}, (1, 2, 0), "6985"),
        ({"spfp": Fen(0xFFFFFFFE)}, (1, 0, 1), "6116"),
        ({"spfp": Fen(0xFFFFFFFE)}, (1, 0, 2), "6985"),
    ],
)
def test_a_total_may_be_filled_to_the_last_fen(
    held: dict[str, Fen], asked: tuple[int, int, int], answer: str
) -> None:
    assert ask(medical(**held), initialize(*asked)) == answer


@pytest.mark.parametrize(("held", "answers"), [(0xFFFE, ["6116", "6110"]), (0xFFFF, ["9402", "9402"])])
def test_the_last_number_can_still_be_used(held: int, answers: list[str]) -> None:
    card = medical(load_counter=held, purchase_counter=held)

    assert [ask(card, text) for text in (initialize(1), f"B02800010B0100000001{TERMINAL.hex()}")] == answers


def test_a_wrong_mac2_loads_nothing_and_ends_the_load() -> None:
    card = medical()
    fetch(card, f"B02800010B0100000005{TERMINAL.hex()}")

    assert ask_all(card, CREDIT, CREDIT, BALANCE) == ["9302", "6901", "000027109000"]


def test_the_time_of_a_load_must_be_digits_too() -> None:
    card = medical()

    assert load(card, 5, "2012060112000A") == "6A80"
    assert ask(card, BALANCE) == "000027109000"


def test_a_refused_initialize_gives_up_the_purchase_before_it() -> None:
    card = medical()
    challenge = fetch(card, initialize(1))

    assert fetch(card, initialize(10_001)) == "9401"
    assert ask(card, debit_command(challenge, amounts(1), "20120601120000")) == "6901"


def test_an_initialize_that_cannot_be_read_leaves_it_to_the_state_table() -> None:
    card = medical()
    challenge = fetch(card, initialize(1))

    assert ask(card, "B02802010B0100000001370900000001") == "6A86"
    assert ask(card, debit_command(challenge, amounts(1), "20120601120000")) == "6901"


def test_a_proof_that_is_given_leaves_the_purchase_open() -> None:
    card = medical()
    buy(card, 1)
    challenge = fetch(card, initialize(1))

    assert fetch(card, "B02E0032020000").endswith("9000")
    assert fetch(card, debit_command(challenge, amounts(1), "20120601120000")).endswith("9000")


def test_what_the_account_keeps_has_its_names_and_lengths_for_good() -> None:
    """An image made today is read tomorrow."""
    kept = account.fresh_objects(NEW_CARD)

    assert kept == {"DF04/amounts": bytes(16) + bytes.fromhex("20120101"), "DF04/proof": bytes(11)}
    assert account.LOG == "DF04/EF08"


def test_a_proof_is_stored_as_type_number_mac_and_tac() -> None:
    proof = account.Proof(0x32, 0x1234, b"MMMM", b"TTTT")

    assert proof.build() == b"2\x12\x34MMMMTTTT"
    assert account.Proof.parse(proof.build()) == proof


# -- the year rule, on its own


@pytest.mark.parametrize(
    ("day", "start", "year"),
    [
        (20260105, 101, "2026"), (20260701, 701, "2026"), (20260630, 701, "2025"), (20261231, 1231, "2026"),
        (20261230, 1231, "2025"), (10000101, 101, "1000"), (10101, 101, "0001"),
    ],
)  # fmt: skip
def test_the_settlement_year_begins_on_its_starting_day(day: int, start: int, year: str) -> None:
    assert account.settlement_year(day, start).hex() == year


@pytest.mark.parametrize(
    ("time", "year", "self_paid"), [("20130630235959", "2012", 1001), ("20130701000000", "2013", 1)]
)
def test_the_last_day_of_a_year_that_starts_in_july_still_belongs_to_it(
    time: str, year: str, self_paid: int
) -> None:
    card = medical(
        spip=Fen(1000), spfp=Fen(1000), year=bytes.fromhex("2012"), starting_day=bytes.fromhex("0701")
    )

    buy(card, 1, 1, 1, time)

    assert ask_all(card, SELF_PAID, POOLED) == [f"{self_paid:08X}{year}9000"] * 2


# -- the starting day


def with_dsk(card: Chip) -> Chip:
    challenge = ask(card, "0084000008")[:-4]
    assert ask(card, authentication("DSK", 0x87, challenge)) == "9000"
    return card


def test_a_starting_day_is_kept_and_nothing_else_changes() -> None:
    store = RamStore(card_image(balance=10_000, spip=Fen(5), load_counter=1, purchase_counter=2))
    card = chip_over(store)
    fetch(card, DF04)

    assert ask_all(with_dsk(card), "B0560000020701", "B056010002") == ["9000", "07019000"]

    again = Nvm(RamStore(store.read_all()))
    held = replace(NEW_CARD, cia=Fen(10_000), spip=Fen(5), load_counter=1, purchase_counter=2)
    assert again.read(account.AMOUNTS) == replace(held, starting_day=bytes.fromhex("0701")).build()


@pytest.mark.parametrize("day", ["0000", "0100", "1301", "0132", "0230", "0A01", "010A", "FFFF"])
def test_what_is_no_day_of_a_year_is_no_starting_day(day: str) -> None:
    card = with_dsk(medical())

    assert ask_all(card, f"B056000002{day}", "B056010002") == ["6A80", "01019000"]


def test_the_29th_of_february_is_a_day() -> None:
    assert ask(with_dsk(medical()), "B0560000020229") == "9000"


def test_the_starting_day_needs_its_own_key() -> None:
    card = medical()
    challenge = ask(card, "0084000008")[:-4]
    assert ask(card, authentication("UK1DF04", 0x85, challenge)) == "9000"

    assert ask(card, "B0560000020701") == "6982"


# -- the table of commands


def test_the_commands_bear_their_names_of_the_specification() -> None:
    assert MedicalAccount.name == "medical_account"
    assert [(entry.name, entry.ins) for entry in MedicalAccount().instructions(load_profile("gen2-32k"))] == [
        ("INITIALIZE", 0x28),
        ("CREDIT FOR LOAD", 0x2A),
        ("DEBIT FOR PURCHASE", 0x2C),
        ("GET BALANCE", 0x26),
        ("GET TRANSACTION PROOF", 0x2E),
        ("STARTING DAY", 0x56),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"B02800010B0100000001{TERMINAL.hex()}", initialize(1), CREDIT, DEBIT, BALANCE, "B02E0032020000",
        "B056010002", "B0560000020701",
    ],
)  # fmt: skip
def test_every_command_works_in_the_account_only(text: str) -> None:
    card = medical()
    fetch(card, SSSE)

    assert ask(card, text) == "6985"


@pytest.mark.parametrize(
    ("first", "text", "shortest"),
    [
        (f"B02800010B0100000001{TERMINAL.hex()}", "", 16),
        (initialize(1), "", 22),
        ("", "B02E0032020000", 8),
    ],
    ids=["load", "purchase", "proof"],
)
def test_under_t1_an_le_that_cuts_the_answer_is_refused_and_the_right_one_not(
    first: str, text: str, shortest: int
) -> None:
    card = new_card(balance=10_000, rules={"answers_at_once": True})
    ask_all(card, SSSE, RIGHT, DF04)
    buy_at_once(card)
    command = first or text

    assert ask(card, f"{command}{min(shortest, 16) - 1:02X}") == "6700"
    assert len(ask(card, f"{command}{shortest:02X}")) == 2 * (shortest + 2)


def buy_at_once(card: Chip) -> None:
    challenge = ask(card, initialize(1) + "16")
    assert ask(card, debit_command(challenge, amounts(1), "20120601120000") + "08").endswith("9000")


@pytest.mark.parametrize(("kind", "length"), [("credit", 4), ("debit", 8)])
def test_under_t1_an_le_that_cuts_a_tac_is_refused_before_anything_moves(kind: str, length: int) -> None:
    card = new_card(balance=10_000, rules={"answers_at_once": True})
    ask_all(card, SSSE, RIGHT, DF04)
    command = {"credit": CREDIT, "debit": DEBIT}[kind]

    assert ask(card, f"{command}{length - 1:02X}") == "6700"
    assert ask(card, f"{command}{length:02X}") == "6901"
