"""`sscard window`: loads, refunds and PIN services at the card service window, with the host in this process."""

from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.load_journal import LoadJournal
from sscard_terminal.terminal.pin_service_journal import PinServiceJournal
from tests.cards import card_image
from tests.cli.conftest import KEYS, PIN, Counter, Done, Sscard
from tests.cli.links import losing_answer, losing_command
from tests.cli.test_settings import config

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
CREDIT, PIN_COMMAND = (0xB0, 0x2A), (0x84, 0x24)
NEW_PIN = "850273"


@pytest.fixture
def at_window(sscard: Sscard, counter: Counter, tmp_path: Path) -> Sscard:
    """`sscard window …` with readers, journal, keys and ledger named, and 500.00 yuan at the centre."""

    def run(command: str, *arguments: object, stdin: str | None = None, is_funded: bool = True) -> Done:
        host = ("--keys", KEYS, "--ledger", tmp_path / "ledger.db")
        return sscard("window", command, *counter.readers, *counter.book, *host, *arguments, stdin=stdin)

    assert run("fund", "--amount", "500.00").code == 0
    return run


def balance(sscard: Sscard, counter: Counter, pin: str = PIN) -> int:
    done = sscard("balance", *counter.readers, "--pin-stdin", "--json", stdin=f"{pin}\n")
    return int(done.json["account_fen"])


def load(at_window: Sscard, *arguments: object) -> Done:
    return at_window("load", "--amount", "20.50", "--pin-stdin", *arguments, stdin=f"{PIN}\n")


# Loads --------------------------------------------------------------------------------------------------------


