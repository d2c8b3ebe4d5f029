"""What a trace writes, that it hides PINs, and that it never costs an answer."""

import logging

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import CardRemoved, Connection, reset
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.tracing import Commentary, traced
from sscard_terminal.reader.transcript import Transcript
from tests.reader.doubles import T0_ATR, Answering, answer, breaking, command, played, saying


def named(sent: CommandApdu) -> str:
    return {0xA4: "SELECT", 0x20: "VERIFY"}.get(sent.ins, "")


def test_every_exchange_is_written_with_its_commentary() -> None:
    lines: list[str] = []
    commentary = Commentary(named, lambda sw: sw.meaning("zh"), card="gen2-32k")
    connection = traced(saying("63C2"), lines.append, commentary)

    connection.transmit(command("0020000003123456"))

    assert lines == [
        "# ATR 3B6D000000815431328660370900000002       # gen2-32k",
        "> 0020000003******                             # VERIFY",
        "< 63C2                                         # 校验失败，还可再试 2 次",
    ]


def test_a_command_is_written_before_it_is_sent() -> None:
    lines: list[str] = []
    seen_when_sent: list[str] = []

    def respond(_: CommandApdu) -> ResponseApdu:
        seen_when_sent.extend(lines)
        return answer("9000")

    traced(Answering(respond, atr=b""), lines.append).transmit(command("00A40000"))

    assert seen_when_sent == ["> 00A40000"]


def test_a_broken_link_is_written_and_raised() -> None:
    lines: list[str] = []
    connection = traced(breaking(CardRemoved(hresult=0x80100069), atr=b""), lines.append)

    with pytest.raises(CardRemoved):
        connection.transmit(command("B026000104"))

    assert (
        lines[-1]
        == "# link: card-removed                           # the card was removed (PC/SC 0x80100069)"
    )


def test_an_interrupted_wait_is_written_too() -> None:
    lines: list[str] = []
    connection = traced(breaking(KeyboardInterrupt(), atr=b""), lines.append)

    with pytest.raises(KeyboardInterrupt):
        connection.transmit(command("B026000104"))

    assert lines == ["> B026000104", "# link: interrupted"]


def test_answers_are_masked_on_request_all_but_the_status_word() -> None:
    lines: list[str] = []
    connection = traced(saying("31329000", atr=b""), lines.append, mask_answers=True)

    connection.transmit(command("00B2080014"))

    assert lines == ["> 00B2080014", "< ****9000"]


def converse(connection: Connection) -> list[ResponseApdu | str]:
    """SELECT, VERIFY and a GET BALANCE that breaks, as one conversation."""
    outcomes: list[ResponseApdu | str] = []
    for text in ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "0020000003123456", "B026000104"):
        try:
            outcomes.append(connection.transmit(command(text)))
        except CardRemoved as error:
            outcomes.append(str(error))
    return outcomes


def test_what_a_trace_writes_a_replay_plays() -> None:
    lines: list[str] = []
    original = """\
        # ATR 3B6D000000815431328660370900000002
        > 00A404000F7378312E73682EC9E7BBE1B1A3D5CF
        < 9000
        > 0020000003******
        < 63C2
        > B026000104
        # link: card-removed
        """
    first = converse(traced(played(original), lines.append))

    replay = Replay(Transcript.parse("\n".join(lines)))
    second = converse(replay)

    assert second == first
    assert replay.atr == T0_ATR
    assert replay.finished


def test_a_reset_is_written_with_the_new_atr() -> None:
    class Resettable(Answering):
        def reset(self, *, cold: bool = False) -> bytes:
            return bytes.fromhex("3F00")

    lines: list[str] = []

    reset(traced(Resettable(lambda _: answer("9000"), atr=b""), lines.append), cold=True)

    assert lines == ["# reset, cold", "# ATR 3F00"]


def test_a_full_disk_ends_the_trace_and_not_the_exchange(caplog: pytest.LogCaptureFixture) -> None:
    written: list[str] = []

    def sink(line: str) -> None:
        if written:
            raise OSError("no space left on device")
        written.append(line)

    connection = traced(saying("9000", atr=b""), sink)

    with caplog.at_level(logging.WARNING):
        answers = [connection.transmit(command("00A40000")) for _ in range(2)]

    assert answers == [answer("9000"), answer("9000")]
    assert written == ["> 00A40000"]
    assert [record.getMessage() for record in caplog.records] == [
        "the trace stops here: no space left on device"
    ]
