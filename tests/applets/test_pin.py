"""The PIN: three strikes, change, unblock, reload; no guess is free."""

import pytest

from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.cardspec.ciphers import TRIPLE_DES
from sscard_terminal.cardspec.keys import DiversificationFactors, diversified, root_of_length
from tests.cards import KEYS, Dice, ask, ask_all, card_image, chip_of, chip_over, fetch, new_card

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
DF04 = "00A4040006D15600000503"
QUERY = "0020000000"
RIGHT, WRONG = "0020000003123456", "0020000003999999"
BALANCE = "B026000104"
FACTORS = DiversificationFactors.of("370900", bytes.fromhex("00815431328660370900000002"))
ORIGINAL = bytes.fromhex("A0A1A2A3A4A5A6A7")


def card_key(name: str, length: int = 16) -> bytes:
    return diversified(TRIPLE_DES, root_of_length(KEYS[name], length), FACTORS)


def authentication(key: str, key_id: int, challenge: str) -> str:
    session_key = TRIPLE_DES.session_key(card_key(key), bytes.fromhex(challenge))
    data = TRIPLE_DES.authentication_data(session_key, ORIGINAL) + ORIGINAL
    return f"008200{key_id:02X}10{data.hex().upper()}"


def protected(header: str, challenge: str, plain: bytes | None = None) -> str:
    session_key = TRIPLE_DES.session_key(card_key("STK", 8), bytes.fromhex(challenge))
    body = TRIPLE_DES.encrypt_data(session_key, plain) if plain is not None else b""
    head = bytes.fromhex(header) + bytes((len(body) + 4,))
    return (head + body + TRIPLE_DES.mac(session_key, head + body)).hex().upper()


def with_permission(card: object, *commands: tuple[str, bytes | None]) -> str:
    """PUK, then a fresh challenge, then the protected command."""
    challenge = ask(card, "0084000008")[:-4]  # type: ignore[arg-type]
    assert ask(card, authentication("PUK", 0x06, challenge)) == "9000"  # type: ignore[arg-type]
    answer = ""
    for header, plain in commands:
        challenge = ask(card, "0084000008")[:-4]  # type: ignore[arg-type]
        answer = ask(card, protected(header, challenge, plain))  # type: ignore[arg-type]
    return answer


def test_third_wrong_pin_blocks_and_answers_6983() -> None:
    card = new_card()

    answers = ask_all(card, WRONG, WRONG, WRONG, WRONG, RIGHT)

    assert answers == ["63C2", "63C1", "63C0", "6983", "6983"]
    assert ask(card, QUERY) == "63C0"  # card.md §9.16


def test_a_right_pin_gives_all_tries_back() -> None:
    card = new_card()

    assert ask_all(card, WRONG, WRONG, RIGHT, QUERY) == ["63C2", "63C1", "9000", "63C3"]


def test_asking_for_the_tries_costs_none() -> None:
    card = new_card()

    assert ask_all(card, *[QUERY] * 5) == ["63C3"] * 5


def test_the_lock_survives_power_off() -> None:
    store = RamStore(card_image())
    card = chip_over(store)
    ask_all(card, WRONG, WRONG, WRONG)

    assert ask(chip_of(store.read_all()), RIGHT) == "6983"


class Cut(BaseException):
    pass


class CutAfterBarrier(RamStore):
    """The power goes at the first barrier after it was armed: the counter is down, nothing was compared."""

    armed = False

    def barrier(self) -> None:
        if self.armed:
            raise Cut


def test_power_cut_right_after_the_decrement_costs_the_try() -> None:
    store = CutAfterBarrier(card_image())
    card = chip_over(store)
    store.armed = True

    with pytest.raises(Cut):
        ask(card, RIGHT)

    assert ask(chip_of(store.read_all()), QUERY) == "63C2"


def test_a_wrong_pin_ends_the_right_it_gave() -> None:
    card = new_card()
    ask_all(card, SSSE, RIGHT, DF04)

    assert ask_all(card, BALANCE, WRONG, BALANCE) == ["000000009000", "63C2", "6982"]


def test_a_ruling_can_keep_the_status_after_a_wrong_pin() -> None:
    card = new_card(rules={"wrong_pin_clears_status": False})
    ask_all(card, SSSE, RIGHT, DF04)

    assert ask_all(card, WRONG, BALANCE) == ["63C2", "000000009000"]


@pytest.mark.parametrize(
    "sent", ["0020000003AABBCC", "00200000041234 56FF", "00200000023456", "0020000008" + "12" * 8]
)
def test_other_digits_fillings_and_lengths_are_wrong_pins(sent: str) -> None:
    assert ask(new_card(), sent) == "63C2"  # card.md §10 B13


def test_change_pin_needs_the_old_one_and_the_new_one_works_at_once() -> None:
    card = new_card()
    fetch(card, SSSE)

    answers = ask_all(card, "805E010007999999FF654321", "805E010007123456FF654321", RIGHT, "0020000003654321")

    assert answers == ["63C2", "9000", "63C2", "9000"]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("805E010007123456AA654321", "6A80"),
        ("805E010005123456FF65", "6A80"),
        ("805E010007123456FF65432A", "6A80"),
        ("805E010002FF12", "6700"),
        ("805E000007123456FF654321", "6A86"),
        ("805E010003FF6543", "63C2"),
    ],
    ids=["no-separator", "one-byte-pin", "no-digit", "too-short", "p1", "no-old-pin"],
)
def test_malformed_changes_are_refused_and_cost_no_try_where_the_form_is_wrong(
    sent: str, answer: str
) -> None:
    card = new_card()
    fetch(card, SSSE)

    assert ask(card, sent) == answer
    assert ask(card, QUERY) == ("63C2" if answer == "63C2" else "63C3")


