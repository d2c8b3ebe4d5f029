"""Scripts and transcripts written in our language, and read back as the same."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.lab.script.parse import parse
from sscard_terminal.lab.script.syntax import NOWHERE, Position, Script, ScriptError
from sscard_terminal.lab.script.transcripts import looks_like_one, script_of
from sscard_terminal.lab.script.write import written
from tests.lab.script.test_parse import PLAIN, SPECIFICATION

CONVERSATIONS = sorted((Path(__file__).parents[3] / "fixtures/conversations").glob("*.apdu"))
EVERYTHING = """\
use image "a b.img" as card
use reader "ACS 0" as other
use transcript "x.apdu" as third
section "only" requirement "card.md 3; card.md 4" only gen3
power off
other: power on
reset warm -> [3B {t:*}]
on other {
    repeat 3 as n {
        tear after-write $n {
            00 84 00 00 08 -> link
        }
    }
}
set A = 00 $B.c
let k = card_key("DTK", $card.atr, "SM4")
ask pin P
include "more.sscard"
echo "done"
wait 1500 ms
mute for 1.5 s
swap li-si
exit
"""


def without_places(value: Any) -> Any:
    """A statement without where it stood."""
    if isinstance(value, Position):
        return NOWHERE
    if isinstance(value, tuple):
        return tuple(map(without_places, value))
    if is_dataclass(value):
        told = tuple(without_places(getattr(value, field.name)) for field in fields(value))
        return (type(value).__name__, *told)
    return value


def same(one: Script, other: Script) -> bool:
    return bool(without_places(one.statements) == without_places(other.statements))


@pytest.mark.parametrize(
    "text", [SPECIFICATION, PLAIN, EVERYTHING], ids=["specification", "plain", "everything"]
)
def test_what_is_written_is_read_as_the_same_script(text: str) -> None:
    script = parse(text)

    assert same(parse(written(script)), script)


@pytest.mark.parametrize("file", CONVERSATIONS, ids=lambda file: file.stem)
def test_a_transcript_is_a_script_that_expects_every_byte(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    script = script_of(text, file.name)

    assert looks_like_one(text)
    lines = written(script).splitlines()
    assert sum(" -> " in line for line in lines) == text.count("\n<") + 1  # and the ATR
    parse(written(script))


def test_masked_bytes_of_a_transcript_become_the_cards_pin() -> None:
    script = script_of("> 0020000003******\n< 63C2\n")

    assert written(script) == "#! sscard 1\n00 20 00 00 03 $card.pin               -> [] 63C2\n"


def test_a_link_that_broke_in_a_transcript_is_expected_to_break() -> None:
    script = script_of("> B026000104\n# link: card-removed\n")

    assert written(script).endswith("-> link card-removed\n")


def test_a_wrong_line_of_a_transcript_is_named_and_shown() -> None:
    with pytest.raises(ScriptError) as caught:
        script_of("> 00A4\n", "f.apdu")

    assert str(caught.value).startswith("f.apdu:1:1: this is no line of a transcript")
    assert caught.value.shown == "> 00A4"
