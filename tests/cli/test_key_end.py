"""The warning ahead of the PSAM key's end date: where it is given, in which words, and that it stops nothing."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from sscard_applets.catalogue import load_profile
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.cli import doctor
from sscard_terminal.cli.diagnosis import Facts, ReaderFacts
from sscard_terminal.terminal.psam_care import PsamState
from tests.cards import KEYS
from tests.cli.conftest import PIN, Counter, Sscard
from tests.cli.test_settings import config

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
COMMANDS = [("read",), ("debit", "--account", "1", "--pin-stdin"), ("day", "open")]


def psam_ends_in(counter: Counter, days: int) -> date:
    """The counter's PSAM, with a key whose last day lies so many days ahead."""
    end = date.today() + timedelta(days=days)
    facts = PsamFacts(valid_to=end)
    counter.psam.write_bytes(issue_psam(load_profile("psam-national"), facts, KEYS))
    return end


def arguments(command: tuple[str, ...], counter: Counter) -> tuple[str, ...]:
    return (*command, *counter.readers, *(() if command == ("read",) else counter.book))


@LANGUAGES
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("days", "zh", "en"), [(30, "还有 30 天", "30 days from now"), (-1, "可能拒绝交易", "may refuse")]
)
def test_the_end_is_warned_of_on_standard_error_and_stops_nothing(
    days: int, zh: str, en: str, command: tuple[str, ...], language: str, sscard: Sscard, counter: Counter
) -> None:
    end = psam_ends_in(counter, days)

    done = sscard(*arguments(command, counter), "--lang", language, stdin=f"{PIN}\n")

    assert done.code == 0
    assert (zh if language == "zh" else en) in done.err
    assert str(end) in done.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_programs_find_it_among_the_warnings(
    command: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    end = psam_ends_in(counter, 7)

    told = sscard(*arguments(command, counter), "--json", stdin=f"{PIN}\n").json

    assert [(row["warning"], row["valid_to"], row["days"]) for row in told["warnings"]] == [
        ("psam.key-ends-soon", str(end), 7)
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_end_far_away_is_not_spoken_of(command: tuple[str, ...], sscard: Sscard, counter: Counter) -> None:
    psam_ends_in(counter, 61)

    done = sscard(*arguments(command, counter), "--json", stdin=f"{PIN}\n")

    assert done.code == 0
    assert "warnings" not in done.json


def test_how_many_days_ahead_is_a_setting(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    psam_ends_in(counter, 61)
    longer = config(tmp_path, "[terminal]\nwarn_before_key_end_days = 90\n")

    assert "61 days" in sscard("read", *counter.readers, *longer).err


def test_a_day_opens_where_no_psam_is_at_hand(sscard: Sscard, counter: Counter) -> None:
    done = sscard("day", "open", *counter.book, "--psam-reader", f"image:{counter.card}")

    assert (done.code, done.err) == (0, "")


@LANGUAGES
@pytest.mark.parametrize(("days", "key"), [(30, "key-ends-soon"), (-1, "key-has-ended")])
def test_doctor_tells_of_it_as_a_note(
    days: int, key: str, language: str, sscard: Sscard, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = date.today() + timedelta(days=days)
    reader = ReaderFacts("SAM", True, psam=PsamState("370900000001", (1,), None, end))
    facts = Facts(pyscard="2.3.1", pcscd="/usr/sbin/pcscd", readers=(reader,))
    monkeypatch.setattr(doctor, "examined", lambda _: facts)

    done = sscard("doctor", "--lang", language)
    findings = sscard("doctor", "--json").json["findings"]

    assert done.code == 0
    assert str(end) in done.out
    assert [row["level"] for row in findings if row["finding"] == key] == ["note"]
