"""The whole way of a void: asked for at the counter, uploaded, loaded by the centre's host, heard of again."""

from pathlib import Path

from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.upload_record import News, Outcome, What
from sscard_terminal.terminal.journal_events import EventKind, Request
from sscard_terminal.terminal.load import reference_of
from sscard_terminal.terminal.load_records import Credited
from sscard_terminal.terminal.outcomes import Approved
from sscard_terminal.terminal.requests import request_void, requests_on_their_way
from sscard_terminal.terminal.service_window import load_refunds
from sscard_terminal.terminal.upload import Ending, upload
from tests.terminal.doubles import AMOUNTS, OPENING
from tests.terminal.stand_in_centre import Centre
from tests.terminal.window_doubles import ServiceDesk


def test_a_voided_sale_comes_back_onto_the_card_and_the_shop_hears_of_it(tmp_path: Path) -> None:
    desk, centre = ServiceDesk.open(tmp_path), Centre()
    assert isinstance(desk.sell(), Approved)
    assert isinstance(request_void(desk.journal, 1, desk.clock), Request)
    upload(desk.journal, centre, desk.clock)
    [asked] = [record for record in centre.records if record.what is What.VOID_REQUESTED]
    between = desk.balance()

    desk.host.owe(
        reference_of(desk.identified()), PendingCredit(asked.key, Fen(asked.amount or 0), str(asked.voucher))
    )
    found = load_refunds(desk.identified(), desk.host, desk.window)
    assert isinstance(found, tuple)
    [refund] = found
    centre.news = [News(refund.credit.id, Outcome.CREDITED)]
    report = upload(desk.journal, centre, desk.clock)

    assert isinstance(refund.outcome, Credited)
    assert (between, desk.balance()) == (OPENING - AMOUNTS.account, OPENING)
    assert (report.ending, len(report.news)) == (Ending.DONE, 1)
    assert not requests_on_their_way(desk.journal)
    entry = desk.journal.entry(1)
    assert entry is not None
    assert (entry.events[-1].kind, entry.on_its_way) == (EventKind.REQUEST_CREDITED, 0)
