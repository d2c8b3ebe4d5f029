"""Signing in at the command line, what needs it, what needs a supervisor, and that no password is anywhere."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search, sign_in, signed_in
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal import passwords
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.operators import FREE_TRIES
from sscard_terminal.terminal.passwords import Cost
from tests.cli.conftest import PIN, Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config

CHIEF, CLERK, NEXT, WRONG = "chief marked 7391", "clerk marked 8502", "third marked 4183", "wrong marked 6614"
SETTINGS = '[operators]\nfile = "operators.json"\n'
BY_CHIEF = ("--supervisor", "01", "--supervisor-password-stdin")


class Shop:
    """A counter where operators are configured: the supervisor 01 and the clerk 07, nobody signed in."""

    def __init__(self, sscard: Sscard, counter: Counter, folder: Path) -> None:
        self.counter = counter
        self.file = folder / "operators.json"
        self.config = config(folder, SETTINGS)
        self._sscard = sscard

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        return self._sscard(*arguments, *self.config, stdin=stdin)

    def sign_in(self, number: str = "07", password: str = CLERK) -> Done:
        return self("sign-in", number, "--password-stdin", stdin=f"{password}\n")

    def pay(self, *more: str, stdin: str = f"{PIN}\n") -> Done:
        counter = self.counter
        return self(
            "debit", "--account", "1", *counter.readers, *counter.book, "--pin-stdin", *more, stdin=stdin
        )

    def day(self, *arguments: str, stdin: str = "") -> Done:
        return self("day", *arguments, *self.counter.book, stdin=stdin)


@pytest.fixture
def shop(sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(passwords, "COST", Cost(16, 1, 1))
    made = Shop(sscard, counter, tmp_path)
    first = ("operator", "add", "01", "--name", "李芳", "--right", "supervisor", "--password-stdin")
    assert made(*first, stdin=f"{CHIEF}\n").code == 0
    second = ("operator", "add", "07", "--name", "王强", "--password-stdin", *BY_CHIEF)
    assert made(*second, stdin=f"{CHIEF}\n{CLERK}\n").code == 0
    yield made


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    """The terminal's clock, moved."""
    moved = timedelta(**by)
    for module in (signed_in, sign_in):
        monkeypatch.setattr(module, "now", lambda: datetime.now() + moved)


def test_whoever_is_signed_in_stands_in_journal_and_on_the_slip(shop: Shop) -> None:
    shop.sign_in()

    sold = shop.pay()

    assert sold.code == 0
    assert any(line.split() == ["Operator", "07"] for line in sold.out.splitlines())
    with Journal.open(shop.counter.journal) as journal:
        entry = journal.last_entry()
    assert entry is not None and entry.sale.operator == "07"


