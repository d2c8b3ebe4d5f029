"""PIN reset and unblock at the window: the card, the document, the host's keys, and no PIN anywhere else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import HostReason, PinService
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import WindowLedger
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Accepted, Blocked, Declined, Reason, Wrong
from sscard_terminal.terminal.pin_service import reset_pin, unblock_pin
from sscard_terminal.terminal.pin_service_journal import PinServiceEventKind, PinServiceJournal
from tests.cards import KEYS
from tests.terminal.doubles import Faulty, answer_lost, answers, never_arrives
from tests.terminal.window_doubles import SIGHTED, FailingHost, ServiceDesk

each_generation = pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
NEW, WRONG = Pin("246810"), Pin("999999")
EXTERNAL = bytes.fromhex("00820006")
RELOAD, UNBLOCK = bytes.fromhex("84240001"), bytes.fromhex("84240000")


@pytest.fixture
def desk(tmp_path: Path) -> ServiceDesk:
    return ServiceDesk.open(tmp_path)


def lock(desk: ServiceDesk) -> None:
    card = desk.insert()
    for _ in range(3):
        card.verify_pin(WRONG)
    assert card.tries_left() == 0


def reset(desk: ServiceDesk, new: Pin = NEW, host: object = None, **fault: object) -> Accepted | Declined:
    card = desk.identified(lambda inner: Faulty(inner, **fault), pin=None)  # type: ignore[arg-type]
    return reset_pin(card, host or desk.host, desk.window, SIGHTED, new)  # type: ignore[arg-type]


def last(desk: ServiceDesk) -> tuple[PinServiceEventKind | None, str]:
    entry = PinServiceJournal(desk.journal).entries()[-1]
    return entry.end, entry.detail


def verdict(desk: ServiceDesk, pin: Pin) -> object:
    return desk.insert().verify_pin(pin)


@each_generation
def test_a_locked_pin_is_reset_to_a_new_one(tmp_path: Path, profile: str) -> None:
    desk = ServiceDesk.open(tmp_path, profile)
    lock(desk)

    assert reset(desk) == Accepted()

    assert verdict(desk, desk.pin) == Wrong(2)
    assert verdict(desk, NEW) == Accepted()
    assert last(desk) == (PinServiceEventKind.DONE, "")


@each_generation
def test_a_locked_pin_is_unblocked_and_stays_what_it_was(tmp_path: Path, profile: str) -> None:
    desk = ServiceDesk.open(tmp_path, profile)
    lock(desk)

    outcome = unblock_pin(desk.identified(pin=None), desk.host, desk.window, SIGHTED)

    assert outcome == Accepted()
    assert desk.insert().tries_left() == 3
    assert verdict(desk, desk.pin) == Accepted()


@each_generation
@pytest.mark.parametrize("digits", ["123457", "000000"])
def test_every_generation_takes_any_six_digits(tmp_path: Path, profile: str, digits: str) -> None:
    desk = ServiceDesk.open(tmp_path, profile)

    assert reset(desk, Pin(digits)) == Accepted()
    assert verdict(desk, Pin(digits)) == Accepted()


@pytest.mark.parametrize(
    ("digits", "reason"),
    [
        ("12345", "new-pin-not-six-digits"),
        ("1234567", "new-pin-not-six-digits"),
        ("123456", "new-pin-is-a-first-pin"),
        ("1234", "new-pin-not-six-digits"),
    ],
)
def test_a_pin_nobody_may_choose_costs_nothing(desk: ServiceDesk, digits: str, reason: str) -> None:
    assert reset(desk, Pin(digits)) == Declined(Reason(reason))
    assert PinServiceJournal(desk.journal).entries() == ()


def test_the_journal_says_whose_pin_and_who_has_sighted_the_document(desk: ServiceDesk) -> None:
    reset(desk)
    [entry] = PinServiceJournal(desk.journal).entries()

    assert (entry.service, entry.identification) == (PinService.RESET, desk.identification)
    assert (entry.sighting, entry.terminal) == (SIGHTED, "370900000001")


def test_journal_and_ledger_hold_no_pin_and_no_identity_number(tmp_path: Path) -> None:
    desk = ServiceDesk.open(tmp_path)
    with WindowLedger.open(tmp_path / "ledger.db") as ledger:
        desk.host = WindowHost(SoftwareHsm(KEYS), ledger, desk.clock)
        reset(desk, Pin("739162"))
    desk.journal.close()

    for file in tmp_path.iterdir():
        content = file.read_bytes()
        for secret in (b"739162", bytes.fromhex("739162"), b"370900199001010010"):
            assert secret not in content, file


def test_entries_stay(desk: ServiceDesk, tmp_path: Path) -> None:
    reset(desk)
    desk.journal.close()

    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        for table in ("pin_services", "pin_service_events"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                database.execute(f"DELETE FROM {table}")


# What can go wrong --------------------------------------------------------------------------------------------


def test_wrong_keys_are_noticed_before_a_try_of_the_puk_is_spent(desk: ServiceDesk) -> None:
    host = WindowHost(SoftwareHsm(KeySet({}, "other keys ")), WindowLedger.open(), desk.clock)

    outcomes = {reset(desk, host=host) for _ in range(5)}

    assert outcomes == {Declined(Reason.HOST_REFUSED, host=HostReason.CARD_NOT_AUTHENTIC)}
    assert last(desk) == (PinServiceEventKind.NOT_DONE, "card-not-authentic")
    assert reset(desk) == Accepted()


@pytest.mark.parametrize("question", [1, 2])
def test_a_host_out_of_reach_changes_nothing(desk: ServiceDesk, question: int) -> None:
    outcome = reset(desk, host=FailingHost(desk.host, question))

    assert outcome == Declined(Reason.HOST_UNREACHABLE)
    assert verdict(desk, desk.pin) == Accepted()
    assert last(desk) == (PinServiceEventKind.NOT_DONE, "host-unreachable")


def test_a_command_the_host_made_and_nobody_heard_is_made_anew(desk: ServiceDesk) -> None:
    outcome = reset(desk, host=FailingHost(desk.host, 2, acts=True))

    assert outcome == Declined(Reason.HOST_UNREACHABLE)
    assert verdict(desk, desk.pin) == Accepted()
    assert reset(desk) == Accepted()


def test_a_request_id_is_never_used_twice(desk: ServiceDesk) -> None:
    assert reset(desk) == Accepted()
    desk.ids = 0

    assert reset(desk) == Declined(Reason.JOURNAL_TROUBLE)


@pytest.mark.parametrize(
    ("sw", "reason"), [("6983", "puk-blocked"), ("63C1", "card-refused"), ("6988", "card-refused")]
)
def test_a_card_that_does_not_let_us_in(desk: ServiceDesk, sw: str, reason: str) -> None:
    outcome = reset(desk, header=EXTERNAL, fault=answers(sw))

    assert isinstance(outcome, Declined)
    assert (outcome.reason, str(outcome.sw)) == (Reason(reason), sw)
    assert last(desk) == (PinServiceEventKind.NOT_DONE, reason)


@pytest.mark.parametrize("sw", ["6982", "6984", "6988", "6A80"])
def test_a_refused_reload_leaves_the_pin(desk: ServiceDesk, sw: str) -> None:
    outcome = reset(desk, header=RELOAD, fault=answers(sw))

    assert isinstance(outcome, Declined)
    assert outcome.command == "PIN RELOAD" or sw == "6982"
    assert verdict(desk, desk.pin) == Accepted()


def test_a_reset_whose_answer_is_lost_is_said_so_and_may_be_done_again(desk: ServiceDesk) -> None:
    with pytest.raises(LinkError):
        reset(desk, header=RELOAD, fault=answer_lost(LinkReason.CARD_REMOVED))
    assert last(desk) == (PinServiceEventKind.LOST, "")

    assert reset(desk) == Accepted()
    assert verdict(desk, NEW) == Accepted()


@pytest.mark.parametrize("header", [EXTERNAL, bytes.fromhex("00840000"), bytes.fromhex("00880000")])
def test_a_link_broken_before_the_command_leaves_the_pin(desk: ServiceDesk, header: bytes) -> None:
    card = desk.identified(pin=None)
    card.client._connection = Faulty(card.client._connection, header, never_arrives(LinkReason.CARD_REMOVED))

    outcome = reset_pin(card, desk.host, desk.window, SIGHTED, NEW)

    assert outcome == Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)
    assert verdict(desk, desk.pin) == Accepted()


def test_a_command_that_never_left_is_declined(desk: ServiceDesk) -> None:
    outcome = reset(desk, header=RELOAD, fault=never_arrives(LinkReason.CLOSED))

    assert outcome == Declined(Reason.LINK_BROKEN, link=LinkReason.CLOSED)
    assert last(desk) == (PinServiceEventKind.NOT_DONE, "link-broken")


def test_an_answer_too_short_declines(desk: ServiceDesk) -> None:
    card = desk.identified(pin=None)
    card.client._connection = Faulty(card.client._connection, bytes.fromhex("00880000"), answers("AA 9000"))

    outcome = unblock_pin(card, desk.host, desk.window, SIGHTED)

    assert outcome == Declined(Reason.CARD_DATA_MALFORMED)


def test_without_a_journal_nothing_is_asked(desk: ServiceDesk) -> None:
    desk.journal.close()
    card = desk.identified(pin=None)

    assert reset_pin(card, desk.host, desk.window, SIGHTED, NEW) == Declined(Reason.JOURNAL_TROUBLE)
    desk.journal = Journal.open(Path(desk.journal._path))
    assert verdict(desk, desk.pin) == Accepted()


def test_a_journal_that_fails_at_the_end_undoes_nothing(desk: ServiceDesk) -> None:
    def close(name: str) -> None:
        if name == "pin_command":
            desk.journal.close()

    outcome = reset(desk, host=FailingHost(desk.host, tell=close))

    assert outcome == Accepted()
    assert verdict(desk, NEW) == Accepted()


def test_no_pin_guess_is_free_through_the_window(desk: ServiceDesk) -> None:
    """Neither a refused nor an interrupted service gives tries back."""
    desk.insert().verify_pin(WRONG)

    reset(desk, header=EXTERNAL, fault=answers("63C1"))
    reset(desk, header=RELOAD, fault=answers("6988"))
    reset(desk, host=FailingHost(desk.host, 1))

    assert desk.insert().tries_left() == 2
    assert verdict(desk, WRONG) == Wrong(1)
    assert verdict(desk, WRONG) == Blocked()


def test_the_cards_pin_flag_is_gone_after_a_reset(desk: ServiceDesk) -> None:
    card = desk.served()

    reset_pin(card, desk.host, desk.window, SIGHTED, NEW)
    card.client.enter_medical_account()

    with pytest.raises(Exception, match="6982"):
        card.client.balance()
