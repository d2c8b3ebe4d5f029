"""Which cards a script runs against: its own, those of the command line, images, transcripts; and the guard of real ones."""

from pathlib import Path

import pytest

from sscard_terminal.lab import virtual
from sscard_terminal.lab.run.events import ExitCode, Problem, RunBegan
from sscard_terminal.lab.run.guard import require_harmless
from sscard_terminal.lab.run.opening import Choice, opened_targets
from sscard_terminal.lab.run.targets import Target
from sscard_terminal.lab.script.parse import parse
from sscard_terminal.lab.script.reading import read_script
from sscard_terminal.lab.script.syntax import ScriptError
from tests.lab.run.scripts import CARD, SSSE, Desk, Ran, ran, target_of, with_targets

CONVERSATIONS = Path(__file__).parents[3] / "fixtures/conversations"
READS = "00 84 00 00 08 -> 9000\n"


def cards(found: Ran) -> list[str]:
    (began,) = (event for event in found.events if isinstance(event, RunBegan))
    return [f"{card.name}: {card.kind} {card.says}" for card in began.targets]


def test_the_command_lines_card_takes_the_place_of_the_scripts() -> None:
    assert cards(ran(CARD + READS)) == ["card: card gen2-32k zhang-san"]
    assert cards(ran(CARD + READS, choice=Choice(profile="gen3"))) == ["card: card gen3 zhang-san"]
    assert cards(ran(CARD + READS, choice=Choice(person="li-si"))) == ["card: card gen2-32k li-si"]
    assert cards(ran(CARD.replace("gen2-32k", "gen3") + READS, choice=Choice(person="li-si"))) == [
        "card: card gen3 li-si"
    ]
    assert cards(ran(READS, choice=Choice(profile="gen1-16k"))) == ["card: card gen1-16k zhang-san"]


def test_a_wrong_word_on_the_command_line_is_not_blamed_on_the_script() -> None:
    with pytest.raises(ScriptError) as caught:
        ran(CARD + READS, choice=Choice(profile="gen9"))

    assert caught.value.at.file == "" and "there is no card 'gen9'" in str(caught.value)


def test_a_psam_behind_any_connection_computes_for_the_card() -> None:
    script = parse(
        CARD + "use psam national as psam\nlet t = psam.terminal()\nlet x = same($t, 37 09 00 00 00 01)"
    )
    targets = opened_targets(script, Choice(), 1, Path())
    psam = targets["psam"]
    assert psam.power_on()

    behind = Target("psam", psam.connection, kind="reader", is_real=False)
    found = with_targets(script, {"card": targets["card"], "psam": behind})

    assert found.result.exit_code is ExitCode.PASSED


def test_a_psam_beside_it_stays() -> None:
    found = ran("use psam city as sam\n" + CARD + READS, choice=Choice(profile="gen3"))

    assert cards(found) == ["sam: psam psam-city", "card: card gen3 zhang-san"]


def test_a_new_card_holds_something_to_buy_with_or_what_the_script_says() -> None:
    told = "00 20 00 00 03 12 34 56 -> 9000\n00 A4 04 00 06 D1 56 00 00 05 03\nB0 26 00 01 04 -> "

    assert ran(CARD + told + "[00 00 27 10] 9000").result.exit_code is ExitCode.PASSED
    own = "use card gen2-32k balance 0.05 as card\n"
    assert ran(own + told + "[00 00 00 05] 9000").result.exit_code is ExitCode.PASSED


def test_an_image_is_run_against_and_left_as_it_is(tmp_path: Path) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(virtual.card_image("gen3", "li-si"))
    before = image.read_bytes()

    found = ran(
        'use image "a.img" as card\n00 20 00 00 03 99 99 99 -> 63C2\nfresh card\n00 20 00 00 -> 63C3',
        folder=tmp_path,
    )

    assert found.result.exit_code is ExitCode.PASSED
    assert image.read_bytes() == before


def test_what_is_no_image_is_named_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_text("no card")

    with pytest.raises(ScriptError, match="f:1:1: it is no card image"):
        ran('use image "a.img" as card\n', folder=tmp_path)


