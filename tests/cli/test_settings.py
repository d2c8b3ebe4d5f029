"""The settings at the command line: --config, SSCARD_CONFIG, --hotlist, --again, in both languages."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.signatures import public_key_of, signature_of
from sscard_terminal.cli.details import OTHERWISE
from tests.cards import FIXTURES
from tests.cli.conftest import PIN, Counter, Done, Sscard

SEED = bytes(range(32))
CARD = "D2143569"
PLACE = '[place]\nname = "示范药房"\nkind = "pharmacy"\napproved_until = {until}\n'


def config(folder: Path, more: str = "", until: str = "2099-12-31") -> tuple[str, str]:
    file = folder / "terminal.toml"
    file.write_text(PLACE.format(until=until) + more, "utf-8")
    return "--config", str(file)


def with_hotlist(folder: Path, *entries: str, days_old: int = 0, version: int = 1) -> str:
    """The lines that configure a list of these entries, signed and laid beside the configuration."""
    issued = (datetime.now() - timedelta(days=days_old)).replace(microsecond=0).isoformat()
    body = "".join(
        f"{line}\n" for line in ("sscard-hotlist 1", f"version {version}", f"issued {issued}", *entries)
    ).encode()
    (folder / "hotlist").write_bytes(body + b"signature " + signature_of(body, SEED).hex().encode() + b"\n")
    return f'[hotlist]\nfile = "hotlist"\nkey = "{public_key_of(SEED).hex()}"\n'


def pay(sscard: Sscard, counter: Counter, *more: str, amount: str = "12.34") -> Done:
    return sscard(
        "debit", "--account", amount, *counter.readers, *counter.book, "--pin-stdin", *more, stdin=f"{PIN}\n"
    )


def read(sscard: Sscard, counter: Counter, *more: str) -> Done:
    return sscard("read", *counter.readers, *more)


def test_the_example_configuration_sells_and_puts_the_place_on_the_slip(
    sscard: Sscard, counter: Counter
) -> None:
    done = pay(sscard, counter, "--config", str(FIXTURES / "terminal.toml"))

    assert done.code == 0
    assert "泰安市示范大药房" in done.out


def test_readers_and_journal_come_from_the_configuration_the_environment_names(
    sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = f'[readers]\ncard = "image:{counter.card}"\npsam = "image:{counter.psam}"\n'
    monkeypatch.setenv("SSCARD_CONFIG", config(tmp_path, more + '[terminal]\njournal = "shop.db"\n')[1])

    done = sscard("debit", "--account", "1", "--pin-stdin", stdin=f"{PIN}\n")

    assert done.code == 0
    assert (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(("asked", "chinese"), [((), True), (("--lang", "en"), False)])
def test_the_configured_language_is_spoken_unless_another_is_asked_for(
    asked: tuple[str, ...], chinese: bool, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, '[terminal]\nlanguage = "zh"\n')

    assert ("有效期" in read(sscard, counter, *more, *asked).out) is chinese


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_setting_is_named_with_file_and_line(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = read(sscard, counter, *config(tmp_path, "[sale]\nper_sale = 5\n"), "--lang", language)

    assert done.code == 2
    assert "terminal.toml" in done.sentence and "sale.per_sale" in done.sentence and "6" in done.sentence
    assert OTHERWISE not in done.sentence


@pytest.mark.parametrize(
    "more",
    [
        "[sale]\nper_day = 1.5\n",
        '[sale]\nper_day = "x"\n',
        '[sale]\nper_day = "0"\n',
        '[sale]\nper_day = "1"\nper_sale = "2"\n',
        "[sale]\nrepeat_minutes = -1\n",
        "[cards]\nregions = 1\n",
        "[cards]\naccept_expired = 1\n",
        '[hotlist]\nfile = "x"\n',
        '[hotlist]\nkey = "x"\n',
        '[terminal]\nlanguage = "x"\n',
        '[slips]\nprinter = "x"\n',
        "[slips]\nwidth_mm = 1\n",
        "[nothing]\n",
        "[sale\n",
    ],
)
def test_every_problem_has_its_chinese_words(
    more: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = read(sscard, counter, *config(tmp_path, more), "--lang", "zh")

    assert done.code == 2
    assert OTHERWISE not in done.sentence


def test_a_configuration_that_is_not_there_or_no_text_is_a_usage_error(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    assert read(sscard, counter, "--config", "nowhere.toml").code == 2
    assert read(sscard, counter, "--config", str(tmp_path / "binary")).code == 2


def test_an_approval_that_ended_stops_sales_and_nothing_else(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    ended = config(tmp_path, until="2020-01-01")

    refused = pay(sscard, counter, *ended, "--json").json

    assert (refused["exit"], refused["money"]) == (1, "not-charged")
    assert (refused["reason"], refused["expired_on"]) == ("approval-ended", "2020-01-01")
    assert read(sscard, counter, *ended).code == 0


def test_what_forbids_any_sale_is_told_before_card_and_pin(sscard: Sscard, tmp_path: Path) -> None:
    more = config(tmp_path, '[sale]\nper_sale = "10.00"\n')

    done = sscard(
        "debit", "--account", "10.01", *more, "--reader", "image:none", "--psam-reader", "image:none"
    )

    assert done.sentence.startswith("One sale may take at most 10.00 yuan")


def test_the_ceilings_of_card_and_day_are_told_with_what_is_left(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    per_card = config(tmp_path, '[sale]\nper_card_per_day = "20.00"\n')
    assert pay(sscard, counter, *per_card).code == 0
    of_card = pay(sscard, counter, *per_card, "--again", "--json").json
    of_day = pay(sscard, counter, *config(tmp_path, '[sale]\nper_day = "20.00"\n'), "--again", "--json").json

    assert (of_card["reason"], of_card["ceiling_fen"], of_card["left_fen"]) == ("ceiling-per-card", 2000, 766)
    assert (of_day["reason"], of_day["left_fen"]) == ("ceiling-per-day", 766)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_sale_needs_a_person_to_say_again(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    """By default: a place that says nothing has the guard for 5 minutes."""
    more = (*config(tmp_path), "--lang", language)
    assert pay(sscard, counter, *more).code == 0

    refused, confirmed = pay(sscard, counter, *more), pay(sscard, counter, *more, "--again")

    assert refused.code == 1
    assert "--again" in refused.sentence
    assert confirmed.code == 0


def test_the_first_pin_may_not_pay_where_the_place_says_so_and_opens_the_rest(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, "[cards]\nfirst_pin_may_pay = false\n")

    refused = pay(sscard, counter, *more, "--json").json
    balance = sscard("balance", *counter.readers, *more, "--pin-stdin", stdin=f"{PIN}\n")

    assert refused["reason"] == "first-pin-may-not-pay"
    assert balance.code == 0


@pytest.mark.parametrize(
    "command", [("read",), ("balance",), ("details",), ("pin", "verify"), ("debit", "--account", "1")]
)
def test_a_card_on_the_hotlist_is_refused_by_every_service_before_its_pin(
    command: tuple[str, ...], sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}"))

    done = sscard(*command, *counter.readers, *more, "--json").json

    assert (done["exit"], done["reason"]) == (1, "card-on-hotlist")


def test_an_old_hotlist_stops_sales_and_still_refuses_its_cards(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    old = config(tmp_path, with_hotlist(tmp_path, days_old=4))
    sale, reading = pay(sscard, counter, *old, "--json").json, read(sscard, counter, *old)
    listed = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}", days_old=4))

    assert sale["reason"] == "hotlist-not-current"
    assert reading.code == 0
    assert read(sscard, counter, *listed).code == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_damaged_hotlist_stops_every_service(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, with_hotlist(tmp_path))
    (tmp_path / "hotlist").write_bytes(
        (tmp_path / "hotlist").read_bytes().replace(b"version 1", b"version 2")
    )

    done = read(sscard, counter, *more, "--lang", language)

    assert done.code == 1
    assert str(tmp_path / "hotlist") in done.sentence


def test_another_hotlist_is_taken_for_one_run_and_checked_with_the_configured_key(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    key = with_hotlist(tmp_path, f"range {CARD} {CARD}").replace('file = "hotlist"\n', "")
    more = config(tmp_path, key)

    assert read(sscard, counter, *more).code == 0
    assert read(sscard, counter, *more, "--hotlist", str(tmp_path / "hotlist")).code == 1
    assert read(sscard, counter, "--hotlist", str(tmp_path / "hotlist")).code == 2
