"""The upload queue: every event of the journal reaches the centre, in order, once in effect, whatever is lost."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.upload_record import News, Outcome, State, What, key_of
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind, Request
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.requests import request_void, requests_on_their_way
from sscard_terminal.terminal.upload import Ending, UploadReport, upload
from sscard_terminal.terminal.upload_queue import (
    INTENT_ONLY,
    acknowledged,
    name_the_unknown,
    records_behind,
    waiting,
)
from tests.terminal import stand_in_centre as centres
from tests.terminal.doubles import NOON, Desk, TickingClock, fill_the_disk, statements_of
from tests.terminal.doubles import answer_lost as card_keeps_its_answer
from tests.terminal.stand_in_centre import HARMLESS, Centre, Fault, Killed
from tests.terminal.test_journal import MAC2, TAC, intent

TERMINAL = "370900000001"
CHARGED = (Event(EventKind.ANSWERED, NOON, TAC, MAC2), Event(EventKind.CONFIRMED, NOON))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as journal:
        yield journal


def sold(journal: Journal, *events: Event) -> int:
    voucher = journal.record_intent(intent()).voucher
    for event in events:
        journal.record(voucher, event)
    return voucher


def sent(journal: Journal, centre: Centre, batch: int = 100) -> UploadReport:
    return upload(journal, centre, TickingClock(), batch)


def stream(journal: Journal, most: int = 1000) -> list[str]:
    """All that the centre is to hold."""
    return [record.build() for record in records_behind(journal, TERMINAL, 0, most)]


# What goes up -----------------------------------------------------------------------------------------


def test_a_sale_goes_up_with_every_fact_as_it_was_known_then(tmp_path: Path) -> None:
    desk, centre = Desk.at(tmp_path), Centre()
    desk.sell()
    sale = desk.last_sale()

    sent(desk.journal, centre)

    answered, confirmed = centre.records
    assert (answered.what, answered.state) == (What.ANSWERED, State.OPEN)
    assert (confirmed.what, confirmed.state) == (What.CONFIRMED, State.CHARGED)
    assert (confirmed.tac, confirmed.mac2) == (answered.tac, answered.mac2)
    assert confirmed.tac is not None
    for name in ("voucher", "identification", "card_number", "balance_before", "counter", "key_index"):
        assert getattr(confirmed, name) == getattr(sale, name)
    for name in ("terminal", "sequence", "time", "mac1"):
        assert getattr(confirmed, name) == getattr(sale, name)
    assert (confirmed.account, confirmed.self_paid, confirmed.pooled) == (
        sale.amounts.account,
        sale.amounts.self_paid,
        sale.amounts.pooled,
    )


def test_an_unknown_sale_goes_up_as_such_and_its_truth_when_the_card_is_back(tmp_path: Path) -> None:
    desk, centre = Desk.at(tmp_path), Centre()
    desk.sell(card_keeps_its_answer(LinkReason.CARD_REMOVED))
    sent(desk.journal, centre)
    desk.come_back()

    sent(desk.journal, centre)

    assert [(record.what, record.state) for record in centre.records] == [
        (What.LOST, State.OPEN),
        (What.SETTLED_CHARGED, State.CHARGED),
    ]


def test_a_sale_of_which_there_is_only_the_intent_goes_up_as_lost(journal: Journal) -> None:
    centre = Centre()
    sold(journal, *CHARGED)
    sold(journal)
    sold(journal, *CHARGED)

    sent(journal, centre)

    unknown = centre.records[-1]
    assert (unknown.voucher, unknown.what, unknown.state) == (2, What.LOST, State.OPEN)
    assert (unknown.detail, unknown.tac) == (INTENT_ONLY, None)
    assert len(journal.open_sales()) == 1


def test_it_goes_up_again_once_it_is_settled(journal: Journal) -> None:
    centre = Centre()
    sold(journal)
    sent(journal, centre)
    journal.record(1, Event(EventKind.SETTLED_NOT_CHARGED, NOON + timedelta(days=1)))

    sent(journal, centre)

    assert [record.state for record in centre.records] == [State.OPEN, State.NOT_CHARGED]


def test_it_is_named_once(journal: Journal) -> None:
    sold(journal)

    assert [name_the_unknown(journal, NOON) for _ in range(2)] == [1, 0]


def test_one_killed_after_an_upload_is_found_too(journal: Journal) -> None:
    centre = Centre()
    sold(journal, *CHARGED)
    sent(journal, centre)
    sold(journal)

    sent(journal, centre)

    assert [record.voucher for record in centre.records] == [1, 1, 2]


def test_a_record_is_the_same_whenever_it_is_sent(journal: Journal) -> None:
    voucher = sold(journal, CHARGED[0])
    before = stream(journal)
    journal.record(voucher, CHARGED[1])
    request_void(journal, voucher, TickingClock())

    assert stream(journal)[:1] == before


def test_requests_go_up_with_amount_and_who_asked(journal: Journal) -> None:
    centre = Centre()
    voucher = sold(journal, *CHARGED)
    journal.record(
        voucher, Event(EventKind.REFUND_REQUESTED, NOON, amount=Fen(500), operator="07", supervisor="01")
    )

    sent(journal, centre)

    asked = centre.records[-1]
    assert (asked.what, asked.amount, asked.operator, asked.supervisor) == (
        What.REFUND_REQUESTED,
        500,
        "07",
        "01",
    )


def test_training_sales_never_leave(tmp_path: Path) -> None:
    centre = Centre()
    with Journal.open(tmp_path / "training.db", training=True) as journal:
        sold(journal, *CHARGED)

        assert sent(journal, centre).ending is Ending.TRAINING
    assert not centre.batches


def test_an_empty_journal_asks_nobody(journal: Journal) -> None:
    centre = Centre()

    assert sent(journal, centre) == UploadReport(Ending.DONE)
    assert not centre.batches


# Acknowledgements -------------------------------------------------------------------------------------


def test_what_is_acknowledged_is_never_sent_again(journal: Journal) -> None:
    centre = Centre()
    sold(journal, *CHARGED)
    first = sent(journal, centre)
    sold(journal, *CHARGED)

    second = sent(journal, centre)

    assert (first.sent, second.sent) == (2, 2)
    assert [record.event for batch in centre.batches for record in batch.records] == [1, 2, 3, 4]


def test_a_long_queue_goes_up_batch_by_batch(journal: Journal) -> None:
    centre = Centre()
    for _ in range(5):
        sold(journal, *CHARGED)

    report = sent(journal, centre, batch=4)

    assert [len(batch.records) for batch in centre.batches] == [4, 4, 2]
    assert (report.ending, report.sent) == (Ending.DONE, 10)


def test_a_lost_acknowledgement_brings_the_same_bytes_again(journal: Journal) -> None:
    centre = Centre([centres.answer_lost])
    sold(journal, *CHARGED)

    lost = sent(journal, centre)
    after = sent(journal, centre)

    assert (lost.ending, lost.sent) == (Ending.NO_ANSWER, 0)
    assert (after.ending, after.sent) == (Ending.DONE, 2)
    assert centre.batches[0] == centre.batches[1]
    assert centre.held == stream(journal)


def test_a_part_that_is_acknowledged_need_not_go_again(journal: Journal) -> None:
    centre = Centre([centres.takes_one])
    sold(journal, *CHARGED)

    report = sent(journal, centre)

    assert report.sent == 2
    assert [[record.event for record in batch.records] for batch in centre.batches] == [[1, 2], [2]]


def test_a_centre_that_takes_nothing_ends_the_upload(journal: Journal) -> None:
    centre = Centre([centres.takes_nothing])
    sold(journal, *CHARGED)

    assert sent(journal, centre).ending is Ending.TOOK_NOTHING
    assert sent(journal, centre).ending is Ending.DONE


@pytest.mark.parametrize(
    "held",
    [key_of(TERMINAL, 3), key_of(TERMINAL, 10**17), key_of("370900000002", 2), key_of("370900000002", 1)],
    ids=["not sent", "of no event", "of another journal", "of another journal, in part"],
)
def test_what_was_not_sent_is_not_believed(journal: Journal, held: str) -> None:
    centre = Centre([centres.takes_and_answers(held)])
    sold(journal, *CHARGED)
    sold(journal, *CHARGED)

    report = sent(journal, centre, batch=2)

    assert (report.ending, report.sent, acknowledged(journal)) == (Ending.NOT_BELIEVED, 0, 0)
    assert (sent(journal, centre).ending, acknowledged(journal)) == (Ending.DONE, 4)


def test_an_acknowledgement_said_again_changes_nothing(journal: Journal) -> None:
    centre = Centre()
    sold(journal, *CHARGED)
    sent(journal, centre)
    sold(journal, *CHARGED)
    centre.faults = [centres.answers(key_of(TERMINAL, 2))]

    assert sent(journal, centre).ending is Ending.TOOK_NOTHING
    assert acknowledged(journal) == 2


@pytest.mark.parametrize("count", [0, 1, 3, 5])
@pytest.mark.parametrize("more", [0, 1], ids=["nothing new", "something new"])
def test_a_centre_that_lost_something_gets_it_again(journal: Journal, count: int, more: int) -> None:
    centre = Centre()
    for _ in range(3):
        sold(journal, *CHARGED)
    sent(journal, centre)
    for _ in range(more):
        sold(journal, *CHARGED)
    centre.faults = [centres.restored(count)]

    report = sent(journal, centre, batch=2)

    assert (report.ending, report.sent) == (Ending.DONE, 2 * more)
    assert centre.held == stream(journal)


def test_a_centre_that_lost_something_and_then_the_line_gets_it_the_next_time(journal: Journal) -> None:
    centre = Centre()
    for _ in range(3):
        sold(journal, *CHARGED)
    sent(journal, centre)
    centre.faults = [centres.restored(1), centres.never_arrives]

    assert sent(journal, centre).ending is Ending.NO_ANSWER
    assert sent(journal, centre).ending is Ending.DONE
    assert centre.held == stream(journal)


def test_a_centre_that_forgets_for_ever_does_not_keep_us_for_ever(journal: Journal) -> None:
    centre = Centre()
    sold(journal, *CHARGED)
    sent(journal, centre)
    sold(journal, *CHARGED)
    centre.faults = [centres.restored(1)] * 20

    assert sent(journal, centre, batch=1).ending is Ending.TOOK_NOTHING
    assert len(centre.faults) > 10


def test_a_journal_restored_from_an_old_copy_counts_on_and_nothing_is_lost(tmp_path: Path) -> None:
    """Two facts under one key: the centre keeps both. Source: cardspec/upload_record.py."""
    centre = Centre()
    with Journal.open(tmp_path / "journal.db") as journal:
        sold(journal, *CHARGED)
        journal.copy_to(tmp_path / "copy.db")
        sold(journal, *CHARGED)
        sent(journal, centre)
    with Journal.open(tmp_path / "copy.db") as copy:
        sold(copy, CHARGED[0], Event(EventKind.UNPROVED, NOON))

        report = sent(copy, centre)

        assert report.ending is Ending.DONE
        assert set(stream(copy)) < set(centre.held)
    assert len(centre.held) == 5


def test_a_replaced_psam_changes_the_number_and_not_the_journals_name(journal: Journal) -> None:
    centre = Centre()
    old = sold(journal, *CHARGED)
    journal.record_intent(intent(terminal="370900000002"))
    request_void(journal, old, TickingClock())

    report = sent(journal, centre, batch=1)

    assert report.ending is Ending.DONE
    assert [record.key for record in centre.records] == [key_of(TERMINAL, number) for number in (1, 2, 3, 4)]
    assert [record.terminal[-1] for record in centre.records] == ["1", "1", "1", "2"]


def test_a_full_disk_is_said_and_the_batch_goes_again(journal: Journal) -> None:
    centre = Centre()
    journal._database.execute("PRAGMA synchronous = OFF")  # quicker, and full all the same
    for _ in range(100):
        sold(journal, *CHARGED)
    fill_the_disk(journal)

    with pytest.raises(JournalTrouble) as caught:
        sent(journal, centre, batch=1)
    journal._database.execute("PRAGMA max_page_count = 1000000")

    assert caught.value.fault is JournalFault.CANNOT_WRITE
    assert sent(journal, centre).ending is Ending.DONE
    assert centre.held == stream(journal)


@pytest.mark.parametrize(
    "faults", list(product(HARMLESS, HARMLESS)), ids=lambda two: "+".join(f.__name__ for f in two)
)
def test_any_two_faults_lose_nothing_and_change_no_order(faults: tuple[Fault, ...], tmp_path: Path) -> None:
    path, centre = tmp_path / "journal.db", Centre(list(faults))
    with Journal.open(path) as journal:
        sold(journal, *CHARGED)
        sold(journal, CHARGED[0])
        sold(journal)

    for _ in range(4):
        try:
            with Journal.open(path) as journal:
                report = sent(journal, centre, batch=3)
        except Killed:
            continue

    with Journal.open(path) as journal:
        assert report.ending is Ending.DONE
        assert centre.held == stream(journal)
        assert waiting(journal).count == 0


# News about requests ------------------------------------------------------------------------------------


def asked(journal: Journal) -> str:
    """A void is asked for; its key."""
    request = request_void(journal, sold(journal, *CHARGED), TickingClock())
    assert isinstance(request, Request)
    return key_of(TERMINAL, request.event.number)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(Outcome.CREDITED, EventKind.REQUEST_CREDITED), (Outcome.REFUSED, EventKind.REQUEST_REFUSED)],
)
def test_what_became_of_a_request_is_written_down_once_and_echoed(
    journal: Journal, outcome: Outcome, kind: EventKind
) -> None:
    news = News(asked(journal), outcome, "tac-wrong" if outcome is Outcome.REFUSED else "")
    centre = Centre(news=[news])

    first, second = sent(journal, centre), sent(journal, centre)

    entry = journal.entry(1)
    assert entry is not None
    assert (first.news, second.news) == ((news,), ())
    assert (entry.events[-1].kind, entry.events[-1].detail) == (kind, news.reason)
    assert entry.on_its_way == 0
    assert not requests_on_their_way(journal)
    assert (centre.records[-1].what, centre.records[-1].answers) == (What(kind), 3)


def test_news_comes_when_nothing_waits(journal: Journal) -> None:
    key, centre = asked(journal), Centre()
    sent(journal, centre)
    centre.news = [News(key, Outcome.CREDITED)]

    assert sent(journal, centre).news == (News(key, Outcome.CREDITED),)


def test_news_that_was_not_echoed_comes_again(journal: Journal) -> None:
    news = News(asked(journal), Outcome.CREDITED)
    centre = Centre([centres.answer_lost], news=[news])

    assert sent(journal, centre).news == ()
    assert sent(journal, centre).news == (news,)


@pytest.mark.parametrize(
    "key",
    [key_of(TERMINAL, 1), key_of(TERMINAL, 99), key_of("370900000002", 3)],
    ids=["no request", "nothing", "another terminal's"],
)
def test_news_about_what_is_no_request_of_ours_is_not_believed(journal: Journal, key: str) -> None:
    asked(journal)
    centre = Centre(news=[News(key, Outcome.CREDITED)])

    report = sent(journal, centre)

    assert (report.ending, report.news, report.disbelieved) == (Ending.DONE, (), 1)
    assert len(requests_on_their_way(journal)) == 1


def test_news_about_a_request_that_was_not_sent_yet_is_not_believed(journal: Journal) -> None:
    key = asked(journal)
    centre = Centre([centres.answers(None, News(key, Outcome.CREDITED))])

    assert sent(journal, centre).disbelieved == 1
    assert len(requests_on_their_way(journal)) == 1


def test_a_centre_that_contradicts_itself_is_believed_the_first_time(journal: Journal) -> None:
    key = asked(journal)
    centre = Centre(news=[News(key, Outcome.CREDITED)])
    sent(journal, centre)
    centre.news = [News(key, Outcome.REFUSED)]

    report = sent(journal, centre)

    entry = journal.entry(1)
    assert entry is not None
    assert (report.disbelieved, entry.requested, entry.on_its_way) == (1, 1234, 0)


# At a glance, and quickly -------------------------------------------------------------------------------


def test_the_queue_at_a_glance(journal: Journal) -> None:
    sold(journal, *CHARGED)
    before = waiting(journal)
    sent(journal, Centre([centres.takes_one, centres.never_arrives]))
    between = waiting(journal)
    sent(journal, Centre())
    after = waiting(journal)

    assert (before.count, before.since, before.acknowledged, before.acknowledged_at) == (2, NOON, 0, None)
    assert (between.count, between.acknowledged) == (1, 1)
    assert between.acknowledged_at is not None
    assert (after.count, after.since, after.acknowledged) == (0, None, 2)


def test_a_long_journal_is_never_read_from_its_start(journal: Journal) -> None:
    """By SQLite's own plans: not one statement of an upload goes through a whole table."""
    asked(journal)
    sent(journal, Centre())
    statements: list[str] = []
    statements_of(journal, statements.append)
    sold(journal)
    sent(journal, Centre(news=[News(key_of(TERMINAL, 3), Outcome.CREDITED)]))
    waiting(journal)
    requests_on_their_way(journal)
    journal._database.set_trace_callback(None)

    reading = [text for text in statements if text.startswith(("SELECT", "INSERT"))]
    plans = {text: plan_of(journal, text) for text in reading}

    assert len(plans) > 8
    scans = {text: plan for text, plan in plans.items() if "SCAN" in plan and not is_bounded(plan)}
    assert not scans


