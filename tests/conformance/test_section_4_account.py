"""card.md §4: load and purchase step by step, the year rule, the log, the proof after a tear, the driver's debit."""

import pytest

from tests.conformance.clauses import clause
from tests.conformance.issuer import (
    GEN1,
    GEN3,
    ORIGINAL,
    TERMINAL,
    VECTOR3,
    WRONG_CREDIT,
    WRONG_DEBIT,
    Card,
    Generation,
    Psam,
    amounts_of,
    each_generation,
    each_suite,
    load_command,
    purchase_command,
    select,
)

MOST = 0xFFFF_FFFF
TIME = "20260105101530"


def money_of(card: Card) -> tuple[object, ...]:
    """Amounts, counters and the number of log records: everything a transaction may change."""
    log = 0
    while card.ask(f"00B2{log + 1:02X}441C").endswith("9000"):
        log += 1
    return (*card.balances(), card.open_load()[8:12], card.open_purchase()[28:32], log)


# -- 4.1, 4.2


@clause("4.1 Data elements")
@each_generation
def test_amounts_are_four_bytes_unsigned(gen: Generation) -> None:
    card = Card(gen, cia=MOST - 5).at_account()

    assert card.load(5).endswith("9000")
    assert card.balances()[0] == "FFFFFFFF"
    assert card.open_load(1) == "6985"
    assert card.buy(MOST, MOST, MOST).endswith("9000")
    assert card.balances() == ("00000000", *[card.balances()[1]] * 2)
    assert card.balances()[1].startswith("FFFFFFFF")


@clause("4.1 Data elements")
@each_generation
def test_the_three_amounts_may_be_zero(gen: Generation) -> None:
    card = Card(gen).at_account()

    assert card.buy().endswith("9000")  # §9.32
    assert card.do("00B201441C")[32:] == "00" * 12


@clause("4.2 Pre-processing of every session")
@each_generation
def test_a_session_begins_as_part_7_has_it(gen: Generation) -> None:
    card, psam = Card(gen), Psam("SM4" if gen.number == 3 else "DES")
    assert card.chip.power_on()[-8:] == gen.f3

    assert ("8601" in card.select("SSSE")) == (gen.number == 3)
    code = card.do("00B2012C12")[4:]
    psam.do(f"BFEC000001{code[:2]}")
    factor, original = "B0B1B2B3B4B5B6B7", "C0C1C2C3C4C5C6C7"
    psam.do(psam.deliver("0708", factor, gen.f3))
    length = psam.suite.block
    raw = bytes.fromhex(psam.do(f"80FA0000{length:02X}{original.ljust(2 * length, '0')}"))
    wanted = raw if length == 8 else bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))
    assert card.do(f"0088000010{factor}{original}00") == wanted.hex().upper()
    for record, length in (("02", 3), ("03", 6), ("04", 14), ("06", 6), ("07", 11)):
        card.do(f"00B2{record}28{length:02X}")
    assert card.ask("0020000000") == "63C3"
    assert card.verify() == "9000"
    card.select("DF04")


# -- 4.3: load


@clause("4.3 step 1", "4.3 step 2")
@pytest.mark.parametrize(
    ("gen", "session_key", "mac1"),
    [
        (GEN1, "7B0AE3DAC4429061", "38151960"),
        (VECTOR3, "7BB25DB58251AA714FE0B47D0BB3A651", "8275DC94"),
    ],
    ids=["3DES", "SM4"],
)
def test_initialize_for_load_proves_the_card_and_its_balance(
    gen: Generation, session_key: str, mac1: str
) -> None:
    card = Card(gen, "11223344").at_account()

    answer = card.do("B02800010B 01 00002710 370900000001")

    assert answer == f"00000000 0000 01 {gen.algorithm} 11223344 {mac1}".replace(" ", "")
    key = gen.suite.session_key(gen.key("DLK"), bytes.fromhex("1122334400008000"))
    assert key.hex().upper() == session_key
    assert gen.suite.mac(key, bytes.fromhex("000000000000271031370900000001")).hex().upper() == mac1


@clause("4.3 step 2 6982", "4.3 step 2 9403", "4.3 step 2 9402")
@each_generation
def test_initialize_for_load_checks_pin_index_and_counter(gen: Generation) -> None:
    without_pin, full = Card(gen), Card(gen, load_counter=0xFFFF).at_account()
    without_pin.select("DF04")

    assert without_pin.ask(load_command(1)) == "6982"
    assert [full.ask(load_command(1, 2)), full.ask(load_command(1))] == ["9403", "9402"]