@LANGUAGES
def test_a_load_is_credited_and_said_so(
    language: str, at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    done = load(at_window, "--lang", language)

    assert done.code == 0
    assert (
        "已入账 20.50 元，余额 120.50 元" if language == "zh" else "Credited 20.50 yuan, balance 120.50"
    ) in done.out
    assert balance(sscard, counter) == 12_050


def test_a_load_as_json(at_window: Sscard) -> None:
    done = load(at_window, "--json", "--operator", "07")

    assert done.json["exit"] == 0
    [row] = done.json["loads"]
    assert (row["money"], row["amount_fen"], row["balance_fen"]) == ("credited", 2050, 12_050)
    assert (row["number"], row["counter"], row["terminal"]) == (1, 0, "370900000001")
    assert row["reported"] is True and len(row["tac"]) == 8


@LANGUAGES
def test_a_load_has_its_slip_and_again_marked_as_a_reprint(
    language: str, at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    title, mark = ("账户圈存凭单", "重印") if language == "zh" else ("Load of the account", "REPRINT")
    done = load(at_window, "--lang", language)
    again = sscard("slip", "--load", "1", *counter.book, "--lang", language)

    assert title in done.out and mark not in done.out
    assert title in again.out and f"*** {mark} ***" in again.out
    assert "120.50" in again.out
    assert sscard("slip", "--load", "2", *counter.book, "--lang", language).code == 1
    assert sscard("slip", "1", "--load", "1", *counter.book, "--lang", language).code == 2


def test_a_printer_without_paper_undoes_no_load(
    at_window: Sscard, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, '[slips]\nprinter = "device:/dev/full"\n')

    done = load(at_window, *more)
    told = load(at_window, *more, "--json").json

    assert done.code == 0
    assert "The slip of load 1 was not printed" in done.err and "sscard slip --load 1" in done.err
    assert [row["slip"] for row in told["loads"]] == ["not-printed"]
    assert balance(sscard, counter) == 14_100


def test_the_pin_is_asked_for_with_the_amount(at_window: Sscard) -> None:
    done = at_window("load", "--amount", "20.50", stdin=f"{PIN}\n")

    assert done.code == 0
    assert "Load 20.50 yuan. PIN" in done.err
    assert PIN not in done.out + done.err


@LANGUAGES
def test_more_than_the_centre_has_is_refused(
    language: str, at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    done = at_window("load", "--amount", "500.01", "--pin-stdin", "--lang", language, stdin=f"{PIN}\n")

    assert done.code == 1
    assert ("未入账" if language == "zh" else "not credited") in done.sentence
    assert balance(sscard, counter) == 10_000


def test_a_wrong_pin_loads_nothing(at_window: Sscard, sscard: Sscard, counter: Counter) -> None:
    done = at_window("load", "--amount", "1", "--pin-stdin", stdin="999999\n")

    assert done.code == 1
    assert "Wrong PIN" in done.sentence
    assert balance(sscard, counter) == 10_000


@pytest.mark.parametrize("arguments", [("--amount", "0"), ("--amount", "1.234"), ()])
def test_no_amount_no_load(at_window: Sscard, arguments: tuple[str, ...]) -> None:
    assert at_window("load", *arguments, "--pin-stdin", stdin=f"{PIN}\n").code == 2


def test_other_keys_are_refused_by_the_host(
    sscard: Sscard, counter: Counter, at_window: Sscard, tmp_path: Path
) -> None:
    keys = tmp_path / "other.toml"
    keys.write_text(KEYS.read_text("utf-8").replace('"5051', '"FFFF'), "utf-8")

    done = at_window("load", "--amount", "1", "--pin-stdin", "--keys", keys, "--json", stdin=f"{PIN}\n")

    assert (done.code, done.json["error"], done.json["money"]) == (
        1,
        "host.card-not-authentic",
        "not-charged",
    )


@LANGUAGES
def test_a_lost_answer_is_to_be_verified_and_settled_with_the_same_card(
    language: str, at_window: Sscard, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(CREDIT))
        lost = load(at_window, "--lang", language)
    settled = at_window("settle", "--pin-stdin", "--lang", language, stdin=f"{PIN}\n")

    assert lost.code == 4
    assert ("待核实" if language == "zh" else "to be verified") in lost.err
    assert ("*** 待核实 ***" if language == "zh" else "*** TO BE VERIFIED ***") in lost.out
    assert settled.code == 0
    assert ("已入账 20.50 元" if language == "zh" else "Load 1: credited 20.50 yuan") in settled.out
    assert balance(sscard, counter) == 12_050


def test_a_command_that_never_arrived_is_settled_as_not_credited(
    at_window: Sscard, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_command(CREDIT))
        assert load(at_window).code == 4

    done = at_window("settle", "--pin-stdin", "--json", stdin=f"{PIN}\n")

    [row] = done.json["settled"]
    assert (done.code, row["state"], row["evidence"]) == (0, "not-credited", "host-knows-not-credited")
    assert balance(sscard, counter) == 10_000


def test_the_next_load_settles_the_one_before(
    at_window: Sscard, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(CREDIT))
        load(at_window)

    done = load(at_window, "--json")

    assert [row["state"] for row in done.json["settled"]] == ["credited"]
    assert [row["number"] for row in done.json["loads"]] == [2]
    assert balance(sscard, counter) == 14_100


def test_nothing_to_settle_is_said(at_window: Sscard) -> None:
    done = at_window("settle", "--pin-stdin", stdin=f"{PIN}\n")

    assert (done.code, done.out) == (0, "There is nothing to load and nothing to be verified.\n")


# Refunds ------------------------------------------------------------------------------------------------------


@pytest.fixture
def owing(at_window: Sscard) -> Sscard:
    for name, amount in (("voucher-17", "12.34"), ("voucher-18", "0.50")):
        assert at_window("fund", "--amount", amount, "--refund", name).code == 0
    return at_window


@LANGUAGES
def test_refunds_are_listed(language: str, owing: Sscard) -> None:
    done = owing("refunds", "--list", "--lang", language)

    assert done.code == 0
    waiting = "等候中：12.34 元，voucher-17" if language == "zh" else "Waiting: 12.34 yuan, voucher-17"
    assert done.out.splitlines()[0] == waiting


def test_refunds_are_loaded_once(owing: Sscard, sscard: Sscard, counter: Counter) -> None:
    first = owing("refunds", "--pin-stdin", "--json", stdin=f"{PIN}\n")
    second = owing("refunds", "--pin-stdin", "--json", stdin=f"{PIN}\n")
    left = owing("refunds", "--list", "--json")

    assert [row["refund"] for row in first.json["loads"]] == ["voucher-17", "voucher-18"]
    assert second.json["loads"] == []
    assert left.json["refunds"] == []
    assert balance(sscard, counter) == 11_284


def test_a_refund_lost_on_the_way_is_in_doubt_and_comes_once(
    owing: Sscard, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(CREDIT))
        assert owing("refunds", "--pin-stdin", stdin=f"{PIN}\n").code == 4
    doubt = owing("refunds", "--list")

    done = owing("refunds", "--pin-stdin", stdin=f"{PIN}\n")

    assert "To be verified: 12.34 yuan" in doubt.out
    assert "Load 1: credited 12.34 yuan" in done.out
    assert "Credited the refund voucher-18, 0.50 yuan" in done.out
    assert balance(sscard, counter) == 11_284


def test_the_refunds_loaded_before_one_was_lost_are_said(
    owing: Sscard, sscard: Sscard, counter: Counter
) -> None:
    """The third refund is more than the account may hold: the card does not initialise."""
    owing("fund", "--amount", "42949672.95", "--refund", "voucher-19")

    done = owing("refunds", "--pin-stdin", "--json", stdin=f"{PIN}\n")

    assert (done.code, done.json["error"], done.json["loads_done"]) == (1, "declined.card-refused", 2)
    assert balance(sscard, counter) == 11_284


def test_no_refund_is_said(at_window: Sscard) -> None:
    assert at_window("refunds", "--list").out == "No refund waits for this card.\n"


# The PIN --------------------------------------------------------------------------------------------------------


def lock(sscard: Sscard, counter: Counter) -> None:
    for _ in range(3):
        sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin="999999\n")


SIGHTED = ("--id-sighted", "--operator", "07")


@LANGUAGES
def test_a_locked_pin_is_reset(language: str, at_window: Sscard, sscard: Sscard, counter: Counter) -> None:
    lock(sscard, counter)

    done = at_window(
        "pin-reset", *SIGHTED, "--pin-stdin", "--lang", language, stdin=f"{NEW_PIN}\n{NEW_PIN}\n"
    )

    assert done.code == 0
    assert ("新密码已设定" if language == "zh" else "The new PIN is set") in done.out
    assert balance(sscard, counter, NEW_PIN) == 10_000


def test_the_new_pin_is_asked_for_twice_and_shown_nowhere(at_window: Sscard) -> None:
    done = at_window("pin-reset", *SIGHTED, stdin=f"{NEW_PIN}\n{NEW_PIN}\n")
    differing = at_window("pin-reset", *SIGHTED, stdin=f"{NEW_PIN}\n111111\n")

    assert done.code == 0
    assert "New PIN once more" in done.err
    assert NEW_PIN not in done.out + done.err
    assert differing.code == 1


def test_the_new_pin_on_standard_input_comes_twice_or_nothing_changes(
    at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    differing = at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{NEW_PIN}\n111111\n")
    once = at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{NEW_PIN}\n")

    assert (differing.code, once.code) == (1, 2)
    assert "The two new PINs differ" in differing.sentence
    assert balance(sscard, counter) == 10_000


def test_unblock_keeps_the_pin(at_window: Sscard, sscard: Sscard, counter: Counter) -> None:
    lock(sscard, counter)

    done = at_window("unblock", *SIGHTED, "--json")

    assert done.json == {"unblocked": True}
    assert balance(sscard, counter) == 10_000


@pytest.mark.parametrize("command", ["pin-reset", "unblock"])
@pytest.mark.parametrize(
    ("given", "words"),
    [((), "sight the document"), (("--id-sighted",), "name one with --operator")],
)
def test_without_a_sighted_document_nothing_is_done(
    command: str, given: tuple[str, ...], words: str, at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    lock(sscard, counter)

    done = at_window(command, *given)

    assert done.code == 2
    assert words in done.sentence
    assert "locked" in sscard("balance", *counter.readers, "--pin-stdin", stdin=f"{PIN}\n").sentence


def test_the_journal_names_who_sighted_and_holds_no_pin(at_window: Sscard, counter: Counter) -> None:
    at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{NEW_PIN}\n{NEW_PIN}\n")

    with Journal.open(counter.journal) as journal:
        [entry] = PinServiceJournal(journal).entries()
    assert (entry.sighting.by, entry.service) == ("07", "pin-reset")
    for file in (counter.journal, counter.journal.parent / "ledger.db"):
        assert NEW_PIN.encode() not in file.read_bytes()
        assert bytes.fromhex(NEW_PIN) not in file.read_bytes()


@pytest.mark.parametrize("typed", ["12345", "123456", "abc", ""])
def test_a_pin_nobody_may_choose_changes_nothing(
    typed: str, at_window: Sscard, sscard: Sscard, counter: Counter
) -> None:
    done = at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{typed}\n{typed}\n")

    assert done.code in (1, 2)
    assert balance(sscard, counter) == 10_000


def test_a_reset_whose_answer_is_lost_is_done_again(
    at_window: Sscard, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(PIN_COMMAND))
        lost = at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{NEW_PIN}\n{NEW_PIN}\n")

    again = at_window("pin-reset", *SIGHTED, "--pin-stdin", stdin=f"{NEW_PIN}\n{NEW_PIN}\n")

    assert lost.code == 3
    assert "run the same command again" in lost.sentence
    assert again.code == 0
    assert balance(sscard, counter, NEW_PIN) == 10_000


@pytest.mark.parametrize("profile", ["gen3", "gen1-16k"])
def test_every_generation_at_the_window(
    profile: str, at_window: Sscard, counter: Counter, tmp_path: Path
) -> None:
    counter.card.write_bytes(card_image(profile, balance=10_000))
    settings = tmp_path / "terminal.toml"
    place = '[place]\nname = "服务窗口"\nkind = "clinic"\napproved_until = 2099-12-31\n'
    settings.write_text(place + "[cards]\naccept_expired = true\n", "utf-8")
    first = "1234" if profile == "gen1-16k" else PIN
    config = ("--config", settings)
    done = [
        at_window("fund", "--amount", "500", *config),
        at_window("pin-reset", *SIGHTED, "--pin-stdin", *config, stdin=f"{NEW_PIN}\n{NEW_PIN}\n"),
        at_window("unblock", *SIGHTED, *config),
        at_window("load", "--amount", "7", "--pin-stdin", *config, stdin=f"{NEW_PIN}\n"),
        at_window("load", "--amount", "7", "--pin-stdin", *config, stdin=f"{first}\n"),
    ]

    assert [run.code for run in done] == [0, 0, 0, 0, 1], [run.err for run in done]
    with Journal.open(counter.journal) as journal:
        assert [entry.state for entry in LoadJournal(journal).entries()] == ["credited"]


@pytest.mark.parametrize("form", [(), ("--json",), ("--lang", "zh")])
def test_no_pin_in_any_trace_or_output(form: tuple[str, ...], at_window: Sscard, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    done = at_window(
        "pin-reset", *SIGHTED, "--pin-stdin", *form, "--trace", trace, stdin=f"{NEW_PIN}\n{NEW_PIN}\n"
    )

    assert done.code == 0
    written = trace.read_text("utf-8")
    assert NEW_PIN not in written + done.out + done.err
    assert "> 842400010C" + "**" * 12 in written


# Host and files -------------------------------------------------------------------------------------------------


def test_another_file_as_ledger_is_refused_and_untouched(at_window: Sscard, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a ledger " * 100, "utf-8")

    done = at_window("load", "--amount", "1", "--pin-stdin", "--ledger", other, stdin=f"{PIN}\n")

    assert done.code == 1
    assert "notes.txt" in done.sentence
    assert other.read_text("utf-8").startswith("not a ledger")


def test_the_ledger_lies_in_the_state_folder_unless_named(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = sscard(
        "window", "fund", "--amount", "1", "--keys", KEYS, *counter.readers, *counter.book, "--json"
    )

    assert done.json["available_fen"] == 100
    assert (tmp_path / "state/sscard-terminal/window-ledger.db").exists()


@pytest.mark.parametrize("amount", ["0", "x"])
def test_funding_nothing_is_refused(amount: str, at_window: Sscard) -> None:
    assert at_window("fund", "--amount", amount).code == 2


def test_without_keys_there_is_no_host(sscard: Sscard, counter: Counter) -> None:
    done = sscard("window", "load", "--amount", "1", *counter.readers)

    assert done.code == 2
    assert "--keys" in done.sentence


def test_a_wrong_key_file_is_named_without_its_digits(at_window: Sscard, tmp_path: Path) -> None:
    keys = tmp_path / "short.toml"
    keys.write_text('[roots]\nPUK = "404142"\n', "utf-8")

    done = at_window("unblock", *SIGHTED, "--keys", keys)

    assert done.code == 2
    assert "PUK" in done.sentence and "404142" not in done.sentence
