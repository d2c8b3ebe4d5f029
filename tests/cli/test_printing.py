"""A sale and its printer: whatever that does, the sale stands, and one line says so (counter.md screen rule 14)."""

import os
import signal
import sys
from pathlib import Path
from time import sleep

import pytest

from sscard_terminal.cli import printing, reader_search
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.slips import printers
from tests.cli.conftest import Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config, pay
from tests.terminal.slips.paper import ENOUGH, OUT, network_printer, serial_printer


def printing_to(folder: Path, printer: object, more: str = "") -> tuple[str, str]:
    return config(folder, f'[slips]\nprinter = "{printer}"\n{more}')


def states(counter: Counter) -> list[SaleState]:
    with Journal.open(counter.journal) as journal:
        return [entry.state for entry in journal.entries()]


@pytest.mark.parametrize("printer_with", [network_printer, serial_printer])
def test_a_sale_prints_its_slip_on_paper_and_says_charged(
    printer_with: object, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    with printer_with(ENOUGH, ENOUGH) as (printer, paper):  # type: ignore[operator]
        done = pay(sscard, counter, *printing_to(tmp_path, printer), "--lang", "zh")

    assert done.code == 0
    assert f"凭单已送往 {printer}。" in done.out
    assert "已扣款" in done.out and "12.34" in done.out
    assert "社会保障卡医疗消费凭单" in paper.all_of_it().decode("gb18030")
    assert "-" * 32 not in done.out


def sold_in_spite_of(done: Done, counter: Counter, *words: str) -> None:
    assert done.code == 0
    assert "Charged 12.34 yuan" in done.out
    lines = [line for line in done.err.splitlines() if "slip" in line]
    assert len(lines) == 1
    assert all(word in lines[0] for word in ("The slip of sale 1 was not printed", "sscard slip 1", *words))
    assert states(counter) == [SaleState.CHARGED]


def test_a_printer_without_paper_undoes_no_sale_and_the_slip_is_kept_for_reprint(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    with network_printer(OUT) as (printer, paper):
        done = pay(sscard, counter, *printing_to(tmp_path, printer))
    again = sscard("slip", "1", *counter.book)

    sold_in_spite_of(done, counter, str(printer), "no paper")
    assert paper.all_of_it() == b""
    assert again.code == 0
    assert "12.34" in again.out


@pytest.mark.parametrize(
    ("printer", "words"),
    [
        ("device:/dev/full", "no paper"),
        ("device:/dev/no-printer", "cannot be reached"),
        ("file:/dev/full", "no room"),
        ("network:127.0.0.1:1", "cannot be reached"),
    ],
)
def test_a_printer_that_fails_undoes_no_sale(
    printer: str, words: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    sold_in_spite_of(pay(sscard, counter, *printing_to(tmp_path, printer)), counter, words)


def test_without_the_library_the_sale_stands_and_one_line_says_what_to_install(
    sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "escpos", None)

    done = pay(sscard, counter, *printing_to(tmp_path, "device:/dev/null"))

    sold_in_spite_of(done, counter, "pip install 'sscard-terminal[slips]'")


def fill(line: int) -> None:
    """Write to a line nobody reads until it has taken nothing for a while."""
    os.set_blocking(line, False)
    idle = 0
    while idle < 5:
        try:
            os.write(line, bytes(4096))
            idle = 0
        except BlockingIOError:
            idle += 1
            sleep(0.02)


def test_a_printer_that_hangs_holds_up_nobody_and_ctrl_c_undoes_nothing(
    sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printers, "DEADLINE_S", 0.2)
    monkeypatch.setattr(printers, "ANSWER_S", 0.05)
    prints = printing.print_slip

    def interrupted(*arguments: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return prints(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(printing, "print_slip", interrupted)
    near, far = os.openpty()
    try:
        fill(far)
        done = pay(sscard, counter, *printing_to(tmp_path, f"device:{os.ttyname(far)}"))
    finally:
        os.close(near)
        os.close(far)

    sold_in_spite_of(done, counter, "takes no data")


@pytest.mark.parametrize(
    ("printer", "said"),
    [
        ("text", "none"),
        ("none", "none"),
        ("device:/dev/null", "printed"),
        ("device:/dev/full", "not-printed"),
    ],
)
def test_programs_are_told_what_became_of_the_slip(
    printer: str, said: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    assert pay(sscard, counter, *printing_to(tmp_path, printer), "--json").json["slip"] == said


def test_a_place_without_a_printer_gets_no_slip(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    done = pay(sscard, counter, *printing_to(tmp_path, "none"))

    assert done.out.startswith("Charged 12.34 yuan")


def test_a_sale_to_be_verified_has_its_slip_on_paper_too(
    sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
    with network_printer() as (printer, paper):
        done = pay(sscard, counter, *printing_to(tmp_path, printer), "--json").json

    assert (done["exit"], done["money"], done["slip"]) == (4, "to-be-verified", "printed")
    assert b"*** TO BE VERIFIED ***" in paper.all_of_it()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_totals_of_a_day_are_printed_when_asked_for(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    sscard("day", "open", *counter.book)
    pay(sscard, counter)
    lang = ("--lang", language)
    more = config(tmp_path)

    with network_printer() as (printer, paper):
        closed = sscard("day", "close", *counter.book, *more, *lang, "--slip", "--printer", printer)
    shown = sscard("day", "show", *counter.book, *more, *lang, "--slip", "--width", "80")
    quiet = sscard("day", "show", *counter.book, *lang)

    assert (closed.code, shown.code) == (0, 0)
    text = paper.all_of_it().decode("gb18030")
    assert "示范药房" in text
    assert {"zh": "终端日结单", "en": "Totals of the day"}[language] in text
    assert "-" * 48 in shown.out.splitlines()
    assert "---" not in quiet.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_day_is_closed_whatever_the_printer_does(language: str, sscard: Sscard, counter: Counter) -> None:
    sscard("day", "open", *counter.book)
    full = ("--slip", "--printer", "device:/dev/full", "--lang", language)

    closed = sscard("day", "close", *counter.book, *full)
    told = sscard("day", "show", *counter.book, *full, "--json").json

    assert closed.code == 0
    assert "sscard day show --slip" in closed.err
    assert told["slip"] == "not-printed"
    assert told["closed_at"] is not None
    assert sscard("day", "show", "--journal", "other.db", "--slip", "--json").json == {"day": None}
