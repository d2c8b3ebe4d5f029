"""Pasted conversations as Transcripts: their PINs masked, replayed without a card, compared with another."""

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.lab.foreign.transcripts import jcshell_transcript, scriptor_transcript
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript
from tests.lab.foreign.telling import SAMPLES

JCSHELL = (SAMPLES / "jcshell-transcript/issue.txt").read_text(encoding="utf-8")
SCRIPTOR = (SAMPLES / "scriptor-transcript/issue.txt").read_text(encoding="utf-8")
SELECT = "00A4040006D15600000503"


def test_a_pasted_jcshell_conversation_is_a_transcript() -> None:
    found = jcshell_transcript(JCSHELL)

    assert found.atr.hex().upper() == "3B6D0000008154313286603709" + "00000002"
    assert [(str(one.command), str(one.answer)) for one in found.exchanges] == [
        (f"{SELECT}00", "6F0A8408D15600000503AABB9000"),
        ("00D69500143132333435363738393031323334353637383930", "6982"),
        ("0020000003******", "63C2"),
        ("0084000008", "None"),
    ]
    assert [one.line for one in found.exchanges] == [5, 10, 17, 20]
    assert found.exchanges[2].notes == ("reset, cold",)


def test_a_pasted_scriptor_conversation_is_a_transcript() -> None:
    found = scriptor_transcript(SCRIPTOR)

    assert [(str(one.command), str(one.answer)) for one in found.exchanges] == [
        (SELECT, "610A"),
        ("00B2012D40", "011037090 0D1560000050000000 2DE678D759000".replace(" ", "")),
        ("0020000003******", "63C2"),
        ("00B0950010", "None"),
    ]


def test_what_was_pasted_is_played_back_without_a_card() -> None:
    replay = Replay(jcshell_transcript(JCSHELL))

    answer = replay.transmit(CommandApdu.parse(bytes.fromhex(f"{SELECT}00")))

    assert answer.build().hex().upper() == "6F0A8408D15600000503AABB9000"


def test_a_pasted_conversation_can_be_written_as_ours_and_is_the_same() -> None:
    found = scriptor_transcript(SCRIPTOR)

    assert Transcript.parse(found.write()) == found


def test_a_column_of_characters_that_looks_like_bytes_is_none() -> None:
    text = " => 00 D6 95 00 02 41 42                           00 AB\n <= 90 00  90 00\n"

    (exchange,) = jcshell_transcript(text).exchanges

    assert (str(exchange.command), str(exchange.answer)) == ("00D69500024142", "9000")
