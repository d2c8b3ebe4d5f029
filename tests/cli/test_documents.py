"""The pages a newcomer reads are true: the README's commands run, the first conversation is what is really said."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.cli.main import COMMANDS
from sscard_terminal.cli.trace import Trace
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.transcript import Octets
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Approved
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.workflow import verify_pin
from tests.cards import Dice, new_card, new_psam
from tests.cli.conftest import PIN, Sscard

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs/first-conversation.md").read_text("utf-8")
NOON = datetime(2026, 1, 5, 10, 15, 30)


def spoken(text: str) -> list[str]:
    """The lines that matter, without the words beside them."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if re.match(r"[<>] |# \[|# ATR", line)]


def conversation() -> list[str]:
    blocks = re.findall(r"```apdu\n(.*?)```", PAGE, re.DOTALL)
    lines = [line for block in blocks for line in spoken(block)]
    speakers = [line for line in lines if line.startswith("# [")]
    return [
        line
        for number, line in enumerate(lines)
        if line not in speakers or line != last_speaker(lines[:number])
    ]


def last_speaker(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line.startswith("# [")), "")


def test_both_chips_answer_the_first_conversation_byte_for_byte() -> None:
    chips = {"# [card]": new_card(Dice("AABBCCDD"), balance=10_000), "# [psam]": new_psam()}
    links = {name: LoopbackConnection(chip) for name, chip in chips.items()}
    link = links["# [card]"]
    command = ""

    for line in conversation():
        match line[:1]:
            case "#" if line in links:
                link = links[line]
            case "#":
                assert link.atr == bytes.fromhex(line.removeprefix("# ATR "))
            case ">":
                command = line[2:].replace("******", PIN)
            case _:
                answer = link.transmit(CommandApdu.parse(bytes.fromhex(command)))
                assert str(Octets(tuple(answer.build()))) == line[2:], command


def test_the_terminal_says_the_first_conversation_byte_for_byte(tmp_path: Path) -> None:
    lines: list[str] = []
    trace = Trace(lines.append, "en")
    random = iter([bytes.fromhex("B0B1B2B3B4B5B6B7"), bytes.fromhex("C0C1C2C3C4C5C6C7")])
    chip = LoopbackConnection(new_card(Dice("AABBCCDD"), balance=10_000))
    card = SocialSecurityCard(completing(trace.around(chip, "card")))
    psam = Psam(completing(trace.around(LoopbackConnection(new_psam()), "psam")))

    identified = identify(card, psam, Policy(), lambda: NOON, lambda _: next(random))
    assert isinstance(identified, IdentifiedCard)
    verify_pin(identified, Pin(PIN))
    amounts = PurchaseAmounts(Fen(1234), Fen(2000), Fen(8000))
    with closing(Journal.open(tmp_path / "journal.db")) as journal:
        outcome = debit(identified, psam, journal, DebitRequest(amounts), lambda: NOON)

    assert isinstance(outcome, Approved)
    assert outcome.tac == bytes.fromhex("66159FC2")
    assert spoken("\n".join(lines)) == conversation()


def examples() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.partition("#")[0].strip()
            if command:
                yield command


def test_the_readme_fits_on_a_screen() -> None:
    assert len(README.splitlines()) <= 70


@pytest.mark.parametrize("target", ["demo", "test", "install", "check", "card"])
def test_the_make_commands_there_are(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_the_readmes_examples_run_in_their_order(sscard: Sscard, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    ours = [shlex.split(command) for command in examples()]
    assert ["make", "demo"] in ours and ["make", "test"] in ours

    for program, *arguments in ours:
        if program == "sscard":
            done = sscard(*arguments, stdin="123456\n123456\n")
            assert done.code == 0, (arguments, done)


def test_every_command_the_pages_name_exists() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        named = re.findall(r"`sscard ([a-z-]+)", page.read_text("utf-8"))
        assert set(named) <= set(COMMANDS), page


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
