"""A marked PIN drives every command at the chattiest level, and is looked for in everything that comes out."""

import logging
from pathlib import Path

import pytest

from sscard_applets.catalogue import load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cli import pins as prompts
from sscard_terminal.cli import reader_search
from tests.cards import KEYS, NEW_CARD, PERSON_TEXT
from tests.cli.conftest import Counter, Done, Sscard
from tests.cli.links import DEBIT, losing_answer

MARKED, NEXT, WRONG = "739162", "850273", "418365"
PINS = (MARKED, NEXT, WRONG)


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
    pay = ("debit", "--account", "12.34", *counter.book)
    return [
        (("pin", "verify"), WRONG),
        (("pin", "verify"), MARKED),
        (("balance",), MARKED),
        (pay, MARKED),
        (("details",), MARKED),
        (("pin", "change"), f"{MARKED}\n{NEXT}\n{NEXT}"),
        (("pin", "change"), f"{NEXT}\n{MARKED}x\n{MARKED}x"),
        (("pin", "change"), f"{NEXT}\n{MARKED}\n{MARKED}"),
        (("recover", *counter.book), MARKED),
        (("balance",), f"{MARKED}{NEXT}{WRONG}"),
        (("read",), ""),
    ]


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

    for command, pins in commands(marked):
        if command[0] in ("recover",):
            with monkeypatch.context() as broken:
                broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
                said.append(pay_open(sscard, marked, form))
        asks = way if command[0] != "read" else ()
        said.append(sscard(*command, *marked.readers, *asks, *form, "--trace", trace, stdin=f"{pins}\n"))

    assert {done.code for done in said} == {0, 1, 2, 4}
    everything = "\n".join(done.out + done.err for done in said) + caplog.text
    for file in (*tmp_path.rglob("*.txt"), *tmp_path.glob("journal.db*")):
        content = file.read_bytes()
        everything += content.decode("latin-1")
        assert not any(bytes.fromhex(pin) in content for pin in PINS), file
    assert not any(pin in everything for pin in PINS)


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
        if command != ("read",):
            sscard(*command, *marked.readers, *way, stdin=f"{keyed}\n")

    assert len(made) >= 8
    assert [len(pin) for pin in made] == [0] * len(made)