@clause("4.3 step 3")
@each_generation
def test_the_host_can_check_mac1_with_the_derived_key(gen: Generation) -> None:
    card = Card(gen, cia=77).at_account()
    answer = bytes.fromhex(card.open_load(10_000)[:-4])

    key = gen.suite.session_key(gen.key("DLK"), answer[8:12] + answer[4:6] + b"\x80\x00")

    covered = answer[:4] + bytes.fromhex("00002710" + "31" + TERMINAL)
    assert gen.suite.mac(key, covered) == answer[12:16]


@clause("4.3 step 4", "4.3 step 5", "4.3 step 7")
@pytest.mark.parametrize(
    ("gen", "mac2", "tac"),
    [(GEN1, "A4B41BBA", "90737B5E"), (VECTOR3, "BF91411F", "B0D0254E")],
    ids=["3DES", "SM4"],
)
def test_credit_for_load_takes_the_host_s_mac2_and_answers_the_tac(
    gen: Generation, mac2: str, tac: str
) -> None:
    card = Card(gen, "11223344").at_account()
    card.open_load(10_000)

    assert card.fetch(f"B02A00000B 20260105083000 {mac2}") == f"{tac}9000"


@clause("4.3 step 6", "10 B35")
@each_generation
def test_a_load_changes_balance_counter_and_log_and_nothing_else(gen: Generation) -> None:
    card = Card(gen, cia=5, spip=6, spfp=7, load_counter=8, purchase_counter=9).at_account()
    before = money_of(card)

    card.load(10_000)

    after = money_of(card)
    assert after == ("00002715", *before[1:3], "0009", "0009", 1)
    assert card.do("00B201441C") == f"000831{TERMINAL}20260105083000" + amounts_of(10_000, 0, 0)


@clause("4.3 step 6", "2.1 9302")
@each_generation
def test_a_wrong_mac2_changes_nothing(gen: Generation) -> None:
    card = Card(gen, cia=5).at_account()
    before = money_of(card)
    opened = card.open_load(10_000)

    assert card.ask(WRONG_CREDIT) == "9302"
    assert card.ask(card.credit_command(opened, 10_000)) == "6901"
    assert money_of(card) == before
    assert card.ask("B02E0031020000") == "9406"


@clause("4.3 step 7")
@each_generation
def test_the_tac_of_a_load_covers_the_new_balance_and_the_old_counter(gen: Generation) -> None:
    card = Card(gen, cia=5, load_counter=0x0102).at_account()

    tac = card.load(10_000)[:8]

    covered = f"00002715 0102 00002710 31 {TERMINAL} 20260105083000"
    assert tac == gen.suite.mac(gen.suite.tac_key(gen.key("DTK")), bytes.fromhex(covered)).hex().upper()


# -- 4.4: purchase


@clause("4.4 step 1", "4.4 step 4")
@each_generation
def test_the_terminal_s_number_is_the_psam_s(gen: Generation) -> None:
    psam = Psam("SM4" if gen.number == 3 else "DES")

    assert Psam().ask("00B0960006") == "3709000000019000"
    answer = psam.do(psam.purchase())
    assert answer == "00000001" + ("AF06E388" if gen.number == 3 else "409CAC6A")


@clause("4.4 step 2", "4.4 step 3")
@each_generation
def test_initialize_for_purchase_answers_22_bytes(gen: Generation) -> None:
    card = Card(
        gen, "AABBCCDD", cia=1, spip=2, spfp=3, year=bytes.fromhex("2025"), purchase_counter=4, load_counter=5
    ).at_account()

    answer = card.do("B028010113 01 00000001 000007D0 00001F40 370900000001")

    assert answer == f"00000001 00000002 00000003 2025 0004 01 {gen.algorithm} AABBCCDD".replace(" ", "")


@clause("4.4 step 3 6982", "4.4 step 3 9403", "4.4 step 3 9401", "4.4 step 3 9402")
@each_generation
def test_initialize_for_purchase_checks_pin_index_balance_and_counter(gen: Generation) -> None:
    without_pin, full = Card(gen), Card(gen, cia=1, purchase_counter=0xFFFF).at_account()
    without_pin.select("DF04")

    assert without_pin.ask(purchase_command(0)) == "6982"
    asked = (purchase_command(2, index=2), purchase_command(2), purchase_command(1))
    assert full.play(*asked) == ["9403", "9401", "9402"]


