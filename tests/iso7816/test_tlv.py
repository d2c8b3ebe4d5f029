"""BER-TLV and the card's own records: literal bytes from the card specification, and any others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import (
    BerTlv,
    TagLengthRecord,
    build_records,
    parse_ber,
    parse_record,
    parse_records,
)

SSSE = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
# Origin: card.md §1.2, FCI of SELECT on 1.0/2.0 cards, on a 3.0 card (SM4), and of an ADF.
FCI_2_0 = bytes.fromhex("6F16840F") + SSSE + bytes.fromhex("A50388011E")
FCI_3_0 = bytes.fromhex("6F1C840F") + SSSE + bytes.fromhex("A50988011E9F0C03860103")
FCI_ADF = bytes.fromhex("6F088406D15600000503")

tags = st.one_of(
    st.integers(0, 0xFF).filter(lambda tag: tag & 0x1F != 0x1F),
    st.builds(
        lambda first, last: first << 8 | last, st.sampled_from((0x1F, 0x5F, 0x9F, 0xBF)), st.integers(0, 0x7F)
    ),
)
objects = st.lists(st.builds(BerTlv, tags, st.binary(max_size=300)), max_size=5)
records = st.lists(st.builds(TagLengthRecord, st.integers(0, 255), st.binary(max_size=255)), max_size=5)


@pytest.mark.parametrize(
    ("fci", "path", "value"),
    [
        pytest.param(FCI_2_0, (0x84,), SSSE, id="DF name"),
        pytest.param(FCI_2_0, (0xA5, 0x88), b"\x1e", id="SFI of EF DIR"),
        pytest.param(FCI_2_0, (0xA5, 0x9F0C), None, id="2.0 tells no algorithm"),
        pytest.param(FCI_2_0, (0x50,), None, id="no label"),
        pytest.param(FCI_2_0, (0xBF0C, 0x86), None, id="a step is missing"),
        pytest.param(FCI_3_0, (0xA5, 0x9F0C, 0x86), b"\x03", id="3.0 tells SM4"),
        pytest.param(FCI_ADF, (0x84,), bytes.fromhex("D15600000503"), id="ADF name"),
    ],
)
def test_a_value_is_found_in_the_fci_by_its_path(
    fci: bytes, path: tuple[int, ...], value: bytes | None
) -> None:
    (template,) = parse_ber(fci)

    assert template.tag == 0x6F
    assert template.find(*path) == value


@pytest.mark.parametrize("fci", [FCI_2_0, FCI_3_0, FCI_ADF], ids=["2.0", "3.0", "ADF"])
def test_an_fci_is_built_to_the_same_bytes(fci: bytes) -> None:
    (template,) = parse_ber(fci)

    assert BerTlv(0x6F, b"".join(child.build() for child in template.children())).build() == fci


@given(objects)
def test_any_objects_survive_the_way_to_bytes_and_back(some: list[BerTlv]) -> None:
    assert parse_ber(b"".join(one.build() for one in some)) == tuple(some)


@given(st.binary(max_size=40))
def test_any_bytes_are_objects_or_refused(raw: bytes) -> None:
    try:
        found = parse_ber(raw)
    except FormatError:
        return

    assert sum(len(one.value) for one in found) <= len(raw)


@pytest.mark.parametrize(
    ("length", "coded"),
    [(0, "00"), (127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100"), (65_536, "83010000")],
)
def test_a_length_is_coded_in_the_fewest_bytes(length: int, coded: str) -> None:
    raw = BerTlv(0x53, bytes(length)).build()

    assert raw[: 1 + len(coded) // 2].hex().upper() == "53" + coded
    assert parse_ber(raw) == (BerTlv(0x53, bytes(length)),)


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param("84", id="no length"),
        pytest.param("840200", id="value cut short"),
        pytest.param("8481", id="length cut short"),
        pytest.param("8480", id="indefinite length"),
        pytest.param("84850000000001AA", id="length of five bytes"),
        pytest.param("9F", id="tag cut short"),
        pytest.param("9F8181", id="tag without end"),
        pytest.param("6F088406D156", id="template cut short"),
    ],
)
def test_objects_that_run_past_the_end_are_refused(coded: str) -> None:
    with pytest.raises(FormatError):
        parse_ber(bytes.fromhex(coded))


def test_a_template_whose_content_is_cut_short_is_refused_when_looked_into() -> None:
    (template,) = parse_ber(bytes.fromhex("6F038406D1"))

    with pytest.raises(FormatError):
        template.find(0x84)


# Origin: card.md §2.4, the answer to 00 B2 07 04 0B.
CARD_NUMBER = bytes.fromhex("0709443231343335363958")


def test_a_record_is_tag_length_and_value() -> None:
    record = parse_record(CARD_NUMBER)

    assert record == TagLengthRecord(0x07, b"D2143569X")
    assert record.build() == CARD_NUMBER


def test_a_whole_file_is_its_records_one_behind_the_other() -> None:
    assert parse_records(CARD_NUMBER + b"\x0a\x011") == (
        TagLengthRecord(0x07, b"D2143569X"),
        TagLengthRecord(0x0A, b"1"),
    )


@given(records)
def test_any_records_survive_the_way_to_bytes_and_back(some: list[TagLengthRecord]) -> None:
    assert parse_records(build_records(some)) == tuple(some)


@pytest.mark.parametrize("coded", ["07", "0709", "070144FF"], ids=["tag only", "no value", "a byte too many"])
def test_a_record_that_does_not_fit_its_length_is_refused(coded: str) -> None:
    with pytest.raises(FormatError):
        parse_record(bytes.fromhex(coded))


@pytest.mark.parametrize("coded", ["", "070144080144"], ids=["none", "two"])
def test_one_record_means_exactly_one(coded: str) -> None:
    with pytest.raises(FormatError, match="one record was expected"):
        parse_record(bytes.fromhex(coded))


@pytest.mark.parametrize(
    "record", [TagLengthRecord(0x100, b""), TagLengthRecord(-1, b""), TagLengthRecord(7, bytes(256))]
)
def test_a_record_that_cannot_be_coded_is_not_built(record: TagLengthRecord) -> None:
    with pytest.raises(FormatError):
        record.build()
