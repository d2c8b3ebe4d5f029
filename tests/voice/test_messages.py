"""Both catalogues say the same things, and whatever can end a command has its sentence."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from sscard_terminal.cardspec.issuing import HostReason
from sscard_terminal.cli import outcomes
from sscard_terminal.cli.exits import Exit
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.evidence import Evidence
from sscard_terminal.terminal.journal_file import JournalFault
from sscard_terminal.terminal.load_evidence import LoadEvidence
from sscard_terminal.terminal.load_records import LoadDoubt
from sscard_terminal.terminal.outcomes import Declined, Doubt, Reason
from sscard_terminal.terminal.psam import PsamProblem
from sscard_terminal.terminal.upload import Ending, LinkFault
from sscard_terminal.voice.messages import catalogue

ZH, EN = catalogue("zh"), catalogue("en")
PRODUCT = Path(__file__).parents[2] / "src/sscard_terminal"
FACES = ("voice", "cli", "counter", "driver", "lab")
OF_A_SALE_BEFORE = tuple(
    f"declined.{reason}"
    for reason in (
        *(
            Reason.SALE_TO_BE_VERIFIED,
            Reason.SALE_NOT_CHARGED,
            Reason.NOTHING_TO_GIVE_BACK,
            Reason.ASKED_ALREADY,
        ),
        *(Reason.VOID_TOO_LATE, Reason.VOID_INSTEAD, Reason.REFUND_TOO_LATE, Reason.REFUND_TOO_LARGE),
    )
)
"""These speak of money that moved before, or not: that of the sale somebody wants back."""
FAULTS_OF_THE_CENTRE = [
    *(f"upload.{fault}" for fault in LinkFault),
    *(f"upload.{ending}" for ending in (Ending.TOOK_NOTHING, Ending.NOT_BELIEVED, Ending.TRAINING)),
]
REFUSALS = [
    key
    for key in EN
    if key.startswith(("declined.", "link.", "psam.psam-", "psam.not", "journal.", *FAULTS_OF_THE_CENTRE))
    and key not in OF_A_SALE_BEFORE
]


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys() -> None:
    assert ZH.keys() == EN.keys()


def test_both_texts_of_a_key_tell_the_same_facts() -> None:
    assert {key: facts_of(text) for key, text in ZH.items()} == {
        key: facts_of(text) for key, text in EN.items()
    }


def ends() -> Iterator[str]:
    yield from (f"link.{reason}" for reason in LinkReason)
    yield from (f"declined.{reason}" for reason in Reason)
    yield from (f"doubt.{doubt}" for doubt in Doubt)
    yield from (f"evidence.{evidence}" for evidence in Evidence)
    yield from (f"load.doubt.{doubt}" for doubt in LoadDoubt)
    yield from (f"load.evidence.{evidence}" for evidence in LoadEvidence)
    yield from (f"host.{reason}" for reason in HostReason)
    yield from (f"psam.{problem}" for problem in PsamProblem)
    yield from (f"journal.{fault}" for fault in JournalFault)
    yield from FAULTS_OF_THE_CENTRE


@pytest.mark.parametrize("key", list(ends()))
def test_whatever_can_end_a_command_has_its_sentence(key: str) -> None:
    assert key in EN


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_is_one_sentence_that_says_that_nothing_was_charged(key: str) -> None:
    zh, en = ZH[key], EN[key]

    assert zh.count(ZH["money.not-charged"]) == 1
    assert en.count(EN["money.not-charged"]) == 1
    assert zh.count("。") == 1 and zh.endswith("。")
    assert en.endswith(".") and ". " not in en


@pytest.mark.parametrize("key", OF_A_SALE_BEFORE)
def test_a_request_that_is_refused_says_how_the_sale_stands_and_that_nothing_was_asked(key: str) -> None:
    zh, en = ZH[key], EN[key]

    assert any(state in zh for state in ("未扣款", "已扣款", "待核实"))
    assert "charged" in en or "to be verified" in en
    assert any(word in zh for word in ("未向中心申请", "未重复申请", "没有可划回"))
    assert any(word in en for word in ("nothing was asked", "Nothing of sale"))
    assert zh.count("。") == 1 and zh.endswith("。") and en.endswith(".") and ". " not in en


@pytest.mark.parametrize("key", [key for key in EN if key.startswith("doubt.")])
def test_a_doubt_says_that_it_is_to_be_verified_and_warns_of_a_second_sale(key: str) -> None:
    assert "待核实" in ZH[key] and "请勿再次收款" in ZH[key]
    assert "to be verified" in EN[key] and "do not sell again" in EN[key]
    assert "未扣款" not in ZH[key] and "not charged" not in EN[key]


@pytest.mark.parametrize("doubt", list(LoadDoubt))
def test_a_doubtful_load_is_to_be_verified_and_warns_of_a_second_one(doubt: LoadDoubt) -> None:
    zh, en = ZH[f"load.doubt.{doubt}"], EN[f"load.doubt.{doubt}"]

    assert "待核实" in zh and "请勿再次圈存" in zh
    assert "to be verified" in en and "do not load again" in en


@pytest.mark.parametrize("reason", list(HostReason))
def test_the_hosts_no_says_that_nothing_was_credited(reason: HostReason) -> None:
    zh, en = ZH[f"host.{reason}"], EN[f"host.{reason}"]

    assert "未入账" in zh or "没有再入账" in zh
    assert "not credited" in en or "nothing more was credited" in en
    assert zh.count("。") == 1 and en.endswith(".") and ". " not in en


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_ends_with_refused_or_trouble(reason: Reason) -> None:
    stop = outcomes.declined(Declined(reason))

    assert stop.code in (Exit.REFUSED, Exit.TROUBLE)
    assert stop.key == f"declined.{reason}"


def test_every_text_can_be_said_by_some_line_of_code() -> None:
    files = [
        file
        for face in FACES
        for file in (PRODUCT / face).rglob("*")
        if file.suffix in (".py", ".html", ".js")
    ]
    files = [file for file in files if file.parent.name != "messages"]
    code = "\n".join(file.read_text("utf-8") for file in files)
    families = (*re.findall(r"""f["']([a-z.]+\.)\{""", code), "help.", "short.", "examples.", "option.")

    assert not [key for key in EN if f'"{key}"' not in code and not key.startswith(families)]


@pytest.mark.parametrize("key", [key for key in EN if key.startswith("keyed.")])
def test_what_the_counter_says_instead_of_a_command_names_none_and_tells_the_same(key: str) -> None:
    of_command = key.removeprefix("keyed.")

    for catalogue_ in (ZH, EN):
        assert "sscard" not in catalogue_[key] and "--" not in catalogue_[key]
        assert facts_of(catalogue_[key]) == facts_of(catalogue_[of_command])
    assert ("not charged" in EN[key]) == ("not charged" in EN[of_command])
    assert ("待核实" in ZH[key]) == ("待核实" in ZH[of_command])
