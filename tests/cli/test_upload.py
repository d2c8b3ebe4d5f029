"""`sscard upload`: what waits, where it goes, and what stops it."""

from pathlib import Path

import pytest

from sscard_terminal.cardspec.upload_record import News, Outcome
from sscard_terminal.cli import upload as command
from sscard_terminal.terminal.upload import CentreLink
from sscard_terminal.terminal.upload_file import records_in
from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import config, pay
from tests.terminal import stand_in_centre as centres
from tests.terminal.stand_in_centre import Centre

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def sold(sscard: Sscard, counter: Counter) -> Counter:
    """A counter where one sale was made: two events."""
    assert pay(sscard, counter).code == 0
    return counter


def centre_is(centre: CentreLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "UploadFile", lambda path: centre)


@LANGUAGES
def test_what_waits_is_told_and_gone_once_it_was_uploaded(
    language: str, sscard: Sscard, sold: Counter, tmp_path: Path
) -> None:
    tongue, to = ("--lang", language), ("--to", f"file:{tmp_path / 'uploads'}")

    before = sscard("upload", "--status", *sold.book, *tongue)
    done = sscard("upload", *to, *sold.book, *tongue)
    after = sscard("upload", "--status", *sold.book, *tongue)
    nothing = sscard("upload", *to, *sold.book, *tongue)

    assert [run.code for run in (before, done, after, nothing)] == [0, 0, 0, 0]
    assert "2" in before.out and "2" in done.out
    assert before.out != after.out
    assert nothing.out.splitlines()[0] in after.out
    assert [record.event for record in records_in(tmp_path / "uploads")] == [1, 2]


def test_as_json(sscard: Sscard, sold: Counter, tmp_path: Path) -> None:
    to = ("--to", f"file:{tmp_path / 'uploads'}")
    sscard("void", "1", *sold.book)

    before = sscard("upload", "--status", *sold.book, "--json").json
    done = sscard("upload", *to, *sold.book, "--json").json
    after = sscard("upload", "--status", *sold.book, "--json").json

    assert (before["waiting"], before["acknowledged_event"], before["requests_on_their_way"]) == (3, None, 1)
    assert before["since"] and before["acknowledged_at"] is None
    assert done == {"sent": 3, "waiting": 0, "news": [], "disbelieved": 0}
    assert (after["waiting"], after["since"], after["acknowledged_event"]) == (0, None, 3)
    assert after["acknowledged_at"]


def test_the_file_is_a_setting(sscard: Sscard, sold: Counter, tmp_path: Path) -> None:
    settings = config(tmp_path, '[centre]\nupload = "file:uploads"\n')

    assert sscard("upload", *sold.book, *settings).code == 0
    assert len(list(records_in(tmp_path / "uploads"))) == 2


@LANGUAGES
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('upload = "https://centre"', ("file:路径", "file:PATH")),
        ('upload = "file:"', ("file:路径", "file:PATH")),
    ],
)
def test_another_setting_is_named_with_its_line(
    settings: str, words: tuple[str, str], language: str, sscard: Sscard, tmp_path: Path
) -> None:
    done = sscard("upload", *config(tmp_path, f"[centre]\n{settings}\n"), "--lang", language)

    assert done.code == 2
    assert words[language == "en"] in done.sentence and "centre.upload" in done.sentence


@LANGUAGES
@pytest.mark.parametrize("arguments", [(), ("--to", "https://centre"), ("--to", "file:")])
def test_without_a_place_to_upload_to_nothing_is_done(
    arguments: tuple[str, ...], language: str, sscard: Sscard, sold: Counter
) -> None:
    done = sscard("upload", *arguments, *sold.book, "--lang", language)

    assert done.code == 2
    assert "file:" in done.sentence


@LANGUAGES
def test_a_file_that_is_something_else_is_left_alone(
    language: str, sscard: Sscard, sold: Counter, tmp_path: Path
) -> None:
    precious = tmp_path / "letters.txt"
    precious.write_text("Dear Mother,\n", "utf-8")

    done = sscard("upload", "--to", f"file:{precious}", *sold.book, "--lang", language)
    facts = sscard("upload", "--to", f"file:{precious}", *sold.book, "--json").json

    assert done.code == 3
    assert str(precious) in done.sentence
    assert precious.read_text("utf-8") == "Dear Mother,\n"
    assert (facts["error"], facts["sent"], facts["waiting"]) == ("upload.not-an-upload-file", 0, 2)


@pytest.mark.parametrize(
    ("centre", "code", "error"),
    [
        (Centre([centres.never_arrives]), 3, "upload.unreachable"),
        (Centre([centres.takes_nothing]), 3, "upload.took-nothing"),
        (Centre([centres.answers("370900000001-9")]), 1, "upload.not-believed"),
    ],
)
def test_whatever_stops_an_upload_says_that_nothing_is_lost(
    centre: Centre, code: int, error: str, sscard: Sscard, sold: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre_is(centre, monkeypatch)

    done = sscard("upload", "--to", "file:x", *sold.book, "--json")

    assert (done.code, done.json["error"], done.json["waiting"]) == (code, error, 2)
    assert sscard("upload", "--to", "file:x", *sold.book).code == 0


@LANGUAGES
def test_news_about_requests_is_told(
    language: str, sscard: Sscard, sold: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sscard("void", "1", *sold.book, "--json").json["request"]
    centre_is(Centre(news=[News(key, Outcome.REFUSED, "tac-wrong")]), monkeypatch)

    done = sscard("upload", "--to", "file:x", *sold.book, "--lang", language)

    assert done.code == 0
    assert key in done.out and "tac-wrong" in done.out


@LANGUAGES
def test_what_the_centre_says_of_others_requests_is_a_warning(
    language: str, sscard: Sscard, sold: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre_is(Centre(news=[News("370900000001-1", Outcome.CREDITED)]), monkeypatch)

    done = sscard("upload", "--to", "file:x", *sold.book, "--lang", language)

    assert (done.code, done.err.count("\n")) == (0, 1)


@LANGUAGES
def test_training_sales_stay_here(language: str, sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    training = ("--training", "--journal", str(tmp_path / "training.db"))
    assert (
        sscard(
            *("debit", "--account", "1", *counter.readers, *training, "--pin-stdin"), stdin="123456\n"
        ).code
        == 0
    )

    done = sscard("upload", "--to", f"file:{tmp_path / 'uploads'}", *training, "--lang", language)

    assert done.code == 1
    assert "--training" in done.err
    assert not (tmp_path / "uploads").exists()


def test_an_empty_journal_has_nothing_to_say(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    done = sscard("upload", "--to", f"file:{tmp_path / 'uploads'}", *counter.book)

    assert done.out == "Nothing waits for the centre.\n"
    assert not (tmp_path / "uploads").exists()
