"""Texts that are almost scripts of somebody, from a seed; by the ten thousand: `python -m tests.lab.foreign.fuzzing`."""

import argparse
import random
import time

from sscard_terminal.lab.foreign.formats import FORMATS, guessed, read_foreign
from sscard_terminal.lab.foreign.transcripts import jcshell_transcript, scriptor_transcript
from sscard_terminal.lab.script.parse import parse
from sscard_terminal.lab.script.syntax import ScriptError
from sscard_terminal.lab.script.write import written
from tests.lab.foreign.telling import SAMPLES

TRANSCRIPTS = {"jcshell-transcript": jcshell_transcript, "scriptor-transcript": scriptor_transcript}
PIECES = (
    *("00 A4 04 00 ", "0084000008", "0x00 ", "0X0", "255 ", "256", " 0", "00:A4:00:00", "9000", "6f", "XX", "x", "G", "٣", "²"),
    *("\n", "\n", "\r\n", "\\\n", "\\", ";", "#", "//", "/*", "*/", '"', "'", "|", "#(", "#{", ")", "}", "[", "]", "(", ",", "\t"),
    *("reset", "exit", "powerup;", "delay 5;", "echo ", "select ", "#define ", "0x00 0x20 0x00 0x00 "),
    *("/send ", "/select ", "/card", "/set-var a ", "${a}", "${", "/sleep ", "cm> ", "=> ", " <= ", "ATR=3B ", "> ", "< ", " : Normal"),
    *("cd ", "aid:", "..", "cat ", "sfi:", "verify CHV1 ", "change ", "unblock CHV2 ", "update_binary ", "update_record 0015 1 0 ", "random "),
    *("-s ", "--reset=", "opensc-tool ", "REM ", "RST", "CMD ", "INI ", "OFF", "apdu ", "--expect-sw ", "--expect-response-regex ", "^", "$"),
    *("{3}", "{99999}", ".*", ".+", "[0-9a-f]", "# ATR: ", "# PROTOCOL: T=0", "\0", "\ufeff", "张三", "\x85", "\u2028", "9" * 40),
)  # fmt: skip


def _samples() -> list[str]:
    return [file.read_bytes().decode() for file in sorted(SAMPLES.glob("*/*"))]


def text_of(dice: random.Random, samples: list[str]) -> str:
    """Pieces in any order, or a few lines of a sample with characters changed."""
    if dice.random() < 0.5:
        return dice.choice(("", " ")).join(dice.choice(PIECES) for _ in range(dice.randrange(1, 16)))
    found = dice.choice(samples).splitlines(keepends=True)
    start = dice.randrange(len(found))
    text = "".join(found[start : start + dice.randrange(1, 8)])
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(text) + 1)
        text = (
            text[:at]
            + dice.choice((*PIECES, chr(dice.randrange(1, 0x250)), ""))
            + text[at + dice.randrange(2) :]
        )
    return text


def try_one(text: str, format: str) -> bool:
    """Whether it is a script. Anything but an error that names a line of the text is a mistake of ours."""
    guessed(text)
    try:
        found = read_foreign(text, "f", format)
        if format in TRANSCRIPTS:
            TRANSCRIPTS[format](text, "f")
    except ScriptError as error:
        lines = text.split("\n")
        assert error.at.file == "f"
        assert 1 <= error.at.line <= len(lines)
        assert 1 <= error.at.column <= len(lines[error.at.line - 1]) + 2
        assert len(error.shown) <= len(lines[error.at.line - 1])
        assert error.sentence("en") and error.sentence("zh")
        error.pointed()
        return False
    assert found is not None
    assert len(found.lines) == text.count("\n") + 1
    assert all(remark.sentence("en") and remark.sentence("zh") for remark in found.remarks)
    assert written(parse(written(found))) == written(found)
    return True


def fuzz(inputs: int, seed: int) -> int:
    """Try so many, each with one of the readers in turn; how many of them were scripts."""
    dice, samples = random.Random(seed), _samples()
    return sum(try_one(text_of(dice, samples), FORMATS[turn % len(FORMATS)]) for turn in range(inputs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    scripts = fuzz(given.inputs, given.seed)
    print(
        f"{given.inputs} inputs, {scripts} of them scripts, no other error, {time.perf_counter() - began:.0f} s"
    )
