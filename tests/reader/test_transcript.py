"""The text of a conversation: read, written, masked, and refused line by line."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.transcript import (
    Exchange,
    Octets,
    Transcript,
    TranscriptError,
    link_line,
    masked_command,
)

EXAMPLE = """\
# ATR 3B6D000000815431328660370900000002       # card gen2-32k
# a customer who forgot the PIN
> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF     # SELECT SSSE "sx1.sh.社会保障"
< 9000
> 0020000003******                             # VERIFY, masked
< 63C2                                         # two tries left
> B026000104
# link: card-removed                           # taken out in anger
# and never seen again
"""


def octets(text: str) -> Octets:
    return Octets.parse(text)


def test_a_transcript_is_read_into_exchanges() -> None:
    transcript = Transcript.parse(EXAMPLE)

    assert transcript == Transcript(
        exchanges=(
            Exchange(
                octets("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"),
                octets("9000"),
                command_comment='SELECT SSSE "sx1.sh.社会保障"',
                notes=("a customer who forgot the PIN",),
            ),
            Exchange(
                octets("0020000003******"),
                octets("63C2"),
                command_comment="VERIFY, masked",
                answer_comment="two tries left",
            ),
            Exchange(
                octets("B026000104"),
                None,
                link=LinkReason.CARD_REMOVED,
                answer_comment="taken out in anger",
            ),
        ),
        atr=bytes.fromhex("3B6D000000815431328660370900000002"),
        atr_comment="card gen2-32k",
        closing_notes=("and never seen again",),
    )


def test_a_transcript_is_written_as_it_was_read() -> None:
    assert Transcript.parse(EXAMPLE).write() == EXAMPLE


def test_an_exchange_knows_the_line_of_its_command() -> None:
    assert [exchange.line for exchange in Transcript.parse(EXAMPLE).exchanges] == [3, 5, 7]


def test_blanks_small_letters_and_empty_lines_are_read_too() -> None:
    transcript = Transcript.parse("\n  > 00 a4 00 00 02 3f 00 #select\n\n<  90 00\n")

    assert transcript.exchanges == (
        Exchange(octets("00A40000023F00"), octets("9000"), command_comment="select"),
    )


def test_an_empty_text_is_an_empty_conversation() -> None:
    assert Transcript.parse("") == Transcript(())
    assert Transcript(()).write() == ""


def test_an_atr_after_the_first_exchange_is_a_note_of_a_reset() -> None:
    transcript = Transcript.parse("# ATR 3B00\n> 00A40000\n< 9000\n# ATR 3F00\n")

    assert transcript.atr == bytes.fromhex("3B00")
    assert transcript.closing_notes == ("ATR 3F00",)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param(
            "> 00A40000\n< 9000\nnonsense", 3, "starts with", id="neither comment, command nor answer"
        ),
        pytest.param("< 9000", 1, "without a command", id="answer without command"),
        pytest.param("> 00A40000\n< 9000\n< 9000", 3, "without a command", id="two answers"),
        pytest.param("# a\n> 00A40000\n> 00A40000\n< 9000", 2, "without an answer", id="two commands"),
        pytest.param("> 00A40000\n< 9000\n> 00A40000", 3, "without an answer", id="cut short"),
        pytest.param("> 00A4000", 1, "pairs", id="odd number of digits"),
        pytest.param("> 00A40x00", 1, "pairs", id="no hex"),
        pytest.param("> 00A4*000", 1, "pairs", id="half a mask"),
        pytest.param("> 00A400", 1, "at least 4", id="command too short"),
        pytest.param(">", 1, "at least 4", id="empty command"),
        pytest.param("> 00A40000\n< 90", 2, "at least 2", id="answer without status word"),
        pytest.param("> 00A40000\n# link: weather", 2, "unknown reason", id="unknown reason"),
        pytest.param("# ATR 3B**", 1, "masked", id="masked ATR"),
        pytest.param("# ATR of a card", 1, "pairs", id="ATR that is none"),
    ],
)
def test_a_line_that_does_not_fit_is_named(text: str, line: int, problem: str) -> None:
    with pytest.raises(TranscriptError, match=problem) as caught:
        Transcript.parse(text)

    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_an_error_never_quotes_the_line() -> None:
    with pytest.raises(TranscriptError) as caught:
        Transcript.parse("> 0020000003 123456x")

    assert "123456" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "raw", "fits"),
    [
        ("0020000003******", "0020000003123456", True),
        ("0020000003******", "0020000003000000", True),
        ("0020000003******", "00200000021234", False),
        ("0020000003******", "002000000312345678", False),
        ("0020000003******", "0020000103123456", False),
        ("00A40000", "00A40000", True),
        ("00A40000", "00A40001", False),
    ],
)
def test_a_mask_fits_any_bytes_of_its_number(pattern: str, raw: str, fits: bool) -> None:
    assert octets(pattern).fits(bytes.fromhex(raw)) is fits


def test_masked_bytes_cannot_be_told() -> None:
    with pytest.raises(FormatError, match="masked"):
        octets("90**").known()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        pytest.param(
            CommandApdu(0x00, 0x20, 0, 0, b"\x12\x34\x56"), "0020000003******", id="VERIFY, no flag"
        ),
        pytest.param(
            CommandApdu(0x84, 0x20, 0, 0, b"\x12\x34"), "8420000002****", id="VERIFY of another class"
        ),
        pytest.param(
            CommandApdu(0x80, 0x5E, 1, 0, b"\x12\x34\xff\x56\x78"),
            "805E010005**********",
            id="CHANGE PIN, no flag",
        ),
        pytest.param(
            CommandApdu(0x84, 0x24, 0, 1, bytes(12)), "842400010C" + "**" * 12, id="PIN RELOAD, no flag"
        ),
        pytest.param(
            CommandApdu(0x80, 0xFA, 0, 0, b"\x12\x34", 8, sensitive=True),
            "80FA000002****08",
            id="flag, with Le",
        ),
        pytest.param(
            CommandApdu(0x80, 0xFA, 0, 0, bytes(256), 8, sensitive=True),
            "80FA0000000100" + "**" * 256 + "0008",
            id="flag, extended",
        ),
        pytest.param(
            CommandApdu(0x00, 0x20, 0, 0, ne=256), "0020000000", id="VERIFY that asks for the tries"
        ),
        pytest.param(CommandApdu(0x00, 0x20, 0, 0), "00200000", id="VERIFY without anything"),
        pytest.param(
            CommandApdu(0xB0, 0x2C, 1, 0, b"\x01\x02", 8),
            "B02C010002010208",
            id="DEBIT is no RESET RETRY COUNTER",
        ),
        pytest.param(CommandApdu(0x00, 0xA4, 0, 0, b"\x3f\x00"), "00A40000023F00", id="SELECT"),
    ],
)
def test_what_may_be_a_pin_is_masked(command: CommandApdu, shown: str) -> None:
    masked = masked_command(command)

    assert str(masked) == shown
    assert masked.fits(command.build())


def test_bytes_are_hidden_in_repr() -> None:
    assert "123456" not in repr(Transcript.parse("> 0020000003123456\n< 9000"))


def test_a_comment_cannot_grow_into_a_line_of_its_own() -> None:
    line = link_line(LinkReason.UNKNOWN, "one\n> 00A40000")

    assert "\n" not in line


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1).filter(
    lambda word: not word.startswith(("ATR", "link:"))
)
comments = st.one_of(st.just(""), words)
some_octets = st.lists(st.one_of(st.none(), st.integers(0, 255)), min_size=4, max_size=40).map(
    lambda values: Octets(tuple(values))
)
answered = st.builds(
    Exchange,
    command=some_octets,
    answer=some_octets,
    command_comment=comments,
    answer_comment=comments,
    notes=st.lists(words, max_size=2).map(tuple),
)
broken = st.builds(
    Exchange,
    command=some_octets,
    answer=st.none(),
    link=st.sampled_from(LinkReason),
    command_comment=comments,
    answer_comment=comments,
)
transcripts = st.builds(
    Transcript,
    exchanges=st.lists(st.one_of(answered, broken), max_size=4).map(tuple),
    atr=st.binary(min_size=2, max_size=33),
    atr_comment=comments.filter(lambda comment: "#" not in comment),
    closing_notes=st.lists(words, max_size=2).map(tuple),
)


@given(transcripts)
def test_any_transcript_is_read_as_it_was_written(transcript: Transcript) -> None:
    assert Transcript.parse(transcript.write()) == transcript


def test_the_example_of_the_house_style_is_read() -> None:
    text = """
        # ATR 3B00                                     # card gen2-32k
        > 00A404000F7378312E73682EC9E7BBE1B1A3D5CF    # SELECT SSSE "sx1.sh.社会保障"
        < 9000
        > 0020000003******                            # VERIFY, masked; on replay a mask fits any data of its length
        < 63C2                                        # two tries left
    """

    assert len(Transcript.parse(dedent(text)).exchanges) == 2
