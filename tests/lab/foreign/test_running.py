"""Scripts of other tools run against a virtual card of ours, which answers as they expect, or does not."""

from pathlib import Path

import pytest

from sscard_terminal.lab.run.events import ExitCode
from sscard_terminal.lab.run.guard import require_harmless
from sscard_terminal.lab.run.opening import Choice, opened_targets
from sscard_terminal.lab.run.runner import run
from tests.lab.foreign.telling import script

SELECT = "00 A4 04 00 06 D1 56 00 00 05 03"
PACKED = SELECT.replace(" ", "")
TEXTS = {
    "etsi": f"REM purse\nRST\nCMD 00 20 00 00 03 99 99 99 (63 CX)\nCMD {SELECT} (61 0A, 90 00)\nCMD 00 C0 00 00 0A [6F XX X4 06 D1 56 XX XX 05 0X] (9000)\n",
    "pysim": f"reset\napdu 0020000003999999 --expect-sw 63c2\napdu {PACKED} --expect-sw 9000 --expect-response-regex '^6f.*'\n",
    "apdu4j": f"# ATR: 3B6D000000815431328660370900000002\n0020000003999999\n63C2\n{PACKED}\n610A\n",
    "seader": f"0020000003999999\n63C2\n{PACKED}\n610A\n",
    "jcshell-transcript": f" => 00 20 00 00 03 99 99 99    ....\n <= 63 C2     ..\n => {SELECT}\n <= 61 0A\n",
    "scriptor-transcript": f"> 00 20 00 00 03 99 99 99\n< 63 C2 : Bad.\n> {SELECT}\n< 61 0A : More.\n",
}


def exit_code(text: str, format: str) -> ExitCode:
    found = script(text, format)
    targets = opened_targets(found, Choice(profile="gen2-32k"), 1, Path())
    try:
        require_harmless(found, targets)
        return run(found, targets).exit_code
    finally:
        for target in targets.values():
            target.close()


@pytest.mark.parametrize("format", TEXTS)
def test_what_another_tool_expects_is_held_against_our_card(format: str) -> None:
    assert exit_code(TEXTS[format], format) is ExitCode.PASSED
    assert exit_code(TEXTS[format].replace("63C2", "63C1").replace("63 C2", "63 C1").replace("63c2", "63c1")
                     .replace("63 CX", "69 83"), format) is ExitCode.FAILED  # fmt: skip
