"""The frames of the vpcd link, byte by byte; no socket takes part."""

import pytest

from sscard_terminal.card.vpcd import MOST_PAYLOAD, Control, FrameReader, frame

SELECT_MF = bytes.fromhex("00A4000C023F00")


def feed(reader: FrameReader, data: bytes) -> list[bytes]:
    """Hand over the data as one receive would, and take every payload that is complete."""
    reader.space()[: len(data)] = data
    reader.filled(len(data))
    return list(iter(reader.next, None))


@pytest.mark.parametrize(
    ("payload", "wire"),
    [
        (bytes.fromhex("9000"), "0002 9000"),
        (b"\x04", "0001 04"),
        (bytes(256), "0100" + "00" * 256),
        (bytes(MOST_PAYLOAD), "FFFF" + "00" * MOST_PAYLOAD),
    ],
)
def test_a_frame_is_its_length_and_its_payload_both_ways(payload: bytes, wire: str) -> None:
    assert frame(payload) == bytes.fromhex(wire)
    assert feed(FrameReader(), bytes.fromhex(wire)) == [payload]


@pytest.mark.parametrize("length", [0, MOST_PAYLOAD + 1])
def test_a_frame_that_would_wedge_the_slot_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"not {length}"):
        frame(bytes(length))


def test_the_driver_s_four_controls_have_their_published_values() -> None:
    assert [control.value for control in Control] == [0x00, 0x01, 0x02, 0x04]


@pytest.mark.parametrize("cut", range(1, len(frame(SELECT_MF))))
def test_a_frame_cut_anywhere_on_the_way_arrives_whole(cut: int) -> None:
    reader, wire = FrameReader(), frame(SELECT_MF)

    before, after = feed(reader, wire[:cut]), feed(reader, wire[cut:])

    assert before == []
    assert after == [SELECT_MF]


def test_a_frame_that_comes_byte_by_byte_arrives_once() -> None:
    reader = FrameReader()

    payloads = [payload for byte in frame(SELECT_MF) for payload in feed(reader, bytes([byte]))]

    assert payloads == [SELECT_MF]


def test_frames_that_come_together_are_taken_apart() -> None:
    wire = frame(b"\x00") + frame(b"\x01") + frame(SELECT_MF)

    assert feed(FrameReader(), wire) == [b"\x00", b"\x01", SELECT_MF]


def test_the_longest_frame_fits_behind_the_rest_of_another() -> None:
    reader, longest = FrameReader(), bytes(MOST_PAYLOAD)

    first = feed(reader, frame(b"\x04") + frame(longest)[:5])
    second = feed(reader, frame(longest)[5:])

    assert first == [b"\x04"]
    assert second == [longest]


def test_an_empty_frame_from_the_driver_is_an_empty_payload() -> None:
    assert feed(FrameReader(), bytes.fromhex("0000 0001 04")) == [b"", b"\x04"]


def test_there_is_always_room_for_the_next_byte() -> None:
    reader = FrameReader()

    feed(reader, frame(bytes(MOST_PAYLOAD))[:-1])

    assert len(reader.space()) == 1
