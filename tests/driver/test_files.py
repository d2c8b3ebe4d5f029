"""iReadCard and iWriteCard over the files the descriptions know, with PIN, PSAM and HSM."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sscard_applets.catalogue import load_profile
from sscard_terminal.cardspec.profile import RecordSpec
from sscard_terminal.driver.keys import KEYS
from sscard_terminal.driver.place import PinWish
from sscard_terminal.terminal.outcomes import Reason
from tests.cards import profile_with
from tests.driver.doubles import GENERATIONS, HSM, Bench
from tests.terminal.doubles import Faulty, Refusing, answers

READ_RECORD, UPDATE_RECORD = bytes.fromhex("00B2"), bytes.fromhex("00DC")
HOLDER = "SSSEEF06|08|09|4E|0A|0B|0C|0D|$"
HOLDERS_VALUES = "SSSEEF06|370900199001010010|张三||1|01|370900|19900101|$"


def read(bench: Bench, address: str, auth: int = 2) -> str:
    return bench.done("iReadCard", iType=3, iAuthType=auth, pCardInfo=bench.info(), pFileAddr=address)


def code_of_read(bench: Bench, address: str, auth: int = 2) -> int:
    info = bench.info()
    return bench.call("iReadCard", iType=3, iAuthType=auth, pCardInfo=info, pFileAddr=address).code


def write(bench: Bench, address: str, data: str) -> int:
    info = bench.info()
    return bench.call("iWriteCard", iType=3, pCardInfo=info, pFileAddr=address, pWriteData=data).code


# Reading ----------------------------------------------------------------------------------------------


def test_the_holder_is_read_in_the_shape_of_the_address(bench: Bench) -> None:
    assert read(bench, HOLDER) == HOLDERS_VALUES


def test_a_1_0_card_has_no_name_extension_and_the_rest_in_its_own_records(any_bench: Bench) -> None:
    address = "3F00EF06|0D|08|09|0A|$"

    assert read(any_bench, address) == "3F00EF06|19900101|370900199001010010|张三|1|$"


def test_several_files_are_read_one_after_the_other(bench: Bench) -> None:
    out = read(bench, "SSSEEF05|07|03|$DF04EF05|8F|$SSSEEF05|05|$")

    assert out == "SSSEEF05|D2143569X|2.00|$DF04EF05|2|$SSSEEF05|20120101|$"


def test_free_files_need_neither_psam_nor_pin(bench: Bench) -> None:
    bench.psam_chip = None

    assert read(bench, HOLDER) == HOLDERS_VALUES
    assert bench.holder.wishes == []


def test_a_3_0_card_shows_its_holder_only_to_rksssse(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path, "gen3")
    sent: list[bytes] = []
    bench.link = lambda inner: Faulty(inner, sent=sent)

    assert read(bench, HOLDER) == HOLDERS_VALUES
    assert bytes.fromhex("0082000A") in sent
    bench.psam_chip = None
    assert code_of_read(bench, HOLDER) == -2201


@pytest.mark.parametrize(("auth", "asked"), [(1, [PinWish.CURRENT]), (2, [])])
def test_iauthtype_chooses_between_pin_and_key(bench: Bench, auth: int, asked: list[PinWish]) -> None:
    assert read(bench, "DF04EF05|8F|84|$", auth) == "DF04EF05|2|370900|$"
    assert bench.holder.wishes == asked


@pytest.mark.parametrize("auth", [0, 3, -1])
def test_another_iauthtype_is_refused_only_where_it_matters(bench: Bench, auth: int) -> None:
    assert code_of_read(bench, "DF04EF05|8F|$", auth) == -14
    assert code_of_read(bench, HOLDER, auth) == 0


def test_a_file_for_pin_and_key_wants_both(bench: Bench) -> None:
    assert read(bench, "DF04EF06|90|92|93|$") == "DF04EF06||||$"
    assert bench.holder.wishes == [PinWish.CURRENT]

    bench.psam_chip = None
    assert code_of_read(bench, "DF04EF06|90|$") == -2201


def test_a_wrong_pin_reads_nothing_and_tells_the_tries_left(bench: Bench) -> None:
    bench.holder.pins = ["654321"]
    info = bench.info()

    result = bench.call("iReadCard", iType=3, iAuthType=1, pCardInfo=info, pFileAddr="DF04EF08|$")

    assert (result.code, result.out) == (-51, "PIN 校验失败，剩余次数 2 次")


def test_the_log_is_read_whole_or_by_number_with_fields_ended_by_carets(bench: Bench) -> None:
    for total in ("1.00", "2.00"):
        bench.done("iDoDebit", iType=3, pCardInfo=bench.info(), pPayInfo=f"{total}|0.50|20260105101500|")

    first = "0000^2^370900000001^20260105101500^00000000^00000064^00000032^"
    second = first.replace("0000^2", "0001^2").replace("00000064", "000000C8")
    assert read(bench, "DF04EF08|$") == f"DF04EF08|{second}|{first}|$"
    assert read(bench, "DF04EF08|2|$") == f"DF04EF08|{first}|$"
    assert code_of_read(bench, "DF04EF08|3|$") == -27267


def test_a_cyclic_file_without_records_has_no_values(bench: Bench) -> None:
    assert read(bench, "DF04EF15|$") == "DF04EF15|$"


def test_a_transparent_file_is_read_whole(bench: Bench) -> None:
    name, photo, end = read(bench, "SSSEEF08|$").split("|")

    assert (name, len(photo), end) == ("SSSEEF08", 2 * 4096, "$")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("SSSEEF99|01|$", -27266),
        ("DF55EF05|01|$", -27266),
        ("SSSEEF05|EE|$", -27267),
        ("SSSEEF05|07:2|$", -27267),
        ("", -14),
        ("$", -14),
        ("SSSEEF05", -14),
        ("SSSEEF05|$", -14),
        ("SSSEEF05|07|", -14),
        ("SSSEEF05|07$", -14),
        ("SSSEEF05|7|$", -14),
        ("SSSEEF05|07:0|$", -14),
        ("SSSEEF0|07|$", -14),
        ("ssseef05|07|$", -14),
        ("DF04EF08|0|$", -14),
        ("DF04EF08|255|$", -14),
        ("DF04EF08|1|2|$", -14),
        ("SSSEEF08|1|$", -14),
        ("SSSEEF05|07|$" * 80, -42),
        ("社会EF05|07|$", -14),
    ],
)
def test_an_address_that_means_nothing_here_is_refused(bench: Bench, address: str, code: int) -> None:
    assert code_of_read(bench, address) == code


def test_another_card_than_pcardinfo_says_is_refused_before_anything_is_read(bench: Bench) -> None:
    info = bench.info().replace("D2143569X", "B00000131")

    result = bench.call("iReadCard", iType=3, iAuthType=1, pCardInfo=info, pFileAddr="DF04EF08|$")

    assert (result.code, result.out) == (-22, "传入数据与卡内不符")
    assert bench.holder.wishes == []


def test_every_item_of_every_file_of_every_card_can_be_read(any_bench: Bench) -> None:
    """By the PIN, where it opens the file; the others by the HSM's keys (below)."""
    profile = load_profile(any_bench.profile)
    info = any_bench.info()
    readable = [
        file
        for file in profile.files
        if file.name.startswith("EF") and all(not way or way == {"pin"} for way in file.read.alternatives[:1])
    ]

    for file in readable:
        items = "".join(f"{item}|" for item in tags_of(file.records)) if file.records else ""
        address = f"{file.df}{file.name}|{items}$"
        result = any_bench.call("iReadCard", iType=3, iAuthType=1, pCardInfo=info, pFileAddr=address)
        assert result.code == 0, (address, result)
        assert result.out.count("|") == address.count("|") + (file.structure == "transparent")


