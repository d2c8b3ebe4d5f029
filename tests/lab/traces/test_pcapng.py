"""pcapng to the byte, back again, and as Wireshark's own tshark reads it, with our dissector and without."""

from __future__ import annotations

import io
import itertools
import random
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.dissector import lua
from sscard_terminal.lab.traces.entries import Entry, Exchange, Remark, Reset, Shown, TraceError
from sscard_terminal.lab.traces.formats import pcapng, transcript
from sscard_terminal.lab.traces.formats.packets import packed
from sscard_terminal.lab.traces.recording import Format
from sscard_terminal.lab.traces.words import told
from sscard_terminal.reader.connection import LinkReason
from tests.cards import FIXTURES

GET_BALANCE = Exchange(Shown.parse("B026000104"), Shown.parse("0007A1209000"), card="card", time_us=5_000_001)
# From draft-ietf-opsawg-pcapng, RFC 791, RFC 768 and libosmocore's gsmtap.h, by hand.
PACKET = (
    "4500 0037 0000 4000 40 11 3CB4 7F000001 7F000001"  # IPv4: 55 bytes, UDP
    "CB20 1279 0023 0000"  # from 52000 to 4729, 35 bytes
    "02 04 04 00 0000 00 00 00000005 00 00 00 00"  # GSMTAP 2, SIM, command of 5 bytes, APDU
    "B026000104 0007A1209000"
)


def written(entries: list[Entry]) -> bytes:
    return b"".join(pcapng.write(told(entries, "en")))


def read(raw: bytes) -> list[Entry]:
    return list(pcapng.read(io.BytesIO(raw)))


def test_one_exchange_is_one_packet_of_gsmtap_with_its_words_as_comment() -> None:
    raw = written([GET_BALANCE])

    assert raw[:12] == bytes.fromhex("0A0D0D0A 2C000000 4D3C2B1A")
    packet = bytes.fromhex(PACKET)
    assert packet in raw
    block = raw.index(packet) - 28
    assert struct.unpack_from("<IIIIIII", raw, block)[2:] == (0, 0, 5_000_001, 55, 55)
    assert b"GET BALANCE of the account | 9000 done: balance 5000.00 yuan" in raw


def test_what_was_exported_is_imported_as_it_was() -> None:
    entries: list[Entry] = [
        Remark("before the sale"),
        Reset(bytes.fromhex("3B6D000000815431328660370900000002"), False, "card"),
        Reset(bytes.fromhex("3B00"), True, "PSAM"),
        Exchange(Shown.parse("00A40000023F00"), Shown.parse("6113"), card="PSAM"),
        Exchange(Shown.parse("0020000003******"), Shown.parse("63C2"), card="card"),
        Exchange(Shown.parse("00B2090020"), Shown.parse("0901**9000"), card="card"),
        Exchange(Shown.parse("B02C01000F" + "00" * 15), None, LinkReason.CARD_REMOVED, "card"),
        GET_BALANCE,
        Remark("the end"),
    ]

    again = read(written(entries))

    assert [type(one) for one in again] == [type(one) for one in entries]
    for one, other in zip(entries, again, strict=True):
        match one, other:
            case Exchange(), Exchange():
                assert (str(one.command), str(one.answer), one.link, one.card) == (
                    str(other.command),
                    str(other.answer),
                    other.link,
                    other.card,
                )
            case Reset(), Reset():
                assert (one.atr, one.is_warm, one.card) == (other.atr, other.is_warm, other.card)
            case Remark(), Remark():
                assert one.text == other.text
    assert again[7].time_us == 5_000_001  # type: ignore[union-attr]  # an exchange has a time


@pytest.mark.parametrize(
    ("payload", "command", "answer"),
    [
        ("00200000 63C3", "00200000", "63C3"),
        ("00A40000023F00 6113", "00A40000023F00", "6113"),
        ("00B2012D03 010203 9000", "00B2012D03", "0102039000"),
        ("00B2012D00 0102039000", "00B2012D00", "0102039000"),
        ("B026000104 0007A120 9000", "B026000104", "0007A1209000"),
        ("00A40000023F00 6F02AABB 9000", "00A40000023F00", "6F02AABB9000"),
    ],
)
def test_captures_of_other_tools_say_nothing_of_the_cut_and_it_is_found(
    payload: str, command: str, answer: str
) -> None:
    raw = bytes.fromhex(payload)
    block = written([GET_BALANCE])
    cut = block.rindex(bytes.fromhex(PACKET)) - 28
    ours = packed(raw, 4000, 0)
    body = struct.pack("<IIIII", 0, 0, 0, len(ours), len(ours)) + ours + b"\0" * (-len(ours) % 4)
    length = struct.pack("<I", len(body) + 12)

    (found,) = read(block[:cut] + struct.pack("<I", 6) + length + body + length)

    assert isinstance(found, Exchange)
    assert (str(found.command), str(found.answer)) == (command, answer)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xd4\xc3\xb2\xa1" + b"\0" * 20,
        pcapng.MAGIC + b"\0" * 8,
        written([GET_BALANCE])[:-5],
        written([GET_BALANCE])[:-4] + b"\0\0\0\0",
        written([GET_BALANCE]) + b"\6",
    ],
    ids=["classic pcap", "no byte order", "cut", "two lengths", "half a block"],
)
def test_a_damaged_capture_names_the_block(raw: bytes) -> None:
    with pytest.raises(TraceError):
        read(raw)


