"""The PSAM's client against literal bytes (card.md §5, §6.10) and against what a PSAM can say."""

from datetime import date

import pytest

from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES
from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.replay import Replay
from sscard_terminal.terminal.psam import PUK, RKSSSE, STK, Psam, PsamFailure, PsamProblem
from tests.terminal.doubles import AMOUNTS, replay

ATR = "# ATR 3B6D0000008154310086603709 000000A1\n"
TERMINAL_NUMBER = "> 00A40000023F00\n< 6113\n> 00A40200020016\n< 9000\n> 00B0000006\n< 370900000001 9000\n"
DES_ENVIRONMENT = """
> 00A40000023F00
< 6113
> 00A4000002DF01
< 610A
> 00A4020002001A
< 9000
> 00B000000A
< 01 01 20200101 20401231 9000
> BFEC000001 37
< 9000
"""
SM4_ENVIRONMENT = DES_ENVIRONMENT.replace("00A40000023F00", "00A404000F7378332E73682EC9E7BBE1B1A3D5CF")
F3, F2, F1 = "8660370900000001", "3337303930307378", "3337303030307368"
FACTORS = DiversificationFactors.of("370900", bytes.fromhex("00815431168660370900000001"))
CHALLENGE = PurchaseChallenge(
    Fen(10000), Fen(0), Fen(0), bytes.fromhex("2026"), 0, 1, 0, bytes.fromhex("AABBCCDD")
)
TIME = bytes.fromhex("20260105101530")
FACTOR, ORIGINAL = bytes.fromhex("B0B1B2B3B4B5B6B7"), bytes.fromhex("C0C1C2C3C4C5C6C7")
ANSWER = bytes.fromhex("642D1B3A063FFD60")


def talking(text: str) -> tuple[Psam, Replay]:
    played, connection = replay(ATR + text)
    return Psam(connection), played


def opened(text: str, environment: str = DES_ENVIRONMENT) -> tuple[Psam, Replay]:
    psam, played = talking(environment + text)
    psam.open_environment(0x37, SM4 if environment is SM4_ENVIRONMENT else TRIPLE_DES)
    return psam, played


def delivery(levels: int, sw: str, key_id: str = "08", seed: str = FACTOR.hex()) -> str:
    factors = (F3 + F2 + F1)[: 16 * levels]
    body = factors + seed
    return f"> BFDE{levels << 5 | 7:02X}{key_id}{len(body) // 2:02X}{body}\n< {sw}\n"


CIPHERED = f"> 80FA000008{ORIGINAL.hex()}\n< 6108\n> 00C0000008\n< {ANSWER.hex()} 9000\n"


def test_a_psam_is_known_by_its_terminal_number_which_is_read_once() -> None:
    psam, played = talking(TERMINAL_NUMBER)

    numbers = [psam.terminal_number(), psam.terminal_number()]

    played.assert_finished()
    assert numbers == ["370900000001"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "> 00A40000023F00\n< 6A82\n",
        "> 00A40000023F00\n< 9000\n> 00A40200020016\n< 6A82\n",
        "> 00A40000023F00\n< 9000\n> 00A40200020016\n< 9000\n> 00B0000006\n< 6982\n",
        "> 00A40000023F00\n< 9000\n> 00A40200020016\n< 9000\n> 00B0000006\n< 3709 9000\n",
        "> 00A40000023F00\n< 9000\n> 00A40200020016\n< 9000\n> 00B0000006\n< 37090000FFFF 9000\n",
        "> 00A40000023F00\n< 9000\n> 00A40200020016\n< 9000\n> 00B0000006\n< 3709000000AB 9000\n",
    ],
    ids=["no master file", "no file 0016", "not readable", "cut short", "eight digits", "no digits"],
)
def test_a_card_without_a_readable_0016_is_no_psam(text: str) -> None:
    psam, _ = talking(text)

    with pytest.raises(PsamFailure) as failure:
        psam.terminal_number()

    assert failure.value.problem is PsamProblem.NOT_A_PSAM


