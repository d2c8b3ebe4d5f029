"""Recordings of other people's programs, made with the real ones (fixtures/README.md), and everything that can be wrong in one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.entries import Entry, Exchange, Remark, Reset, TraceError
from sscard_terminal.lab.traces.formats import transcript
from sscard_terminal.lab.traces.recording import Format
from sscard_terminal.lab.traces.words import told
from sscard_terminal.reader.connection import LinkReason
from tests.cards import FIXTURES

TRACES = FIXTURES / "traces"
SELECT, VERIFY = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "0020000003123456"
EF05 = (
    "0110370900D15600000500000002DE678D750201330304322E3030040C915600000237090037090001"
    "0504201201010604203201010709443231343335363958"
)
SESSION = [
    (SELECT, "6118"),
    ("00C0000018", "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000"),
    (SELECT, "6118"),
    ("00B2012D40", EF05 + "9000"),
    ("00200000", "63C3"),
    (VERIFY, "9000"),
    ("00A4040006D15600000503", "610A"),
    ("B026000104", "0007A1209000"),
    ("00B2010504", "6986"),
]
"""What scriptor was given when the samples were made."""
ATR = "3B6D000000815431328660370900000002"


def entries(text: str | bytes, of: Format | None = None) -> list[Entry]:
    import io

    raw = text.encode() if isinstance(text, str) else text
    return list(recording.entries(io.BytesIO(raw), of))


def exchanges(found: list[Entry]) -> list[tuple[str, str]]:
    return [(str(one.command), str(one.answer)) for one in found if isinstance(one, Exchange)]


def sample(name: str) -> list[Entry]:
    with recording.opened(TRACES / name) as found:
        return list(found)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("scriptor.txt", Format.SCRIPTOR),
        ("pcsc-spy.txt", Format.PCSC_SPY),
        ("pcsc-spy-raw.log", Format.PCSC_SPY_RAW),
        ("opensc-debug.log", Format.OPENSC),
        ("opensc-tool.txt", Format.OPENSC_TOOL),
        ("pcscd-apdu.log", Format.PCSCD),
        ("golden/debit.apdu", Format.TRANSCRIPT),
    ],
)
def test_the_format_of_a_recording_is_told_by_its_beginning(name: str, of: Format) -> None:
    assert recording.format_of((TRACES / name).read_bytes()) is of


@pytest.mark.parametrize("name", ["scriptor.txt", "pcsc-spy.txt", "pcsc-spy-raw.log"])
def test_scriptor_and_two_forms_of_pcsc_spy_tell_the_same_session_with_its_reset(name: str) -> None:
    found = sample(name)

    assert exchanges(found) == SESSION
    resets = [one for one in found if isinstance(one, Reset)]
    assert [(one.atr.hex().upper(), one.is_warm) for one in resets] == [(ATR, True)]
    assert found.index(resets[0]) == 2


def test_pcsc_spy_names_the_reader_and_the_raw_lines_the_moment() -> None:
    first = sample("pcsc-spy-raw.log")[0]

    assert isinstance(first, Exchange)
    assert first.card == "Virtual PCD A 00 00"
    assert first.time_us == 1796104550239079


@pytest.mark.parametrize("prefix", [" (t0) ", "\x1b[01;31m"])
def test_pcsc_spy_with_thread_numbers_or_colours_tells_the_same(prefix: str) -> None:
    lines = (TRACES / "pcsc-spy.txt").read_text().splitlines(keepends=True)

    assert exchanges(entries("".join(prefix + line for line in lines), Format.PCSC_SPY)) == SESSION


def test_the_debug_log_of_opensc_has_what_went_to_the_reader() -> None:
    found = sample("opensc-debug.log")

    assert exchanges(found) == [
        (SELECT, "6118"),
        ("00B2012D40", EF05 + "9000"),
        ("0020000000", "63C3"),
        (VERIFY, "9000"),
        ("00A4040006D15600000503", "610A"),
        ("B026000104", "0007A1209000"),
        ("00B2010504", "6986"),
    ]
    first = found[0]
    assert isinstance(first, Exchange)
    assert first.card == "Virtual PCD A 00 00"
    assert first.time_us == ((5 * 60 + 55) * 60 + 49) * 1_000_000 + 975_000


def test_the_debug_log_of_older_opensc_has_other_heads() -> None:
    old = (
        "0x7fb92717e740 10:10:39.036 [opensc-tool] reader-pcsc.c:251:pcsc_transmit: reader 'ACS 00 00'\n"
        "0x7fb92717e740 10:10:39.036 [opensc-tool] apdu.c:187:sc_apdu_log: \n"
        "Outgoing APDU data [   13 bytes] =====================================\n"
        "00 20 00 80 08 31 32 33 34 35 36 FF FF . ...123456..\n"
        "======================================================================\n"
        "0x7fb92717e740 10:10:39.066 [opensc-tool] apdu.c:187:sc_apdu_log: \n"
        "Incoming APDU data [    2 bytes] =====================================\n"
        "90 00 ..\n"
        "======================================================================\n"
    )

    assert exchanges(entries(old)) == [("0020008008313233343536FFFF", "9000")]
    assert "3132" not in "".join(transcript.write(told(entries(old), "en", reveals=True)))


def test_opensc_tool_prints_what_opensc_made_of_it() -> None:
    found = exchanges(sample("opensc-tool.txt"))

    assert found[0] == (SELECT, "9000")
    assert found[1] == ("00B2012D40", EF05 + "9000")
    assert found[5] == ("B026000104", "0007A1209000")
    assert len(found) == 7


def test_the_log_of_pcscd_counts_its_time_from_its_first_line() -> None:
    found = sample("pcscd-apdu.log")

    assert exchanges(found) == [(SELECT, "6118"), ("00B2012D40", EF05 + "9000"), (VERIFY, "9000")]
    assert [one.time_us for one in found if isinstance(one, Exchange)] == [0, 609, 1556]


def test_a_card_pulled_during_transmit_is_a_broken_link_in_pcsc_spy() -> None:
    raw = (
        "7F@>|10|20|SCardTransmit\n7F@0x01\n7F@0x01\n7F@0x10\n7F@0x05\n7F@00 84 00 00 08 \n7F@0x01\n7F@0x10\n"
        "7F@0x00\n7F@\n7F@<|10|30|SCardTransmit|Card was removed.|0x80100069\n"
    )
    printed = (
        "SCardTransmit\n i hCard: 0x01\n i bSendLength 0x00000005 (5)\n i bSendBuffer\n"
        " i  0000 00 84 00 00 08                                  .....\n o bRecvLength 0x00000000 (0)\n"
        " o bRecvBuffer\n => Card was removed. (SCARD_W_REMOVED_CARD [0x80100069])  [0.000010]\n"
    )

    for text in (raw, printed):
        (found,) = entries(text)
        assert isinstance(found, Exchange)
        assert (str(found.command), found.answer, found.link) == (
            "0084000008",
            None,
            LinkReason.CARD_REMOVED,
        )


def test_a_transcript_cut_short_ends_with_a_command_nobody_answered() -> None:
    (found,) = entries("> 0084000008\n")

    assert isinstance(found, Exchange)
    assert (found.answer, found.link) == (None, LinkReason.INTERRUPTED)


def test_a_transcript_of_two_cards_tells_whose_each_line_is() -> None:
    text = "# [PSAM]\n# ATR 3B00\n# [card]\n# reset, warm\n# ATR 3B01\n# a remark\n> 00840000 08 # x\n< ** 9000\n"

    reset, warm, remark, exchange = entries(text)

    assert reset == Reset(b"\x3b\x00", False, "PSAM", line=2)
    assert warm == Reset(b"\x3b\x01", True, "card", line=5)
    assert remark == Remark("a remark", 6)
    assert isinstance(exchange, Exchange)
    assert (exchange.card, str(exchange.answer), exchange.line) == ("card", "**9000", 7)


@pytest.mark.parametrize(
    ("of", "text", "line", "problem"),
    [
        (Format.TRANSCRIPT, "# x\n\n? 00\n", 3, "expected a line that starts with >, < or #"),
        (Format.TRANSCRIPT, "> 00A4\n", 1, "a command has at least 4 bytes, this one 2"),
        (Format.TRANSCRIPT, "> 00A4000G\n", 1, "expected pairs of hexadecimal digits"),
        (Format.TRANSCRIPT, "> 00A4000*\n", 1, "expected pairs of hexadecimal digits"),
        (Format.TRANSCRIPT, "# x\n< 9000\n", 2, "an answer without a command before it"),
        (Format.TRANSCRIPT, "> 00A40000\n> 00A40000\n", 1, "a command without an answer"),
        (Format.TRANSCRIPT, "> 00A40000\n# link: gone-fishing\n", 2, "unknown reason for a broken link"),
        (Format.JSON_LINES, '{"is": "exchange"}\n', 1, "a command has at least 4 bytes"),
        (Format.JSON_LINES, '\n{"is": \n', 2, "no JSON"),
        (Format.JSON_LINES, "[" * 100_000, 1, "no JSON"),
        (Format.JSON_LINES, '{"is": "exchange", "command": 7}', 1, "command is a text"),
        (Format.JSON_LINES, '{"is": "poem"}', 1, 'expected "is"'),
        (Format.SCRIPTOR, "< 90 00 : Normal processing.\n", 1, "an answer without a command"),
        (Format.SCRIPTOR, "> 00 A4 00 00\n< 9 : x\n", 2, "expected pairs of hexadecimal digits"),
        (Format.OPENSC, "Incoming APDU (2 bytes):\n90 00 ..\n", 1, "an answer without a command"),
        (Format.OPENSC, "Outgoing APDU (5 bytes):\n00 A4 00\n", 2, "expected 5 bytes of a dump"),
        (Format.OPENSC_TOOL, "Received (SW1=0x90, SW2=0x00)\n", 1, "an answer without a command"),
        (Format.PCSCD, "00000001 SW: 90 00 \n", 1, "an answer without a command"),
        (Format.PCSCD, "00000001 APDU: 00 \n", 1, "a command has at least 4 bytes"),
        (Format.PCSC_SPY_RAW, "no thread\n", 1, "expected a thread's number and @"),
        (Format.PCSC_SPY_RAW, "7F@>|x\n", 1, "expected >|seconds|microseconds|function"),
        (
            Format.PCSC_SPY,
            "SCardTransmit\n i bSendLength 0x05 (5)\n i bSendBuffer\n i  0000 00\n",
            4,
            "expected 5",
        ),
        (None, "good morning\n", 1, "nothing tells the format"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(
    of: Format | None, text: str, line: int, problem: str
) -> None:
    with pytest.raises(TraceError, match=r"^line") as raised:
        entries(text, of)

    assert raised.value.line == line
    assert problem in str(raised.value)


@pytest.mark.parametrize("name", [path.name for path in TRACES.iterdir() if path.is_file()])
def test_spoilt_recordings_of_every_kind_give_entries_or_an_error_that_names_a_line(name: str) -> None:
    dice = random.Random(name)
    whole = (TRACES / name).read_bytes()
    of = recording.format_of(whole)

    for _ in range(150):
        start = dice.randrange(len(whole))
        spoilt = bytearray(whole[start : start + 1500])
        for _ in range(dice.randrange(1, 6)):
            spoilt[dice.randrange(len(spoilt))] = dice.choice((0x0A, 0x3E, 0x2A, dice.randrange(256)))
        try:
            entries(bytes(spoilt), of)
        except TraceError as error:
            assert error.line >= 1


def test_a_pipe_is_read_to_its_last_line_although_its_beginning_was_looked_at(tmp_path: Path) -> None:
    text = "> 0084000008\n< 00000000000000009000\n" * 5000

    assert len(entries(text)) == 5000


def test_the_answer_to_reset_is_known_from_the_readers_state_too() -> None:
    raw = (
        "7F@>|1|1|SCardGetStatusChange\n7F@0x01\n7F@0x00\n7F@0x01\n7F@Reader A\n7F@0x00\n7F@0x00\n7F@0x00\n7F@\n"
        "7F@Reader A\n7F@0x00\n7F@0x22\n7F@0x03\n7F@3B 00 81 \n7F@<|1|2|SCardGetStatusChange|ok|0x00000000\n"
        "7F@>|1|3|SCardConnect\n7F@0x01\n7F@Reader A\n7F@0x02\n7F@0x03\n7F@0x0\n7F@0x0\n7F@0x09\n7F@0x01\n"
        "7F@<|1|4|SCardConnect|ok|0x00000000\n"
    )

    assert entries(raw) == [Reset(bytes.fromhex("3B0081"), False, "Reader A", 1_000_003, 16)]
