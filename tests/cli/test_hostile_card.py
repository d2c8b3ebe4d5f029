"""Cards that lie, at the command line: the exit code, one sentence in either language, and nothing half written.

How each workflow must end is shown in tests/terminal/test_hostile_card.py; here, what a clerk is told about it.
"""

import re
from collections.abc import Callable

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.vpicc import Card
from sscard_terminal.cli import reader_search
from sscard_terminal.reader.connection import Connection
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import SaleState
from tests.cli.conftest import PIN, Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.terminal.hostile import Lie, Lying
from tests.terminal.lies import ALL

LIES = {lie.name: lie for lie in ALL}
NEW_PIN = "246810"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]")
MONEY = {
    "zh": {1: "未扣款", 3: "未扣款", 4: "待核实"},
    "en": {1: "not charged", 3: "not charged", 4: "to be verified"},
}
STDIN = {"pin change": f"{PIN}\n{NEW_PIN}\n{NEW_PIN}\n"}

REFUSED, TROUBLE, OPEN = 1, 3, 4
ENDINGS = [
    ("read", "FCI cut short", TROUBLE, "declined.card-data-malformed"),
    ("read", "an ATR that lost its check byte", REFUSED, "declined.answer-to-reset-refused"),
    ("read", "a card number that clears the screen", TROUBLE, "declined.card-data-malformed"),
    ("read", "a copy without the key", REFUSED, "declined.not-authentic"),
    ("read", "EF05 all FF", TROUBLE, "declined.card-data-malformed"),
    ("read", "6Cxx with itself to everything", REFUSED, "declined.not-a-social-security-card"),
    ("read", "61xx without end to everything", TROUBLE, "link.endless-answer"),
    ("read", "zeros to everything", TROUBLE, "declined.card-data-malformed"),
    ("read", "deadline-passed at READ EF05", TROUBLE, "link.deadline-passed"),
    ("read", "another city's identification code", REFUSED, "declined.card-of-other-city"),
    ("balance", "a balance too short", TROUBLE, "declined.card-data-malformed"),
    ("balance", "any PIN is right", REFUSED, "declined.pin-needed"),
    ("balance", "the right PIN is wrong", REFUSED, "declined.wrong-pin"),
    ("details", "a log that is shut", REFUSED, "declined.pin-needed"),
    ("details", "swapped at READ the log", REFUSED, "declined.card-refused"),
    ("pin change", "the PIN was changed, and 6F00", TROUBLE, "declined.pin-change-unknown"),
    ("pin change", "the PIN was changed, and 63C2", TROUBLE, "declined.pin-change-unknown"),
    ("debit", "EF05 too long by a byte", TROUBLE, "declined.card-data-malformed"),
    ("debit", "a balance of nothing", REFUSED, "declined.insufficient-balance-by"),
    ("debit", "a counter one too high", REFUSED, "declined.debit-refused"),
    ("debit", "DEBIT did not pay, and 9302", REFUSED, "declined.debit-refused"),
    ("debit", "deadline-passed at INITIALIZE", TROUBLE, "declined.link-broken"),
    ("debit", "a wrong MAC2", OPEN, "doubt.mac2-refused"),
    ("debit", "DEBIT paid, and 61xx without end", OPEN, "doubt.answer-lost"),
    ("debit", "DEBIT did not pay, and a word nobody knows", OPEN, "doubt.answer-lost"),
    ("debit", "deadline-passed at DEBIT", OPEN, "doubt.answer-lost"),
    ("debit", "swapped at DEBIT", OPEN, "doubt.answer-lost"),
]
"""Command, lie, exit code, the key of the sentence."""


def hostile(lie: Lie) -> Callable[[Card], Connection]:
    """In the place of the loopback: the PSAM tells the truth, the card does not."""

    def link(card: Card) -> Connection:
        inner = LoopbackConnection(card)
        is_psam = inner.atr.hex().endswith("000000a1")
        return inner if is_psam else Lying(inner, lie)

    return link


def ask(sscard: Sscard, counter: Counter, command: str, *more: str) -> Done:
    arguments = [*command.split(), *counter.readers, *more]
    if command in ("debit", "recover"):
        arguments += counter.book
    if command == "debit":
        arguments += ("--account", "12.34")
    if command == "read":
        return sscard(*arguments)
    return sscard(*arguments, "--pin-stdin", stdin=STDIN.get(command, f"{PIN}\n"))


