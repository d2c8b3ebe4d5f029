"""What stands on a slip: the facts of the journal, all of them where they are certain, none of a holder's."""

import pytest

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal_events import REQUESTS, Event, EventKind, JournalEntry, SaleState
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.slips.contents import Row, Signature, Slip
from sscard_terminal.terminal.slips.day_form import AMOUNTS
from sscard_terminal.terminal.slips.forms import FORMS_OF_REQUESTS, SALES, newest_request, slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.slips.words import EN, ZH
from tests.terminal.doubles import NOON
from tests.terminal.slips.samples import CHARGED, NOT_CHARGED, OPEN, SALE, SAMPLES, TAC, asked


def labels(slip: Slip) -> set[str]:
    return {piece.label for piece in slip if isinstance(piece, Row)}


def test_both_languages_have_the_same_words() -> None:
    assert ZH.keys() == EN.keys()


@pytest.mark.parametrize("kind", list(SaleKind))
@pytest.mark.parametrize("state", list(SaleState))
def test_every_kind_of_sale_has_its_slip_and_its_words_in_a_day(kind: SaleKind, state: SaleState) -> None:
    assert kind in SALES
    assert {f"kind.{kind}", f"sum.{kind}.{state}"} <= ZH.keys()
    assert kind in AMOUNTS


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_of_request_has_its_slip_and_its_words_in_a_day(kind: EventKind) -> None:
    assert kind in FORMS_OF_REQUESTS
    assert {f"kind.{kind}", f"sum.{kind}.requested"} <= ZH.keys()
    assert kind in AMOUNTS


@pytest.mark.parametrize("name", list(SAMPLES))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_slip_holds_a_whole_card_number_or_an_identification(name: str, language: Language) -> None:
    text = text_of(SAMPLES[name](language), 48)

    assert SALE.card_number not in text
    assert SALE.identification not in text
    assert SALE.identification[-8:] not in text


def test_the_slip_has_what_a_slip_printer_must_print() -> None:
    slip = slip_of_sale(CHARGED, "en")

    assert {"Card number", "AID", "Time"} <= labels(slip)
    assert Signature("Signature") in slip


def test_a_slip_found_charged_by_recovery_is_as_good() -> None:
    settled = JournalEntry(SALE, (Event(EventKind.LOST, NOON), Event(EventKind.SETTLED_CHARGED, NOON, TAC)))

    assert slip_of_sale(settled, "zh") == slip_of_sale(CHARGED, "zh")


@pytest.mark.parametrize("entry", [OPEN, NOT_CHARGED])
def test_what_is_not_certainly_charged_shows_neither_balance_nor_tac(entry: JournalEntry) -> None:
    assert not {"Balance", "TAC"} & labels(slip_of_sale(entry, "en"))


def test_a_sale_not_charged_is_not_signed_for() -> None:
    assert Signature("Signature") not in slip_of_sale(NOT_CHARGED, "en")


@pytest.mark.parametrize(("name", "is_certain"), [("load-credited", True), ("load-open", False)])
def test_a_load_not_certainly_credited_shows_neither_balance_nor_tac(name: str, is_certain: bool) -> None:
    assert ({"Balance", "TAC"} <= labels(SAMPLES[name]("en"))) is is_certain
    assert (TAC.hex().upper() in text_of(SAMPLES[name]("en"))) is is_certain


def test_a_load_not_credited_is_not_signed_for() -> None:
    assert Signature("Signature") not in SAMPLES["load-not-credited"]("en")


def test_a_sale_nothing_was_asked_about_has_no_request() -> None:
    assert newest_request(CHARGED) is None


def test_of_two_requests_the_newest_is_shown() -> None:
    twice = asked(EventKind.REFUND_REQUESTED, 500)
    again = JournalEntry(
        twice.sale,
        (*twice.events, *asked(EventKind.REFUND_REQUESTED, 700).events[-1:]),
    )

    found = newest_request(again)

    assert found is not None
    assert found.event.amount == 700
    assert again.on_its_way == 1200