@pytest.mark.parametrize("command", ["debit", "open", "close"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_somebody_signed_in_nothing_is_sold_and_no_day_begins_or_ends(
    command: str, language: str, shop: Shop
) -> None:
    lang = ("--lang", language)

    refused = shop.pay(*lang) if command == "debit" else shop.day(command, *lang)

    assert refused.code == 1
    assert "sscard sign-in" in refused.sentence
    assert ("未扣款" if language == "zh" else "not charged") in refused.sentence
    assert not shop.counter.journal.exists() or not list(entries(shop))


def entries(shop: Shop) -> list[object]:
    with Journal.open(shop.counter.journal) as journal:
        return list(journal.entries())


def test_a_name_on_the_command_line_must_be_whoever_is_signed_in(shop: Shop) -> None:
    shop.sign_in()

    assert shop.pay("--operator", "07").code == 0
    refused = shop.pay("--operator", "08", "--json").json
    assert (refused["exit"], refused["error"]) == (1, "operators.other-operator")
    assert shop.day("open", "--operator", "08").code == 1


def test_where_no_operators_are_configured_nobody_signs_in(sscard: Sscard, counter: Counter) -> None:
    assert sscard("day", "open", *counter.book, "--operator", "anyone").code == 0
    assert sscard("day", "close", *counter.book, "--despite", "nothing").code == 0
    for command in (("sign-in", "07"), ("operator", "list"), ("operator", "remove", "07")):
        assert "[operators] file" in sscard(*command, stdin="").sentence


def test_signing_in_and_out_tell_who_it_is(shop: Shop) -> None:
    assert (
        shop.sign_in().out
        == "王强 (07, clerk) is signed in; the session ends after 15 minutes without use.\n"
    )
    assert shop("sign-out").out == "Signed out.\n"
    assert shop("sign-out").out == "Nobody was signed in.\n"
    assert shop("sign-in", "07", "--password-stdin", "--json", stdin=f"{CLERK}\n").json == {
        "operator": "07",
        "name": "王强",
        "right": "clerk",
        "session_minutes": 15,
    }


def test_signing_out_is_the_end(shop: Shop) -> None:
    shop.sign_in()
    shop("sign-out")

    assert "Nobody is signed in" in shop.pay().sentence


@pytest.mark.parametrize(
    ("by", "error"),
    [({"minutes": 16}, "operators.timed-out"), ({"minutes": -10}, "operators.clock-went-backwards")],
)
def test_a_session_ends_by_itself(
    by: dict[str, float], error: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sign_in()
    later(monkeypatch, **by)

    assert shop.pay("--json").json["error"] == error
    assert shop.pay("--json").json["error"] == "operators.not-signed-in"


def test_the_time_is_a_setting(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.config = config(tmp_path, SETTINGS + "session_minutes = 60\n")
    shop.sign_in()
    later(monkeypatch, minutes=59)

    assert shop.pay().code == 0


def test_the_day_closed_is_the_session_ended(shop: Shop) -> None:
    shop.sign_in()
    assert shop.day("open").code == 0
    assert shop.day("close").code == 0

    assert "Nobody is signed in" in shop.day("open").sentence


def test_a_day_that_could_not_be_closed_leaves_the_session(shop: Shop) -> None:
    shop.sign_in()

    assert shop.day("close").code == 1
    assert shop.day("open").code == 0


def test_wrong_passwords_hold_an_operator_back_across_restarts_and_a_supervisor_helps(shop: Shop) -> None:
    for _ in range(FREE_TRIES):
        assert "Number or password is wrong" in shop.sign_in(password=WRONG).sentence

    held = shop("sign-in", "07", "--password-stdin", "--json", stdin=f"{CLERK}\n").json
    assert (held["error"], held["exit"]) == ("operators.held-back", 1)
    assert 25 <= held["wait_s"] <= 30
    renew = ("operator", "password", "07", "--password-stdin", *BY_CHIEF)
    assert shop(*renew, stdin=f"{CHIEF}\n{NEXT}\n").code == 0
    assert shop.sign_in(password=NEXT).code == 0


def test_an_unknown_number_is_answered_as_a_wrong_password(shop: Shop) -> None:
    assert shop.sign_in("55").sentence == shop.sign_in(password=WRONG).sentence


@pytest.mark.parametrize("password", ["", "x" * 129, "\x00\x01"])
def test_what_is_no_password_is_told_without_looking(password: str, shop: Shop) -> None:
    assert shop.sign_in(password=password).code == 2


def unsettled(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day with a sale that is to be verified, the clerk signed in."""
    shop.sign_in()
    shop.day("open")
    with monkeypatch.context() as patch:
        patch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
        assert shop.pay().code == 4


def test_closing_over_an_open_sale_needs_a_supervisor_who_goes_into_the_journal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsettled(shop, monkeypatch)
    close = ("close", "--despite", "the holder left")

    alone = shop.day(*close, "--json").json
    himself = shop.day(
        *close, "--supervisor", "07", "--supervisor-password-stdin", stdin=f"{CLERK}\n"
    ).sentence
    wrong = shop.day(*close, *BY_CHIEF, "--json", stdin=f"{WRONG}\n").json
    done = shop.day(*close, *BY_CHIEF, stdin=f"{CHIEF}\n")

    assert (alone["exit"], alone["error"]) == (1, "operators.needs-supervisor")
    assert "needs a supervisor" in himself
    assert (wrong["exit"], wrong["error"]) == (1, "operators.password-wrong")
    assert done.code == 0
    assert "the holder left (supervisor 01)" in done.out
    with Journal.open(shop.counter.journal) as journal:
        closed = journal.newest_day_events()[-1]
    assert (closed.operator, closed.supervisor, closed.despite) == ("07", "01", "the holder left")


def test_a_supervisor_who_is_signed_in_is_not_asked_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsettled(shop, monkeypatch)
    shop.sign_in("01", CHIEF)

    done = shop.day("close", "--despite", "the holder left", "--json").json

    assert (done["despite"], done["supervisor"]) == ("the holder left", "01")


def test_a_password_for_nobody_is_a_usage_error(shop: Shop) -> None:
    shop.sign_in()

    for command in (("day", "close", "--despite", "x"), ("operator", "password", "07")):
        assert "--supervisor NUMBER" in shop(*command, "--supervisor-password-stdin").sentence


# Who may sign in


def test_the_first_operator_needs_nobody_and_must_be_a_supervisor(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    settings = config(tmp_path, SETTINGS)
    add = ("operator", "add", "01", "--name", "李芳", "--password-stdin", *settings)

    assert "sscard operator add" in sscard("operator", "list", *settings).out
    assert "sscard operator add" in sscard("sign-in", "01", *settings).sentence
    assert "sscard operator add" in sscard("day", "open", *settings, *counter.book).sentence
    assert "--right supervisor" in sscard(*add, stdin=f"{CHIEF}\n").sentence
    assert sscard(*add, *BY_CHIEF, stdin=f"{CHIEF}\n").code == 1
    assert sscard(*add, "--right", "supervisor", stdin=f"{CHIEF}\n").code == 0


def test_every_later_one_needs_a_supervisors_password_even_where_one_is_signed_in(shop: Shop) -> None:
    add = ("operator", "add", "08", "--name", "赵敏", "--password-stdin")
    shop.sign_in("01", CHIEF)

    assert shop(*add, "--supervisor-password-stdin", stdin=f"{WRONG}\n{NEXT}\n").code == 1
    assert shop(*add, "--supervisor-password-stdin", stdin=f"{CHIEF}\n{NEXT}\n").code == 0
    shop.sign_in()
    assert "needs a supervisor" in shop("operator", "remove", "08").sentence
    assert shop.sign_in("08", NEXT).code == 0


def test_an_operator_removed_is_signed_out_and_the_last_supervisor_stays(shop: Shop) -> None:
    shop.sign_in()

    assert shop("operator", "remove", "07", *BY_CHIEF, stdin=f"{CHIEF}\n").code == 0
    assert "not valid any more" in shop.pay().sentence
    assert "last supervisor" in shop("operator", "remove", "01", *BY_CHIEF, stdin=f"{CHIEF}\n").sentence
    assert shop("operator", "list", "--json").json == {
        "operators": [{"operator": "01", "name": "李芳", "right": "supervisor"}]
    }


def test_operators_change_their_own_password_by_the_old_one(shop: Shop) -> None:
    change = ("operator", "password", "07", "--password-stdin")

    assert shop(*change, stdin=f"{WRONG}\n{NEXT}\n").code == 1
    assert shop(*change, stdin=f"{CLERK}\n{NEXT}\n").code == 0
    assert shop.sign_in().code == 1
    assert shop.sign_in(password=NEXT).code == 0


@pytest.mark.parametrize("new", ["short", "12345678", ""])
def test_a_new_password_that_will_not_do_is_a_usage_error(new: str, shop: Shop) -> None:
    before = shop.file.read_bytes()

    refused = shop("operator", "password", "07", "--password-stdin", *BY_CHIEF, stdin=f"{CHIEF}\n{new}\n")

    assert refused.code == 2
    assert shop.file.read_bytes() == before


def test_at_a_prompt_a_new_password_is_typed_twice(shop: Shop) -> None:
    change = ("operator", "password", "07")

    differ = shop(*change, stdin=f"{CLERK}\n{NEXT}\n{WRONG}\n")
    done = shop(*change, stdin=f"{CLERK}\n{NEXT}\n{NEXT}\n")

    assert differ.code == 2 and "differ" in differ.err
    assert done.code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("sign-in", CLERK), "1 to 8 digits"),
        (("operator", "add", "08", "--name", " "), "--name"),
        (("operator", "add", "08", "--name", "x", "--right", "owner"), "--right"),
        (("operator", "add", "08"), "--name"),
    ],
)
def test_what_cannot_be_is_a_usage_error(arguments: tuple[str, ...], word: str, shop: Shop) -> None:
    refused = shop(*arguments)

    assert refused.code == 2
    assert word in refused.sentence


@pytest.mark.parametrize(
    ("content", "mode", "word"),
    [
        (b"{}", 0o600, "damaged"),
        (b'{"format": "sscard-operators", "version": 2}', 0o600, "newer version"),
        (b"", 0o644, "chmod 600"),
    ],
)
@pytest.mark.parametrize(
    "command", [("sign-in", "07"), ("operator", "list"), ("operator", "add", "08", "--name", "x")]
)
def test_a_file_that_cannot_be_trusted_is_refused_and_stays_as_it_is(
    command: tuple[str, ...], content: bytes, mode: int, word: str, shop: Shop
) -> None:
    shop.sign_in()
    content = content or shop.file.read_bytes()
    shop.file.write_bytes(content)
    shop.file.chmod(mode)

    for refused in (shop(*command, stdin=""), shop.pay()):
        assert refused.code == 2
        assert word in refused.sentence
    assert shop.file.read_bytes() == content


# In full


def read_in_full(shop: Shop, *more: str, stdin: str = "") -> Done:
    counter = shop.counter
    return shop("read", "--in-full", *counter.readers, *counter.book, *more, stdin=stdin)


def test_a_card_is_shown_in_full_by_a_supervisors_leave_and_the_journal_knows(shop: Shop) -> None:
    shop.sign_in()

    alone = read_in_full(shop)
    shown = read_in_full(shop, *BY_CHIEF, stdin=f"{CHIEF}\n")

    assert "needs a supervisor" in alone.sentence
    assert shown.code == 0
    assert "张三" in shown.out and "D2143569X" in shown.out and "*" not in shown.out
    [row] = shop("journal", "disclosures", *shop.counter.book, "--json").json["disclosures"]
    assert (row["operator"], row["supervisor"]) == ("07", "01")
    assert row["identification"].startswith("3709")
    assert "operator 07, supervisor 01" in shop("journal", "disclosures", *shop.counter.book).out


def test_what_cannot_be_written_down_is_not_shown(shop: Shop, tmp_path: Path) -> None:
    shop.sign_in("01", CHIEF)

    with Journal.open(shop.counter.journal):
        refused = read_in_full(shop)

    assert refused.code == 1
    assert "张三" not in refused.out + refused.err
    assert shop("journal", "disclosures", *shop.counter.book).out == "No card was ever shown in full.\n"


def test_where_nobody_can_answer_for_it_nothing_is_shown_in_full(sscard: Sscard, counter: Counter) -> None:
    refused = sscard("read", "--in-full", *counter.readers, *counter.book)

    assert refused.code == 2
    assert "[operators] file" in refused.sentence


def test_without_being_asked_for_it_stays_masked_for_a_supervisor_too(shop: Shop) -> None:
    shop.sign_in("01", CHIEF)

    shown = shop("read", *shop.counter.readers)

    assert "张三" not in shown.out and "*" in shown.out
    assert not shop.counter.journal.exists()


# No password anywhere


@pytest.mark.parametrize("form", [(), ("--json",), ("--lang", "zh")])
@pytest.mark.parametrize("way", ["stdin", "prompt"])
def test_a_marked_password_is_nowhere(
    form: tuple[str, ...],
    way: str,
    shop: Shop,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    unsettled(shop, monkeypatch)
    by_stdin = way == "stdin"
    own, his = (("--password-stdin",), ("--supervisor-password-stdin",)) if by_stdin else ((), ())
    twice = "" if by_stdin else f"{NEXT}\n"
    card, book = (*shop.counter.readers, "--trace", "trace.txt"), shop.counter.book
    chief = ("--supervisor", "01", *his)
    commands = [
        (("sign-in", "07", *own), WRONG),
        (("sign-in", "07", *own), f"{CLERK}\n{CHIEF}"),
        (("operator", "add", "08", "--name", "赵敏", *own, *chief), f"{CHIEF}\n{NEXT}\n{twice}"),
        (("operator", "password", "08", *own), f"{NEXT}\n12345678\n12345678\n{WRONG}"),
        (("operator", "password", "08", *own, *chief), f"{WRONG}\n{NEXT}\n{twice}"),
        (("operator", "remove", "08", *chief), CHIEF),
        (("operator", "list"), WRONG),
        (("read", "--in-full", *card, *book, *chief), CHIEF),
        (("read", "--in-full", *card, *book, *chief), WRONG),
        (("debit", "--account", "1", *card, *book, "--pin-stdin"), CLERK),
        (("recover", *card, *book, "--pin-stdin"), CHIEF),
        (("day", "close", *book, "--despite", "he left", *chief), CHIEF),
        (("sign-in", CLERK), ""),
        (("sign-out",), WRONG),
    ]

    said = [shop(*command, *form, stdin=f"{typed}\n") for command, typed in commands]

    assert {done.code for done in said} == {0, 1, 2, 4}
    everything = "\n".join(done.out + done.err for done in said) + caplog.text
    for file in tmp_path.rglob("*"):
        everything += file.read_bytes().decode("latin-1") if file.is_file() else ""
    for password in (CHIEF, CLERK, NEXT, WRONG):
        assert password not in everything
        assert password.encode().hex() not in everything.lower()


@pytest.mark.parametrize("command", [("sign-in", "07"), ("operator", "password", "07"), ("day", "close")])
def test_no_command_takes_a_password_as_an_argument(command: tuple[str, ...], shop: Shop) -> None:
    for arguments in (
        ("--password", CLERK),
        (CLERK,),
        (f"--password={CLERK}",),
        (f"--password-stdin={CLERK}",),
        ("--supervisor", CLERK),
        (f"--supervisor-password={CLERK}",),
    ):
        refused = shop(*command, *arguments)

        assert refused.code == 2
        assert CLERK not in refused.out + refused.err


def test_a_void_needs_a_supervisor_who_goes_into_the_journal(shop: Shop) -> None:
    shop.sign_in()
    shop.pay()
    void = ("void", "1", *shop.counter.book)

    alone = shop(*void, "--json").json
    asked = shop(*void, *BY_CHIEF, "--json", stdin=f"{CHIEF}\n").json

    assert (alone["exit"], alone["error"]) == (1, "operators.needs-supervisor")
    assert (asked["operator"], asked["supervisor"]) == ("07", "01")


def test_a_refund_needs_somebody_who_is_signed_in(shop: Shop) -> None:
    shop.sign_in()
    shop.pay()
    shop("sign-out")

    assert shop("refund", "1", *shop.counter.book, "--json").json["error"].startswith("operators.")
    shop.sign_in()
    assert shop("refund", "1", *shop.counter.book, "--json").json["reason"] == "void-instead"


def test_a_supervisor_may_answer_for_a_refund(shop: Shop) -> None:
    shop.sign_in()
    shop.day("open")
    shop.pay()
    shop.day("close")
    shop.sign_in()

    asked = shop("refund", "1", *shop.counter.book, *BY_CHIEF, "--json", stdin=f"{CHIEF}\n").json

    assert (asked["operator"], asked["supervisor"]) == ("07", "01")
