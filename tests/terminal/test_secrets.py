"""A marked PIN goes through every workflow, and is looked for everywhere it must not be."""

import logging
import traceback
from pathlib import Path

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.reader.tracing import traced
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.workflow import change_pin, read_balances, read_details, verify_pin
from tests.terminal.doubles import AMOUNTS, PIN, Desk, Fault, Faulty, answer_lost, answers

MARKED, MARKED_NEXT = "739162", "850273"
VERIFY, CHANGE_PIN = bytes.fromhex("00200000"), bytes.fromhex("805E0100")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk.at(tmp_path)
    change_pin(desk.identified(), PIN, Pin(MARKED))
    return desk


def assert_nowhere(text: str) -> None:
    for digits in (MARKED, MARKED_NEXT):
        assert digits not in text
        assert repr(bytes.fromhex(digits))[2:-1] not in text


def test_a_marked_pin_is_in_no_journal_trace_log_repr_or_slip(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    card = desk.identified(lambda inner: traced(inner, lines.append), pin=None)

    outcomes = [
        verify_pin(card, Pin("111111")),
        verify_pin(card, Pin(MARKED)),
        read_balances(card),
        read_details(card),
        change_pin(card, Pin(MARKED), Pin(MARKED_NEXT)),
        change_pin(card, Pin(MARKED_NEXT), Pin(MARKED)),
    ]
    desk_sale = sell_with(desk, Pin(MARKED))
    entry = desk.journal.last_entry()
    assert entry is not None

    assert len(lines) > 30
    assert_nowhere("\n".join(lines))
    assert_nowhere(caplog.text)
    assert_nowhere(repr((outcomes, desk_sale, card, entry)))
    assert_nowhere(text_of(slip_of_sale(entry, "zh")))
    for file in tmp_path.iterdir():
        assert MARKED.encode() not in file.read_bytes()
        assert bytes.fromhex(MARKED) not in file.read_bytes()


def sell_with(desk: Desk, pin: Pin) -> object:
    card = desk.identified(pin=pin)
    return debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)


@pytest.mark.parametrize("header", [VERIFY, CHANGE_PIN])
@pytest.mark.parametrize("fault", [answer_lost(LinkReason.CARD_REMOVED), answers("6F00"), answers("6C08")])
def test_no_error_on_the_way_of_a_pin_tells_it(desk: Desk, header: bytes, fault: Fault) -> None:
    links: list[Faulty] = []
    card = desk.identified(lambda inner: links.append(Faulty(inner)) or links[0], pin=None)
    links[0].header, links[0].fault = header, fault

    try:
        shown = repr([verify_pin(card, Pin(MARKED)), change_pin(card, Pin(MARKED), Pin(MARKED_NEXT))])
    except (LinkError, CardRefused) as error:
        shown = "".join(traceback.format_exception(error)) + repr(error)

    assert_nowhere(shown)


def test_the_holders_name_and_identity_number_are_in_no_journal(desk: Desk, tmp_path: Path) -> None:
    sell_with(desk, Pin(MARKED))

    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"370900199001010010" not in kept
    assert "张三".encode() not in kept
    assert "张三".encode("gb18030") not in kept
