"""card.md §3: the PIN, row by row, and the rulings of §10 about PIN and key tries."""

import pytest

from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from tests.conformance.clauses import clause
from tests.conformance.issuer import (
    GEN1,
    GEN2,
    GEN3,
    GENERATIONS,
    VECTOR3,
    Card,
    Generation,
    each_generation,
    select,
)

QUERY = "0020000000"
WRONG = "00200000025555"
BALANCE = "B026000104"


def in_ssse(gen: Generation, **values: object) -> Card:
    card = Card(gen, **values)
    card.select("SSSE")
    return card


def change(old: str, new: str) -> str:
    body = f"{old}FF{new}"
    return f"805E0100{len(body) // 2:02X}{body}"


def with_pin(gen: Generation, pin: str) -> Card:
    """The PIN as it is sent; "" takes it away."""
    card = in_ssse(gen)
    assert card.ask(change(gen.pin, pin)) == "9000"
    return card


def locked(gen: Generation) -> Card:
    card = in_ssse(gen)
    assert card.play(WRONG, WRONG, WRONG) == ["63C2", "63C1", "63C0"]
    return card


@clause("3 Coding in VERIFY, CHANGE PIN, RELOAD")
@pytest.mark.parametrize(
    ("pin", "coded"), [("123456", "123456"), ("1234", "1234"), ("12345", "12345F"), ("1234567", "1234567F")]
)
@each_generation
def test_a_pin_is_packed_bcd_with_f_after_an_odd_digit(gen: Generation, pin: str, coded: str) -> None:
    changed, reloaded = with_pin(gen, coded), in_ssse(gen)
    reloaded.gain("PUK")
    assert reloaded.ask(reloaded.reload(coded)) == "9000"

    for card in (changed, reloaded):
        assert card.ask(f"00200000{len(coded) // 2:02X}{coded}") == "9000"
        assert card.ask(f"00200000{len(pin):02X}{pin.encode().hex()}") == ("63C2" if len(pin) < 9 else "6700")


@clause("3 Length")
@pytest.mark.parametrize("digits", range(4, 17))
@each_generation
def test_a_pin_has_4_to_16_digits(gen: Generation, digits: int) -> None:
    pin = "1234567890123456"[:digits] + "F" * (digits % 2)
    card = with_pin(gen, pin)

    assert card.ask(f"00200000{len(pin) // 2:02X}{pin}") == "9000"
    assert card.play("002000000112", "0020000009" + "12" * 9) == ["6700", "6700"]


@clause("3 Stored form")
@each_generation
def test_the_pin_is_stored_filled_with_ff_to_16_bytes(gen: Generation) -> None:
    card = with_pin(gen, "1234567F")

    stored = Nvm(RamStore(card.store.read_all())).read("pin")

    assert stored.hex().upper().endswith("1234567F" + "FF" * 12)
    assert card.ask("00200000051234567FFF") == "63C2"  # what fills the memory does not fill the command