@pytest.mark.parametrize("name", ["generation-3-reading"])
def test_a_transcript_runs_against_the_card_it_names(name: str) -> None:
    script = read_script(CONVERSATIONS / f"{name}.apdu")

    found = with_targets(script, opened_targets(script, Choice(), 1, CONVERSATIONS))

    assert found.result.exit_code is ExitCode.PASSED
    assert len(found.verdicts) == 7


def test_a_script_passes_against_a_recording_and_fails_where_the_recording_goes_another_way() -> None:
    use = 'use transcript "three-strikes.apdu" as card\n'

    same = ran(use + "00 20 00 00 00 -> 63C3\n00 20 00 00 03 99 99 99 -> 63C2", folder=CONVERSATIONS)
    other = ran(use + "00 20 00 00 00 -> 63C3\n00 84 00 00 08 -> 9000", folder=CONVERSATIONS)

    assert same.result.exit_code is ExitCode.PASSED
    assert other.steps[-1].problems == (Problem.REPLAY,)
    assert other.result.exit_code is ExitCode.FAILED


def test_a_reset_of_a_transcript_tells_its_answer_again() -> None:
    use = 'use transcript "three-strikes.apdu" as card\n'

    found = ran(use + "reset cold -> [3B xx*]\n00 20 00 00 00 -> 63C3", folder=CONVERSATIONS)

    assert found.result.exit_code is ExitCode.PASSED


# The guard ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("00 20 00 00 03 12 34 56", "VERIFY can burn a PIN or key try"),
        ("repeat 2 { 80 5E 01 00 07 12 34 56 FF 12 34 56 }", "CHANGE PIN can burn"),
        ("00 82 00 08 10 " + "00 " * 16, "EXTERNAL AUTHENTICATE can burn"),
        ("84 1E 00 01 04 00 00 00 00", "APPLICATION BLOCK can block a real card for good"),
        ("00 D6 95 00 01 00", "00 D6 is not known to leave"),
        ("B0 2C 01 00 0F " + "00 " * 15, "B0 2C is not known to leave"),
        ("00 84 00 00 08 -> [{a:8}] 9000\n$a", "not told by the text"),
        ("set h = 00 20 00 00\n$h", "not told by the text"),
    ],
)
def test_what_could_harm_a_real_card_is_refused_and_nothing_is_sent(line: str, words: str) -> None:
    desk = Desk()

    with pytest.raises(ScriptError, match=words):
        require_harmless(parse(line), {"card": target_of(desk, is_real=True)}, allow_destructive=False)

    assert desk.sent == []


def test_reading_a_real_card_needs_no_leave() -> None:
    text = (
        f"{SSSE}\n00 B0 95 00 00\n00 B2 01 04 00\n00 20 00 00\n00 20 00 00 00\n00 84 00 00 08\nB0 26 00 01 04"
    )

    require_harmless(parse(text), {"card": target_of(Desk(), is_real=True)}, allow_destructive=False)


def test_a_virtual_card_may_be_harmed() -> None:
    require_harmless(parse("00 20 00 00 03 12 34 56"), {"card": target_of(Desk())}, allow_destructive=False)


def test_with_leave_the_tries_left_are_looked_at_first() -> None:
    desk = Desk("6118", "63C2")

    require_harmless(
        parse("00 20 00 00 03 12 34 56"), {"card": target_of(desk, is_real=True)}, allow_destructive=True
    )

    assert desk.sent == ["00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "0020000000", "warm"]


@pytest.mark.parametrize("answer", ["63C1", "63C0", "6983"])
def test_a_card_with_one_try_left_is_sent_no_pin_even_with_leave(answer: str) -> None:
    desk = Desk("6118", answer)

    with pytest.raises(ScriptError, match=r"the card has \d tries left"):
        require_harmless(
            parse("00 20 00 00 03 12 34 56"), {"card": target_of(desk, is_real=True)}, allow_destructive=True
        )