@clause("4.4 step 4", "4.4 step 5", "4.4 step 6", "4.4 step 8", "4.4 step 9", "4.4 step 10")
@pytest.mark.parametrize("level", ["national", "provincial", "city"])
@each_generation
def test_card_and_psam_agree_on_a_sale(gen: Generation, level: str) -> None:
    card = Card(gen, cia=10_000).at_account()
    psam = Psam("SM4" if gen.number == 3 else "DES", level)
    opened = card.do(purchase_command(1234, 2000, 8000))

    body = f"{opened[36:44]}{opened[28:32]}{amounts_of(1234, 2000, 8000)}32{TIME}{opened[32:36]}"
    body += psam.factors(gen.f3)
    answer = psam.do(f"80700100{len(body) // 2:02X}{body}")
    sequence, mac1 = answer[:8], answer[8:]
    debited = card.do(f"B02C01000F{sequence}{TIME}{mac1}")

    tac, mac2 = debited[:8], debited[8:]
    key = card.purchase_key(opened, sequence)
    covered = bytes.fromhex(amounts_of(1234, 2000, 8000))
    assert mac2 == gen.suite.mac(key, covered).hex().upper()
    tail = bytes.fromhex(f"32{TERMINAL}{sequence}{TIME}")
    assert tac == gen.suite.mac(gen.suite.tac_key(gen.key("DTK")), covered + tail).hex().upper()
    assert psam.ask(f"8072000004{mac2}") == "9000"


@clause("4.4 step 5", "4.4 step 8", "4.4 step 9")
@pytest.mark.parametrize(
    ("gen", "session_key", "mac1", "mac2", "tac"),
    [
        (GEN1, "4B3E3D82FB397A07", "409CAC6A", "37F86753", "CEA3FB75"),
        (VECTOR3, "3080A272CEC020298C6727EDB2274878", "AF06E388", "B58E820E", "5C8FB663"),
    ],
    ids=["3DES", "SM4"],
)
def test_a_purchase_of_the_vectors(gen: Generation, session_key: str, mac1: str, mac2: str, tac: str) -> None:
    card = Card(gen, "AABBCCDD", cia=10_000).at_account()
    opened = card.do(purchase_command(1234, 2000, 8000))
    assert card.purchase_key(opened).hex().upper() == session_key

    assert card.do(f"B02C01000F 00000001 {TIME} {mac1}") == f"{tac}{mac2}"


@clause("4.4 step 7")
@each_generation
def test_a_wrong_mac1_changes_nothing(gen: Generation) -> None:
    card = Card(gen, cia=5).at_account()
    before = money_of(card)
    opened = card.open_purchase(5, 6, 7)

    assert card.ask(WRONG_DEBIT) == "9302"
    assert card.ask(card.debit_command(opened, amounts_of(5, 6, 7))) == "6901"
    assert money_of(card) == before
    assert card.ask("B02E0032020000") == "9406"


@clause("4.4 step 7", "4.4 step 5")
@pytest.mark.parametrize("changed", ["sequence", "time"])
@each_generation
def test_mac1_covers_sequence_and_time(gen: Generation, changed: str) -> None:
    card = Card(gen, cia=5).at_account()
    command = card.debit_command(card.open_purchase(5), amounts_of(5, 0, 0))
    at = 10 if changed == "sequence" else 18
    at += 7 if changed == "sequence" else 13

    assert card.ask(command[:at] + "9" + command[at + 1 :]) == "9302"


@clause("4.4 step 7")
@each_generation
def test_a_debit_is_taken_once(gen: Generation) -> None:
    card = Card(gen, cia=5).at_account()
    command = card.debit_command(card.open_purchase(5), amounts_of(5, 0, 0))

    assert card.fetch(command).endswith("9000")
    assert card.fetch(command) == "6901"
    assert card.balances()[0] == "00000000"


