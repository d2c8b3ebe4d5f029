"""iReadCardBas: literal fields of the known example, three generations, and an HSM in the PSAM's place."""

from pathlib import Path

import pytest

from sscard_terminal.cardspec.ciphers import AlgorithmName
from sscard_terminal.cardspec.issuing import CardReference
from sscard_terminal.driver.place import Interface
from sscard_terminal.terminal.policy import Policy
from tests.driver.doubles import HSM, Bench, fresh_card
from tests.terminal.doubles import Faulty, psam_with_number

GEN_1 = (
    "370900|370900199001010010|D2143569X|370900D15600000500000001B6233D35|张三|"
    "00815431168660370900000001|1.00|20080101|20180101|370900000001||"
)
"""The synthetic example of card.md §8."""
EXPECTED = {
    "gen1-16k": GEN_1,
    "gen2-32k": GEN_1.replace("1.00|20080101|20180101", "2.00|20120101|20320101")
    .replace("00000001B6233D35", "00000002{}")
    .replace("3116866037090000000", "3132866037090000000")
    .replace("00000001|2.00", "00000002|2.00"),
    "gen3": GEN_1.replace("1.00|20080101|20180101", "3.00|20200101|20400101")
    .replace("00000001B6233D35", "00000003{}")
    .replace("543116866037090000000", "4A4446866037090000000")
    .replace("00000001|3.00", "00000003|3.00"),
}


def test_the_eleven_fields_are_those_of_the_known_example(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path, "gen1-16k")

    assert bench.done("iReadCardBas", iType=3) == GEN_1


@pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
def test_every_generation_tells_its_own(tmp_path: Path, profile: str) -> None:
    bench = Bench.at(tmp_path, profile)

    out = bench.done("iReadCardBas", iType=3)

    code = out.split("|")[3][-8:]
    assert out == EXPECTED[profile].format(code)
    assert out.count("|") == 11


def test_terminal_and_device_number_are_this_places(bench: Bench) -> None:
    bench.psam_chip, bench.device = psam_with_number("370902000077"), "SX-4711"

    out = bench.renewed().done("iReadCardBas", iType=3)

    assert out.endswith("|370902000077|SX-4711|")


def test_a_card_of_another_city_or_out_of_date_is_told_so(bench: Bench) -> None:
    bench.policy = Policy(accepted_regions=("110000",))
    elsewhere = bench.renewed().call("iReadCardBas", iType=1)
    bench.cards[Interface.CONTACT] = fresh_card("gen1-16k")
    bench.policy = Policy()
    expired = bench.renewed().call("iReadCardBas", iType=1)

    assert (elsewhere.code, expired.code) == (-3001, -3003)
    assert "未扣款" in elsewhere.out and "未扣款" in expired.out


# Where the card is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card_type", "contact", "contactless", "found"),
    [
        (1, True, True, "contact"),
        (2, True, True, "contactless"),
        (3, True, True, "contact"),
        (4, True, True, "contactless"),
        (3, False, True, "contactless"),
        (4, True, False, "contact"),
        (1, False, True, -2),
        (2, True, False, -11),
        (3, False, False, -2),
        (4, False, False, -2),
    ],
)
def test_itype_says_where_the_card_is_looked_for(
    bench: Bench, card_type: int, contact: bool, contactless: bool, found: str | int
) -> None:
    if not contact:
        del bench.cards[Interface.CONTACT]
    if contactless:
        bench.cards[Interface.CONTACTLESS] = fresh_card("gen3")

    result = bench.call("iReadCardBas", iType=card_type)

    versions = {"contact": "2.00", "contactless": "3.00"}
    assert (result.code or result.out.split("|")[6]) == (versions[found] if isinstance(found, str) else found)


@pytest.mark.parametrize("card_type", [0, 5, -1, 99, 2**40])
def test_another_itype_is_a_bad_parameter(bench: Bench, card_type: int) -> None:
    assert bench.call("iReadCardBas", iType=card_type).code == -14


# With an HSM ------------------------------------------------------------------------------------------


def hsm_key(asked: str) -> str:
    """pKey as the HSM makes it from what step 1 gave."""
    region, historical, algorithm, identification, *rest = asked.split("|")
    factor, original, external_factor, external = map(bytes.fromhex, rest[:4])
    name: AlgorithmName = "SM4" if algorithm == "03" else "3DES"
    card = CardReference(identification, "", bytes.fromhex(historical), name)
    assert card.region == region
    inner = HSM.internal_authentication_data(card, factor, original) + original
    outer = b""
    if external:
        outer = HSM.external_authentication_data(card, external_factor, external, "RKSSSE") + external
    return f"{inner.hex()}|{outer.hex()}|"


def test_an_hsm_takes_the_psams_place_on_every_generation(any_bench: Bench) -> None:
    with_psam = any_bench.done("iReadCardBas", iType=3)
    any_bench.psam_chip = None

    asked = any_bench.done("iReadCardBas_HSM_Step1", iType=3)
    out = any_bench.done("iReadCardBas_HSM_Step2", pKey=hsm_key(asked))

    fields = with_psam.split("|")
    fields[9] = "000000000000"
    assert out == "|".join(fields)
    assert any_bench.open_now == 0