def test_no_spoilt_capture_ends_in_anything_but_entries_or_an_error_of_ours() -> None:
    dice = random.Random(7)
    whole = written([GET_BALANCE, Reset(b"\x3b\x00"), Remark("x"), GET_BALANCE] * 3)

    for _ in range(2000):
        spoilt = bytearray(whole)
        for _ in range(dice.randrange(1, 8)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        try:
            read(bytes(spoilt))
        except TraceError as error:
            assert error.line >= 1


def test_an_exchange_too_long_for_a_packet_is_refused_with_its_line() -> None:
    long = Exchange(Shown(b"\0" * 5), Shown(b"\0" * 0xFFF0), line=9)

    with pytest.raises(TraceError, match="line 9"):
        written([long])


def exported(conversation: str, folder: Path) -> Path:
    out = folder / "trace.pcapng"
    with recording.opened(FIXTURES / "conversations" / conversation) as found:
        out.write_bytes(b"".join(recording.written(told(found, "en"), Format.PCAPNG)))
    return out


def tshark(*arguments: object) -> str:
    """What tshark prints; a Lua error or a malformed packet is a failure."""
    program = shutil.which("tshark")
    assert program, "tshark is not installed: make install"
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=50, check=True
    )
    assert "Lua:" not in done.stderr, done.stderr
    return done.stdout


def test_tshark_without_our_dissector_shows_the_words_as_comments_and_a_sims_names(tmp_path: Path) -> None:
    out = exported("specification-trace.apdu", tmp_path)

    comments = tshark("-r", out, "-T", "fields", "-e", "frame.comment", "-o", "ip.check_checksum:TRUE")
    detail = tshark("-r", out, "-V", "-o", "ip.check_checksum:TRUE")

    assert "VERIFY: PIN *** | 9000 done" in comments
    assert "GET BALANCE of the account | 9000 done: balance" in comments
    assert "GSM SIM 11.11" in detail
    assert detail.count("Header checksum status: Good") == 30
    assert "Header checksum status: Bad" not in detail


def test_tshark_with_our_dissector_prints_our_fields(tmp_path: Path) -> None:
    out, script = exported("specification-trace.apdu", tmp_path), tmp_path / "sscard.lua"
    script.write_text(lua("en"), encoding="utf-8")
    wanted = ("command", "file", "record", "part.account", "part.cia", "part.holder.name", "meaning")
    options = [item for name in wanted for item in ("-e", f"sscard.{name}")]

    printed = tshark("-X", f"lua_script:{script}", "-r", out, "-T", "fields", "-E", "separator=|", *options)

    rows = [line.split("|") for line in printed.splitlines()]
    assert len(rows) == 30
    assert any(row[0] == "INITIALIZE FOR PURCHASE" and row[3].endswith(" yuan") for row in rows)
    assert any(row[0].startswith("GET BALANCE") and row[4] and row[6] == "done" for row in rows)
    assert any(row[1] == "EF06 cardholder" and row[5] == "***" for row in rows)
    assert any(row[1] == "EF08 transaction log" and row[2] == "1" for row in rows)
    assert not any("123456" in "".join(row) for row in rows)


def test_the_dissector_speaks_chinese_and_knows_the_psams_files(tmp_path: Path) -> None:
    out, script = exported("psam-purchase.apdu", tmp_path), tmp_path / "sscard.lua"
    script.write_text(lua("zh"), encoding="utf-8")

    printed = tshark("-X", f"lua_script:{script}", "-r", out)

    assert "读二进制 READ BINARY 0016 终端机编号 | 9000 成功" in printed
    assert "PSAM 消费初始化 INITIALIZE SAM FOR PURCHASE | 6108 还有 8 字节可取" in printed


def test_a_capture_that_wireshark_saved_again_is_imported_as_it_was(tmp_path: Path) -> None:
    out, again = exported("three-strikes.apdu", tmp_path), tmp_path / "again.pcapng"
    tshark("-r", out, "-w", again)

    first, second = (list(pcapng.read(io.BytesIO(file.read_bytes()))) for file in (out, again))

    lines = [[line[:46] for line in transcript.write(told(found, "en"))] for found in (first, second)]
    assert lines[0] == lines[1]
    assert any("0020000003******" in line for line in lines[1])


def test_an_export_keeps_nothing_of_what_it_has_written() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in pcapng.write(told(itertools.repeat(GET_BALANCE, count), "en")):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)

    assert peak(5000) - peak(50) < 20_000


def test_a_transcript_goes_through_pcapng_unchanged(tmp_path: Path) -> None:
    source = FIXTURES / "traces/golden/debit.apdu"
    with recording.opened(source) as found:
        raw = b"".join(recording.written(told(found, "en", reveals=True), Format.PCAPNG))

    again = "".join(transcript.write(told(pcapng.read(io.BytesIO(raw)), "en", reveals=True)))

    assert again == source.read_text("utf-8")