@clause("10 B34", "10 B34 6A80")
@pytest.mark.parametrize("time", ["2026010510153A", "202601051015FF", "A0260105101530"])
@each_generation
def test_a_time_that_is_no_digits_is_6a80_after_the_mac(gen: Generation, time: str) -> None:
    card = Card(gen, cia=5).at_account()
    before = money_of(card)

    debit = card.debit_command(card.open_purchase(1), amounts_of(1, 0, 0), time)
    assert card.ask(debit) == "6A80"
    assert card.ask(card.credit_command(card.open_load(), time=time)) == "6A80"

    assert card.open_purchase(1).endswith("9000")
    assert card.ask(f"B02C01000F00000001{time}00000000") == "9302"
    assert money_of(card) == before


# -- 4.5: the year rule


@clause("4.5 Atomic update of a purchase")
@pytest.mark.parametrize(
    ("year", "start", "day", "starts_anew"),
    [
        ("2026", "0101", "20260101", None),
        ("2026", "0101", "20261231", None),
        ("2026", "0101", "20270101", "2027"),
        ("2026", "0101", "20251231", None),  # n < 0 counts as inside
        ("2026", "0101", "19991231", None),
        ("2026", "0101", "20300615", "2030"),
        ("2025", "0701", "20250701", None),
        ("2025", "0701", "20260630", None),
        ("2025", "0701", "20260701", "2026"),
        ("2025", "0701", "20270630", "2026"),
        ("2025", "0701", "20270701", "2027"),
        ("2025", "1231", "20261230", None),
        ("2025", "1231", "20261231", "2026"),
        ("2023", "0229", "20240228", None),
        ("2023", "0229", "20240229", "2024"),
    ],
)
@each_generation
def test_the_totals_start_anew_with_the_payment_year(
    gen: Generation, year: str, start: str, day: str, starts_anew: str | None
) -> None:
    card = Card(
        gen, cia=100, spip=1000, spfp=2000, year=bytes.fromhex(year), starting_day=bytes.fromhex(start)
    ).at_account()

    card.buy(1, 20, 30, time=f"{day}120000")

    if starts_anew is None:
        assert card.balances() == ("00000063", f"{1020:08X}{year}", f"{2030:08X}{year}")
    else:
        assert card.balances() == ("00000063", f"{20:08X}{starts_anew}", f"{30:08X}{starts_anew}")
    assert card.do("B056010002") == start


@clause("4.5 Atomic update of a purchase")
@each_generation
def test_the_answer_of_initialize_shows_the_totals_before_the_year_rule(gen: Generation) -> None:
    card = Card(gen, spip=1000, spfp=2000, year=bytes.fromhex("2025")).at_account()

    assert card.open_purchase()[8:28] == f"{1000:08X}{2000:08X}2025"
    card.buy(0, 5, 6, time="20260105101530")
    assert card.open_purchase()[8:28] == f"{5:08X}{6:08X}2026"


@clause("4.5 Atomic update of a purchase")
@each_generation
def test_a_purchase_is_all_or_nothing(gen: Generation) -> None:
    card = Card(gen, cia=100, spip=1, spfp=2).at_account()
    before = money_of(card)
    command = card.debit_command(card.open_purchase(50, 60, 70), amounts_of(50, 60, 70))
    card.store.refuses = True

    assert card.ask(command) == "6581"

    later = card.reborn()
    assert money_of(later.at_account()) == before
    assert later.ask("B02E0032020000") == "9406"


# -- 4.6 to 4.8


@clause("4.6 Reading the log")
@each_generation
def test_the_log_is_read_newest_first_until_6a83(gen: Generation) -> None:
    card = Card(gen, cia=100)
    card.select("DF04")
    assert card.ask("00B201441C") == "6982"
    card.gain("pin")
    card.load(1)
    card.buy(2)
    card.load(3)
    card.do("00A4020002EF08")

    read = [card.ask(f"00B20{number}041C") for number in range(1, 5)]

    assert [(record[:4], record[4:6], record[32:40]) for record in read[:3]] == [
        ("0001", "31", "00000003"), ("0000", "32", "00000002"), ("0000", "31", "00000001"),
    ]  # fmt: skip
    assert read[3] == "6A83"


@clause("4.7 Tear recovery with GET TRANSACTION PROOF", "10 B5, B6")
@each_generation
def test_the_proof_survives_the_power_and_needs_no_pin(gen: Generation) -> None:
    card = Card(gen, cia=100, purchase_counter=0x0102).at_account()
    answer = card.buy(5, 6, 7)
    tac, mac2 = answer[:8], answer[8:16]

    again = card.reborn()
    again.select("DF04")

    assert again.fetch("B02E0032020102") == f"{mac2}{tac}9000"
    assert again.fetch("B02E0032020102") == f"{mac2}{tac}9000"
    assert again.play("B02E0032020101", "B02E0032020103", "B02E0031020102") == ["9406"] * 3


