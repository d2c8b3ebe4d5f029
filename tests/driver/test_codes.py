"""One table from outcomes to codes: complete, without two meanings for one of ours, in both languages."""

from pathlib import Path

import pytest

from sscard_terminal.driver.codes import (
    CODES_OF_WORDS,
    FALLS_BACK_TO_HSM,
    FIRST_OF_OURS,
    LAST_OF_OURS,
    TO_BE_VERIFIED,
    Code,
    code_of,
    of_code,
    result_of,
)
from sscard_terminal.driver.driver import FUNCTIONS
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.identification import declined_by_psam
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined, Doubt, Reason, Unsettled
from sscard_terminal.terminal.psam import PsamFailure, PsamProblem
from tests.driver.doubles import Bench
from tests.terminal.doubles import Faulty, Refusing, answers
from tests.terminal.test_journal import intent

ANNEX_A = (
    *(-1, -2, -3, -4, -5, -11, -12, -13, -14, -15, -20, -21, -22, -23, -24, -31, -32, -33, -34, -35, -36),
    *(-41, -42, -51, -52, -2201, -2202, -2203, -2204, -25536, -25537, -25538, -26368, -26881, -27009),
    *(-27010, -27011, -27012, -27013, -27016, -27264, -27265, -27266, -27267, -27272, -37634, -37635),
    *(-37891, -37894),
)
"""Source: card.md §8."""


def test_every_code_of_annex_a_has_its_text_in_both_languages() -> None:
    known = {*Code.__members__.values(), *CODES_OF_WORDS}

    assert known == set(ANNEX_A)
    assert all(of_code(code, language).out for code in ANNEX_A for language in ("zh", "en"))
    assert of_code(-37894).out == "所需 MAC（或/和 TAC）不可用"
    assert of_code(-5).out == "加载动态库错"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_one_code_and_a_text(reason: Reason) -> None:
    result = result_of(Declined(reason))

    assert result.code == code_of(Declined(reason)) < 0
    assert result.code not in TO_BE_VERIFIED
    assert result.out and "{" not in result.out


def test_no_two_reasons_share_a_code_of_ours() -> None:
    codes = [code_of(Declined(reason)) for reason in Reason]
    ours = [code for code in codes if FIRST_OF_OURS >= code >= LAST_OF_OURS]

    assert len(ours) == len(set(ours))


@pytest.mark.parametrize("doubt", list(Doubt))
def test_every_doubt_is_a_code_that_says_to_be_verified(doubt: Doubt, tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        sale = journal.record_intent(intent())

    result = result_of(Unsettled(sale, doubt))

    assert result.code in TO_BE_VERIFIED
    assert "待核实" in result.out and "请勿再次收款" in result.out


@pytest.mark.parametrize("link", list(LinkReason))
def test_every_broken_link_has_a_code_of_annex_a(link: LinkReason) -> None:
    assert code_of(Declined(Reason.LINK_BROKEN, link=link)) in ANNEX_A


@pytest.mark.parametrize("word", [0x6581, 0x9401, 0x9402, 0x6D00, 0x6E00, 0x6A84, 0x6B00, 0x63CF, 0x6F17])
def test_a_word_annex_a_does_not_know_is_minus_its_number_with_its_meaning(word: int) -> None:
    result = result_of(Declined(Reason.CARD_REFUSED, sw=StatusWord(word)))

    assert result.code == -word
    assert f"{word:04X}" in result.out


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PsamFailure(PsamProblem.NOT_A_PSAM, "READ BINARY 0016", StatusWord(0x6A82)), -2201),
        (PsamFailure(PsamProblem.NOT_A_PSAM, "SELECT 3F00", StatusWord(0x6A82)), -2201),
        (PsamFailure(PsamProblem.LINK_BROKEN, "SELECT 3F00", link=LinkReason.CARD_REMOVED), -2201),
        (
            PsamFailure(PsamProblem.REFUSED, "SELECT 7378332E73682EC9E7BBE1B1A3D5CF", StatusWord(0x6A82)),
            -2202,
        ),
        (PsamFailure(PsamProblem.KEY_MISSING, "DELIVERY SESSION KEY RKSSSE", StatusWord(0x6A88)), -2203),
        (PsamFailure(PsamProblem.KEY_MISSING, "DELIVERY SESSION KEY PUK", StatusWord(0x6A88)), -27272),
        (PsamFailure(PsamProblem.KEY_LEVEL, "DELIVERY SESSION KEY IRK", StatusWord(0x6A80)), -24),
        (PsamFailure(PsamProblem.REFUSED, "INITIALIZE ENVIRONMENT", StatusWord(0x6985)), -27013),
    ],
)
def test_what_a_psam_cannot_do_sends_the_program_to_the_hsm(failure: PsamFailure, code: int) -> None:
    found = code_of(declined_by_psam(failure))

    assert found == code
    assert (found in FALLS_BACK_TO_HSM) is (code != -27013)


