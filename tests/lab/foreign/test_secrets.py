"""No error about a script quotes the data of a PIN command, wherever the script is damaged."""

import random

import pytest

from sscard_terminal.lab.foreign.formats import FORMATS, read_foreign
from sscard_terminal.lab.script.syntax import ScriptError

PIN = "A7B9C5D3"
SPACED = "A7 B9 C5 D3"
LINES = {
    "scriptor": (f"00 20 00 01 04 {SPACED}", f"00200001 04{PIN}", f"00 20 00 01 04 \\\n{SPACED}"),
    "scriptor-strict": (f"00 20 00 01 04 {SPACED}", f"0020000104{PIN}", f"805E000004 \\\n{SPACED}"),
    "scriptor-transcript": (f"> 00 20 00 01 04 {SPACED}\n< 63 C2 : Bad.",),
    "apdutool": (
        "0x00 0x20 0x00 0x01 0x04 0xA7 0xB9 0xC5 0xD3 0x00;",
        "0x00 0x20 0x00 0x01\n 0x04 0xA7 0xB9\n 0xC5 0xD3 0x00;",
    ),
    "jcardsim": ("0x00 0x20 0x00 0x01 0x04 0xA7 0xB9 0xC5 0xD3 0x00;",),
    "jcshell": (f"/send 0020000104{PIN}", f"/set-var pin {PIN}\n/send 0020000104${{pin}}", f"set-key {PIN}"),
    "jcshell-transcript": (f" => 00 20 00 01 04 {SPACED}   ....\n <= 90 00",),
    "opensc-explorer": (f"verify CHV1 {PIN}", f"change CHV1 {PIN} {PIN}", f"unblock CHV1 {PIN} {PIN}"),
    "opensc-tool": (f"opensc-tool -s 00:20:00:01:04:{SPACED.replace(' ', ':')}",),
    "etsi": (f"CMD 00 20 00 01 04 {SPACED} [] (90 00)", f"CMD 00 20 00 01 04 \\\n {SPACED} (90 00)"),
    "pysim": (f"apdu 0020000104{PIN} --expect-sw 9000", f"verify_chv --pin-code {PIN}"),
    "apdu4j": (f"0020000104{PIN}\n9000",),
    "seader": (f"0020000104{PIN}\n9000",),
}
TURNS = 150


def damaged(text: str, dice: random.Random) -> str:
    """One character behind the header is another one, or is gone: a wrong digit of the PIN is the everyday mistake."""
    at = dice.randrange(len(text) * 2 // 3, len(text))
    return text[:at] + dice.choice('G?z"(§;') + text[at + dice.randrange(2) :]


@pytest.mark.parametrize("format", FORMATS)
def test_no_error_quotes_a_pin(format: str) -> None:
    dice, errors = random.Random(4), 0
    for turn in range(TURNS):
        lines = LINES[format]
        text = damaged(lines[turn % len(lines)], dice)
        try:
            found = read_foreign(text, "f", format)
        except ScriptError as error:
            errors += 1
            told = "".join(
                (*error.pointed(), error.sentence("en"), error.sentence("zh"), str(error), repr(error))
            )
        else:
            told = repr(found.lines) if found else ""
        for half in ("A7B9", "A7 B9", "C5D3", "C5 D3", "0xA7", "0xC5", "A7:B9", "C5:D3"):
            assert half not in told, (text, told)
    assert errors > TURNS // 10