def states(counter: Counter) -> list[SaleState]:
    if not counter.journal.exists():
        return []
    with Journal.open(counter.journal) as journal:
        return [entry.state for entry in journal.entries()]


def balance_fen(sscard: Sscard, counter: Counter) -> int:
    return int(ask(sscard, counter, "balance", "--json").json["account_fen"])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("command", "lie", "code", "key"), ENDINGS, ids=[f"{command}-{lie}" for command, lie, _, _ in ENDINGS]
)
def test_a_lie_ends_in_one_sentence_that_says_whether_money_moved(
    command: str,
    lie: str,
    code: int,
    key: str,
    language: str,
    sscard: Sscard,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as replaced:
        replaced.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))
        done = ask(sscard, counter, command, "--lang", language)

    assert done.code == code
    assert done.err.count("\n") == 1
    assert MONEY[language][code] in done.err
    assert not CONTROL.search(done.err + done.out)
    assert "Traceback" not in done.err
    assert states(counter) == ([SaleState.OPEN] if code == OPEN else states_of_refusal(key))
    if command != "pin change":
        paid = code == OPEN and LIES[lie].paid
        assert balance_fen(sscard, counter) == 10_000 - (1234 if paid else 0)


def states_of_refusal(key: str) -> list[SaleState]:
    """A sale the card refused stands in the journal as such; before that nothing does."""
    return [SaleState.NOT_CHARGED] if key == "declined.debit-refused" else []


@pytest.mark.parametrize(
    ("command", "lie", "code", "key"), ENDINGS, ids=[f"{command}-{lie}" for command, lie, _, _ in ENDINGS]
)
def test_for_programs_it_is_one_object_with_the_reason(
    command: str,
    lie: str,
    code: int,
    key: str,
    sscard: Sscard,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))

    told = ask(sscard, counter, command, "--json").json

    assert (told["exit"], told["error"]) == (code, key)
    assert told["money"] == ("to-be-verified" if code == OPEN else "not-charged")


@pytest.mark.parametrize(
    "lie", ["a name that does not decode", "a name that writes the window's title", "a name of FF"]
)
def test_a_strange_name_is_shown_without_moving_the_cursor(
    lie: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))

    done = ask(sscard, counter, "read")

    assert done.code == 0
    assert not CONTROL.search(done.out)


@pytest.mark.parametrize(
    ("lie", "records"), [("a log of FF", 0), ("a log without records", 0), ("a log without end", 254)]
)
def test_a_strange_log_is_listed_as_far_as_it_goes(
    lie: str, records: int, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))

    assert len(ask(sscard, counter, "details", "--json").json["records"]) == records


@pytest.mark.parametrize(
    "lie", ["version 2.0 and a zero byte", "FCI without tag 86", "DEBIT paid, and 9302", "DEBIT too short"]
)
def test_a_lie_that_is_found_out_or_harmless_sells(
    lie: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as replaced:
        replaced.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))
        done = ask(sscard, counter, "debit")

    assert done.code == 0
    assert states(counter) == [SaleState.CHARGED]
    assert balance_fen(sscard, counter) == 10_000 - 1234


RECOVERIES = [
    ("a log of FF", OPEN, ("open", "card-contradicts")),
    ("a log with another amount than ours", OPEN, ("open", "card-contradicts")),
    ("proofs are refused", OPEN, ("open", "card-refused")),
    ("no proof of a purchase that happened", 0, ("charged", "log-shows-ours")),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("lie", "code", "row"), RECOVERIES, ids=[lie for lie, _, _ in RECOVERIES])
def test_a_recovery_that_is_lied_to_says_still_to_be_verified_and_ends_right_with_the_truth(
    lie: str,
    code: int,
    row: tuple[str, str],
    language: str,
    sscard: Sscard,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as replaced:
        replaced.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        assert ask(sscard, counter, "debit").code == OPEN

    with monkeypatch.context() as replaced:
        replaced.setattr(reader_search, "LoopbackConnection", hostile(LIES[lie]))
        told = ask(sscard, counter, "recover", "--lang", language)
    state = states(counter)
    settled = ask(sscard, counter, "recover", "--json").json["settled"]

    assert told.code == code
    assert state == [SaleState(row[0])]
    if code == OPEN:
        assert MONEY[language][OPEN] in told.out
        assert [(each["state"], each["evidence"]) for each in settled] == [("charged", "log-shows-ours")]
    assert states(counter) == [SaleState.CHARGED]