def tags_of(records: Iterable[RecordSpec]) -> Iterator[str]:
    """40, 40:2 where an identifier stands twice."""
    seen: dict[int, int] = {}
    for record in records:
        seen[record.tag] = seen.get(record.tag, 0) + 1
        yield f"{record.tag:02X}" + (f":{seen[record.tag]}" if seen[record.tag] > 1 else "")


@pytest.mark.parametrize("profile", GENERATIONS)
def test_every_key_an_access_rule_names_is_known_to_psam_and_hsm(profile: str) -> None:
    named = {
        key for file in profile_with(profile).files for rule in (file.read, file.update) for key in rule.keys
    }

    assert named <= KEYS.keys()


# What a card may hold ---------------------------------------------------------------------------------


def test_a_name_with_our_separators_in_it_does_not_make_fields(bench: Bench) -> None:
    raw = "张|三$^".encode("gb18030").ljust(30, b"\0")
    record = (bytes((0x09, 30)) + raw + bytes.fromhex("9000")).hex()
    bench.link = lambda inner: Faulty(inner, bytes.fromhex("00B20930"), answers(record))

    assert read(bench, "SSSEEF06|09|$") == "SSSEEF06|张｜三＄＾|$"


@pytest.mark.parametrize("answer", ["0A0131 9000", "0902D5C5", "9000", "09FF41 9000"])
def test_a_record_that_is_another_or_cut_fails_its_check(bench: Bench, answer: str) -> None:
    info = bench.info()
    bench.link = lambda inner: Faulty(inner, bytes.fromhex("00B20930"), answers(answer))

    result = bench.call("iReadCard", iType=3, iAuthType=1, pCardInfo=info, pFileAddr="SSSEEF06|09|$")

    assert result.code in (-15, -(0xD5C5))


