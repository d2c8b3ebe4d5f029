"""Texts that are almost scripts, from a seed; for a test, and by the ten thousand: `python -m tests.lab.script.fuzzing`."""

import argparse
import random
import time

from sscard_terminal.lab.script.masks import parse_mask
from sscard_terminal.lab.script.parse import parse
from sscard_terminal.lab.script.syntax import Position, ScriptError
from sscard_terminal.lab.script.transcripts import script_of
from sscard_terminal.lab.script.write import written

PIECES = (
    *("00 A4 04 00", "0084000008", "-> 9000", "->", "[6F xx*]", "[{a:4}]", "63Cx|9000", "$a", "$a.b", "xx", "x", "0"),
    *("use card gen2-32k", "use psam", 'use reader "a"', "as card", "person zhang-san", 'section "s"', "requirement"),
    *("repeat 2 {", "repeat", "{", "}", ";", "\n", "\n", "\r\n", "\\\n", "# note", '"', '"a b"', "on card {", "tear after-write 3"),
    *("let x = mac(", "let x = bcd(", ")", ",", "=", "set a =", "include \"a\"", "reset cold", "power off", "fresh card"),
    *("mute for 3 s", "eject", "cut answer after 2 bytes", "swap li-si", "link card-removed", "wait 5 ms", "ask pin P"),
    *("> 00A4", "< 9000", "# ATR 3B00", "**", "\t", "\0", "\ufeff", "张三", "\U0001f0a1", "\x85", "9" * 40, "[" * 9),
)  # fmt: skip


def text_of(dice: random.Random) -> str:
    """Pieces in any order; now and then with a character changed, or only characters."""
    if dice.random() < 0.1:
        return "".join(chr(dice.choice((dice.randrange(128), dice.randrange(0x3000)))) for _ in range(40))
    text = dice.choice(("", " ")).join(dice.choice(PIECES) for _ in range(dice.randrange(1, 14)))
    if text and dice.random() < 0.5:
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice((chr(dice.randrange(1, 0x250)), "")) + text[at + 1 :]
    return text


def try_one(text: str) -> bool:
    """Whether it is a script. Anything but an error that names a line of the text is a mistake of ours.

    What is a script can be written, and is the same script again.
    """
    is_one = _is_one(lambda: _again(text), text)
    _is_one(lambda: script_of(text, "f"), text)
    _is_one(lambda: parse_mask(f"[{text}]", Position("f"), text), text)
    return is_one


def _again(text: str) -> None:
    script = parse(text, "f")
    assert written(parse(written(script))) == written(script)


def _is_one(read: object, text: str) -> bool:
    try:
        read()  # type: ignore[operator]
    except ScriptError as error:
        assert error.at.file in ("f", "-")
        assert 1 <= error.at.line <= text.count("\n") + 1
        assert error.at.column >= 1
        assert error.sentence("en") and error.sentence("zh")
        error.pointed()
        return False
    return True


def fuzz(inputs: int, seed: int) -> int:
    """Try so many; how many of them were scripts."""
    dice = random.Random(seed)
    return sum(try_one(text_of(dice)) for _ in range(inputs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    scripts = fuzz(given.inputs, given.seed)
    elapsed_s = time.perf_counter() - began
    print(f"{given.inputs} inputs, {scripts} of them scripts, no other error, {elapsed_s:.0f} s")
