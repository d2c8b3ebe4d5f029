"""`sscard script`: run, check and convert as typed; exit codes, errors with the line shown, reports, and a real pcscd."""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.lab import virtual
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cli.conftest import Sscard, sscard_process

CARD = "#! sscard 1\nuse card gen2-32k person zhang-san as card\n"
GOOD = CARD + 'section "PIN" requirement "card.md 3"\n00 20 00 00 03 99 99 99 -> 63C2\n00 20 00 00 -> 63C2\n'
BAD = GOOD + 'section "wrong"\n00 84 00 00 08 -> 6D00\n00 20 00 00 -> 63C2\n'
BROKEN = CARD + "eject\n00 84 00 00 08 -> 9000\n"
MARKED_PIN = "975311"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    for name, text in (("good", GOOD), ("bad", BAD), ("broken", BROKEN)):
        (tmp_path / f"{name}.sscard").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_script_that_passes_exits_0_and_tells_each_section(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "good.sscard", "--seed", 7)

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "good.sscard  card: gen2-32k zhang-san"
    assert lines[1].startswith("✓ PIN (card.md 3)  2 passed")
    assert lines[2].startswith("1 sections passed in ") and lines[2].endswith("(seed 7)")


def test_an_expectation_that_fails_exits_1_and_says_why(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "bad.sscard")

    assert done.code == 1
    assert "bad.sscard:7:1  GET CHALLENGE" in done.out
    assert "expected 6D00" in done.out
    assert "because  the status word is 9000" in done.out
    assert "1 of 2 sections did not pass" in done.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_script_that_is_wrong_exits_2_with_place_line_and_caret(
    language: str, scripts: Path, sscard: Sscard
) -> None:
    (scripts / "wrong.sscard").write_text(GOOD + "00 A4 xx 00\n")

    done = sscard("script", "run", "good.sscard", "wrong.sscard", "--lang", language)

    assert (done.code, done.out) == (2, "")  # the good one was not begun either
    first, line, caret = done.err.rstrip("\n").split("\n")
    assert first.startswith("wrong.sscard:6:7: ")
    assert ("掩码" if language == "zh" else "masks are for answers") in first
    assert (line, caret) == ("00 A4 xx 00", "      ^")


def test_a_link_that_breaks_exits_3(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "broken.sscard")

    assert done.code == 3
    assert "no answer came: the card was removed" in done.out


def test_the_worst_of_several_scripts_is_the_exit_code(scripts: Path, sscard: Sscard) -> None:
    assert sscard("script", "run", "good.sscard", "bad.sscard").code == 1
    assert sscard("script", "run", "broken.sscard", "bad.sscard", "good.sscard").code == 3


def test_all_reports_are_written_in_one_run(scripts: Path, sscard: Sscard) -> None:
    names = ("junit", "tap", "jsonl", "html")

    done = sscard(
        "script", "run", "bad.sscard", *(part for name in names for part in (f"--{name}", f"r.{name}"))
    )

    assert done.code == 1
    assert (
        b'<testsuites name="sscard script run" tests="4" failures="1" errors="0"'
        in (scripts / "r.junit").read_bytes()
    )
    assert (scripts / "r.tap").read_text().startswith("TAP version 14\n")
    assert json.loads((scripts / "r.jsonl").read_text().splitlines()[-1])["exit"] == 1
    assert "</html>" in (scripts / "r.html").read_text()
    assert sorted(file.name for file in scripts.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize("option", ["--junit", "--tap", "--jsonl", "--html"])
def test_a_report_that_cannot_be_written_is_said_before_anything_is_run(
    option: str, scripts: Path, sscard: Sscard
) -> None:
    done = sscard("script", "run", "bad.sscard", option, "nowhere/report")

    assert (done.code, done.out) == (2, "")
    assert (
        done.sentence
        == "The report nowhere/report cannot be written (No such file or directory); nothing was run."
    )


def test_json_gives_the_outcome_of_every_section(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "bad.sscard", "--json", "--seed", 1)

    assert done.json == {
        "exit": 1, "passed": 3, "failed": 1, "broken": 0, "done": 0, "seed": 1,
        "sections": [
            {"file": "bad.sscard", "section": "PIN", "requirement": "card.md 3", "outcome": "passed"},
            {"file": "bad.sscard", "section": "wrong", "requirement": "", "outcome": "failed"},
        ],
    }  # fmt: skip


def test_sections_are_listed_and_chosen(scripts: Path, sscard: Sscard) -> None:
    listed = sscard("script", "run", "bad.sscard", "--list")
    chosen = sscard("script", "run", "bad.sscard", "--only", "pin")

    assert listed.out.splitlines() == ["bad.sscard:3  PIN  card.md 3", "bad.sscard:6  wrong"]
    assert chosen.code == 0


def test_a_section_that_is_nowhere_is_no_pass(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "bad.sscard", "--only", "pin", "--only", "pim")

    assert (done.code, done.out) == (2, "")
    assert done.sentence == "No section has pim in its title; nothing was run; --list shows what there is."


def test_a_pin_that_is_asked_for_is_typed_unseen(scripts: Path, sscard: Sscard) -> None:
    (scripts / "ask.sscard").write_text(CARD + "ask pin P\n00 20 00 00 03 $P -> 63C2\n")

    done = sscard("script", "run", "ask.sscard", stdin=f"{MARKED_PIN}\n")

    assert done.code == 0
    assert "PIN for $P (ask.sscard:3:1)" in done.err
    assert MARKED_PIN not in done.out + done.err


def test_on_a_terminal_a_line_moves_while_the_run_goes_on(scripts: Path) -> None:
    (scripts / "slow.sscard").write_text(CARD + "repeat 3 { wait 120 ms ; 00 84 00 00 08 -> 9000 }\n")
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "sscard_terminal.cli",
        "script",
        "run",
        str(scripts / "slow.sscard"),
        "--lang",
        "en",
    ]

    with subprocess.Popen(command, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)

    assert shown.count(b"\r\x1b[K") >= 3  # twice shown at least, and once taken away
    assert shown.rindex(b"\r\x1b[K") < shown.rindex(b"before the first section")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


