"""Each layout against literal bytes of card.md, and each hand-written path against its declaration."""

from typing import Any

import pytest
from construct import Struct
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.cardspec import layouts
from sscard_terminal.cardspec.commands import medical, psam
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import AmountFile, LogRecord
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError

LITERAL = [
    (layouts.CARD_IDENTIFICATION, "370900 D156000005 00000001 B6233D35", "§2.4, tag 01"),
    (layouts.INITIALISING_BODY, "9156000002 370900 370900 01", "§1.5, tag 04"),
    (layouts.LOG_RECORD, "0000 32 370900000001 20260105101530 000004D2 000007D0 00001F40", "§2.4, last line"),
    (layouts.LOG_RECORD_ACCOUNT_ONLY, "0000 31 370900000001 20260105083000 00002710", "§1.7, 20 bytes"),
    (layouts.SPECIAL_SETTLEMENT, "0007 31", "§1.7, EF15"),
    (layouts.AMOUNT_FILE, "0001 0000 00002710 00000000 00000000 2026 0101", "§1.7"),
    (layouts.INITIALIZE_FOR_LOAD, "01 00002710 370900000001", "§2.4"),
    (layouts.LOAD_CHALLENGE, "00000000 0000 01 00 11223344 38151960", "§2.4"),
    (layouts.CREDIT_FOR_LOAD, "20260105083000 A4B41BBA", "§2.4"),
    (layouts.CREDIT_ANSWER, "90737B5E", "§2.4"),
    (layouts.INITIALIZE_FOR_PURCHASE, "01 000004D2 000007D0 00001F40 370900000001", "§2.4"),
    (layouts.PURCHASE_CHALLENGE, "00002710 00000000 00000000 2026 0000 01 00 AABBCCDD", "§2.4"),
    (layouts.DEBIT_FOR_PURCHASE, "00000001 20260105101530 409CAC6A", "§2.4"),
    (layouts.DEBIT_ANSWER, "CEA3FB75 37F86753", "§2.4"),
    (layouts.BALANCE_ANSWER, "00002710", "§2.4"),
    (layouts.TOTAL_ANSWER, "000007D0 2026", "§2.3"),
    (layouts.PROOF_REQUEST, "0000", "§2.4"),
    (layouts.PROOF_ANSWER, "37F86753 CEA3FB75", "§2.4"),
    (layouts.EXTERNAL_AUTHENTICATE, "2E7FE9CB197969CB A0A1A2A3A4A5A6A7", "§6.10"),
    (layouts.EXTERNAL_AUTHENTICATE_VERSIONED, "2E7FE9CB197969CB A0A1A2A3A4A5A6A7 01", "§6.8"),
    (layouts.INTERNAL_AUTHENTICATE, "B0B1B2B3B4B5B6B7 C0C1C2C3C4C5C6C7", "§6.10"),
    (layouts.INTERNAL_AUTHENTICATE_VERSIONED, "B0B1B2B3B4B5B6B7 C0C1C2C3C4C5C6C7 02", "§6.8"),
    (layouts.PSAM_PUBLIC_INFORMATION, "37 00000000000000000001 01 00 0000", "§10 PSAM"),
    (layouts.PSAM_APPLICATION_INFORMATION, "01 01 20200101 20401231", "§10 PSAM"),
    (
        layouts.PSAM_PURCHASE,
        "AABBCCDD 0000 000004D2 000007D0 00001F40 32 20260105 101530 01 00"
        "8660370900000001 3337303930307378 3337303030307368",
        "§5.4",
    ),
    (layouts.PSAM_KEY_RECORD, "62 01 00 00 00000000 000102030405060708090A0B0C0D0E0F", "§5.1 key record"),
    (layouts.PSAM_KEY_CHANGE, "62 01 00 000102030405060708090A0B0C0D0E0F", "P9 §9.6"),
    (layouts.PSAM_PURCHASE_ANSWER, "00000001 409CAC6A", "§5.4"),
]


@pytest.mark.parametrize(("layout", "text", "source"), LITERAL, ids=[row[2] for row in LITERAL])
def test_layout_reads_and_builds_the_same_literal_bytes(layout: Struct, text: str, source: str) -> None:
    raw = bytes.fromhex(text)

    fields = layouts.parse(layout, raw, source)

    assert layout.build(fields) == raw


FIXED = [row for row in LITERAL if row[0] not in (layouts.PSAM_KEY_RECORD, layouts.PSAM_KEY_CHANGE)]
"""The key's length in a key record is the applet's to judge."""


@pytest.mark.parametrize(("layout", "text", "source"), FIXED, ids=[row[2] for row in FIXED])
def test_layout_refuses_one_byte_less_and_one_more(layout: Struct, text: str, source: str) -> None:
    raw = bytes.fromhex(text)
    if layout in (
        layouts.PSAM_KEY_RECORD,
        layouts.PSAM_KEY_CHANGE,
    ):  # the key's length is the caller's to judge
        return

    for wrong in (raw[:-1], raw + b"\x00"):
        with pytest.raises(FormatError, match=source):
            layouts.parse(layout, wrong, source)


def test_every_layout_has_a_literal_witness() -> None:
    declared = {
        name for name, value in vars(layouts).items() if isinstance(value, Struct) and name.isupper()
    } - {"PSAM_PURCHASE_HEAD", "TAG_LENGTH_RECORDS"}
    witnessed = {name for name, value in vars(layouts).items() if any(value is row[0] for row in LITERAL)}

    assert declared == witnessed