def test_an_open_environment_tells_key_index_and_last_day_and_is_not_opened_twice() -> None:
    psam, played = opened("")

    psam.open_environment(0x37, TRIPLE_DES)

    played.assert_finished()
    assert (psam.key_index(), psam.valid_to()) == (1, date(2040, 12, 31))


def test_the_sm4_environment_is_selected_by_name_first() -> None:
    _, played = opened("", SM4_ENVIRONMENT)

    played.assert_finished()


def test_a_psam_that_goes_away_while_it_is_opened_is_a_broken_link() -> None:
    head, _, _ = DES_ENVIRONMENT.partition("> 00A4020002001A")
    psam, _ = talking(head + "> 00A4020002001A\n# link: reader-gone\n")

    with pytest.raises(PsamFailure) as failure:
        psam.open_environment(0x37, TRIPLE_DES)

    assert str(failure.value) == "psam-link-broken: SELECT 001A reader-gone"


def test_a_province_psam_tells_its_key_in_001b() -> None:
    text = DES_ENVIRONMENT.replace(
        "< 01 01 20200101 20401231 9000",
        "< 00000000000000000000 9000\n> 00A4020002001B\n< 9000\n> 00B000000A\n< 02 01 20200101 20301231 9000",
    )
    psam, played = opened("", text)

    played.assert_finished()
    assert (psam.key_index(), psam.valid_to()) == (2, date(2030, 12, 31))


def test_a_psam_without_application_information_uses_key_1() -> None:
    head, _, tail = DES_ENVIRONMENT.partition("> 00A4020002001A")
    missing = "".join(f"> 00A402000200{name}\n< 6A82\n" for name in ("1A", "1B", "1C"))
    psam, played = opened("", head + missing + "> BFEC" + tail.partition("> BFEC")[2])

    played.assert_finished()
    assert (psam.key_index(), psam.valid_to()) == (1, None)


@pytest.mark.parametrize(("answer", "genuine"), [(ANSWER, True), (bytes(8), False)])
def test_internal_authentication_compares_with_what_the_genuine_card_says(
    answer: bytes, genuine: bool
) -> None:
    psam, played = opened(delivery(3, "9000") + CIPHERED)

    assert psam.check_internal_authentication(FACTORS, FACTOR, ORIGINAL, answer) is genuine
    played.assert_finished()


@pytest.mark.parametrize("wrong", ["6A80", "6700"])
@pytest.mark.parametrize("levels", [3, 2, 1])
def test_the_number_of_levels_is_learned_by_trying_and_remembered(levels: int, wrong: str) -> None:
    probing = "".join(delivery(tried, wrong) for tried in range(3, levels, -1))
    psam, played = opened(probing + delivery(levels, "9000") + CIPHERED + delivery(levels, "9000") + CIPHERED)

    results = [psam.check_internal_authentication(FACTORS, FACTOR, ORIGINAL, ANSWER) for _ in range(2)]

    played.assert_finished()
    assert results == [True, True]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["6A80", "6A80", "6A80"], PsamProblem.KEY_LEVEL),
        (["6A88"], PsamProblem.KEY_MISSING),
        (["6985"], PsamProblem.REFUSED),
    ],
)
def test_a_key_that_cannot_be_had_says_why(words: list[str], problem: PsamProblem) -> None:
    psam, played = opened("".join(delivery(3 - turn, sw) for turn, sw in enumerate(words)))

    with pytest.raises(PsamFailure) as failure:
        psam.check_internal_authentication(FACTORS, FACTOR, ORIGINAL, ANSWER)

    played.assert_finished()
    assert failure.value.problem is problem
    assert str(failure.value.sw) == words[-1]


def test_after_a_failure_the_environment_is_opened_afresh() -> None:
    again = DES_ENVIRONMENT.replace(
        "> 00A4020002001A\n< 9000\n> 00B000000A\n< 01 01 20200101 20401231 9000\n", ""
    )
    psam, played = opened(delivery(3, "6985") + again)
    with pytest.raises(PsamFailure):
        psam.check_internal_authentication(FACTORS, FACTOR, ORIGINAL, ANSWER)

    psam.open_environment(0x37, TRIPLE_DES)

    played.assert_finished()


