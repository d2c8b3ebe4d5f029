"""What terminal and centre say to each other: one form each way, and nothing else is taken."""

import json
import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.cardspec.bcd import bcd_of_digits, bcd_of_time
from sscard_terminal.cardspec.ciphers import TRIPLE_DES
from sscard_terminal.cardspec.keys import DiversificationFactors, diversified
from sscard_terminal.cardspec.money import MAX_FEN, Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts, purchase_tac
from sscard_terminal.cardspec.upload_record import (
    Kind,
    News,
    Outcome,
    State,
    UploadAnswer,
    UploadBatch,
    UploadRecord,
    What,
    event_of,
)
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.terminal.journal_events import EventKind, SaleState
from sscard_terminal.terminal.outcomes import SaleKind
from tests.cards import KEYS

VECTORS = tomllib.loads((Path(__file__).parents[2] / "fixtures/vectors/upload.toml").read_text("utf-8"))
RECORDS = VECTORS["record"]
CHARGED = UploadRecord.parse(RECORDS[0]["text"])
FACTORS = DiversificationFactors.of("370900", bytes.fromhex("00815431168660370900000001"))


def by_name(row: dict[str, Any]) -> str:
    return str(row["name"])


@pytest.mark.parametrize("row", RECORDS, ids=by_name)
def test_a_record_is_read_and_built_from_the_same_line(row: dict[str, Any]) -> None:
    record = UploadRecord.parse(row["text"])

    assert record.build() == row["text"]
    assert (record.key, record.what, record.state) == (row["key"], row["what"], row["state"])
    assert (record.tac or b"").hex().upper() == row["tac"]


@pytest.mark.parametrize("row", RECORDS, ids=by_name)
def test_a_record_names_nobody(row: dict[str, Any]) -> None:
    assert not {"name", "holder", "identity", "pin", "place"} & json.loads(row["text"]).keys()


def test_the_centre_finds_in_a_record_all_it_needs_to_check_the_tac() -> None:
    amounts = PurchaseAmounts(CHARGED.account, CHARGED.self_paid, CHARGED.pooled).build()
    terminal, time = bcd_of_digits(CHARGED.terminal, 6), bcd_of_time(CHARGED.time)
    key = diversified(TRIPLE_DES, KEYS["DTK"], FACTORS)

    assert purchase_tac(TRIPLE_DES, key, amounts, terminal, CHARGED.sequence, time) == CHARGED.tac


@pytest.mark.parametrize("row", VECTORS["batch"], ids=by_name)
def test_a_batch_is_read_and_built_from_the_same_line(row: dict[str, Any]) -> None:
    batch = UploadBatch.parse(row["text"])

    assert batch == UploadBatch("370900000001", row["behind"] or None)
    assert batch.build() == row["text"]


def test_a_batch_holds_its_records_in_order() -> None:
    batch = UploadBatch("370900000001", None, tuple(UploadRecord.parse(row["text"]) for row in RECORDS))

    text = batch.build()

    assert UploadBatch.parse(text) == batch
    assert all(row["text"] in text for row in RECORDS)


@pytest.mark.parametrize("row", VECTORS["answer"], ids=by_name)
def test_an_answer_is_read_and_built_from_the_same_line(row: dict[str, Any]) -> None:
    answer = UploadAnswer.parse(row["text"])

    assert (answer.held or "") == row["held"]
    assert answer.build() == row["text"]


def test_an_answer_says_what_became_of_requests() -> None:
    answer = UploadAnswer.parse(VECTORS["answer"][1]["text"])

    assert answer.news == (
        News("370900000001-3", Outcome.CREDITED),
        News("370900000001-9", Outcome.REFUSED, "tac-wrong"),
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(What, EventKind), (State, SaleState), (Kind, SaleKind)],
    ids=["what", "state", "kind"],
)
def test_the_centre_knows_every_word_of_the_journal(ours: type[Any], theirs: type[Any]) -> None:
    assert [str(word) for word in ours] == [str(word) for word in theirs]


