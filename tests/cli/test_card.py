"""Making and showing images: whole or not at all, never over a file, and every mistake named."""

import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sscard_terminal.card.image import FORMAT_VERSION, MAGIC
from sscard_terminal.card.memory import FileStore
from sscard_terminal.cli.sentences import report_of
from sscard_terminal.iso7816.status import Language
from tests.cli.conftest import KEYS, PERSON, Counter, Sscard

NEW = ("card", "new", "new.card", "--person", PERSON, "--keys", KEYS)
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_new_card_holds_the_person_and_the_balance(sscard: Sscard) -> None:
    made = sscard(*NEW, "--balance", "100.00", "--json")
    shown = sscard("card", "show", "new.card", "--json")

    assert made.code == 0
    assert made.json == {
        "image": "new.card",
        "profile": "gen2-32k",
        "card_number": "D2143569X",
        "balance_fen": 10_000,
    }
    assert shown.json["balance_fen"] == 10_000
    assert shown.json["name"] == "张*"
    assert shown.json["social_security_number"] == "3709**********0010"
    assert shown.json["tries_left"] == 3


def test_a_new_psam_bears_its_terminal_number(sscard: Sscard) -> None:
    made = sscard("psam", "new", "t.psam", "--keys", KEYS, "--terminal", "370900000042", "--json")

    assert made.code == 0
    assert sscard("card", "show", "t.psam", "--json").json["terminal"] == "370900000042"


def test_an_image_is_for_its_owner_only_for_it_holds_keys(sscard: Sscard, tmp_path: Path) -> None:
    sscard(*NEW)

    assert (tmp_path / "new.card").stat().st_mode & 0o777 == 0o600


@LANGUAGES
def test_a_file_that_is_there_is_never_written_over(language: str, sscard: Sscard, tmp_path: Path) -> None:
    (tmp_path / "new.card").write_bytes(b"precious")

    for command in (NEW, ("psam", "new", "new.card", "--keys", KEYS)):
        done = sscard(*command, "--lang", language)
        assert done.code == 2
        assert "new.card" in done.sentence
    assert (tmp_path / "new.card").read_bytes() == b"precious"
    assert files_in(tmp_path) == {"new.card"}


FIELDS = [
    ('sex = "1"', 'sex = "7"', "sex", 'must be one of 1, 2, 9'),
    ('birth_date = 1990-01-01', 'birth_date = "1990"', "birth_date", "must be a date such as 2012-01-01"),
    ('nation = "01"', 'nation = "1"', "nation", "must be 2 digits"),
    ('0010"', '0011"', "social_security_number", "has a wrong check digit (GB 11643)"),
    ('0010"', '00X0"', "social_security_number", "must be 17 digits and a digit or X"),
    ('"D2143569X"', '"D21435691"', "card_number", "has a wrong check character"),
    ('"D2143569X"', '"D21"', "card_number", "must be eight characters 0-9, A-Z and a check character"),
    ('region = "370900"', 'region = "3709"', "region", "must be 6 digits"),
    ('name = "张三"', 'name = 3', "name", "must be a text"),
    ('name = "张三"', 'surname = "张三"', "surname", "is not known here"),
    ('8C = "11"', '8C = "111"', "8C", None),
    ('84 = "370900"', '84 = "泰安"', "84", "a cn field has digits only"),
    ('8C = "11"', '9C = "11"', "9C", None),
    ('serial = "00000002"', 'serial = "2"', "serial", "must be 8 hex digits"),
    ("expires = 2032-01-01", "expires = 2002-01-01", "expires", "must lie after issued"),
]  # fmt: skip


def spoiled(right: str, wrong: str) -> str:
    """The person file with one field wrong: in the table of the 32K card where it stands there, else the first."""
    before, table, after = PERSON.read_text("utf-8").partition("[card.gen2-32k]")
    if right in after:
        return before + table + after.replace(right, wrong, 1)
    return before.replace(right, wrong, 1) + table + after