def test_sm4_fills_up_to_the_block_and_folds_its_answer() -> None:
    """The authentication data of card.md §6.10, from a block whose halves give them."""
    expected, half = bytes.fromhex("DC2424D7A32AD375"), bytes.fromhex("0123456789ABCDEF")
    other = bytes(a ^ b for a, b in zip(expected, half, strict=True))
    psam, played = opened(
        delivery(3, "9000", seed=FACTOR.hex() + "00" * 8)
        + f"> 80FA000010{ORIGINAL.hex()}{'00' * 8}\n< 6110\n> 00C0000010\n< {half.hex()}{other.hex()} 9000\n",
        SM4_ENVIRONMENT,
    )

    assert psam.check_internal_authentication(FACTORS, FACTOR, ORIGINAL, expected)
    played.assert_finished()


def test_external_authentication_data_use_their_own_key() -> None:
    psam, played = opened(delivery(3, "9000", key_id="0A") + CIPHERED)

    assert psam.external_authentication_data(RKSSSE, FACTORS, FACTOR, ORIGINAL) == ANSWER
    played.assert_finished()


PURCHASE = "AABBCCDD 0000 000004D2 000007D0 00001F40 32 20260105 101530 01 00"
PURCHASE_EXAMPLE = f"""
> 8070010034 {PURCHASE} {F3} {F2} {F1}
< 6108
> 00C0000008
< 00000001 409CAC6A 9000
"""


def test_the_purchase_of_the_specification_byte_by_byte() -> None:
    psam, played = opened(PURCHASE_EXAMPLE + "> 8072000004 37F86753\n< 9000\n")

    purchase = psam.mac1(CHALLENGE, AMOUNTS, TIME, FACTORS)
    held = psam.may_hold(purchase.sequence)
    confirmed = psam.confirm_mac2(bytes.fromhex("37F86753"))

    played.assert_finished()
    assert (purchase.sequence.hex(), purchase.mac1.hex()) == ("00000001", "409cac6a")
    assert (held, confirmed, psam.may_hold(purchase.sequence)) == (True, True, False)
    assert psam.holds_nothing


@pytest.mark.parametrize("wrong", ["6A80", "6700"])
def test_a_city_psam_takes_one_factor_for_its_purchase_key(wrong: str) -> None:
    psam, played = opened(
        f"> 8070010034 {PURCHASE} {F3} {F2} {F1}\n< {wrong}\n"
        f"> 807001002C {PURCHASE} {F3} {F2}\n< {wrong}\n"
        f"> 8070010024 {PURCHASE} {F3}\n< 00000001 409CAC6A 9000\n"
    )

    assert psam.mac1(CHALLENGE, AMOUNTS, TIME, FACTORS).sequence == bytes.fromhex("00000001")
    played.assert_finished()


@pytest.mark.parametrize("sw", ["9302", "63CF"])
def test_a_wrong_mac2_is_false(sw: str) -> None:
    psam, _ = opened(f"> 8072000004 37F86753\n< {sw}\n")

    assert psam.confirm_mac2(bytes.fromhex("37F86753")) is False


@pytest.mark.parametrize("sw", ["6901", "6F00"])
def test_a_psam_that_holds_no_purchase_has_not_refused_the_mac2(sw: str) -> None:
    psam, _ = opened(f"> 8072000004 37F86753\n< {sw}\n")

    with pytest.raises(PsamFailure) as failure:
        psam.confirm_mac2(bytes.fromhex("37F86753"))

    assert str(failure.value.sw) == sw


@pytest.mark.parametrize("sw", ["6108", "6100"])
def test_only_9000_confirms_a_mac2(sw: str) -> None:
    psam, _ = opened(f"> 8072000004 37F86753\n< {sw}\n")

    with pytest.raises(PsamFailure) as failure:
        psam.confirm_mac2(bytes.fromhex("37F86753"))

    assert (failure.value.problem, str(failure.value.sw)) == (PsamProblem.REFUSED, sw)