@pytest.mark.parametrize("row", VECTORS["wrong_record"], ids=by_name)
@pytest.mark.parametrize("message", [UploadRecord, UploadBatch, UploadAnswer])
def test_what_is_no_message_of_this_version_is_refused(message: Any, row: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        message.parse(row["text"] * row.get("repeat", 1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", 0), ("event", True), ("event", 1.0), ("event", "1"), ("event", 10**400),
        ("at", "yesterday"), ("at", "2026-01-05T10:15:31+08:00"), ("at", 5), ("at", "2026-01-05"),
        ("what", "forgotten"), ("what", None), ("what", []), ("state", "lost"), ("kind", ""),
        ("sw", "90"), ("sw", 36864), ("sw", "9g00"), ("amount", -1), ("amount", MAX_FEN + 1), ("account", None),
        ("answers", 0), ("detail", None), ("identification", "3709"), ("identification", "g" * 32),
        ("counter", 65536), ("key_index", 256), ("terminal", "37090000000"), ("terminal", "三七〇九〇〇〇〇〇〇〇一"),
        ("sequence", "0001"), ("mac1", None), ("mac1", "409cac6a"), ("mac2", "37F867"), ("tac", ""),
        ("version", 2), ("version", "1"), ("version", None),
    ],
)  # fmt: skip
def test_a_fact_that_cannot_be_is_refused(field: str, value: object) -> None:
    document = json.loads(RECORDS[0]["text"]) | {field: value}

    with pytest.raises(FormatError):
        UploadRecord.parse(json.dumps(document, sort_keys=True, separators=(",", ":")))


def test_a_fact_more_or_less_is_refused() -> None:
    document = json.loads(RECORDS[0]["text"])
    less = {name: value for name, value in document.items() if name != "tac"}

    for wrong in (less, document | {"name": "张三"}):
        with pytest.raises(FormatError):
            UploadRecord.parse(json.dumps(wrong, sort_keys=True, separators=(",", ":")))


@pytest.mark.parametrize(
    "change", [(",", ", "), (":1234", ":1234.0"), ("{", '{"event":1,'), ('"D', '"\\u0044')]
)
def test_another_form_of_the_same_record_is_refused(change: tuple[str, str]) -> None:
    text = RECORDS[0]["text"].replace(*change, 1)

    with pytest.raises(FormatError):
        UploadRecord.parse(text)


@pytest.mark.parametrize(
    "key", ["", "370900000001", "370900000001-0", "370900000001-01", "37090000000x-1", "1-1"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(FormatError):
        event_of(key)


@pytest.mark.parametrize(
    "text",
    [
        '{"held":"370900000001","news":[],"version":1}',
        '{"held":null,"news":[{"outcome":"lost","reason":"","request":"370900000001-1"}],"version":1}',
        '{"held":null,"news":[{"outcome":"refused","reason":"Because!","request":"370900000001-1"}],"version":1}',
        '{"held":null,"news":{},"version":1}',
        '{"held":null,"news":[],"version":3}',
    ],
)
def test_an_answer_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        UploadAnswer.parse(text)


FENS = st.integers(0, MAX_FEN).map(Fen)
FOUR = st.binary(min_size=4, max_size=4)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1))


@given(
    st.builds(
        replace,
        st.just(CHARGED),
        event=st.integers(1, 2**63 - 1),
        at=MOMENTS,
        time=MOMENTS,
        what=st.sampled_from(What),
        state=st.sampled_from(State),
        kind=st.sampled_from(Kind),
        sw=st.none() | st.integers(0, 0xFFFF).map(StatusWord),
        amount=st.none() | FENS,
        account=FENS,
        card_number=st.text(),
        operator=st.text(),
        detail=st.text(),
        mac1=FOUR,
        tac=st.none() | FOUR,
    )
)
def test_whatever_a_journal_can_hold_comes_back_the_same(record: UploadRecord) -> None:
    text = record.build()

    assert text.isascii() and "\n" not in text
    assert UploadRecord.parse(text) == record