def test_building_refuses_a_byte_string_of_another_length() -> None:
    with pytest.raises(FormatError, match="mac2 has 4 bytes, not 3"):
        layouts.build(layouts.DEBIT_ANSWER, "the answer", tac=bytes(4), mac2=bytes(3))


fen = st.integers(0, 0xFFFFFFFF).map(Fen)
amounts = st.builds(PurchaseAmounts, fen, fen, fen)


def raw(length: int) -> Any:
    return st.binary(min_size=length, max_size=length)


@given(raw(19))
def test_initialize_for_purchase_by_hand_equals_its_declaration(body: bytes) -> None:
    declared = layouts.parse(layouts.INITIALIZE_FOR_PURCHASE, body, "body")

    by_hand = medical.initialize_from_apdu(CommandApdu(0xB0, 0x28, 0x01, 0x01, body))

    assert isinstance(by_hand, medical.InitializeForPurchase)
    spent = by_hand.amounts
    assert (by_hand.key_index, spent.account, spent.self_paid, spent.pooled, by_hand.terminal) == (
        declared.key_index, declared.account, declared.self_paid, declared.pooled, declared.terminal,
    )  # fmt: skip
    assert by_hand.to_apdu().data == body


@given(raw(11))
def test_initialize_for_load_by_hand_equals_its_declaration(body: bytes) -> None:
    declared = layouts.parse(layouts.INITIALIZE_FOR_LOAD, body, "body")

    by_hand = medical.initialize_from_apdu(CommandApdu(0xB0, 0x28, 0x00, 0x01, body))

    assert isinstance(by_hand, medical.InitializeForLoad)
    assert (by_hand.key_index, by_hand.amount, by_hand.terminal) == (
        declared.key_index, declared.amount, declared.terminal,
    )  # fmt: skip
    assert by_hand.to_apdu().data == body


@given(raw(15))
def test_debit_by_hand_equals_its_declaration(body: bytes) -> None:
    declared = layouts.parse(layouts.DEBIT_FOR_PURCHASE, body, "body")

    by_hand = medical.DebitForPurchase.from_apdu(CommandApdu(0xB0, 0x2C, 0x01, 0x00, body))

    assert (by_hand.sequence, by_hand.time, by_hand.mac1) == (declared.sequence, declared.time, declared.mac1)
    assert by_hand.to_apdu().data == body


@given(raw(22))
def test_purchase_challenge_by_hand_equals_its_declaration(answer: bytes) -> None:
    declared = layouts.parse(layouts.PURCHASE_CHALLENGE, answer, "answer")

    by_hand = medical.PurchaseChallenge.parse(answer)

    assert all(getattr(by_hand, name) == declared[name] for name in by_hand.__slots__)
    assert by_hand.build() == answer


@given(raw(16))
def test_load_challenge_by_hand_equals_its_declaration(answer: bytes) -> None:
    declared = layouts.parse(layouts.LOAD_CHALLENGE, answer, "answer")

    by_hand = medical.LoadChallenge.parse(answer)

    assert all(getattr(by_hand, name) == declared[name] for name in by_hand.__slots__)
    assert by_hand.build() == answer


@given(raw(20))
def test_amount_file_by_hand_equals_its_declaration(content: bytes) -> None:
    declared = layouts.parse(layouts.AMOUNT_FILE, content, "file")

    by_hand = AmountFile.parse(content)

    assert all(getattr(by_hand, name) == declared[name] for name in by_hand.__slots__)
    assert by_hand.build() == content


@given(raw(28), st.sampled_from([20, 28]))
def test_log_record_by_hand_equals_its_declaration(content: bytes, length: int) -> None:
    layout = {28: layouts.LOG_RECORD, 20: layouts.LOG_RECORD_ACCOUNT_ONLY}[length]
    declared = layouts.parse(layout, content[:length], "record")

    record = LogRecord.parse(content[:length])

    named = (sub.name for sub in layout.subcons if sub.name)
    assert all(getattr(record, name) == declared[name] for name in named)
    assert record.build(length) == content[:length]


@pytest.mark.parametrize("length", [0, 19, 21, 27, 29])
def test_log_records_of_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(FormatError, match="28 bytes or 20"):
        LogRecord.parse(bytes(length))


@given(st.binary(min_size=28, max_size=28), st.integers(0, 3), st.data())
def test_psam_purchase_by_hand_equals_its_declaration(head: bytes, levels: int, data: st.DataObject) -> None:
    body = head + data.draw(raw(8 * levels))
    declared = layouts.parse(layouts.PSAM_PURCHASE, body, "body")

    by_hand = psam.InitializeSamForPurchase.from_apdu(CommandApdu(0x80, 0x70, 0x01, 0x00, body))

    assert (by_hand.random, by_hand.counter, by_hand.kind, by_hand.time) == (
        declared.random, declared.counter, declared.kind, declared.time,
    )  # fmt: skip
    assert by_hand.factors == b"".join(declared.factors)
    assert by_hand.to_apdu().data == body


@given(st.binary(max_size=40))
def test_fixed_answers_refuse_every_other_length(answer: bytes) -> None:
    for length, parse in (
        (8, medical.DebitAnswer.parse),
        (8, medical.TransactionProof.parse),
        (6, medical.YearTotal.parse),
    ):
        if len(answer) != length:
            with pytest.raises(FormatError, match=f"answers {length} bytes"):
                parse(answer)