@LANGUAGES
@pytest.mark.parametrize(("right", "wrong", "field", "english"), FIELDS, ids=lambda value: str(value)[:20])
def test_a_wrong_field_of_a_person_is_named_with_file_and_line(
    right: str, wrong: str, field: str, english: str | None, language: str, sscard: Sscard, tmp_path: Path
) -> None:
    text = spoiled(right, wrong)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if wrong in line)
    person = tmp_path / "person.toml"
    person.write_text(text, "utf-8")

    done = sscard("card", "new", "new.card", "--person", person, "--keys", KEYS, "--lang", language)

    assert done.code == 2
    assert str(person) in done.sentence
    assert field in done.sentence
    if language == "zh":
        assert f"第 {line} 行" in done.sentence
        assert "未写入任何内容" in done.sentence
        assert "内容有误" not in done.sentence
        assert "must" not in done.sentence
    else:
        assert f"line {line}" in done.sentence
        assert "nothing was written" in done.sentence
        assert english is None or english in done.sentence
    assert files_in(tmp_path) == {"person.toml"}


@LANGUAGES
@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("[person]\nname = \n", "不是 TOML：第 2 行", "no TOML"),
        ("name = 1", "此处没有这个字段", "is not known here"),
        ("[person]\n", "缺少此表", "this table is missing"),
        ("[person]\n[card]\n", "缺少此字段", "is missing"),
    ],
)
def test_a_person_file_without_its_parts_says_what_is_missing(
    text: str, zh: str, en: str, language: str, sscard: Sscard, tmp_path: Path
) -> None:
    person = tmp_path / "person.toml"
    person.write_text(text, "utf-8")

    done = sscard("card", "new", "new.card", "--person", person, "--keys", KEYS, "--lang", language)

    assert done.code == 2
    assert (zh if language == "zh" else en) in done.sentence
    assert files_in(tmp_path) == {"person.toml"}


@LANGUAGES
@pytest.mark.parametrize(
    ("right", "wrong", "zh", "en"),
    [
        ("1E1F", "1E", "密钥 IRK 须为 32 位十六进制数字", "key IRK: 32 hex digits are expected"),
        ("1E1F", "1EXY", "密钥 IRK 须为 32 位十六进制数字", "key IRK: 32 hex digits are expected"),
        ("derive_missing", "derived", "有未知的条目 derived", "unknown entry 'derived'"),
        ("derive_missing = ", "# ", "缺少密钥", "the key file has no key"),
        ("[roots]", "[roots", "不是 TOML", "no TOML"),
    ],
)
def test_a_wrong_key_file_is_named_with_the_key_and_never_its_digits(
    right: str, wrong: str, zh: str, en: str, language: str, sscard: Sscard, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS.read_text("utf-8").replace(right, wrong, 1), "utf-8")

    for command in (("card", "new", "new.card", "--person", PERSON), ("psam", "new", "new.psam")):
        done = sscard(*command, "--keys", keys, "--lang", language)
        if done.code == 0:  # a PSAM needs fewer keys
            (tmp_path / "new.psam").unlink()
            continue
        assert done.code == 2
        assert str(keys) in done.sentence
        assert (zh if language == "zh" else en) in done.sentence
        assert "1011121314" not in done.sentence
    assert files_in(tmp_path) == {"keys.toml"}