def test_a_psam_nothing_was_asked_of_may_hold_anything() -> None:
    psam, _ = talking("")

    assert psam.may_hold(bytes(4))
    assert not psam.holds_nothing


def test_selecting_the_master_file_ends_what_the_psam_held() -> None:
    psam, _ = talking(TERMINAL_NUMBER)

    psam.terminal_number()

    assert psam.holds_nothing


def test_a_broken_link_to_the_psam_is_the_psams_failure() -> None:
    psam, _ = opened("> 8072000004 37F86753\n# link: reader-gone\n")

    with pytest.raises(PsamFailure) as failure:
        psam.confirm_mac2(bytes.fromhex("37F86753"))

    assert (failure.value.problem, failure.value.link) == (PsamProblem.LINK_BROKEN, LinkReason.READER_GONE)


def test_a_cut_answer_of_the_psam_is_malformed() -> None:
    psam, _ = opened(f"> 8070010034 {PURCHASE} {F3} {F2} {F1}\n< 00000001 409C 9000\n")

    with pytest.raises(PsamFailure) as failure:
        psam.mac1(CHALLENGE, AMOUNTS, TIME, FACTORS)

    assert failure.value.problem is PsamProblem.MALFORMED


def message_delivery(key_id: str, challenge: str, block: int) -> str:
    body = F3 + F2 + F1 + challenge.ljust(2 * block, "0")
    return f"> BFDE68{key_id}{len(body) // 2:02X}{body}\n< 9000\n"


MESSAGE_CHALLENGE = "8899AABBCCDDEEFF"


@pytest.mark.parametrize(
    ("environment", "block", "header", "cryptogram", "answer", "mac"),
    [
        (DES_ENVIRONMENT, 8, "842400010C", "F0E36D72AB68C275", "AED3CBE801020304", "AED3CBE8"),
        (
            SM4_ENVIRONMENT,
            16,
            "8424000114",
            "1F287FF5449E7F7CF5AF352497E2D419",
            "E4572F58",
            "E4572F58",
        ),
    ],
    ids=["3DES", "SM4"],
)
def test_a_new_pin_is_encrypted_and_its_command_maced_as_published(
    environment: str, block: int, header: str, cryptogram: str, answer: str, mac: str
) -> None:
    plain = "0312345680".ljust(2 * block, "0")
    message = (header + cryptogram + "80").ljust(2 * (block * 2 if block == 8 else 32), "0")
    chained = "00" * block + message
    psam, played = opened(
        message_delivery("09", MESSAGE_CHALLENGE, block)
        + f"> 80FA0000{block:02X}{plain}\n< 61{block:02X}\n> 00C00000{block:02X}\n< {cryptogram} 9000\n"
        + message_delivery("09", MESSAGE_CHALLENGE, block)
        + f"> 80FA0500{len(chained) // 2:02X}{chained}\n< 61{len(answer) // 2:02X}\n"
        + f"> 00C00000{len(answer) // 2:02X}\n< {answer} 9000\n",
        environment,
    )
    challenge, pin = bytes.fromhex(MESSAGE_CHALLENGE), bytes.fromhex("123456")

    encrypted = psam.encrypted(STK, FACTORS, challenge, pin)
    maced = psam.message_mac(STK, FACTORS, challenge, bytes.fromhex(header) + encrypted)

    assert (encrypted.hex().upper(), maced.hex().upper()) == (cryptogram, mac)
    assert played.finished


def test_a_psam_without_the_unblocking_key_says_so() -> None:
    body = F3 + F2 + F1 + FACTOR.hex()
    psam, _ = opened(f"> BFDE6810{len(body) // 2:02X}{body}\n< 6A88\n")

    with pytest.raises(PsamFailure) as caught:
        psam.external_authentication_data(PUK, FACTORS, FACTOR, ORIGINAL)

    assert caught.value.problem is PsamProblem.KEY_MISSING
