"""`sscard shell`: from a file, from standard input, and at a real pseudo-terminal with its history."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import new_card
from tests.cli.conftest import Counter, Sscard
from tests.cli.counter.test_keyboard import ENTER, Terminal

PIN = "123456"
TAB = "\t"


def test_a_script_walks_verifies_and_sells_with_pins_from_standard_input(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    script = tmp_path / "walk.txt"
    script.write_text("# a walk\ncd DF04\nverify\nsale 12.34\ncat AMOUNTS\n-cat EF0E\nquit\nls\n")

    done = sscard(
        "shell", *counter.readers, *counter.book, "--run", script, "--pin-stdin", stdin=f"{PIN}\n{PIN}\n"
    )

    assert done.code == 0
    assert "SSSE/DF04> verify\n9000 done\n" in done.out
    assert "Charged 12.34 yuan, balance 87.66 yuan" in done.out
    assert "    1  balance 87.66 yuan\n" in done.out
    assert "> ls" not in done.out
    assert f"{script}:6: There is no file EF0E here; see ls." in done.err
    assert PIN not in done.out + done.err


def test_from_standard_input_a_pin_stands_below_the_line_that_asks(sscard: Sscard, counter: Counter) -> None:
    done = sscard("shell", *counter.readers, "--json", stdin=f"verify\n{PIN}\ncat DF04/AMOUNTS\n")

    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["said"] for row in rows] == ["verify", "cat DF04/AMOUNTS"]
    assert rows[0]["told"] == ["9000 done"]
    assert rows[1]["told"][0] == "    1  balance 100.00 yuan"


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ("cat DF04/EF08\nls\n", 1, "-:1: EF08: security status not satisfied [6982]"),
        ("ls\ndance 123456\nls\n", 2, "-:2:1: There is no such command"),
        (f"verify {PIN}\n", 2, "-:1:8: A PIN is never typed into the line"),
    ],
)
def test_the_first_line_that_fails_ends_a_script_with_its_place(
    lines: str, code: int, words: str, sscard: Sscard, counter: Counter
) -> None:
    done = sscard("shell", *counter.readers, stdin=lines)

    assert done.code == code
    assert words in done.err
    assert PIN not in done.out + done.err


@pytest.mark.vpcd
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("verify", "VERIFY can burn a PIN"),
        ("-sale 1", "DEBIT FOR PURCHASE is not known to leave"),
        ("apdu 8416000004AABBCCDD", "CARD BLOCK can block"),
    ],
)
def test_on_a_reader_a_script_burns_no_try_and_pays_nothing_unless_allowed(
    line: str, words: str, pcscd: PrivatePcscd, slot: Slot, sscard: Sscard, tmp_path: Path
) -> None:
    script = tmp_path / "walk.txt"
    script.write_text(f"ls\n{line}\n")
    vpicc = Vpicc(new_card(), slot.port, open_socket=pcscd.open_socket)
    serving = threading.Thread(target=vpicc.serve)
    serving.start()
    try:
        assert wait_for_card(slot.reader, 5)
        from_file = sscard("shell", "--reader", slot.reader, "--run", script)
        from_input = sscard("shell", "--reader", slot.reader, stdin=f"{line.lstrip('-')}\n")
    finally:
        vpicc.request_stop()
        serving.join()

    assert (from_file.code, from_input.code) == (1, 1)
    assert from_file.out == "", "nothing is sent before the whole text was looked through"
    assert f"{script}:2: {words}" in from_file.err
    assert f"-:1: {words}" in from_input.err


def test_without_a_card_it_is_reader_trouble(sscard: Sscard, tmp_path: Path) -> None:
    done = sscard("shell", "--reader", f"image:{tmp_path / 'absent.card'}", stdin="ls\n")

    assert done.code == 2
    assert "absent.card" in done.err


def test_the_trace_of_a_walk_is_written_without_the_pin(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    trace = tmp_path / "walk.trace"

    sscard("shell", *counter.readers, "--trace", trace, stdin=f"verify\n{PIN}\n")

    text = trace.read_text("utf-8")
    assert "> 0020000003******" in text
    assert PIN not in text


def test_at_a_terminal_names_are_completed_and_the_history_holds_no_pin(
    counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")  # this terminal does not tell where its cursor is
    terminal = Terminal("shell", *counter.readers, "--lang", "en")
    terminal.sees("help lists what can be said")
    terminal.sees("SSSE>")

    terminal.types(f"cd DF04{TAB}")
    terminal.sees("cd DF04/")
    terminal.types(ENTER)
    terminal.sees("SSSE/DF04>")
    terminal.types(f"verify{ENTER}")
    terminal.sees("PIN:")
    terminal.types(f"{PIN}{ENTER}")
    terminal.sees("9000 done")
    terminal.types(f"cat AM{TAB}")
    terminal.sees("cat AMOUNTS")
    terminal.types(ENTER)
    terminal.sees("balance 100.00 yuan")
    terminal.types(f"{PIN}{ENTER}")
    terminal.sees("There is no such command")
    terminal.types(f"apdu 0020000003{PIN}{ENTER}")
    terminal.sees("# VERIFY: PIN ***")
    terminal.types(f"quit{ENTER}")
    code = terminal.ends()

    history = tmp_path / "state/sscard-terminal/shell-history"
    kept = [line[1:] for line in history.read_text("utf-8").splitlines() if line.startswith("+")]
    assert code == 0
    assert PIN not in history.read_text("utf-8")
    assert history.stat().st_mode & 0o077 == 0
    assert kept == ["cd DF04/", "verify", "cat AMOUNTS", "quit"]