def plan_of(journal: Journal, statement: str) -> str:
    rows: list[sqlite3.Row] = journal._database.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    return "; ".join(str(row["detail"]) for row in rows)


def is_bounded(plan: str) -> bool:
    """Goes through the index of the requests alone, through the result of a bounded query, or takes one row."""
    scans = [step for step in plan.split("; ") if step.startswith("SCAN")]
    return all(
        "USING INDEX requests" in step or "(subquery" in step or step == "SCAN 1 CONSTANT ROW"
        for step in scans
    )


# Anything in any order ----------------------------------------------------------------------------------


class AnyTrade(RuleBasedStateMachine):
    """Sales, requests, kills and uploads in any order over a link that may do anything."""

    folder: Path
    runs = 0

    @initialize()
    def begin(self) -> None:
        AnyTrade.runs += 1
        self.path = self.folder / f"journal-{AnyTrade.runs}.db"
        self.centre = Centre()
        self.has_lost = False
        self.clock = TickingClock()
        self.journal = self.opened()

    def opened(self) -> Journal:
        """Without waiting for the disk: a kill loses nothing that was written."""
        journal = Journal.open(self.path)
        journal._database.execute("PRAGMA synchronous = OFF")
        return journal

    @rule(events=st.sampled_from([CHARGED, CHARGED[:1], (), (Event(EventKind.NOT_SENT, NOON),)]))
    def sell(self, events: tuple[Event, ...]) -> None:
        sold(self.journal, *events)

    @rule(back=st.integers(0, 3))
    def ask(self, back: int) -> None:
        newest = self.journal.last_entry()
        if newest is not None:
            request_void(self.journal, max(1, newest.sale.voucher - back), self.clock)

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        requests = [record.key for record in self.centre.records if record.what is What.VOID_REQUESTED]
        open_ones = sorted(set(requests) - {news.request for news in self.centre.news})
        if open_ones:
            outcome = data.draw(st.sampled_from(Outcome))
            self.centre.news.append(News(data.draw(st.sampled_from(open_ones)), outcome))

    @rule(
        faults=st.lists(st.sampled_from([*HARMLESS, centres.restored(1), centres.restored(4)]), max_size=3),
        batch=st.integers(1, 5),
    )
    def send(self, faults: list[Fault], batch: int) -> None:
        self.centre.faults = list(faults)
        self.has_lost |= any("restored" in fault.__qualname__ for fault in faults)
        try:
            upload(self.journal, self.centre, self.clock, batch)
        except Killed:
            self.journal.close()
            self.journal = self.opened()

        held = self.centre.held
        assert held == stream(self.journal)[: len(held)]
        assert acknowledged(self.journal) <= len(held) or self.has_lost

    def teardown(self) -> None:
        if not hasattr(self, "journal"):
            return
        self.centre.faults = []
        report = upload(self.journal, self.centre, self.clock, 3)
        assert report.ending is Ending.DONE
        assert self.centre.held == stream(self.journal)
        assert (waiting(self.journal).count, report.disbelieved) == (0, 0)
        on_their_way = {
            key_of(TERMINAL, request.event.number) for request in requests_on_their_way(self.journal)
        }
        assert not on_their_way & {news.request for news in self.centre.news}
        self.journal.close()


def test_whatever_happens_every_event_arrives_in_order_and_once(tmp_path: Path) -> None:
    AnyTrade.folder = tmp_path
    some = settings(
        max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )

    run_state_machine_as_test(AnyTrade, settings=some)  # type: ignore[no-untyped-call]