def test_step_1_gives_what_the_hsm_needs_and_external_data_only_from_3_0_on(any_bench: Bench) -> None:
    base = any_bench.done("iReadCardBas", iType=3).split("|")

    fields = any_bench.done("iReadCardBas_HSM_Step1", iType=3).split("|")

    is_gen_3 = base[6] == "3.00"
    assert fields[:4] == [base[0], base[5], "03" if is_gen_3 else "01", base[3]]
    assert [len(field) for field in fields[4:]] == [16, 16, *([16, 16] if is_gen_3 else [0, 0]), 0]


def test_a_card_that_answered_something_else_is_not_genuine(bench: Bench) -> None:
    asked = bench.done("iReadCardBas_HSM_Step1", iType=3)
    original = asked.split("|")[5]

    result = bench.call("iReadCardBas_HSM_Step2", pKey=f"0123456789ABCDEF{original}||")

    assert result.code == -21
    assert result.out == "内部认证失败（用户卡不合法）"


def test_authentication_data_for_another_question_are_refused(bench: Bench) -> None:
    asked = bench.done("iReadCardBas_HSM_Step1", iType=3)
    key = hsm_key(asked)

    assert bench.call("iReadCardBas_HSM_Step2", pKey=key[:16] + "00" * 8 + "||").code == -22


@pytest.mark.parametrize("wrong", ["0" * 16, "F" * 16])
def test_wrong_external_authentication_data_are_told_with_the_tries_left(tmp_path: Path, wrong: str) -> None:
    bench = Bench.at(tmp_path, "gen3")
    codes = []
    for _ in range(3):
        asked = bench.done("iReadCardBas_HSM_Step1", iType=3)
        inner, outer, _ = hsm_key(asked).split("|")
        codes.append(bench.call("iReadCardBas_HSM_Step2", pKey=f"{inner}|{wrong}{outer[16:]}|").code)

    assert codes == [-(0x63C0 | tries) for tries in (14, 13, 12)]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", -14),
        ("|||", -14),
        ("00" * 16, -14),
        ("GG" * 16 + "||", -41),
        ("00" * 15 + "||", -42),
        ("|", -42),
        ("00" * 16 + "|" + "00" * 17 + "|", -42),
        ("0" * 200, -42),
        ("密|", -41),
    ],
)
def test_a_pkey_of_another_form_is_refused_and_ends_the_flow(bench: Bench, key: str, code: int) -> None:
    bench.done("iReadCardBas_HSM_Step1", iType=3)

    assert bench.call("iReadCardBas_HSM_Step2", pKey=key).code == code
    assert bench.open_now == 0


# Steps ------------------------------------------------------------------------------------------------


def test_a_step_without_the_one_before_is_refused(bench: Bench) -> None:
    result = bench.call("iReadCardBas_HSM_Step2", pKey="00" * 16 + "||")

    assert result.code == -26881
    assert result.out == "命令不接受（无效状态）"


def test_a_step_of_another_flow_ends_the_one_that_waits(bench: Bench) -> None:
    asked = bench.done("iReadCardBas_HSM_Step1", iType=3)

    other = bench.call("iReadCard_HSM_Step2", pKey="00" * 16)

    assert other.code == -26881
    assert bench.call("iReadCardBas_HSM_Step2", pKey=hsm_key(asked)).code == -26881
    assert bench.open_now == 0


def test_a_step_is_taken_once(bench: Bench) -> None:
    key = hsm_key(bench.done("iReadCardBas_HSM_Step1", iType=3))
    bench.done("iReadCardBas_HSM_Step2", pKey=key)

    assert bench.call("iReadCardBas_HSM_Step2", pKey=key).code == -26881


def test_any_other_function_ends_a_flow(bench: Bench) -> None:
    key = hsm_key(bench.done("iReadCardBas_HSM_Step1", iType=3))
    bench.done("iReadCardBas", iType=3)

    assert bench.call("iReadCardBas_HSM_Step2", pKey=key).code == -26881


def test_a_step_that_comes_too_late_is_refused(bench: Bench) -> None:
    key = hsm_key(bench.done("iReadCardBas_HSM_Step1", iType=3))
    bench.seconds += 61

    assert bench.call("iReadCardBas_HSM_Step2", pKey=key).code == -26881
    assert not bench.driver.holds_card


def test_a_card_taken_out_between_two_steps_is_no_card(bench: Bench) -> None:
    links: list[Faulty] = []
    bench.link = lambda inner: links.append(Faulty(inner)) or links[-1]  # type: ignore[func-returns-value]
    key = hsm_key(bench.done("iReadCardBas_HSM_Step1", iType=3))
    links[-1].broken = True

    result = bench.call("iReadCardBas_HSM_Step2", pKey=key)

    assert (result.code, result.out) == (-2, "无卡")
    assert bench.open_now == 0


def test_closing_the_driver_lets_go_of_the_card(bench: Bench) -> None:
    bench.done("iReadCardBas_HSM_Step1", iType=3)
    held = bench.open_now

    bench.driver.close()

    assert (held, bench.open_now) == (1, 0)