def test_stop_on_first_ends_with_the_first_failure(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "bad.sscard", "good.sscard", "--stop-on-first", "--json")

    assert [section["section"] for section in done.json["sections"]] == ["PIN", "wrong"]
    assert done.json["passed"] == 2


def test_card_person_and_image_take_the_scripts_cards_place(scripts: Path, sscard: Sscard) -> None:
    (scripts / "li.card").write_bytes(virtual.card_image("gen1-16k", "wang-wu"))
    card = sscard("script", "run", "good.sscard", "--card", "gen3", "--person", "li-si")
    image = sscard("script", "run", "good.sscard", "--reader", "image:li.card")

    assert card.out.startswith("good.sscard  card: gen3 li-si")
    assert card.code == image.code == 0
    assert image.out.startswith("good.sscard  card: ") and "li.card" in image.out.splitlines()[0]


def test_a_wrong_card_on_the_command_line_is_told_as_such(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "good.sscard", "--card", "gen9")

    assert done.code == 2
    assert done.sentence.startswith(
        "The command line: there is no card 'gen9'; there are gen1-16k, gen2-32k, gen3"
    )


def test_check_looks_through_without_a_card(scripts: Path, sscard: Sscard) -> None:
    (scripts / "early.sscard").write_text(CARD + "00 84 $later\n")

    good, early = sscard("script", "check", "good.sscard"), sscard("script", "check", "early.sscard")

    assert (good.code, good.out) == (0, "good.sscard: nothing wrong, 2 commands\n")
    assert early.code == 2
    assert early.err.startswith("early.sscard:3:7: $later is used before anything sets it")


def test_convert_writes_a_transcript_in_our_language_that_runs(scripts: Path, sscard: Sscard) -> None:
    (scripts / "session.apdu").write_text(
        "# ATR 3B6D000000815431328660370900000002  # card gen2-32k\n> 0020000000\n< 63C3\n> 0020000003******\n< 9000\n"
    )

    converted = sscard("script", "convert", "session.apdu")
    (scripts / "new.sscard").write_text(converted.out)

    assert converted.out.startswith(
        "#! sscard 1\nuse card gen2-32k balance 0.00 as card\nreset cold -> [3B 6D"
    )
    assert sscard("script", "run", "new.sscard").code == 0
    assert sscard("script", "run", "session.apdu").code == 0


def test_a_run_is_recorded_and_its_recording_runs_as_a_script_and_answers_one(
    scripts: Path, sscard: Sscard
) -> None:
    (scripts / "read.sscard").write_text(CARD + "00 20 00 00 -> 63C3\n00 20 00 00 03 $card.pin -> 9000\n")
    recorded = sscard("script", "run", "read.sscard", "--trace", "session.apdu", "--balance", "0.00")

    text = (scripts / "session.apdu").read_text()
    assert recorded.code == 0
    assert "> 00200000 " in text and "> 0020000003****** " in text and "123456" not in text
    assert sscard("script", "run", "session.apdu", "--card", "gen2-32k").code == 0
    assert (
        sscard("script", "run", "read.sscard", "--transcript", "session.apdu").code == 1
    )  # no PIN is known there
    assert sscard("script", "convert", "session.apdu").code == 0


