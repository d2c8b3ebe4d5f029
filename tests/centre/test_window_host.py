"""The window's host: a load takes its money once, and only a card or its report gives it back."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import (
    HostReason,
    HostRefused,
    HostUnreachable,
    IdentitySighting,
    LoadAuthorised,
    LoadOutcome,
    LoadReport,
    LoadRequest,
    LoadStanding,
    LossChange,
    LossReport,
    LossStanding,
    PendingCredit,
    PinCommand,
    PinCommandRequest,
    PinPermission,
    PinPermissionRequest,
    PinService,
)
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import LedgerTrouble, WindowLedger
from tests.cards import KEYS, fetch
from tests.centre.doubles import IDENTIFICATION, NOON, CardAtWindow, Seconds, new_host

FUNDS = 100_000
CREDITED, NOT_CREDITED = LoadOutcome.CREDITED, LoadOutcome.NOT_CREDITED
each_generation = pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])


def authorised(host: WindowHost, asked: LoadRequest) -> LoadAuthorised:
    answer = host.authorise_load(asked)
    assert isinstance(answer, LoadAuthorised), answer
    return answer


def refused(reason: HostReason) -> HostRefused:
    return HostRefused(reason)


def available(host: WindowHost) -> int:
    return host.ledger.available(IDENTIFICATION)


def flags(host: WindowHost) -> list[str]:
    return [flag.kind for flag in host.ledger.flags()]


# Authorising ----------------------------------------------------------------------------------------------


@each_generation
def test_a_load_is_authorised_credited_and_proved(profile: str) -> None:
    card, host = CardAtWindow(profile), new_host(FUNDS)
    asked = card.initialize(1000)

    tac = card.credit(authorised(host, asked))

    assert host.report_load(LoadReport(asked.request, CREDITED, tac)) == LoadStanding(CREDITED)
    assert (card.balance(), available(host)) == (1500, FUNDS - 1000)
    assert flags(host) == []


def test_the_same_request_gets_the_same_answer_and_takes_nothing_more() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)

    answers = {authorised(host, asked) for _ in range(3)}

    assert len(answers) == 1
    assert available(host) == FUNDS - 1000


def test_the_same_request_id_for_something_else_is_refused() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    authorised(host, asked)

    answer = host.authorise_load(replace(asked, amount=Fen(2000)))

    assert answer == refused(HostReason.REQUEST_DIFFERS)
    assert available(host) == FUNDS - 1000


def test_a_wrong_mac1_takes_nothing_and_is_flagged() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)

    answer = host.authorise_load(card.initialize(1000, mac1=bytes(4)))

    assert answer == refused(HostReason.CARD_NOT_AUTHENTIC)
    assert (available(host), flags(host)) == (FUNDS, ["card-not-authentic"])


@pytest.mark.parametrize("changes", [{"balance": Fen(0)}, {"counter": 7}, {"amount": Fen(999_999)}])
def test_what_mac1_covers_cannot_be_lied_about(changes: dict[str, object]) -> None:
    card, host = CardAtWindow(), new_host(FUNDS)

    answer = host.authorise_load(replace(card.initialize(1000), **changes))  # type: ignore[arg-type]

    assert answer == refused(HostReason.CARD_NOT_AUTHENTIC)


@pytest.mark.parametrize(("amount", "reason"), [(FUNDS + 1, "funds-too-small"), (0, "amount-zero")])
def test_an_amount_that_is_not_there_is_refused(amount: int, reason: str) -> None:
    card, host = CardAtWindow(), new_host(FUNDS)

    assert host.authorise_load(card.initialize(amount)) == refused(HostReason(reason))
    assert available(host) == FUNDS


def test_a_host_without_the_key_says_so() -> None:
    host = WindowHost(SoftwareHsm(KeySet({})), WindowLedger.open(), Seconds())

    assert host.authorise_load(CardAtWindow().initialize()) == refused(HostReason.KEY_NOT_HELD)


# What became of it ----------------------------------------------------------------------------------------


def test_not_credited_gives_the_money_back_and_ends_the_request() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    authorised(host, asked)

    standing = host.report_load(LoadReport(asked.request, NOT_CREDITED))

    assert standing == LoadStanding(NOT_CREDITED)
    assert available(host) == FUNDS
    assert host.authorise_load(asked) == refused(HostReason.REQUEST_ENDED)


def test_a_request_called_off_before_it_arrived_authorises_nothing() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)

    assert host.report_load(LoadReport(asked.request, NOT_CREDITED)) == LoadStanding(NOT_CREDITED)
    assert host.report_load(LoadReport(asked.request, NOT_CREDITED)) == LoadStanding(NOT_CREDITED)

    assert host.authorise_load(asked) == refused(HostReason.REQUEST_ENDED)
    assert available(host) == FUNDS


@pytest.mark.parametrize("outcome", [CREDITED, LoadOutcome.UNKNOWN])
def test_of_a_request_nobody_heard_of_only_its_end_can_be_reported(outcome: LoadOutcome) -> None:
    assert new_host().report_load(LoadReport("never", outcome)) == refused(HostReason.REQUEST_UNKNOWN)


def test_a_wrong_tac_proves_nothing_and_is_flagged() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    card.credit(authorised(host, asked))

    answer = host.report_load(LoadReport(asked.request, CREDITED, bytes(4)))

    assert answer == refused(HostReason.TAC_WRONG)
    assert host.ledger.outcome(asked.request) is LoadOutcome.UNKNOWN
    assert flags(host) == ["tac-wrong"]


def test_reports_may_come_twice_and_a_proof_may_come_late() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    tac = card.credit(authorised(host, asked))
    says, proves = LoadReport(asked.request, CREDITED), LoadReport(asked.request, CREDITED, tac)

    standings = [host.report_load(report) for report in (says, says, proves, proves, says)]

    assert set(standings) == {LoadStanding(CREDITED)}
    assert host.ledger.has_tac(asked.request)
    assert flags(host) == []


def test_a_report_that_contradicts_what_is_held_is_refused_and_flagged() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    tac = card.credit(authorised(host, asked))
    host.report_load(LoadReport(asked.request, CREDITED, tac))

    answer = host.report_load(LoadReport(asked.request, NOT_CREDITED))

    assert answer == refused(HostReason.OUTCOME_DIFFERS)
    assert available(host) == FUNDS - 1000
    assert flags(host) == ["outcome-differs"]


def test_a_proof_beats_an_earlier_not_credited() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    tac = card.credit(authorised(host, asked))
    host.report_load(LoadReport(asked.request, NOT_CREDITED))

    standing = host.report_load(LoadReport(asked.request, CREDITED, tac))

    assert standing == LoadStanding(CREDITED)
    assert available(host) == FUNDS - 1000
    assert flags(host) == ["credited-after-all"]


def test_unknown_is_answered_with_what_the_centre_holds() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    asked = card.initialize(1000)
    authorised(host, asked)

    assert host.report_load(LoadReport(asked.request, LoadOutcome.UNKNOWN)) == LoadStanding(
        LoadOutcome.UNKNOWN
    )
    assert available(host) == FUNDS - 1000


# The card's next transaction tells --------------------------------------------------------------------------


@each_generation
def test_an_unmoved_counter_gives_the_money_of_an_unknown_load_back(profile: str) -> None:
    card, host = CardAtWindow(profile), new_host(1000)
    lost = card.initialize(1000)
    authorised(host, lost)

    again = authorised(host, card.initialize(1000))

    assert host.ledger.outcome(lost.request) is NOT_CREDITED
    card.credit(again)
    assert (card.balance(), available(host)) == (1500, 0)


@each_generation
def test_a_moved_counter_tells_that_an_unknown_load_happened(profile: str) -> None:
    card, host = CardAtWindow(profile), new_host(1500)
    lost = card.initialize(1000)
    card.credit(authorised(host, lost))

    answer = host.authorise_load(card.initialize(1000))

    assert host.ledger.outcome(lost.request) is CREDITED
    assert answer == refused(HostReason.FUNDS_TOO_SMALL)
    assert (card.balance(), available(host)) == (1500, 500)


def test_a_moved_counter_convicts_a_false_not_credited() -> None:
    card, host = CardAtWindow(), new_host(1500)
    first = card.initialize(1000)
    card.credit(authorised(host, first))
    host.report_load(LoadReport(first.request, NOT_CREDITED))
    assert available(host) == 1500

    host.authorise_load(card.initialize(1000))

    assert host.ledger.outcome(first.request) is CREDITED
    assert (available(host), flags(host)) == (500, ["credited-after-all"])


def test_a_counter_below_what_was_seen_is_refused_and_flagged() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    early, late = card.initialize(1000), card.initialize(1000)
    tac = card.credit(authorised(host, late))
    host.report_load(LoadReport(late.request, CREDITED, tac))

    assert host.authorise_load(early) == refused(HostReason.COUNTER_WENT_BACK)
    assert (available(host), flags(host)) == (FUNDS - 1000, ["counter-went-back"])


def test_a_message_that_lost_its_way_does_not_undo_a_newer_load() -> None:
    card, host = CardAtWindow(), new_host(FUNDS)
    early, late = card.initialize(1000), card.initialize(1000)
    authorised(host, late)

    assert host.authorise_load(early) == refused(HostReason.REQUEST_STALE)
    assert host.ledger.outcome(late.request) is LoadOutcome.UNKNOWN


def test_a_skipped_counter_is_flagged() -> None:
    card, host, other = CardAtWindow(), new_host(FUNDS), new_host(FUNDS)
    card.credit(authorised(host, card.initialize(1)))
    card.credit(authorised(other, card.initialize(1)))

    authorised(host, card.initialize(1))

    assert flags(host) == ["counter-skipped"]


# Refunds ----------------------------------------------------------------------------------------------------


def owing() -> WindowHost:
    host = new_host(funds=0)
    for name, amount in (("refund-1", 1234), ("refund-2", 50)):
        host.ledger.owe(IDENTIFICATION, PendingCredit(name, Fen(amount), f"voucher of {name}"), NOON)
    return host


def test_refunds_wait_for_their_card_until_it_has_them() -> None:
    card, host = CardAtWindow(), owing()
    asked = card.initialize(1234, credit="refund-1")

    tac = card.credit(authorised(host, asked))
    in_doubt = [credit.in_doubt for credit in host.pending_credits(card.reference)]
    host.report_load(LoadReport(asked.request, CREDITED, tac))

    assert in_doubt == [True, False]
    assert [credit.id for credit in host.pending_credits(card.reference)] == ["refund-2"]
    assert (card.balance(), available(host)) == (1734, 0)


def test_a_refund_is_owed_once_however_often_it_is_told() -> None:
    host = owing()

    host.ledger.owe(IDENTIFICATION, PendingCredit("refund-1", Fen(1234)), NOON)

    assert len(host.pending_credits(CardAtWindow().reference)) == 2


def test_a_refund_is_never_loaded_twice() -> None:
    card, host = CardAtWindow(), owing()
    card.credit(authorised(host, card.initialize(1234, credit="refund-1")))

    answer = host.authorise_load(card.initialize(1234, credit="refund-1"))

    assert answer == refused(HostReason.CREDIT_LOADED)
    assert card.balance() == 1734


def test_a_refund_whose_load_was_lost_can_be_loaded_after_all() -> None:
    card, host = CardAtWindow(), owing()
    authorised(host, card.initialize(1234, credit="refund-1"))

    card.credit(authorised(host, card.initialize(1234, credit="refund-1")))

    assert card.balance() == 1734


@pytest.mark.parametrize(("credit", "amount"), [("refund-3", 1234), ("refund-1", 1235)])
def test_a_refund_nobody_owes_is_refused(credit: str, amount: int) -> None:
    asked = CardAtWindow().initialize(amount, credit=credit)

    assert owing().authorise_load(asked) == refused(HostReason.CREDIT_UNKNOWN)


# The PIN ------------------------------------------------------------------------------------------------------

SIGHTED = IdentitySighting("clerk 07", NOON)


def permission(
    card: CardAtWindow, service: PinService = PinService.RESET, **changes: object
) -> PinPermissionRequest:
    fetch(card.chip, "00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
    factor, original = bytes(range(8)), bytes(range(8, 16))
    answer = fetch(card.chip, f"0088000010{factor.hex()}{original.hex()}")
    information = fetch(card.chip, "0084000008")[:16]
    challenge = fetch(card.chip, "0084000008")[:16]
    asked = PinPermissionRequest(
        request="pin-1",
        card=card.reference,
        service=service,
        terminal="370900000001",
        sighting=SIGHTED,
        factor=factor,
        original=original,
        answer=bytes.fromhex(answer[:16]),
        challenge=bytes.fromhex(challenge),
        information=bytes.fromhex(information),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]  # fields of PinPermissionRequest


@each_generation
def test_the_host_opens_the_pin_commands_and_makes_them(profile: str) -> None:
    card, host = CardAtWindow(profile), new_host()
    asked = permission(card)

    permitted = host.permit_pin_service(asked)
    assert isinstance(permitted, PinPermission)
    data = permitted.authentication_data.hex() + asked.information.hex()
    assert fetch(card.chip, f"0082000610{data}") == "9000"
    challenge = bytes.fromhex(fetch(card.chip, "0084000008")[:16])
    made = host.pin_command(PinCommandRequest("pin-1", card.reference, challenge, Pin("246810")))

    assert isinstance(made, PinCommand)
    body = made.cryptogram + made.mac
    assert fetch(card.chip, f"84240001{len(body):02X}{body.hex()}") == "9000"
    assert fetch(card.chip, "0020000003246810") == "9000"


def test_a_wrong_card_is_told_before_a_try_of_its_puk_is_spent() -> None:
    host = new_host()

    answer = host.permit_pin_service(permission(CardAtWindow(), answer=bytes(8)))

    assert answer == refused(HostReason.CARD_NOT_AUTHENTIC)
    assert flags(host) == ["card-not-authentic"]


def test_a_permission_is_good_for_one_command_of_its_kind() -> None:
    card, host = CardAtWindow(), new_host()
    host.permit_pin_service(permission(card, PinService.UNBLOCK))
    reset = PinCommandRequest("pin-1", card.reference, bytes(8), Pin("246810"))
    unblock = replace(reset, new_pin=None)

    answers = [host.pin_command(asked) for asked in (reset, unblock, unblock)]

    assert isinstance(answers[1], PinCommand)
    assert answers[0] == answers[2] == refused(HostReason.NO_PERMISSION)


def test_a_permission_may_be_asked_for_again_and_not_for_something_else() -> None:
    card, host = CardAtWindow(), new_host()
    asked = permission(card)

    answers = [host.permit_pin_service(asked) for _ in range(2)]
    other = host.permit_pin_service(replace(asked, service=PinService.UNBLOCK))

    assert answers[0] == answers[1] != other
    assert other == refused(HostReason.REQUEST_DIFFERS)


def test_no_command_without_a_permission_and_none_without_a_key() -> None:
    card = CardAtWindow()
    asked = PinCommandRequest("pin-1", card.reference, bytes(8), Pin("246810"))
    keyless = WindowHost(SoftwareHsm(KeySet({})), WindowLedger.open(), Seconds())

    assert new_host().pin_command(asked) == refused(HostReason.NO_PERMISSION)
    assert keyless.permit_pin_service(permission(card)) == refused(HostReason.KEY_NOT_HELD)


def test_a_sighting_names_somebody() -> None:
    with pytest.raises(ValueError, match="names who"):
        IdentitySighting("  ", NOON)


def test_no_pin_is_in_the_repr_of_a_request() -> None:
    asked = PinCommandRequest("pin-1", CardAtWindow().reference, bytes(8), Pin("739162"))

    assert "739162" not in repr(asked)


# The ledger's file --------------------------------------------------------------------------------------------


def test_the_ledger_survives_its_process_and_holds_no_pin(tmp_path: Path) -> None:
    file, card = tmp_path / "ledger.db", CardAtWindow()
    asked = card.initialize(1000)
    with WindowLedger.open(file) as ledger:
        ledger.deposit(IDENTIFICATION, Fen(FUNDS), NOON)
        first = authorised(WindowHost(SoftwareHsm(KEYS), ledger, Seconds()), asked)

    with WindowLedger.open(file) as ledger:
        clock = Seconds(NOON + timedelta(days=1))
        assert authorised(WindowHost(SoftwareHsm(KEYS), ledger, clock), asked) == first
        assert ledger.available(IDENTIFICATION) == FUNDS - 1000


def test_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "shopping.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE list (item TEXT)")
    database.close()
    before = file.read_bytes()

    with pytest.raises(LedgerTrouble, match=r"shopping\.db"):
        WindowLedger.open(file)

    assert file.read_bytes() == before


def test_a_ledger_is_open_once(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"

    with WindowLedger.open(file), pytest.raises(LedgerTrouble):
        WindowLedger.open(file)
    with pytest.raises(LedgerTrouble):
        WindowLedger.open(tmp_path / "nowhere" / "ledger.db")


def test_entries_stay(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with WindowLedger.open(file) as ledger:
        ledger.deposit(IDENTIFICATION, Fen(1), NOON)

    database = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        database.execute("UPDATE deposits SET amount = 2")
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        database.execute("DELETE FROM deposits")
    database.close()


def test_a_ledger_that_cannot_be_written_is_a_host_that_cannot_be_reached() -> None:
    card, host = CardAtWindow(), new_host()
    host.ledger.close()

    with pytest.raises(HostUnreachable):
        host.authorise_load(card.initialize())


# Loss -----------------------------------------------------------------------------------------------------


def loss(number: str, change: LossChange = LossChange.REPORTED, request: str = "loss-1") -> LossReport:
    sighting = IdentitySighting("07", NOON)
    return LossReport(request=request, number=number, change=change, sighting=sighting, place="Window 3")


def test_a_card_reported_lost_is_not_loaded() -> None:
    host, card = new_host(), CardAtWindow()
    asked = card.initialize()

    host.report_loss(loss(asked.card.number))

    assert host.authorise_load(asked) == refused(HostReason.CARD_LOST)
    assert available(host) == FUNDS


def test_a_lifted_loss_lets_the_card_be_served_again() -> None:
    host, card = new_host(), CardAtWindow()
    asked = card.initialize()
    host.report_loss(loss(asked.card.number))

    standing = host.report_loss(loss(asked.card.number, LossChange.LIFTED, "loss-2"))

    assert isinstance(standing, LossStanding) and not standing.is_lost
    authorised(host, asked)


def test_a_loss_stands_since_it_was_first_reported() -> None:
    host = new_host()

    first = host.report_loss(loss("D2143569X"))
    again = host.report_loss(loss("D2143569X"))
    anew = host.report_loss(loss("D2143569X", request="loss-2"))

    assert isinstance(first, LossStanding) and first.is_lost
    assert (again, anew) == (first, first)


def test_what_was_never_lost_cannot_be_lifted() -> None:
    assert new_host().report_loss(loss("D2143569X", LossChange.LIFTED)) == refused(HostReason.LOSS_UNKNOWN)


def test_one_request_id_is_one_report() -> None:
    host = new_host()
    host.report_loss(loss("D2143569X"))

    assert host.report_loss(loss("B00000131")) == refused(HostReason.REQUEST_DIFFERS)
    assert host.ledger.loss("B00000131") is None


def test_losses_are_appended_and_never_changed(tmp_path: Path) -> None:
    with WindowLedger.open(tmp_path / "ledger.db") as book:
        host = WindowHost(SoftwareHsm(KEYS), book, Seconds())
        host.report_loss(loss("D2143569X"))

        for statement in ("UPDATE losses SET change = 'lifted'", "DELETE FROM losses"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                book._database.execute(statement)


def test_a_ledger_made_before_there_were_losses_takes_them_from_now_on(tmp_path: Path) -> None:
    with WindowLedger.open(tmp_path / "ledger.db") as book:
        book._database.execute("DROP TABLE losses")

    with WindowLedger.open(tmp_path / "ledger.db") as book:
        standing = WindowHost(SoftwareHsm(KEYS), book, Seconds()).report_loss(loss("D2143569X"))

    assert isinstance(standing, LossStanding)
