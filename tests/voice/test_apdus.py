"""A conversation in words: literal vectors in both languages, nothing secret told, no bytes that make it fail."""

import tomllib
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.apdus import Line, Telling
from sscard_terminal.voice.apdus.commands import (
    APPLICATION_INFORMATION,
    AUTHENTICATION,
    BY_HEADER,
    BY_INSTRUCTION,
    LOG_RECORD,
    PUBLIC_INFORMATION,
    SETTLEMENT_RECORD,
)
from sscard_terminal.voice.apdus.files import TAGS
from sscard_terminal.voice.apdus.parts import masked
from sscard_terminal.voice.apdus.telling import words
from tests.cards import PIN, SSSE_NAME, new_card, new_psam
from tests.terminal.doubles import AMOUNTS, Desk

FIXTURES = Path(__file__).parents[2] / "fixtures"
VECTORS = tomllib.loads((FIXTURES / "vectors/apdu_words.toml").read_text("utf-8"))["line"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
ZH, EN = words("zh"), words("en")


def tell(telling: Telling, line: dict[str, Any]) -> Line:
    raw = bytes.fromhex(line["raw"])
    match line["is"]:
        case "A":
            return telling.powered(raw)
        case ">":
            return telling.command(raw)
    return telling.answer(raw or None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_is_told_as_the_vectors_have_it(language: Language) -> None:
    telling = Telling(language)

    told = [tell(telling, line) for line in VECTORS]

    assert told == [Line(line["told"], line[language]) for line in VECTORS]


def test_what_is_revealed_is_whole() -> None:
    telling = Telling("en", reveals=True)

    told = [tell(telling, line) for line in VECTORS]

    assert [line.octets.replace("**", "63") for line in told] == [line["raw"] for line in VECTORS]
    assert "PIN 123456" in {part for line in told for part in line.says.split(": ")}
    assert any("name 张三" in line.says for line in told)


# Secrets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cla", range(256))
def test_a_pin_is_told_in_no_class_and_in_no_wrong_length(cla: int) -> None:
    telling = Telling("en")
    for ins, lc in product((0x20, 0x24, 0x2C, 0x5E), (3, 2, 4, 9)):
        raw = bytes((cla, ins, 0, 0, lc)) + bytes.fromhex("123456")

        line = telling.command(raw)

        assert "1234" not in line.octets[8:] + line.says, (cla, ins, lc)


SECRETS = [
    ("0020000003{}", "123456"),
    ("00200000080000{}", "123456"),
    ("805E010007{}FF654321", "123456"),
    ("805E010007654321FF{}", "123456"),
    ("842400010C{}", "A1A2A3A4A5A6A7A8A9AAABAC"),
    ("80FA000008{}80000000", "03123456"),
    ("84D4001108{}", "A1A2A3A4A5A6A7A8"),
    ("BFDE481010866037090000000{}", "10102030405060708"),
    ("008200061001020304050607080{}", "A1A2A3A4A5A6A7A8"[:15]),
]


@pytest.mark.parametrize(("form", "secret"), SECRETS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_keys_and_pins_are_made_of_is_not_told(form: str, secret: str, language: Language) -> None:
    line = Telling(language).command(bytes.fromhex(form.format(secret)))

    assert secret not in line.octets + line.says
    assert "**" in line.octets


@pytest.mark.parametrize(
    "before",
    [
        (),
        ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "9000", "00A4020002EF06", "9000"),
        ("00A4020002EF06", "9000"),
    ],
)
@pytest.mark.parametrize("record", ["0812333730393030313939303031303130303130", "0906D5C5C8FDCBC4"])
@pytest.mark.parametrize("cut", [0, 1, 4])
def test_a_person_is_told_by_a_masked_name_and_number_only(
    before: tuple[str, ...], record: str, cut: int
) -> None:
    telling = Telling("en")
    for command, answer in zip(before[::2], before[1::2], strict=True):
        telling.command(bytes.fromhex(command))
        telling.answer(bytes.fromhex(answer))
    telling.command(bytes.fromhex("00B2080000"))

    line = telling.answer(bytes.fromhex(record)[: len(record) // 2 - cut] + b"\x90\x00")

    assert "3337303930" not in line.octets
    assert "D5C5" not in line.octets
    assert "199001010010" not in line.says
    assert "三" not in line.says


def test_a_whole_sale_is_told_without_a_pin(tmp_path: Path) -> None:
    lines: list[str] = []
    chips = {"card": new_card(balance=100_00), "psam": new_psam()}
    for chip in chips.values():
        telling, respond = Telling("en"), chip.respond

        def heard(raw: bytes, telling: Telling = telling, respond: Any = respond) -> bytes:
            lines.extend(telling.command(raw))
            answer: bytes = respond(raw)
            lines.extend(telling.answer(answer))
            return answer

        chip.respond = heard  # type: ignore[method-assign]
    desk = Desk.at(tmp_path, chips["card"], chips["psam"])

    desk.sell(desk.identified(), AMOUNTS)

    text = "\n".join(lines)
    assert PIN not in text
    assert "unknown" not in text and "do not fit" not in text
    assert "INITIALIZE FOR PURCHASE: key index 1, account 12.34 yuan" in text
    assert "name 张*" in text


# Catalogues and tables ----------------------------------------------------------------------------------


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys_and_facts() -> None:
    assert {key: facts_of(text) for key, text in ZH.items()} == {
        key: facts_of(text) for key, text in EN.items()
    }


def test_every_command_part_and_tag_has_its_word() -> None:
    commands = [*BY_HEADER.values(), *BY_INSTRUCTION.values()]
    layouts = [LOG_RECORD, SETTLEMENT_RECORD, PUBLIC_INFORMATION, APPLICATION_INFORMATION, AUTHENTICATION]
    parts = [part for known in commands for part in (*known.sends, *known.answers)]
    parts += [part for layout in layouts for part in layout]
    parts += [part for tags in TAGS.values() for part in tags.values()]

    wanted = {known.key for known in commands} | {part.key for part in parts}

    assert wanted <= EN.keys()


def test_masks_stand_for_bytes_one_by_one() -> None:
    assert masked(bytes.fromhex("0102030405"), [(0, 1), (3, 5)]) == "**0203****"


# Any bytes ----------------------------------------------------------------------------------------------

HEADERS = st.sampled_from(
    [
        *BY_HEADER,
        *(header + b"\x00\x00" for header in BY_INSTRUCTION),
        *map(bytes.fromhex, ("00A40000", "00A40400", "00A40200", "00A40800", "00C00000", "00200000")),
        *map(bytes.fromhex, ("00B20105", "00B201FC", "00B08700", "00B09500", "00D60000", "04DC0104")),
        *map(bytes.fromhex, ("00820085", "BFDE4810", "00B2012C", "00B2012D", "00B201F4")),
    ]
)
BODIES = st.binary(max_size=40)
COMMANDS = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda header, body: header + body, HEADERS, BODIES),
    st.builds(lambda header, body: header + bytes((len(body),)) + body, HEADERS, BODIES),
    st.builds(lambda body: bytes.fromhex("00A40400") + bytes((len(body),)) + body, st.just(SSSE_NAME)),
)
ANSWERS = st.one_of(
    st.none(),
    BODIES,
    st.builds(lambda body, sw: body + sw, BODIES, st.sampled_from([b"\x90\x00", b"\x61\x10"])),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(COMMANDS, ANSWERS), max_size=12),
    st.sampled_from(LANGUAGES),
    st.booleans(),
)
def test_any_bytes_are_told_in_one_line_each_as_long_as_they_are(
    exchanges: list[tuple[bytes, bytes | None]], language: Language, reveals: bool
) -> None:
    telling = Telling(language, reveals=reveals)
    for command, answer in exchanges:
        asked, answered = telling.command(command), telling.answer(answer)

        assert len(asked.octets) == 2 * len(command)
        assert len(answered.octets) == 2 * len(answer or b"")
        assert asked.says and answered.says
        assert asked.says.isprintable() and answered.says.isprintable()
