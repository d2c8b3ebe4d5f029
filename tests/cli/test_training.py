"""Training: a journal of its own, a word on every slip and report, and no reader that may hold a real card."""

from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search
from sscard_terminal.cli.main import COMMANDS, program
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.pcsc import card_present
from sscard_terminal.terminal.journal import Journal
from tests.cards import new_card, new_psam
from tests.cli.conftest import PIN, Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_readers import Insert, insert
from tests.cli.test_settings import config, pay

__all__ = ["insert"]
TRAINING = '[terminal]\ntraining = true\njournal = "shop.db"\n'


def in_training(sscard: Sscard, *arguments: str, stdin: str = "") -> Done:
    return sscard(*arguments, "--training", stdin=stdin)


def sell(sscard: Sscard, counter: Counter, *more: str) -> Done:
    return sscard(
        "debit", "--account", "1", *counter.readers, "--pin-stdin", "--training", *more, stdin=f"{PIN}\n"
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state/sscard-terminal"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("*** TRAINING ***", "TRAINING: virtual cards")), ("zh", ("*** 培训 ***", "培训：只用虚拟卡"))],
)
def test_a_training_sale_says_so_on_the_slip_and_before_anything_else(
    language: str, words: tuple[str, str], sscard: Sscard, counter: Counter, state: Path
) -> None:
    sold = sell(sscard, counter, "--lang", language)

    assert sold.code == 0
    assert words[0] in sold.out
    assert sold.err.startswith(words[1])
    assert (state / "training.db").exists() and not (state / "journal.db").exists()