@pytest.mark.parametrize("sw", ["6982", "6A82", "6A83", "6981", "6700", "6A81", "6985", "9303", "6F00"])
def test_the_cards_own_word_comes_back_as_minus_its_number(bench: Bench, sw: str) -> None:
    info = bench.info()
    bench.link = lambda inner: Refusing(inner, bytes.fromhex("00B20930"), sw)

    result = bench.call("iReadCard", iType=3, iAuthType=1, pCardInfo=info, pFileAddr="SSSEEF06|09|$")

    assert result.code == -int(sw, 16)
    assert result.out


# Writing ----------------------------------------------------------------------------------------------


def test_what_was_written_is_read_again(bench: Bench) -> None:
    assert write(bench, "SSSEEF06|09|0A|0D|$", "SSSEEF06|欧阳小娜|2|19850630|$") == 0
    assert write(bench, "DF04EF05|84|83|8F|$", "DF04EF05|370902|H00000001|1|$") == 0

    assert read(bench, "SSSEEF06|09|0A|0D|08|$") == "SSSEEF06|欧阳小娜|2|19850630|370900199001010010|$"
    assert read(bench, "DF04EF05|84|83|8F|$") == "DF04EF05|370902|H00000001|1|$"


def test_an_empty_value_empties_the_item(bench: Bench) -> None:
    assert write(bench, "DF04EF05|84|83|$", "DF04EF05|||$") == 0

    assert read(bench, "DF04EF05|84|83|$") == "DF04EF05|||$"


def test_a_cyclic_file_gets_a_new_record_in_front(bench: Bench) -> None:
    for kind in ("1", "2"):
        assert write(bench, "DF04EF15|$", f"DF04EF15|0007^{kind}^|$") == 0

    assert read(bench, "DF04EF15|$") == "DF04EF15|0007^2^|0007^1^|$"


def test_a_transparent_file_is_written_whole(bench: Bench) -> None:
    content = "A5" * 4096

    assert write(bench, "SSSEEF08|$", f"SSSEEF08|{content}|$") == 0
    assert read(bench, "SSSEEF08|$") == f"SSSEEF08|{content}|$"


@pytest.mark.parametrize(
    ("address", "data", "code"),
    [
        ("DF04EF08|$", "DF04EF08|00^|$", -27010),
        ("SSSEEF06|09|$", "SSSEEF05|x|$", -14),
        ("SSSEEF06|09|$", "SSSEEF06|x|y|$", -14),
        ("SSSEEF06|09|$", "SSSEEF06|x|$SSSEEF06|y|$", -14),
        ("SSSEEF06|09|$", "", -14),
        ("SSSEEF06|09|$", f"SSSEEF06|{'张' * 16}|$", -42),
        ("SSSEEF06|09|$", "SSSEEF06|\x07|$", -41),
        ("SSSEEF06|09|$", "SSSEEF06|\ud800|$", -41),
        ("SSSEEF06|0D|$", "SSSEEF06|1985063|$", 0),
        ("SSSEEF06|0D|$", "SSSEEF06|198506301|$", -42),
        ("SSSEEF06|0D|$", "SSSEEF06|1985o630|$", -41),
        ("SSSEEF06|0D|$", "SSSEEF06|１９８５|$", -41),
        ("DF04EF15|$", "DF04EF15|0007^1|$", -14),
        ("DF04EF15|$", "DF04EF15|0007^1^2^|$", -14),
        ("DF04EF15|$", "DF04EF15|07^1^|$", -42),
        ("DF04EF15|1|$", "DF04EF15|0007^1^|$", -14),
        ("SSSEEF08|$", "SSSEEF08|A5|$", -42),
        ("SSSEEF08|$", f"SSSEEF08|{'A5' * 20480}|$", -42),
        ("SSSEEF99|01|$", "SSSEEF99|x|$", -27266),
    ],
)
def test_what_does_not_fit_is_not_written(bench: Bench, address: str, data: str, code: int) -> None:
    sent: list[bytes] = []
    bench.link = lambda inner: Faulty(inner, sent=sent)

    assert write(bench, address, data) == code
    assert (UPDATE_RECORD in {header[:2] for header in sent}) is (code == 0)