# Real causes of the codes nothing else in these tests meets ----------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "code", "out"),
    [
        (LinkReason.NO_CARD, -2, "无卡"),
        (LinkReason.MUTE_CARD, -3, "有卡未上电"),
        (LinkReason.DEADLINE_PASSED, -4, "卡无应答"),
        (LinkReason.NO_SERVICE, -5, "加载动态库错"),
        (LinkReason.UNKNOWN_READER, -11, "读卡器连接错"),
        (LinkReason.READER_BUSY, -12, "未建立连接"),
        (LinkReason.CUT_ANSWER, -15, "信息校验和出错"),
    ],
)
@pytest.mark.parametrize("function", [name for name, known in FUNCTIONS.items() if not name[-1].isdigit()])
def test_every_function_tells_what_is_wrong_with_reader_and_card(
    bench: Bench, trouble: LinkReason, code: int, out: str, function: str
) -> None:
    values = {
        "iType": 3,
        "iAuthType": 1,
        "pCardInfo": "370900D15600000500000002B6233D35|D2143569X|",
        "pFileAddr": "SSSEEF05|07|$",
        "pWriteData": "SSSEEF05|D2143569X|$",
        "pPayInfo": "1.00|0.00|20260105101500|",
    }
    bench.trouble = trouble

    result = bench.driver.call(function, {name: values[name] for name, _ in FUNCTIONS[function].parameters})

    assert (result.code, result.out) == (code, out)
    assert bench.holder.wishes == []


@pytest.mark.parametrize(
    ("start", "sw", "code"),
    [
        ("00A40400", "6A82", -1),
        ("00A40400", "6A81", -27265),
        ("00A40400", "9303", -37635),
        ("00880000", "6A88", -27272),
        ("00B2012D", "6982", -27010),
        ("00200000", "6984", -27012),
    ],
)
def test_a_card_that_refuses_to_be_recognised_is_told_by_its_word(
    bench: Bench, start: str, sw: str, code: int
) -> None:
    bench.link = lambda inner: Refusing(inner, bytes.fromhex(start), sw)

    assert bench.call("iReadCardBas", iType=3).code == code


def test_a_malformed_identification_code_has_its_own_code(bench: Bench) -> None:
    file = "0110ABCDEFD15600000500000001B6233D35 0709443231343335363958 9000"
    bench.link = lambda inner: Faulty(
        Faulty(inner, bytes.fromhex("00B2012D"), answers(file)), bytes.fromhex("00B2012D"), answers(file)
    )

    result = bench.call("iReadCardBas", iType=3)

    assert (result.code, result.out) == (-20, "卡识别码格式错")


# The table of functions -----------------------------------------------------------------------------------


def test_the_function_set_is_the_known_one() -> None:
    assert list(FUNCTIONS) == [
        *("iReadCardBas", "iReadCardBas_HSM_Step1", "iReadCardBas_HSM_Step2"),
        *("iReadCard", "iReadCard_HSM_Step1", "iReadCard_HSM_Step2"),
        *("iWriteCard", "iWriteCard_HSM_Step1", "iWriteCard_HSM_Step2"),
        *("iVerifyPIN", "iChangePIN"),
        *("iReloadPIN", "iReloadPIN_HSM_Step1", "iReloadPIN_HSM_Step2", "iReloadPIN_HSM_Step3"),
        *("iUnblockPIN", "iUnblockPIN_HSM_Step1", "iUnblockPIN_HSM_Step2", "iUnblockPIN_HSM_Step3"),
        *("iDoDebit", "iDoDebit_HSM_Step1", "iDoDebit_HSM_Step2", "iReadDebitRecord"),
    ]


def test_no_function_takes_a_pin() -> None:
    taken = {name for function in FUNCTIONS.values() for name, _ in function.parameters}

    assert taken == {"iType", "iAuthType", "pCardInfo", "pFileAddr", "pWriteData", "pPayInfo", "pKey"}


@pytest.mark.parametrize(
    "given", [{}, {"iType": "3"}, {"iType": True}, {"iType": 3, "pKey": ""}, {"pKey": 3}, {"iType": None}]
)
def test_other_parameters_than_the_functions_are_bad_ones(bench: Bench, given: dict[str, object]) -> None:
    assert bench.driver.call("iReadCardBas", given).code == -14


@pytest.mark.parametrize("name", ["", "ireadcardbas", "iReadCardBas_HSM_Step3", "__init__", "读卡"])
def test_another_function_is_not_known(bench: Bench, name: str) -> None:
    result = bench.driver.call(name, {"iType": 3})

    assert (result.code, result.out) == (-13, "（动态库）不支持该命令")


def test_the_terminal_speaks_english_where_it_is_asked_to(bench: Bench) -> None:
    bench.language = "en"
    bench.trouble = LinkReason.NO_CARD

    assert bench.renewed().call("iReadCardBas", iType=3).out == "no card"