@clause("3 Where")
@each_generation
def test_one_pin_serves_all_applications_until_power_off(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF01")
    assert card.verify() == "9000"

    card.select("SSSE")
    card.select("DF04")
    assert card.ask(BALANCE) == "000000009000"
    card.reset()
    card.select("DF04")
    assert card.ask(BALANCE) == "6982"


@clause("3 Tries")
@each_generation
def test_there_are_three_tries(gen: Generation) -> None:
    assert Card(gen).play(QUERY, WRONG, WRONG, WRONG, WRONG) == ["63C3", "63C2", "63C1", "63C0", "6983"]


@clause("3 VERIFY right")
@each_generation
def test_a_right_pin_gives_the_tries_back_and_opens_the_account(gen: Generation) -> None:
    card = in_ssse(gen)
    card.play(WRONG, WRONG)

    assert card.verify() == "9000"
    assert card.ask(QUERY) == "63C3"
    card.select("DF04")
    assert card.ask(BALANCE) == "000000009000"


@clause(
    "3 VERIFY wrong",
    "3 VERIFY wrong 63Cx",
    "3 VERIFY wrong 63C2",
    "3 VERIFY wrong 63C1",
    "3 VERIFY wrong 63C0",
)
@each_generation
def test_a_wrong_pin_costs_a_try_and_the_right_it_gave(gen: Generation) -> None:
    card = Card(gen).at_account()
    assert card.ask(BALANCE) == "000000009000"

    assert card.play(WRONG, BALANCE, WRONG, WRONG) == ["63C2", "6982", "63C1", "63C0"]
    assert card.reborn().ask(WRONG) == "6983"


@clause("3 VERIFY when counter = 0")
@each_generation
def test_a_locked_pin_answers_6983_to_right_and_wrong(gen: Generation) -> None:
    card = locked(gen)

    assert [card.verify(), card.ask(WRONG), card.verify()] == ["6983"] * 3


@clause("3 VERIFY with Lc 00", "3 VERIFY with Lc 00 63Cx", "3 VERIFY with Lc 00 9000")
@each_generation
def test_lc_00_tells_the_tries_and_costs_none(gen: Generation) -> None:
    card = in_ssse(gen)

    assert card.play(QUERY, QUERY, WRONG, QUERY, QUERY) == ["63C3", "63C3", "63C2", "63C2", "63C2"]
    assert locked(gen).ask(QUERY) == "63C0"  # §9.16
    assert with_pin(gen, "").ask(QUERY) == "9000"


@clause("3 Empty PIN on the card", "10 B13, B14", "10 B13, B14 63C3")
@each_generation
def test_without_a_pin_nothing_asks_for_one_and_an_offered_one_is_wrong(gen: Generation) -> None:
    card = with_pin(gen, "")

    assert card.play(WRONG, WRONG, WRONG, WRONG, QUERY) == ["63C3"] * 4 + ["9000"]
    card.select("DF04")
    assert card.ask(BALANCE) == "000000009000"
    assert card.load(10).endswith("9000")
    assert card.buy(3).endswith("9000")


@clause("3 CHANGE PIN", "3 CHANGE PIN 6983", "3 CHANGE PIN 63Cx")
@each_generation
def test_change_pin_checks_lock_and_old_pin_and_gives_the_tries_back(gen: Generation) -> None:
    card = in_ssse(gen)

    assert card.play(change("5555", "9999"), change(gen.pin, "8888"), QUERY) == ["63C2", "9000", "63C3"]
    assert [card.verify(gen.pin), card.verify("8888")] == ["63C2", "9000"]
    assert locked(gen).ask(change(gen.pin, "8888")) == "6983"


@clause("3 CHANGE PIN")
@each_generation
def test_either_part_of_change_pin_may_be_empty(gen: Generation) -> None:
    card = in_ssse(gen)

    assert card.play(change(gen.pin, ""), QUERY, change("", "4321"), QUERY) == [
        "9000",
        "9000",
        "9000",
        "63C3",
    ]
    assert card.verify("4321") == "9000"
    assert card.ask(change("", "8765")) == "63C2"  # there is a PIN now


@clause("3 CHANGE PIN example")
def test_the_published_change_pin() -> None:
    card = with_pin(GEN1, "123456")

    assert card.ask("805E010007123456FF654321") == "9000"
    assert card.ask("0020000003654321") == "9000"


@clause("3 UNBLOCK", "10 B15, B16", "10 B15, B16 9000")
@each_generation
def test_unblock_gives_the_tries_back_keeps_the_pin_and_ends_its_status(gen: Generation) -> None:
    card = locked(gen)
    card.gain("PUK")

    assert card.ask(card.with_mac("84240000")) == "9000"
    assert card.ask(QUERY) == "63C3"
    assert card.verify() == "9000"
    assert card.ask(card.with_mac("84240000")) == "9000"  # of an unlocked one, too
    card.select("DF04")
    assert card.ask(BALANCE) == "6982"  # §9.14


@clause("3 RELOAD")
@each_generation
def test_reload_sets_a_new_pin_and_ends_its_status(gen: Generation) -> None:
    card = locked(gen)
    card.gain("PUK")

    assert card.ask(card.reload("997766")) == "9000"
    assert [card.ask(QUERY), card.verify(gen.pin), card.verify("997766")] == ["63C3", "63C2", "9000"]
    assert card.ask(card.reload("997766")) == "9000"
    card.select("DF04")
    assert card.ask(BALANCE) == "6982"


@clause("3 Keys", "10 A9")
@each_generation
def test_permission_is_puk_s_and_the_session_key_is_stk_s(gen: Generation) -> None:
    card = in_ssse(gen)
    card.gain("UKSSSE", "BK", "RKSSSE")
    assert card.ask(card.with_mac("84240000")) == "6982"
    card.gain("PUK")
    assert card.ask(card.with_mac("84240000", df="DF01")) == "6988"
    challenge = card.challenge()
    under_puk = gen.suite.mac(gen.suite.session_key(gen.key("PUK"), challenge), bytes.fromhex("8424000004"))
    assert card.ask(f"8424000004{under_puk.hex()}") == "6988"

    assert card.ask(card.with_mac("84240000")) == "9000"


@clause("3 Block that is encrypted")
@pytest.mark.parametrize(
    ("gen", "encrypted", "mac"),
    [(GEN1, "F0E36D72AB68C275", "AED3CBE8"), (VECTOR3, "1F287FF5449E7F7CF5AF352497E2D419", "E4572F58")],
    ids=["3DES", "SM4"],
)
def test_the_block_is_length_pin_80_and_00(gen: Generation, encrypted: str, mac: str) -> None:
    """03123456 80… under the session key of challenge 8899AABBCCDDEEFF: the vectors of §6.10."""
    block = "0312345680".ljust(2 * gen.suite.block, "0")
    session_key = gen.suite.session_key(gen.key("STK"), bytes.fromhex("8899AABBCCDDEEFF"))
    assert gen.suite.encrypt(session_key, bytes.fromhex(block)).hex().upper() == encrypted
    card = Card(gen, "0011223344556677", "8899AABBCCDDEEFF")
    card.select("SSSE")
    card.gain("PUK")
    card.challenge()

    assert card.ask(f"84240001{len(encrypted) // 2 + 4:02X}{encrypted}{mac}") == "9000"
    assert card.verify("123456") == "9000"


@clause("3 PUK locks", "10 B33, B45", "10 B33, B45 6983", "10 B33, B45 63C0")
@each_generation
def test_puk_locks_after_three_failures_and_says_so_without_a_challenge(gen: Generation) -> None:
    card = in_ssse(gen)

    assert [card.fail_authentication("06") for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert card.authenticate("PUK") == "6983"
    assert card.ask("0082000610" + "00" * 16) == "6983"
    assert card.reborn().ask("0082000610" + "00" * 16) == "6983"


@clause("3 PUK locks", "10 B33, B45")
@each_generation
def test_success_restores_a_key_s_tries(gen: Generation) -> None:
    card = in_ssse(gen)
    card.play("0084000008")

    assert [card.fail_authentication("06") for _ in range(2)] == ["63C2", "63C1"]
    assert card.authenticate("PUK") == "9000"
    assert card.fail_authentication("06") == "63C2"


@clause("10 B33, B45", "10 B33, B45 63CF")
@pytest.mark.parametrize(("df", "key_id"), [("SSSE", "05"), ("DF04", "83")], ids=["BK", "LK"])
@each_generation
def test_block_keys_never_lock(gen: Generation, df: str, key_id: str) -> None:
    card = Card(gen)
    card.select(df)

    assert {card.fail_authentication(key_id) for _ in range(20)} == {"63CF"}


@clause("10 B33, B45")
@each_generation
def test_other_keys_lock_after_fifteen_failures(gen: Generation) -> None:
    card = in_ssse(gen)

    answers = [card.fail_authentication("04") for _ in range(16)]

    assert answers == [f"63C{left:X}" for left in range(14, -1, -1)] + ["6983"]
    assert card.authenticate("UKSSSE") == "6983"


@clause("10 B33, B45")
@each_generation
def test_a_failure_ends_what_an_earlier_success_gave(gen: Generation) -> None:
    """Our choice, as for the PIN (§9.15); without a challenge nothing is judged."""
    card = Card(gen)
    card.select("DF04")
    card.gain("DSK")
    assert card.ask("0082008710" + "00" * 16) == "6984"
    assert card.ask("B0560000020401") == "9000"

    assert card.fail_authentication("87") == "63CE"

    assert card.ask("B0560000020401") == "6982"


@clause(
    "3 Error order", "3 Error order 6982", "3 Error order 6984", "3 Error order 6988", "3 Error order 6A80"
)
@each_generation
def test_protected_pin_commands_name_permission_challenge_mac_and_block_in_this_order(
    gen: Generation,
) -> None:
    card = in_ssse(gen)
    nothing_right = f"84240001{gen.suite.block + 4:02X}{'00' * (gen.suite.block + 4)}"

    assert card.ask(nothing_right) == "6982"
    card.gain("PUK")
    assert card.ask(nothing_right) == "6984"
    card.challenge()
    assert card.ask(nothing_right) == "6988"
    assert card.ask(card.reload_block("03123456".ljust(2 * gen.suite.block, "0"))) == "6A80"
    assert card.ask(card.reload_block("0312345680".ljust(2 * gen.suite.block, "0"))) == "9000"


@clause("3 Initial PIN", "10 A7")
@pytest.mark.parametrize(("number", "pin"), [(1, "1234"), (2, "123456"), (3, "123456")])
def test_a_card_with_its_first_pin_may_pay(number: int, pin: str) -> None:
    """§9.18: whether it ought to is the terminal's business."""
    card = Card(GENERATIONS[number - 1], cia=10)
    assert card.verify(pin) == "9000"
    card.select("DF04")

    assert card.buy(1).endswith("9000")


# -- rulings of §10


@clause("10 B11, B12", "10 B11, B12 6700", "10 B11, B12 6983", "10 B11, B12 6985", "10 B11, B12 6A80")
@each_generation
def test_change_pin_checks_length_lock_place_form_and_pin_in_this_order(gen: Generation) -> None:
    bad_form, short = "805E01000455555555", "805E010002FF12"
    elsewhere = locked(gen)
    elsewhere.select("DF04")

    assert elsewhere.ask(short) == "6700"
    assert elsewhere.ask(bad_form) == "6983"
    card = Card(gen)
    card.select("DF04")
    assert card.play(bad_form, change("5555", "6666")) == ["6985", "6985"]
    card.select("SSSE")
    assert card.play(bad_form, QUERY, change("5555", "6666")) == ["6A80", "63C3", "63C2"]


@clause("10 B11, B12")
@each_generation
def test_a_wrong_old_pin_clears_the_pin_status_and_a_right_one_leaves_it(gen: Generation) -> None:
    kept, lost = in_ssse(gen), in_ssse(gen)
    for card in (kept, lost):
        card.gain("pin")

    assert kept.ask(change(gen.pin, "8888")) == "9000"
    assert lost.ask(change("5555", "8888")) == "63C2"

    for card in (kept, lost):
        card.select("DF04")
    assert [kept.ask(BALANCE), lost.ask(BALANCE)] == ["000000009000", "6982"]  # §9.14


@clause("10 B13, B14", "10 B13, B14 63Cx")
@pytest.mark.parametrize("offered", ["{pin}FF", "{pin}FFFF", "12A4", "ABCDEF", "FF12", "{pin}12", "5F55"])
@each_generation
def test_digits_above_9_and_extra_filling_make_a_wrong_pin(gen: Generation, offered: str) -> None:
    body = offered.format(pin=gen.pin)
    card = in_ssse(gen)

    assert card.ask(f"00200000{len(body) // 2:02X}{body}") == "63C2"
    assert card.ask(QUERY) == "63C2"


@clause("10 B15, B16", "10 B15, B16 6A80")
@pytest.mark.parametrize(
    "block",
    ["00", "0080", "021A34", "02123480FF", "021234000080", "0412345680", "02123490", "0212348080", "011280"],
    ids=[
        "empty",
        "empty padded",
        "digit A",
        "padding FF",
        "late 80",
        "longer than said",
        "90",
        "80 80",
        "one byte",
    ],
)
@each_generation
def test_reload_of_an_empty_pin_of_wrong_digits_or_padding_is_6a80(gen: Generation, block: str) -> None:
    card = in_ssse(gen)
    card.gain("PUK")

    assert card.ask(card.reload_block(block.ljust(2 * gen.suite.block, "0"))) == "6A80"
    assert card.verify() == "9000"


@clause("3 Error order", "10 B17")
@each_generation
def test_outside_the_ssse_permission_and_challenge_are_asked_for_first(gen: Generation) -> None:
    """§10 A4: the place is one of the other conditions, 6985, before the MAC."""
    card = Card(gen)
    card.select("DF04")
    unblock = "842400000400000000"

    assert card.ask(unblock) == "6982"
    card.gain("PUK")
    assert card.ask(unblock) == "6984"
    card.challenge()
    assert card.ask(unblock) == "6985"
    card.select("SSSE")
    card.challenge()
    assert card.ask(unblock) == "6988"


@clause("10 B17")
@each_generation
def test_verify_works_everywhere_the_other_pin_commands_in_the_ssse_only(gen: Generation) -> None:
    card = in_ssse(gen)
    card.gain("PUK")

    for df in ("MF", "DF01", "DF04", "DF02"):
        card.fetch(select(df))
        assert card.verify() == "9000"
        assert card.ask(change(gen.pin, "8888")) == "6985"
        assert card.ask(card.with_mac("84240000")) == "6985"
        assert card.ask(card.reload("8888")) == "6985"
    card.select("SSSE")
    assert card.ask(card.with_mac("84240000")) == "9000"


@clause("10 A8", "1.10 Blocks of 8 / 16 bytes in MAC, PIN reload Lc")
@pytest.mark.parametrize("digits", [4, 6, 13, 14])
@each_generation
def test_reload_has_lc_0c_on_des_cards_and_14_on_sm4_cards(gen: Generation, digits: int) -> None:
    pin = "12345678901234"[:digits] + "F" * (digits % 2)
    card = in_ssse(gen)
    card.gain("PUK")
    command = card.reload(pin)

    assert command[8:10] == ("14" if gen.number == 3 else "0c")
    assert card.ask(command) == "9000"
    assert card.ask(f"00200000{len(pin) // 2:02X}{pin}") == "9000"


@clause("10 A8")
@pytest.mark.parametrize("digits", [15, 16])
@each_generation
def test_fifteen_and_sixteen_digits_need_lc_14(gen: Generation, digits: int) -> None:
    pin = "1234567890123456"[:digits] + "F" * (digits % 2)
    card = in_ssse(gen)
    card.gain("PUK")
    command = card.reload(pin)

    assert command[8:10] == "14"
    assert card.ask(command) == "9000"
    assert card.ask(f"0020000008{pin}") == "9000"


@clause("10 A8", "2.2 PIN RELOAD (change by issuer)", "2.2 SW PIN UNBLOCK/RELOAD 6700")
def test_an_sm4_card_refuses_lc_0c_before_anything_else() -> None:
    card = in_ssse(GEN3)
    short = "842400010C" + "00" * 12

    assert card.ask(short) == "6700"
    card.gain("PUK")
    command = card.authentication("UKSSSE", card.challenge())
    assert card.ask(short) == "6700"
    assert card.ask(command) == "9000"  # the challenge was not used


@clause("10 A8")
@pytest.mark.parametrize("gen", [GEN1, GEN2], ids=["gen1-16k", "gen2-32k"])
def test_a_des_card_refuses_the_long_form_for_a_short_pin(gen: Generation) -> None:
    card = in_ssse(gen)
    card.gain("PUK")

    assert card.ask(card.reload_block("0312345680".ljust(32, "0"))) == "6A80"


@clause("10 B10", "10 B8, B9")
@pytest.mark.parametrize("length", [4, 8, 16])
@each_generation
def test_a_challenge_of_16_serves_sm4_cards_only(gen: Generation, length: int) -> None:
    card = in_ssse(gen)
    usable = length < 16 or gen.number == 3
    challenge = card.challenge(length)
    shown = challenge if usable else challenge[:8]

    assert card.ask(card.authentication("UKSSSE", shown)) == ("9000" if usable else "6984")
    assert card.ask(card.authentication("UKSSSE", shown)) == "6984"  # used up either way
    card.gain("PUK")
    assert card.ask(card.with_mac("84240000", challenge=card.challenge(4))) == "9000"