def test_change_pin_works_in_the_ssse_only() -> None:
    card = new_card()
    fetch(card, DF04)

    assert ask(card, "805E010007123456FF654321") == "6985"


def test_a_pin_can_be_taken_away_and_set_again() -> None:
    card = new_card()
    fetch(card, SSSE)

    taken = ask_all(card, "805E010004123456FF", QUERY, RIGHT, DF04, BALANCE, SSSE)[:5]
    given = ask_all(card, "805E010004FF654321", QUERY)

    assert taken == ["9000", "9000", "63C3", "6F088406D156000005039000", "000000009000"]
    assert given == ["9000", "63C3"]


def test_unblock_gives_the_tries_back_and_keeps_the_pin() -> None:
    card = new_card()
    ask_all(card, SSSE, WRONG, WRONG, WRONG)

    assert with_permission(card, ("84240000", None)) == "9000"
    assert ask_all(card, QUERY, RIGHT) == ["63C3", "9000"]


def test_reload_sets_a_new_pin_and_ends_the_pin_status() -> None:
    card = new_card()
    ask_all(card, SSSE, RIGHT)

    assert with_permission(card, ("84240001", bytes.fromhex("654321"))) == "9000"
    ask_all(card, DF04)
    assert ask_all(card, BALANCE, "0020000003654321", BALANCE) == ["6982", "9000", "000000009000"]


def test_reload_of_the_published_vector() -> None:
    """The complete command of card.md §6.10, on the card its keys belong to."""
    challenge, puk_challenge = "8899AABBCCDDEEFF", "0011223344556677"
    card = chip_of(card_image("gen1-16k"), Dice(puk_challenge, challenge), "gen1-16k")
    fetch(card, SSSE)
    ask(card, "0084000008")

    assert ask(card, "00820006102E7FE9CB197969CBA0A1A2A3A4A5A6A7") == "9000"
    ask(card, "0084000008")
    assert ask(card, "842400010CF0E36D72AB68C275AED3CBE8") == "9000"
    assert ask(card, "0020000003123456") == "9000"


@pytest.mark.parametrize(
    ("plain", "answer"), [(b"", "6A80"), (bytes.fromhex("12345A"), "6A80"), (bytes.fromhex("12345F"), "9000")]
)
def test_reload_takes_decimal_pins_only(plain: bytes, answer: str) -> None:
    card = new_card()
    fetch(card, SSSE)

    assert with_permission(card, ("84240001", plain)) == answer


def test_without_permission_challenge_or_mac_nothing_is_unblocked() -> None:
    card = new_card()
    fetch(card, SSSE)
    assert ask(card, "842400000400000000") == "6982"
    challenge = ask(card, "0084000008")[:-4]
    ask(card, authentication("PUK", 0x06, challenge))

    assert ask(card, "842400000400000000") == "6984"
    ask(card, "0084000008")
    assert ask(card, "842400000400000000") == "6988"
    assert ask(card, "842400000400000000") == "6984"  # the challenge was used up


def test_the_puk_locks_after_three_failures() -> None:
    card = new_card()
    fetch(card, SSSE)
    wrong = "0082000610" + "00" * 16

    answers = ask_all(card, *["0084000008", wrong] * 3)[1::2]

    assert answers == ["63C2", "63C1", "63C0"]
    assert ask(card, wrong) == "6983"  # before the missing challenge, card.md §10 B33


def test_block_keys_never_lock() -> None:
    card = new_card()
    fetch(card, SSSE)

    for _ in range(20):
        ask(card, "0084000008")
        assert ask(card, "0082000510" + "00" * 16) == "63CF"


def test_a_challenge_serves_once_and_a_new_one_replaces_it() -> None:
    card = new_card()
    fetch(card, SSSE)
    first, second = ask(card, "0084000008")[:-4], ask(card, "0084000008")[:-4]

    assert ask(card, authentication("UKSSSE", 0x04, first)) == "63CE"
    assert ask(card, authentication("UKSSSE", 0x04, second)) == "6984"


def test_an_authenticated_key_opens_the_update_and_dies_with_the_power() -> None:
    card = new_card()
    fetch(card, SSSE)
    update = "00DC0234" + "030A0139"
    assert ask(card, update) == "6982"
    challenge = ask(card, "0084000008")[:-4]
    assert ask(card, authentication("UKSSSE", 0x04, challenge)) == "9000"

    assert ask(card, "00DC0434030A0139") == "9000"
    assert ask(card, "00B2043403") == "0A01399000"
    card.reset()
    fetch(card, SSSE)
    assert ask(card, "00DC0434030A0131") == "6982"


def test_no_pin_byte_stays_in_the_clear_of_an_image_page_name() -> None:
    nvm = Nvm(RamStore(card_image()))

    assert "pin" in nvm.names()
    assert not any("123456" in name for name in nvm.names())