@clause("4.7 Tear recovery with GET TRANSACTION PROOF", "10 B5, B6")
@each_generation
def test_there_is_one_proof_of_the_newest_transaction(gen: Generation) -> None:
    card = Card(gen, cia=100).at_account()
    assert card.ask("B02E0032020000") == "9406"
    card.buy(5)
    tac = card.load(5)[:8]

    assert card.play("B02E0032020000", "B02E0031020000") == ["9406", f"00000000{tac}9000"]


@clause("4.7 Tear recovery with GET TRANSACTION PROOF", "10 B5, B6")
@each_generation
def test_a_refused_or_torn_transaction_leaves_the_proof(gen: Generation) -> None:
    card = Card(gen, cia=100).at_account()
    proof = card.buy(5)
    proof = f"{proof[8:16]}{proof[:8]}9000"

    card.open_purchase(5)
    assert card.ask(WRONG_DEBIT) == "9302"
    assert card.fetch("B02E0032020000") == proof
    command = card.debit_command(card.open_purchase(5), amounts_of(5, 0, 0))
    card.store.refuses = True
    assert card.ask(command) == "6581"
    torn = card.reborn()
    torn.select("DF04")
    assert torn.fetch("B02E0032020000") == proof


@clause("4.8 The industry driver's debit is a record-keeping debit", "10 B43")
@pytest.mark.parametrize(
    ("gen", "mac1", "mac2", "tac"),
    [(GEN1, "ACA89482", "5FD5AD1C", "30CB86CE"), (VECTOR3, "660B2A10", "6D2282FE", "4C6D60A1")],
    ids=["3DES", "SM4"],
)
def test_the_driver_s_debit_of_the_vectors_leaves_the_balance(
    gen: Generation, mac1: str, mac2: str, tac: str
) -> None:
    card = Card(gen, "0A0B0C0D", cia=42, purchase_counter=1, year=bytes.fromhex("2026")).at_account()

    card.do("B028010113 01 00000000 00007530 000061A8 000000000000")
    assert card.do(f"B02C01000F 00000001 20260105111500 {mac1}") == f"{tac}{mac2}"

    assert card.balances() == ("0000002A", "000075302026", "000061A82026")
    assert card.do("00B201441C") == "000132" + "00" * 6 + "20260105111500" + "00000000" + "00007530000061A8"


@clause("10 A1", "10 T=0")
@each_suite
def test_a_t0_sale_goes_through_get_response(gen: Generation) -> None:
    card = Card(gen, cia=10).at_account()

    assert card.ask(purchase_command(5)) == "6116"
    opened = card.ask("00C0000016")
    assert card.ask(card.debit_command(opened, amounts_of(5, 0, 0))) == "6108"
    assert card.ask("00C0000008").endswith("9000")


@clause("4.2 Pre-processing of every session")
def test_reading_cardholder_data_of_a_3_0_card_through_the_psam() -> None:
    card, psam = Card(GEN3), Psam("SM4")
    card.select("SSSE")
    challenge = card.challenge().hex()
    psam.do(psam.deliver("070A", challenge, GEN3.f3))
    raw = bytes.fromhex(psam.do(f"80FA000010{ORIGINAL.hex()}{'00' * 8}"))
    data = bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))

    assert card.ask(f"0082000A10{data.hex()}{ORIGINAL.hex()}") == "9000"
    assert card.do("00B2083014").startswith("0812")


@clause("10 B3")
@pytest.mark.parametrize("df", ["SSSE", "MF", "DF01"])
@pytest.mark.parametrize(
    "command",
    [
        load_command(1),
        WRONG_CREDIT,
        purchase_command(1),
        WRONG_DEBIT,
        "B026000104",
        "B02E0031020000",
        "B056010002",
    ],
)
@each_generation
def test_medical_commands_outside_df04_are_6985(gen: Generation, df: str, command: str) -> None:
    card = Card(gen)
    card.fetch(select(df))
    card.gain("pin")

    assert card.ask(command) == "6985"
    assert card.ask(command[:4] + "0707" + command[8:]) == "6A86"
    assert card.ask(command[:8] + "07" + "00" * 7) == "6700"