def test_the_banner_is_yellow(sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sscard_terminal.cli.console.wants_colour", lambda: True)

    assert sell(sscard, counter).err.startswith("\x1b[33mTRAINING")


def test_its_journal_lies_beside_the_configured_one(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    assert sell(sscard, counter, *config(tmp_path, TRAINING)).code == 0

    assert (tmp_path / "training.db").exists() and not (tmp_path / "shop.db").exists()


def test_a_reprint_a_report_and_a_result_for_programs_say_training(
    sscard: Sscard, counter: Counter, state: Path
) -> None:
    in_training(sscard, "day", "open")
    sold = sell(sscard, counter, "--json").json

    reprint = in_training(sscard, "slip").out
    report = in_training(sscard, "day", "show").out
    shown = in_training(sscard, "day", "show", "--json").json

    assert sold["training"] is True
    assert "*** TRAINING ***" in reprint and "*** REPRINT ***" in reprint
    assert report.startswith("TRAINING - these are no real sales.\n")
    assert shown["training"] is True and shown["sums"][0]["account_fen"] == 100
    assert "training" not in sscard("day", "show", "--json").json


def test_a_real_sale_says_nothing_of_it(sscard: Sscard, counter: Counter) -> None:
    sold = pay(sscard, counter)

    assert "TRAINING" not in sold.out + sold.err


def test_a_training_journal_is_never_taken_for_a_real_one_nor_the_other_way_round(
    sscard: Sscard, counter: Counter, state: Path
) -> None:
    sell(sscard, counter)
    pay(sscard, counter)
    training = ("--journal", str(state / "training.db"))
    before = [path.read_bytes() for path in (state / "training.db", counter.journal)]

    for command in (("slip",), ("day", "open"), ("day", "close"), ("day", "show"), ("recover", "--no-pin")):
        readers = counter.readers if command[0] == "recover" else ()
        as_real = sscard(*command, *readers, *training)
        as_training = in_training(sscard, *command, *readers, *counter.book)

        assert as_real.code == 2 and "--training" in as_real.sentence
        assert as_training.code == 2 and "real sales" in as_training.err
    assert pay(sscard, Counter(counter.card, counter.psam, state / "training.db")).code == 2
    assert sell(sscard, counter, *counter.book).code == 2
    assert before == [path.read_bytes() for path in (state / "training.db", counter.journal)]


def test_a_backup_of_a_training_journal_stays_one(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    sell(sscard, counter)
    copy = tmp_path / "copy.db"

    assert in_training(sscard, "journal", "backup", str(copy)).code == 0
    assert in_training(sscard, "slip", "--journal", str(copy)).code == 0
    assert sscard("slip", "--journal", str(copy)).code == 2


def test_a_training_sale_to_be_verified_holds_up_training_alone(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
        assert sell(sscard, counter).code == 4

    assert sell(sscard, counter).code == 1
    assert pay(sscard, counter).code == 0
    settled = in_training(sscard, "recover", *counter.readers, "--pin-stdin", "--json", stdin=f"{PIN}\n").json
    assert settled["training"] is True and len(settled["settled"]) == 1


# Which readers

REAL, VIRTUAL = "ACS ACR38U 00 00", "Virtual PCD A 00 00"


@pytest.fixture
def real_readers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two filled readers that are not virtual; the list of those that were opened all the same."""
    opened: list[str] = []

    def open_reader(name: str) -> object:
        opened.append(name)
        raise OSError(5, "a real card would have been touched")

    monkeypatch.setattr(reader_search, "list_readers", lambda: [REAL, "SAM 00 00"])
    monkeypatch.setattr(reader_search, "card_present", lambda name: True)
    monkeypatch.setattr(reader_search, "open_reader", open_reader)
    return opened


@pytest.mark.parametrize(
    "named",
    [(), ("--reader", "ACR38"), ("--psam-reader", "SAM"), ("--reader", "ACR38", "--psam-reader", "SAM")],
)
@pytest.mark.parametrize("command", [("debit", "--account", "1"), ("recover",), ("read",), ("pin", "verify")])
def test_a_reader_that_may_hold_a_real_card_is_refused_and_not_touched(
    command: tuple[str, ...],
    named: tuple[str, ...],
    sscard: Sscard,
    counter: Counter,
    real_readers: list[str],
) -> None:
    if command[0] == "recover":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
            sell(sscard, counter)
    pin = ("--pin-stdin",) if command[0] != "read" else ()

    refused = in_training(sscard, *command, *named, *pin, stdin=f"{PIN}\n")

    assert refused.code == (4 if command[0] == "recover" else 1)
    assert "virtual cards only" in refused.err
    assert real_readers == []


def test_it_says_that_nothing_was_charged_and_which_reader_it_was(
    sscard: Sscard, real_readers: list[str]
) -> None:
    refused = in_training(sscard, "read", "--reader", "ACR38", "--lang", "zh").err.splitlines()[-1]

    assert REAL in refused and "未扣款" in refused


def test_the_configuration_alone_makes_a_place_to_learn_at_for_every_command(
    sscard: Sscard, real_readers: list[str], tmp_path: Path
) -> None:
    refused = sscard(
        "pin", "change", "--pin-stdin", *config(tmp_path, TRAINING), stdin=f"{PIN}\n850273\n850273\n"
    )

    assert refused.code == 1
    assert real_readers == []


def test_a_setting_allows_a_reader_by_name(sscard: Sscard, real_readers: list[str], tmp_path: Path) -> None:
    more = TRAINING + 'training_readers = ["Virtual PCD", "ACR38", "SAM"]\n'

    done = sscard("read", "--reader", "ACR38", "--psam-reader", "SAM", *config(tmp_path, more))

    assert real_readers == [REAL]
    assert done.code == 1


def test_outside_training_the_readers_are_used_as_ever(sscard: Sscard, real_readers: list[str]) -> None:
    sscard("read", "--reader", "ACR38", "--psam-reader", "SAM")

    assert real_readers == [REAL]


def test_training_over_the_virtual_reader_sells(insert: Insert, sscard: Sscard) -> None:
    slots = insert(new_psam(), new_card(balance=5000))

    sold = in_training(sscard, "debit", "--account", "1", "--pin-stdin", "--json", stdin=f"{PIN}\n").json

    assert all("Virtual PCD" in slot.reader and card_present(slot.reader) for slot in slots)
    assert (sold["training"], sold["balance_fen"]) == (True, 4900)


def test_every_command_with_a_journal_can_be_practised() -> None:
    without = []
    for name in COMMANDS:
        command = program.get_command(program.make_context("sscard", [name]), name)
        assert command is not None
        for one in getattr(command, "commands", {name: command}).values():
            options = {option: param for param in one.params for option in param.opts}
            if "--journal" in options and ("--training" not in options or options["--training"].hidden):
                without.append(f"{name} {one.name}")

    assert not without


def test_training_is_no_default_of_the_real_journal(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)

    with Journal.open(counter.journal) as journal:
        assert not journal.training
