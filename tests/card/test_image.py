"""The layout of an image, byte by byte, against check codes computed here."""

from zlib import crc32

import pytest

from sscard_terminal.card import image
from sscard_terminal.card.image import Header, ImageError, JournalRecord

PAYLOAD = bytes(range(56))


def four(number: int) -> bytes:
    return number.to_bytes(4, "big")


def coded(body: bytes) -> bytes:
    """With the check code behind it."""
    return body + four(crc32(body))


def test_the_parts_lie_where_the_description_says() -> None:
    assert (image.SEAL_AT, image.SEAL_LENGTH, image.SLOTS_AT, image.PAGES_AT) == (64, 64, 128, 128 + 2 * 4096)
    assert (image.SLOT_SIZE, image.SLOT_COUNT, image.PAGE, image.PAYLOAD) == (4096, 2, 64, 56)
    assert bytes(64) == image.OPEN_SEAL
    assert image.FORMAT_VERSION == 1


def test_the_most_pages_of_a_commit_fill_a_slot_and_one_more_does_not_fit() -> None:
    most = image.MAX_PAGES_A_COMMIT

    assert len(JournalRecord(1, dict.fromkeys(range(most), PAYLOAD)).build()) <= 4096
    assert len(JournalRecord(1, dict.fromkeys(range(most + 1), PAYLOAD)).build()) > 4096


def test_the_header_says_version_slot_size_pages_and_directory_length() -> None:
    body = b"SSCARDIM" + b"\x00\x01" + four(4096) + four(5) + four(40)
    header = Header(5, 40)

    assert header.build() == coded(body).ljust(64, b"\x00")
    assert header.total == 128 + 2 * 4096 + 5 * 64
    assert Header.parse(header.build().ljust(header.total, b"\x00")) == header


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (7, "^it is no card image$"),
        (8, "^it is cut short inside its header$"),
        (127, "^it is cut short inside its header$"),
        (128, "^it has 128 bytes, its header says 8640$"),
    ],
)
def test_a_header_cut_short_is_named(length: int, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        Header.parse(Header(5, 40).build().ljust(200, b"\x00")[:length])


def test_an_image_of_another_length_than_its_header_says_is_named_with_both() -> None:
    with pytest.raises(ImageError, match=r"^it has 8641 bytes, its header says 8640$"):
        Header.parse(Header(5, 40).build().ljust(8641, b"\x00"))


def test_another_slot_size_than_ours_is_damage() -> None:
    """It was believed once, and commits went elsewhere than recovery looked."""
    body = b"SSCARDIM" + b"\x00\x01" + four(2048) + four(5) + four(40)

    with pytest.raises(ImageError, match=r"^its header is damaged$"):
        Header.parse(coded(body).ljust(128 + 2 * 2048 + 5 * 64, b"\x00"))


def test_a_page_is_payload_sequence_and_a_code_that_covers_the_number() -> None:
    page = image.build_page(3, PAYLOAD, 7)

    assert page == PAYLOAD + four(7) + four(crc32(PAYLOAD, 3 << 8 ^ 7))
    assert image.page_sequence(3, page) == 7
    assert image.page_sequence(2, page) is None


@pytest.mark.parametrize("position", range(64))
def test_a_page_with_any_byte_changed_is_none(position: int) -> None:
    page = bytearray(image.build_page(3, PAYLOAD, 7))
    page[position] ^= 1

    assert image.page_sequence(3, bytes(page)) is None


def test_a_journal_record_is_marked_counted_numbered_and_coded() -> None:
    record = JournalRecord(9, {4: PAYLOAD, 1: PAYLOAD[::-1]})
    body = b"RD" + b"\x00\x02" + four(9) + four(4) + PAYLOAD + four(1) + PAYLOAD[::-1]

    assert record.build() == coded(body)
    assert JournalRecord.parse(coded(body).ljust(4096, b"\xee")) == record


@pytest.mark.parametrize("position", range(0, 132, 3))
def test_a_journal_record_with_any_byte_changed_is_none(position: int) -> None:
    raw = bytearray(JournalRecord(9, {4: PAYLOAD, 1: PAYLOAD}).build().ljust(4096, b"\x00"))
    raw[position] ^= 1

    assert JournalRecord.parse(bytes(raw)) is None


def test_a_journal_record_that_would_pass_the_end_of_its_slot_is_none() -> None:
    whole = JournalRecord(9, {4: PAYLOAD}).build()

    assert JournalRecord.parse(whole) == JournalRecord(9, {4: PAYLOAD})
    assert JournalRecord.parse(whole[:-1]) is None


def test_a_seal_is_twice_the_same_mark_and_filling() -> None:
    mark = b"SEAL" + four(crc32(b"rest"))

    assert image.seal_of(b"rest") == mark + mark + b"\xa5" * 48


def accepted(stored: bytes, rest: bytes = b"rest") -> bool:
    try:
        image.check_seal(stored, rest)
    except ImageError:
        return False
    return True


def test_a_whole_seal_an_open_one_and_torn_ones_are_no_damage() -> None:
    seal = image.seal_of(b"rest")

    assert accepted(seal) and accepted(image.OPEN_SEAL)
    assert all(accepted(seal[:kept].ljust(64, b"\x00")) for kept in range(64))
    assert all(accepted(bytes(kept) + seal[kept:]) for kept in range(1, 64))


def test_a_seal_over_other_bytes_is_damage() -> None:
    with pytest.raises(ImageError, match=r"^it is damaged: its bytes changed after it was closed$"):
        image.check_seal(image.seal_of(b"rest"), b"best")


def test_two_marks_that_are_no_seals_say_nothing_about_the_rest() -> None:
    assert accepted(b"MEAL" + four(1) + b"MEAL" + four(1) + bytes(48))


@pytest.mark.parametrize("position", range(64))
def test_a_seal_with_one_bit_changed_is_damage_and_with_two_it_is_torn(position: int) -> None:
    one, two = (int.from_bytes(image.seal_of(b"rest"), "big") ^ bits << 8 * position for bits in (4, 12))

    with pytest.raises(ImageError, match=r"^it is damaged in its seal$"):
        image.check_seal(one.to_bytes(64, "big"), b"rest")
    assert accepted(two.to_bytes(64, "big"))


def test_the_directory_is_name_length_name_and_object_length() -> None:
    lengths = {"a": 1, "DF04/EF08": 844, "big": 0x01020304}
    raw = b"\x01a" + four(1) + b"\x09DF04/EF08" + four(844) + b"\x03big\x01\x02\x03\x04"

    assert image.build_directory(lengths) == raw
    assert image.parse_directory(raw) == lengths
    assert image.parse_directory(b"") == {}


@pytest.mark.parametrize(("length", "pages"), [(0, 0), (1, 1), (56, 1), (57, 2), (112, 2), (113, 3)])
def test_an_object_takes_whole_pages(length: int, pages: int) -> None:
    assert image.pages_for(length) == pages


def test_a_new_image_is_header_seal_empty_slots_and_pages() -> None:
    content = image.build_image({"a": b"x" * 57, "none": b"", "c": b"y"})
    directory = b"\x01a" + four(57) + b"\x04none" + four(0) + b"\x01c" + four(1)
    payloads = [directory, b"x" * 56, b"x", b"y"]
    pages = b"".join(image.build_page(i, part.ljust(56, b"\x00"), 0) for i, part in enumerate(payloads))
    rest = bytes(2 * 4096) + pages

    assert content == Header(4, len(directory)).build() + image.seal_of(rest) + rest