@LANGUAGES
@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (("--profile", "gen9"), "没有 gen9 这种卡", "no kind of card gen9"),
        (("--profile", "psam-national"), "不是带医保账户的卡", "no card with a medical account"),
        (("--balance", "1.001"), "1.001 不是金额", "1.001 is no amount"),
        (("--balance", "-1"), "-1 不是金额", "-1 is no amount"),
        (("--balance", "42949672.96"), "上限", "42949672.95"),
        (("--person", "nobody.toml"), "没有文件 nobody.toml", "no file nobody.toml"),
        (("--person", "."), "是目录", "is a folder"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_writes_nothing(
    arguments: tuple[str, ...], zh: str, en: str, language: str, sscard: Sscard, tmp_path: Path
) -> None:
    done = sscard(*NEW, *arguments, "--lang", language)

    assert done.code == 2
    assert (zh if language == "zh" else en) in done.sentence
    assert files_in(tmp_path) == set()


def test_a_file_that_is_no_text_is_named(sscard: Sscard, tmp_path: Path) -> None:
    (tmp_path / "person.toml").write_bytes(b"\xff\xfe\x00")

    done = sscard("card", "new", "new.card", "--person", "person.toml", "--keys", KEYS)

    assert (done.code, done.sentence.split(";")[0]) == (2, "person.toml is no UTF-8 text")


@pytest.mark.parametrize("number", ["3709", "37090000000x", "３７０９００００００００"])
def test_a_terminal_number_has_twelve_digits(number: str, sscard: Sscard) -> None:
    done = sscard("psam", "new", "t.psam", "--keys", KEYS, "--terminal", number)

    assert done.code == 2
    assert "12 digits" in done.sentence


def no_image(raw: bytes) -> bytes:
    return b"#!/bin/sh\necho no image\n" * 100


def newer(raw: bytes) -> bytes:
    at = len(MAGIC)
    return raw[:at] + (FORMAT_VERSION + 1).to_bytes(2, "big") + raw[at + 2 :]


def bit_flipped(raw: bytes) -> bytes:
    return raw[:-30] + bytes([raw[-30] ^ 1]) + raw[-29:]


def cut_short(raw: bytes) -> bytes:
    return raw[:-100]


DAMAGE = [
    (no_image, "不是卡映像", "is no card image"),
    (newer, "本程序不认识", "does not know"),
    (bit_flipped, "关闭之后内容被改动", "its bytes changed after it was closed"),
    (cut_short, "文件头写明", "its header says"),
    (lambda raw: b"", "不是卡映像", "is no card image"),
]


@LANGUAGES
@pytest.mark.parametrize(("harm", "zh", "en"), DAMAGE)
@pytest.mark.parametrize("command", [("card", "show"), ("card", "serve"), ("psam", "serve")])
def test_a_damaged_foreign_or_newer_image_is_named_and_left_as_it_is(
    harm: Callable[[bytes], bytes],
    zh: str,
    en: str,
    command: tuple[str, ...],
    language: str,
    sscard: Sscard,
    counter: Counter,
) -> None:
    harmed = harm(counter.card.read_bytes())
    counter.card.write_bytes(harmed)

    done = sscard(*command, counter.card, "--lang", language)

    assert done.code == 2
    assert str(counter.card) in done.sentence
    assert (zh if language == "zh" else en) in done.sentence
    assert counter.card.read_bytes() == harmed


@LANGUAGES
def test_a_damaged_image_in_a_sale_is_named_and_left_as_it_is(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    harmed = bit_flipped(counter.card.read_bytes())
    counter.card.write_bytes(harmed)

    done = sscard(
        "debit", "--account", "1", *counter.readers, *counter.book, "--pin-stdin", "--lang", language
    )

    assert (done.code, counter.card.read_bytes()) == (2, harmed)
    assert str(counter.card) in done.sentence


def test_a_psam_is_not_served_as_a_card(sscard: Sscard, counter: Counter) -> None:
    assert "the image of a PSAM, not of a card" in sscard("card", "serve", counter.psam).sentence
    assert "是卡的映像，不是PSAM的" in sscard("psam", "serve", counter.card, "--lang", "zh").sentence


@LANGUAGES
def test_an_image_in_use_is_left_alone(language: str, sscard: Sscard, counter: Counter) -> None:
    store = FileStore(counter.card)

    shown = sscard("card", "show", counter.card, "--lang", language)
    served = sscard("card", "serve", counter.card, "--lang", language)
    store.close()

    for done in (shown, served):
        assert done.code == 1
        assert str(counter.card) in done.sentence


def test_show_changes_not_one_byte(sscard: Sscard, counter: Counter) -> None:
    before = counter.card.read_bytes()

    assert sscard("card", "show", counter.card).code == 0
    assert counter.card.read_bytes() == before


def test_a_disk_without_room_leaves_nothing_half_written(sscard: Sscard, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        done = sscard(*NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)

    assert done.code == 1
    assert files_in(tmp_path) == set()


@LANGUAGES
@pytest.mark.parametrize(
    ("number", "code", "zh", "en"),
    [
        (errno.EACCES, 2, "无权使用", "may not be used"),
        (errno.EROFS, 2, "无权使用", "may not be used"),
        (errno.ENOSPC, 1, "没有空间", "no room left"),
        (errno.EIO, 1, "系统错误 5", "system error 5"),
    ],
)
def test_what_the_system_refuses_is_one_sentence_with_the_file(
    number: int, code: int, zh: str, en: str, language: Language
) -> None:
    report = report_of(OSError(number, os.strerror(number), "shut/new.card"), language)

    assert report.code == code
    assert "shut/new.card" in report.sentence
    assert (zh if language == "zh" else en) in report.sentence


@pytest.mark.parametrize("family", ["card", "psam"])
@pytest.mark.parametrize("baud", ["0", "299", "1000001", "fast", "９６００"])
def test_what_is_no_baud_rate_is_refused_before_anything_is_served(
    sscard: Sscard, family: str, baud: str
) -> None:
    done = sscard(family, "serve", "no.card", "--baud", baud)

    assert done.code == 2
    assert "no baud rate" in done.err
