"""`sscard slip`: a slip again, from the journal, and marked so."""

import sys
from datetime import datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind
from sscard_terminal.terminal.slips.trouble import SlipFault
from sscard_terminal.voice.messages import text
from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import PLACE, config, pay
from tests.terminal.slips.paper import network_printer


@pytest.mark.parametrize(("language", "mark"), [("zh", "*** 重印 ***"), ("en", "*** REPRINT ***")])
def test_the_last_slip_is_printed_again_and_marked(
    language: str, mark: str, sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter, amount="1.00")
    first = pay(sscard, counter, "--lang", language)

    again = sscard("slip", *counter.book, "--lang", language)

    assert again.code == 0
    lines = [line for line in again.out.splitlines() if line.strip() != mark]
    assert mark in again.out
    assert lines == first.out.splitlines()[: len(lines)]


def test_a_slip_is_found_by_its_voucher(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter, amount="1.00")
    pay(sscard, counter)

    told = sscard("slip", "1", *counter.book, "--json").json

    assert (told["voucher"], told["state"]) == (1, "charged")
    assert "1.00" in told["slip"] and "12.34" not in told["slip"]


@pytest.mark.parametrize("voucher", [(), ("7",)])
def test_a_sale_that_is_not_there_is_refused(
    voucher: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    assert sscard("slip", *voucher, *counter.book).code == 1
    assert sscard("slip", "0", *counter.book).code == 2


def asked_back(counter: Counter, kind: EventKind = EventKind.REFUND_REQUESTED, amount: int = 500) -> None:
    """A request about the first sale, straight into the journal."""
    with Journal.open(counter.journal) as journal:
        journal.record(1, Event(kind, datetime.now(), amount=Fen(amount), operator="01"))


@pytest.mark.parametrize(
    ("language", "words"), [("zh", ("退货申请单", "款项待中心划回")), ("en", ("refund", "ON ITS WAY"))]
)
def test_the_slip_of_a_refund_is_printed_again(
    language: str, words: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter)
    asked_back(counter)

    again = sscard("slip", "1", "--request", *counter.book, "--lang", language)

    assert again.code == 0
    assert all(word in again.out for word in words)


def test_a_sale_nothing_was_asked_about_has_no_such_slip(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)

    assert "Nothing was asked for about sale 1" in sscard("slip", "--request", *counter.book).sentence


@pytest.mark.parametrize(("asked", "columns"), [((), 32), (("--width", "80"), 48)])
def test_the_width_of_the_paper_is_configured_or_asked_for(
    asked: tuple[str, ...], columns: int, sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter)

    out = sscard("slip", *counter.book, *asked).out

    assert "-" * columns in out.splitlines()


def test_a_slip_goes_to_the_printer_that_is_configured(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter)
    with network_printer() as (printer, paper):
        more = config(tmp_path, f'[slips]\nprinter = "{printer}"\nwidth_mm = 80\ncopies = 2\n')
        done = sscard("slip", *counter.book, *more)

    assert (done.code, done.out) == (0, f"Slip sent to {printer}.\n")
    assert paper.all_of_it().count(b"*** REPRINT ***") == 2
    assert b"-" * 48 + b"\n" in paper.all_of_it()


def test_a_slip_in_a_file_is_what_the_printer_gets(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    pay(sscard, counter)
    spool = config(tmp_path, '[slips]\nprinter = "file:spool.bin"\n')

    told = sscard("slip", *counter.book, *spool, "--json").json
    written = sscard("slip", *counter.book, "--escpos", "new.bin")

    assert told["printed"] == "printed"
    assert written.out == "Slip written to new.bin.\n"
    assert (tmp_path / "spool.bin").read_bytes() == (tmp_path / "new.bin").read_bytes()


def test_a_pdf_is_written_into_a_new_file_only(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    pay(sscard, counter)

    done = sscard("slip", *counter.book, "--pdf", "slip.pdf")
    again = sscard("slip", *counter.book, "--pdf", str(counter.journal))

    assert (done.code, done.out) == (0, "Slip written to slip.pdf.\n")
    assert "REPRINT" in PdfReader(tmp_path / "slip.pdf").pages[0].extract_text()
    assert again.code == 2
    assert "exists already" in again.sentence


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_paper_or_pdf_cannot_show_is_told(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    lang = ("--lang", language)
    file = tmp_path / "terminal.toml"
    more = '[slips]\ncharset = "gb2312"\nprinter = "file:spool.bin"\nfont = "none.ttf"\n'
    file.write_text(PLACE.format(until="2099-12-31").replace("示范", "𠮷镕") + more, "utf-8")
    sold = pay(sscard, counter, "--config", str(file), *lang)
    written = sscard("slip", *counter.book, "--config", str(file), "--pdf", "slip.pdf", *lang)

    assert (sold.code, written.code) == (0, 0)
    assert "𠮷 (U+20BB7), 镕 (U+9555)" in sold.err
    assert "none.ttf" in written.err and "𠮷 (U+20BB7)" in written.err


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_printer_that_fails_ends_a_reprint_with_3_and_what_to_do(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter)
    full = ("--printer", "device:/dev/full", "--lang", language)

    done = sscard("slip", *counter.book, *full)
    told = sscard("slip", *counter.book, *full, "--json").json

    assert done.code == 3
    assert {"zh": "缺纸", "en": "no paper"}[language] in done.sentence
    assert (told["exit"], told["money"], told["fault"]) == (3, "not-charged", "no-paper")


@pytest.mark.parametrize("fault", list(SlipFault))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_trouble_of_a_printer_has_its_words(fault: SlipFault, language: Language) -> None:
    assert "lp0" in text(language, f"printer.{fault}", where="device:/dev/usb/lp0")


@pytest.mark.parametrize(("option", "value"), [("--printer", "lpt"), ("--width", "76"), ("--printer", "")])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_no_printer_and_no_paper_is_a_usage_error(
    option: str, value: str, language: str, sscard: Sscard, counter: Counter
) -> None:
    assert sscard("slip", *counter.book, option, value, "--lang", language).code == 2


@pytest.mark.parametrize(
    ("module", "command"),
    [("escpos", ("--escpos", "x.bin")), ("reportlab.pdfgen.canvas", ("--pdf", "x.pdf"))],
)
def test_without_the_libraries_one_sentence_says_what_to_install(
    module: str,
    command: tuple[str, ...],
    sscard: Sscard,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    pay(sscard, counter)

    done = sscard("slip", *counter.book, *command)

    assert done.code == 3
    assert "pip install 'sscard-terminal[slips]'" in done.sentence
    assert sscard("slip", *counter.book).code == 0
