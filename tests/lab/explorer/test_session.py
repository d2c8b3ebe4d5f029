"""A walk through our own card and the PSAM: names, contents in words, single commands, PIN and sale."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from sscard_applets.catalogue import profile_names
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.lab.explorer.places import Kind
from sscard_terminal.lab.explorer.refusal import NotUnderstood, Refused, sentence
from sscard_terminal.lab.explorer.session import Explorer, Surroundings
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.journal import Journal
from tests.cards import card_image, chip_over, new_card, new_psam, psam_image
from tests.lab.explorer.walks import desk_at, explorer_over, no_pin, pins, told


def test_the_tree_of_a_card_has_its_files_with_their_names() -> None:
    tree = told(explorer_over(), "tree")

    assert tree[0] == "SSSE the social security environment (SSSE)"
    assert "├─ EF05       issuer data" in tree
    assert "├─ DF04/      DF04 medical account" in tree
    assert "│  ├─ EF08       transaction log" in tree
    assert not any("EF0D" in line for line in tree), "this card has no file of Shandong"


def test_the_tree_is_in_chinese_where_that_is_spoken() -> None:
    assert "├─ EF06       持卡人信息" in told(explorer_over(language="zh"), "tree")


@pytest.mark.parametrize("profile", [name for name in profile_names() if name.startswith("gen")])
def test_cards_of_every_generation_are_known_and_walked(profile: str) -> None:
    explorer = explorer_over(new_card(profile_name=profile))

    tree = told(explorer, "tree")

    assert explorer.kind is Kind.CARD
    assert any("medical account" in line for line in tree)
    assert any("specification version" in line for line in told(explorer, "cat EF05"))


def test_cat_tells_a_file_in_words_and_withholds_what_tells_a_person() -> None:
    explorer = explorer_over()

    issuer, holder = told(explorer, "cat EF05"), told(explorer, "cat EF06")

    assert issuer[2] == "    3  03 specification version 2.00"
    assert issuer[6] == "    7  07 card number D2****69X"
    assert holder[1] == "    2  09 name 张*"


def test_revealed_the_name_is_whole() -> None:
    assert told(explorer_over(reveals=True), "cat EF06")[1] == "    2  09 name 张三"


def test_read_shows_the_bytes_of_one_record_by_number_and_by_tag() -> None:
    explorer = explorer_over()

    by_number, by_tag = told(explorer, "read EF05 3"), told(explorer, "read EF05 tag 03")

    assert by_number == ["    3  03 04 32 2E 30 30                                ..2.00"]
    assert by_tag == by_number


def test_read_takes_a_transparent_file_from_an_offset_on() -> None:
    explorer = explorer_over()

    fifth = told(explorer, "cd DF01", "read EF16 5")

    assert fifth[0].startswith("    5  ")


def test_cd_goes_down_and_up_and_names_may_be_paths() -> None:
    explorer = explorer_over()
    places = []
    for line in ("cd DF04", "cd ..", "cd DF04/../DF01", "cd /", "cd MF/SSSE/DF04", "cd"):
        told(explorer, line)
        places.append(explorer.where)

    assert places == ["SSSE/DF04", "SSSE", "SSSE/DF01", "MF", "SSSE/DF04", "MF"]


def test_apdu_sends_exactly_these_bytes_where_we_stand_and_tells_the_answer() -> None:
    explorer = explorer_over(ask_pin=pins("123456"))

    lines = told(explorer, "cd DF04", "verify", "cat ../EF05", "apdu B0 26 00 01 04")

    assert lines == [
        "> B026000104                                   # GET BALANCE of the account",
        "< 000027109000                                 # 9000 done: balance 100.00 yuan",
    ]


def test_a_log_wants_the_pin_and_the_sentence_says_so() -> None:
    explorer = explorer_over()

    with pytest.raises(Refused) as refused:
        told(explorer, "cat DF04/EF08")

    assert sentence(refused.value, "en") == "EF08: security status not satisfied [6982]"
    assert sentence(refused.value, "zh") == "EF08：安全状态不满足 [6982]"


def test_verify_asks_unseen_and_tells_what_is_left() -> None:
    explorer = explorer_over(ask_pin=pins("999999", "123456"))

    assert told(explorer, "verify") == ["63C2 verification failed, 2 tries left"]
    assert told(explorer, "verify") == ["9000 done"]
    assert told(explorer, "cat DF04/AMOUNTS")[0] == "    1  balance 100.00 yuan"


def test_a_sale_is_paid_with_the_psam_and_stands_in_journal_and_log(tmp_path: Path) -> None:
    explorer = explorer_over(ask_pin=pins("123456"), make_desk=lambda: desk_at(tmp_path))

    (paid,) = told(explorer, "cd DF04", "sale 12.34 20 80")
    log = told(explorer, "cat EF08")

    assert paid.startswith("Charged 12.34 yuan, balance 87.66 yuan")
    assert "account 12.34 yuan, self-paid 20.00 yuan, pooled 80.00 yuan" in log[0]
    with Journal.open(tmp_path / "journal.db") as journal:
        entry = journal.last_entry()
    assert entry is not None and entry.sale.amounts.account == 1234


def test_a_sale_with_a_wrong_pin_moves_no_money(tmp_path: Path) -> None:
    explorer = explorer_over(ask_pin=pins("999999"), make_desk=lambda: desk_at(tmp_path))

    with pytest.raises(Refused) as refused:
        told(explorer, "sale 1")

    assert refused.value.key == "declined.wrong-pin"


def test_reset_forgets_the_pin_and_what_was_selected() -> None:
    explorer = explorer_over(ask_pin=pins("123456"))
    told(explorer, "verify")

    (atr,) = told(explorer, "reset")

    assert atr == "ATR 3B6D000000815431328660370900000002"
    with pytest.raises(Refused):
        told(explorer, "cat DF04/EF08")


def test_trace_shows_every_command_until_it_is_off() -> None:
    explorer = explorer_over()

    shown = told(explorer, "trace on", "read EF05 1")
    hidden = told(explorer, "trace off", "read EF05 1")

    assert any(line.startswith("> 00B2012C00") for line in shown)
    assert not any(line.startswith(">") for line in hidden)


def test_what_was_sent_is_shown_although_the_card_refused() -> None:
    explorer = explorer_over()
    told(explorer, "trace on")
    shown: list[str] = []

    with pytest.raises(Refused):
        for line in explorer.run("cat DF04/EF08"):
            shown.append(line)

    assert "< 6982" in shown[-1]


def test_a_psam_has_its_own_tree_and_takes_no_pin() -> None:
    explorer = explorer_over(new_psam())

    assert explorer.kind is Kind.PSAM
    assert "├─ 0016       terminal number" in told(explorer, "tree")
    assert told(explorer, "cat 0016") == ["    0  terminal 370900000001"]
    assert told(explorer, "cat DF01/0019") == ["    0  terminal sequence 00000000"]
    with pytest.raises(Refused, match="no-pin-here"):
        told(explorer, "verify")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("cat EF0E", "explorer.no-such-file"),
        ("cat DF04", "explorer.is-folder"),
        ("cd EF05", "explorer.no-such-folder"),
        ("cd NOWHERE/EF05", "explorer.no-such-folder"),
        ("sale 1", "explorer.no-psam"),
        ("cat EF06/..", "explorer.no-such-folder"),
    ],
)
def test_what_is_not_there_is_refused_by_name(line: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        told(explorer_over(), line)

    assert refused.value.key == key


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("dance", "explorer.no-such-verb"),
        ("t", "explorer.no-such-verb"),
        ("cat", "explorer.arguments"),
        ("cat 'EF05", "explorer.quotes"),
        ("cd a b", "explorer.arguments"),
        ("verify 123456", "explorer.pin-in-line"),
        ("apdu 00B2", "explorer.hex"),
        ("apdu 00B2010", "explorer.hex"),
        ("apdu 0020000003******", "explorer.masked"),
        ("sale 1.234", "explorer.amount"),
        ("read EF05 tag XX", "explorer.number"),
        ("read EF05 -1", "explorer.number"),
        ("read EF05 tag 07 08", "explorer.arguments"),
        ("reset warm", "explorer.arguments"),
        ("trace maybe", "explorer.arguments"),
        ("help dance", "explorer.no-such-verb"),
    ],
)
def test_a_line_that_is_none_is_not_understood(line: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(NotUnderstood) as raised:
        told(explorer_over(make_desk=lambda: desk_at(tmp_path)), line)

    assert raised.value.key == key
    assert raised.value.column >= 1
    assert "123456" not in sentence(raised.value, "en")


def test_after_the_card_was_changed_reset_looks_at_the_one_that_is_there_now() -> None:
    card = FaultyCard(RamStore(card_image()), chip_over)
    psam = FaultyCard(RamStore(psam_image()), partial(chip_over, profile_name="psam-national"))
    slot = LoopbackSlot()
    slot.put_in(card)
    explorer = Explorer(Surroundings(slot.open, no_pin, "a reader", "en"))
    assert explorer.kind is Kind.CARD

    slot.take_out()
    with pytest.raises(LinkError):
        told(explorer, "ls")
    slot.put_in(psam)
    (atr,) = told(explorer, "reset")

    assert explorer.kind is Kind.PSAM
    assert atr == "ATR 3B6D0000008154310086603709000000A1"
    assert told(explorer, "cat 0016") == ["    0  terminal 370900000001"]


def test_no_exchange_that_was_heard_holds_the_pin() -> None:
    explorer = explorer_over(ask_pin=pins("123456"))

    told(explorer, "verify")

    heard = explorer._walker.heard.last
    assert "123456" not in str(heard)
    assert bytes.fromhex("123456") not in heard.entry.command.raw  # type: ignore[union-attr]  # an exchange has one


def test_completion_knows_verbs_and_places_and_asks_the_card_nothing() -> None:
    explorer = explorer_over()
    told(explorer, "trace on")

    assert explorer.complete("re") == ("read", "reset")
    assert explorer.complete("cd DF0") == ("DF01/", "DF02/", "DF03/", "DF04/", "DF07/")
    assert explorer.complete("cat DF04/a") == ("DF04/AMOUNTS",)
    assert explorer.complete("cat nowhere/") == ()
    assert explorer.complete("trace o") == ("on", "off")
    assert explorer.complete("verify 1") == ()


def test_a_verb_may_be_cut_as_long_as_it_is_one() -> None:
    explorer = explorer_over()

    assert told(explorer, "pw") == ["SSSE"]
    assert len(told(explorer, "help")) == 14
    told(explorer, "q")
    assert explorer.is_over