def test_an_unknown_format_is_named_with_those_there_are(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "good.sscard", "--format", "basic")

    assert done.code == 2
    assert done.sentence.startswith("There is no script format basic; there are sscard, transcript")


def test_a_file_that_is_not_there_is_named(scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "none.sscard")

    assert done.code == 2
    assert "none.sscard" in done.sentence


def test_no_output_and_no_report_holds_a_pin(scripts: Path, sscard: Sscard) -> None:
    text = f"{MARKED_PIN[:2]} {MARKED_PIN[2:4]} {MARKED_PIN[4:]}"
    lines = (
        f"00 20 00 00 03 {text}",
        f"set P = {text}\n00 20 00 00 03 $P",
        f"00 20 00 00 05 {text}",
        f"04 20 00 00 03 {text}",
    )
    (scripts / "pin.sscard").write_text(CARD + "".join(f"{line} -> 9000\n" for line in lines))

    reports = (
        "--html",
        "r.html",
        "--jsonl",
        "r.jsonl",
        "--tap",
        "r.tap",
        "--junit",
        "r.xml",
        "--trace",
        "r.apdu",
    )
    done = sscard("script", "run", "pin.sscard", *reports)

    everything = done.out + done.err + "".join(file.read_text() for file in scripts.glob("r.*"))
    assert done.code == 1
    assert MARKED_PIN not in everything.replace(" ", "").replace("<mark>", "").replace("</mark>", "")


def test_without_the_extra_one_sentence_says_what_to_install(
    scripts: Path, sscard: Sscard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lark", None)
    from sscard_terminal.lab.script import building

    building._grammar.cache_clear()

    done = sscard("script", "run", "good.sscard")

    building._grammar.cache_clear()
    assert done.code == 3
    assert done.sentence == "This needs lark: pip install 'sscard-terminal[lab]'."


# Over a real pcscd ----------------------------------------------------------------------------------------------


@contextmanager
def served(pcscd: PrivatePcscd, slot: Slot) -> Iterator[None]:
    """A virtual card in the virtual reader: for a script it is a real one."""
    chip = virtual.chip_over(RamStore(virtual.card_image("gen2-32k", "zhang-san")))
    vpicc = Vpicc(chip, slot.port, open_socket=pcscd.open_socket)
    thread = threading.Thread(target=vpicc.serve, daemon=True)
    thread.start()
    try:
        assert pcsc.wait_for_card(slot.reader, 10.0)
        yield
    finally:
        vpicc.request_stop()
        thread.join(10.0)


@pytest.mark.vpcd
def test_a_script_runs_over_pcscd_and_what_could_harm_needs_leave(
    pcscd: PrivatePcscd, slot: Slot, scripts: Path, sscard: Sscard
) -> None:
    (scripts / "read.sscard").write_text("00 84 00 00 08 -> [xx*] 9000\n00 20 00 00 -> 63C3\n")
    with served(pcscd, slot):
        read = sscard("script", "run", "read.sscard", "--reader", slot.reader)
        refused = sscard("script", "run", "good.sscard", "--reader", slot.reader)
        allowed = sscard("script", "run", "good.sscard", "--reader", slot.reader, "--allow-destructive")
        few = sscard(
            "script", "run", "good.sscard", "good.sscard", "--reader", slot.reader, "--allow-destructive"
        )

    assert read.code == 0, read.out + read.err
    assert (
        refused.code == 2 and "VERIFY can burn a PIN or key try of a real card (1 such lines)" in refused.err
    )
    assert allowed.code == 0, allowed.out + allowed.err
    assert few.code == 2 and "the card has 1 tries left" in few.err


@pytest.mark.vpcd
def test_a_reader_that_is_not_there_exits_3(pcscd: PrivatePcscd, scripts: Path, sscard: Sscard) -> None:
    done = sscard("script", "run", "good.sscard", "--reader", "no such reader")

    assert done.code == 3


def test_as_a_process_of_its_own_it_ends_with_the_same_codes(scripts: Path) -> None:
    done = sscard_process("script", "run", scripts / "bad.sscard", "--lang", "en", PATH=os.environ["PATH"])

    assert done.code == 1
    assert "1 of 2 sections did not pass" in done.out


def test_with_a_real_reader_a_script_needs_no_unix(scripts: Path) -> None:
    """fcntl stands for all that Windows lacks; virtual cards need it, readers do not."""
    (scripts / "read.sscard").write_text('00 84 00 00 08 -> 9000\nlet d = date("2026-01-05")\n')
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from sscard_terminal.cli.main import program\n"
        f"program(['script', 'run', {str(scripts / 'read.sscard')!r}, '--reader', 'none', '--json'])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PCSCLITE_CSOCK_NAME": "/none"},
    )

    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["broken"] == 1
