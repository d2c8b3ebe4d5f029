"""A marked PIN drives every command at the chattiest level, and is looked for in everything that comes out."""

import logging
from itertools import takewhile
from pathlib import Path

import click
import pytest

from sscard_applets.catalogue import load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cli import pins as prompts
from sscard_terminal.cli import reader_search
from sscard_terminal.cli.main import program
from tests.cards import KEYS, NEW_CARD, PERSON_TEXT
from tests.cli.conftest import KEYS as KEYS_FILE
from tests.cli.conftest import Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer

MARKED, NEXT, WRONG = "739162", "850273", "418365"
PINS = (MARKED, NEXT, WRONG)
OVER_A_READER = {("conform",)}
"""Driven with marked PINs in test_conform.py: a virtual card without a reader is a card it makes itself."""


@pytest.fixture
def marked(counter: Counter) -> Counter:
    """The counter, with a card whose PIN is the marked one."""
    profile = load_profile("gen2-32k")
    person = parse_person(PERSON_TEXT, profile.name)
    amounts = fresh_objects(
        NEW_CARD.__class__.parse(NEW_CARD.build()[:4] + Fen(10_000).to_bytes4() + NEW_CARD.build()[8:])
    )
    counter.card.write_bytes(personalise(profile, person, KEYS, amounts, Pin(MARKED)))
    return counter


def commands(counter: Counter) -> list[tuple[tuple[str, ...], str]]:
    """What is driven, in this order, and what is typed: among them every command that takes a PIN."""
    pay = ("debit", "--account", "12.34", *counter.book)
    split = ("debit", "--total", "1.50", *counter.book)
    at_window = (
        *counter.book,
        "--keys",
        str(KEYS_FILE),
        "--ledger",
        str(counter.journal.with_name("ledger.db")),
    )
    sighted = ("--id-sighted", "--operator", "07", *at_window)
    walk = counter.card.with_name("walk.txt")
    walk.write_text("verify\napdu 0020000003******\n", encoding="ascii")
    return [
        (("pin", "verify"), WRONG),
        (("pin", "verify"), MARKED),
        (("balance",), MARKED),
        (pay, MARKED),
        (split, MARKED),
        (("debit", "--record-keeping", "--total", "2.00", *counter.book), MARKED),
        (("refund", "--card", "--amount", "0.10", *counter.book), ""),
        (("window", "fund", "--amount", "50.00", *at_window), ""),
        (("window", "load", "--amount", "20.50", *at_window), MARKED),
        (("window", "refunds", *at_window), MARKED),
        (("window", "settle", *at_window), MARKED),
        (("window", "unblock", *sighted), ""),
        (("details",), MARKED),
        (("shell", "--run", str(walk)), MARKED),
        (("pin", "change"), f"{MARKED}\n{NEXT}\n{NEXT}"),
        (("pin", "change"), f"{NEXT}\n{MARKED}x\n{MARKED}x"),
        (("pin", "change"), f"{NEXT}\n{MARKED}\n{MARKED}"),
        (("recover", *counter.book), MARKED),
        (("balance",), f"{MARKED}{NEXT}{WRONG}"),
        (("window", "pin-reset", *sighted), f"{NEXT}\n{NEXT}"),
        (("read",), ""),
    ]


def taking(option: str, group: click.Group = program, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every command of the whole program that has this option."""
    found: set[tuple[str, ...]] = set()
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= taking(option, command, (*path, name))
        elif any(option in parameter.opts for parameter in command.params):
            found.add((*path, name))
    return found


def words_of(command: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(takewhile(lambda word: not word.startswith("-"), command))


def test_every_command_that_takes_a_pin_is_driven_with_the_marked_one(marked: Counter) -> None:
    driven = {words_of(command) for command, pins in commands(marked) if pins}

    assert taking("--pin-stdin") == driven | OVER_A_READER


@pytest.mark.parametrize("form", [(), ("--json",), ("--lang", "zh")])
@pytest.mark.parametrize("way", [("--pin-stdin",), ()])
@pytest.mark.parametrize("trace", ["-", "trace.txt"])
def test_a_marked_pin_is_nowhere(
    form: tuple[str, ...],
    way: tuple[str, ...],
    trace: str,
    sscard: Sscard,
    marked: Counter,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[Done] = []
    traced = taking("--trace")

    for command, pins in commands(marked):
        if command[0] in ("recover",):
            with monkeypatch.context() as broken:
                broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
                said.append(pay_open(sscard, marked, form))
        options = [*(way if pins else ()), *(("--trace", trace) if words_of(command) in traced else ())]
        said.append(sscard(*command, *readers_for(marked, command), *options, *form, stdin=f"{pins}\n"))

    assert {done.code for done in said} == {0, 1, 2, 4}
    everything = "\n".join(done.out + done.err for done in said) + caplog.text
    for file in (*tmp_path.rglob("*.txt"), *tmp_path.glob("journal.db*")):
        content = file.read_bytes()
        everything += content.decode("latin-1")
        assert not any(bytes.fromhex(pin) in content for pin in PINS), file
    assert not any(pin in everything for pin in PINS)


def readers_for(counter: Counter, command: tuple[str, ...]) -> tuple[str, ...]:
    return counter.readers if words_of(command) in taking("--reader") else ()


def pay_open(sscard: Sscard, counter: Counter, form: tuple[str, ...]) -> Done:
    return sscard(
        "debit", "--account", "1", *counter.book, *counter.readers, *form, "--pin-stdin", stdin=f"{MARKED}\n"
    )


@pytest.mark.parametrize("command", [("balance",), ("pin", "verify"), ("debit", "--account", "1")])
def test_no_command_takes_a_pin_as_an_argument(
    command: tuple[str, ...], sscard: Sscard, marked: Counter
) -> None:
    for arguments in (("--pin", MARKED), (MARKED,), (f"--pin={MARKED}",), ("--pin-stdin=" + MARKED,)):
        done = sscard(*command, *arguments, *marked.readers)

        assert done.code == 2
        assert MARKED not in done.out + done.err


@pytest.mark.parametrize("way", [("--pin-stdin",), ()])
def test_every_pin_keyed_is_wiped_when_its_command_is_done(
    way: tuple[str, ...], sscard: Sscard, marked: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it ends. The virtual card in this process makes PINs too, out of bytes; those are the card's own."""
    made: list[Pin] = []
    make = prompts.Pin

    def remembered(digits: str) -> Pin:
        made.append(make(digits))
        return made[-1]

    monkeypatch.setattr(prompts, "Pin", remembered)

    for command, keyed in (*commands(marked), (("pin", "change"), f"{MARKED}\n{NEXT}\n12x")):
        if keyed:
            sscard(*command, *marked.readers, *way, stdin=f"{keyed}\n")

    assert len(made) >= 8
    assert [len(pin) for pin in made] == [0] * len(made)