def test_a_psam_without_the_files_key_sends_the_program_on_to_the_hsm(bench: Bench) -> None:
    assert write(bench, "DF01EF0A|37|$", "DF01EF0A|CHN|$") == -27272


def test_without_a_psam_nothing_is_written(bench: Bench) -> None:
    bench.psam_chip = None

    assert write(bench, "SSSEEF06|09|$", "SSSEEF06|x|$") == -2201


# With an HSM ------------------------------------------------------------------------------------------


def key_for(bench: Bench, asked: str) -> str:
    """pKey: what the HSM of the bureau answers to step 1."""
    _, address, factor, original, _ = asked.split("|")
    name = next(name for name, key in KEYS.items() if key.address == address)
    raw = HSM.external_authentication_data(
        bench.known_card, bytes.fromhex(factor), bytes.fromhex(original), name
    )
    return raw.hex().upper() + original


def test_an_hsm_opens_every_file_a_key_opens(any_bench: Bench) -> None:
    any_bench.psam_chip = None
    info = any_bench.learn()
    profile = load_profile(any_bench.profile)
    locked = [file for file in profile.files if file.read.keys]
    assert locked

    for file in locked:
        items = "".join(f"{item}|" for item in tags_of(file.records)) if file.records else ""
        address = f"{file.df}{file.name}|{items}$"
        asked = any_bench.done("iReadCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr=address)
        out = any_bench.done("iReadCard_HSM_Step2", pKey=key_for(any_bench, asked))
        assert out.startswith(f"{file.df}{file.name}|")


@pytest.mark.parametrize("address", ["SSSEEF05|07|$", "DF04EF08|$"])
def test_where_no_key_is_asked_for_no_hsm_is_needed(bench: Bench, address: str) -> None:
    info = bench.info()

    result = bench.call("iReadCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr=address)

    assert (result.code, result.out) == (-2204, "不需要加密机认证")
    assert bench.open_now == 0


def test_of_several_files_the_steps_take_the_first(bench: Bench) -> None:
    info = bench.learn()
    address = "DF04EF05|8F|$SSSEEF06|08|$"

    asked = bench.done("iReadCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr=address)

    assert asked.split("|")[:2] == ["01", "0182"]
    assert bench.done("iReadCard_HSM_Step2", pKey=key_for(bench, asked)) == "DF04EF05|2|$"


def test_an_hsm_lets_every_file_be_written_that_has_a_key_for_it(any_bench: Bench) -> None:
    any_bench.psam_chip = None
    info = any_bench.learn()
    files = [
        file
        for file in load_profile(any_bench.profile).files
        if file.update.keys and file.structure == "linear" and file.records[0].type == "an"
    ]
    assert files

    for file in files:
        address = f"{file.df}{file.name}|{file.records[0].tag:02X}|$"
        asked = any_bench.done("iWriteCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr=address)
        out = any_bench.done(
            "iWriteCard_HSM_Step2",
            pKey=key_for(any_bench, asked),
            pWriteData=f"{file.df}{file.name}|1|$",
        )
        assert out == ""


def test_a_file_nobody_may_write_is_refused_at_the_first_step(bench: Bench) -> None:
    info = bench.info()

    result = bench.call("iWriteCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr="DF04EF08|$")

    assert result.code == -27010
    assert bench.open_now == 0


def test_wrong_data_in_the_second_step_write_nothing_and_cost_no_authentication(bench: Bench) -> None:
    info = bench.learn()
    asked = bench.done("iWriteCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr="SSSEEF06|09|$")

    key = key_for(bench, asked)
    assert bench.call("iWriteCard_HSM_Step2", pKey=key, pWriteData="SSSEEF05|x|$").code == -14
    assert bench.call("iWriteCard_HSM_Step2", pKey=key, pWriteData="SSSEEF06|x|$").code == -26881


@pytest.mark.parametrize(("key", "code"), [("00" * 16, -22), ("00" * 15, -42), ("x" * 32, -41), ("", -42)])
def test_authentication_data_of_another_form_or_question_are_refused(
    bench: Bench, key: str, code: int
) -> None:
    info = bench.info()
    bench.done("iReadCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr="DF04EF05|8F|$")

    assert bench.call("iReadCard_HSM_Step2", pKey=key).code == code


def test_a_cancelled_pin_ends_the_first_step(bench: Bench) -> None:
    info = bench.info()
    bench.holder.pins = [Reason.CANCELLED]

    result = bench.call("iReadCard_HSM_Step1", iType=3, pCardInfo=info, pFileAddr="DF04EF06|90|$")

    assert (result.code, bench.open_now) == (-31, 0)
