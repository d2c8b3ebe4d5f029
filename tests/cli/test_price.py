"""`sscard debit --total`: the parts of a total, the rest in cash, and the record-keeping debit."""

import os
import pty
import select
import subprocess
import sys

import pytest

from tests.cli.conftest import PIN, Counter, Done, Sscard
from tests.cli.test_debit import balance_fen


def pay(sscard: Sscard, counter: Counter, *price: str) -> Done:
    return sscard("debit", *price, *counter.readers, *counter.book, "--pin-stdin", "--json", stdin=f"{PIN}\n")


@pytest.mark.parametrize(
    ("price", "parts"),
    [
        (("--total", "58"), (5800, 0, 0)),
        (("--total", "58", "--pooled", "20"), (3800, 0, 2000)),
        (("--total", "150", "--rest-in-cash"), (10_000, 5_000, 0)),
        (("--total", "150", "--self", "10", "--pooled", "100"), (4_000, 1_000, 10_000)),
    ],
)
def test_a_total_is_divided(
    price: tuple[str, ...], parts: tuple[int, int, int], sscard: Sscard, counter: Counter
) -> None:
    told = pay(sscard, counter, *price).json

    assert (told["account_fen"], told["self_paid_fen"], told["pooled_fen"]) == parts
    assert balance_fen(sscard, counter) == 10_000 - parts[0]


def test_without_leave_to_take_cash_nothing_is_charged_and_what_is_missing_is_said(
    sscard: Sscard, counter: Counter
) -> None:
    done = pay(sscard, counter, "--total", "150")

    assert done.code == 1
    assert done.json["error"] == "debit.short-of-total"
    assert (done.json["balance_fen"], done.json["missing_fen"]) == (10_000, 5_000)
    assert balance_fen(sscard, counter) == 10_000


def test_a_record_keeping_debit_charges_nothing_and_says_so(sscard: Sscard, counter: Counter) -> None:
    price = ("--record-keeping", "--total", "58", "--pooled", "41")

    done = sscard("debit", *price, *counter.readers, *counter.book, "--pin-stdin", stdin=f"{PIN}\n")

    assert done.code == 0
    assert "total cost 58.00 yuan; the account paid nothing, balance 100.00 yuan" in done.out
    assert balance_fen(sscard, counter) == 10_000


@pytest.mark.parametrize(
    ("price", "code", "error"),
    [
        ((), 2, "usage.no-price"),
        (("--account", "1", "--total", "1"), 2, "usage.price"),
        (("--total", "0"), 2, "usage.amount-zero"),
        (("--account", "1", "--record-keeping"), 2, "usage.price"),
        (("--total", "1", "--self", "1", "--record-keeping"), 2, "usage.price"),
        (("--total", "1", "--self", "0.60", "--pooled", "0.41"), 1, "declined.parts-exceed-total"),
        (("--total", "1.001"), 2, "usage.amount"),
    ],
)
def test_amounts_that_make_no_sense_are_refused_before_the_card(
    price: tuple[str, ...], code: int, error: str, sscard: Sscard, counter: Counter
) -> None:
    done = pay(sscard, counter, *price)

    assert (done.code, done.json["error"]) == (code, error)
    assert balance_fen(sscard, counter) == 10_000


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 0), ("n", 1, 10_000)])
def test_a_person_at_the_terminal_is_asked_about_the_rest(
    answer: str, code: int, left: int, sscard: Sscard, counter: Counter
) -> None:
    said, ended = at_a_terminal(
        ("debit", "--total", "150", *counter.readers, *counter.book, "--lang", "en"),
        {"PIN": f"{PIN}\n", "Take 50.00 yuan in cash?": f"{answer}\n"},
    )

    assert ended == code, said
    assert balance_fen(sscard, counter) == left
    assert PIN not in said


def at_a_terminal(arguments: tuple[str, ...], answers: dict[str, str], **environment: str) -> tuple[str, int]:
    """Runs sscard at a pseudo-terminal and types each answer after its question; what was shown, and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sscard_terminal.cli", *arguments]
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, **environment},
    ) as running:
        os.close(theirs)
        shown, waiting = "", list(answers.items())
        while select.select([ours], [], [], 30)[0]:
            try:
                shown += os.read(ours, 4096).decode("utf-8", "replace")
            except OSError:
                break
            if waiting and waiting[0][0] in shown:
                os.write(ours, waiting.pop(0)[1].encode())
        os.close(ours)
        return shown, running.wait(30)
