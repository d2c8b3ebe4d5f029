"""Every conversation of fixtures/conversations: on the chip in this process, and through pcscd and the virtual reader.

Masked bytes are PINs; the command's comment says which.
"""

import re
import threading
from pathlib import Path

import pytest

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.pcsc import open_reader, wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from sscard_terminal.reader.transcript import Exchange, Transcript
from tests.cards import FIXTURES, Dice, card_image, chip_of, new_psam

FILES = sorted((FIXTURES / "conversations").glob("*.apdu"))
FIRST_PINS = {"gen1-16k": "1234", "gen2-32k": "123456", "gen3": "123456"}
WRONG_PIN = "999999"


def card_for(transcript: Transcript) -> Chip:
    """The card the first line names, with the amounts and random bytes of the notes."""
    words = re.split(r"[ ,]+", transcript.atr_comment.removeprefix("card "))
    amounts = dict(word.split("=") for word in words[1:])
    notes = [note for exchange in transcript.exchanges for note in exchange.notes]
    dice = Dice(*next((note.split()[1:] for note in notes if note.startswith("random ")), ()))
    if words[0] == "psam-national":
        return new_psam(dice)
    image = card_image(words[0], **{name: bytes.fromhex(value) for name, value in amounts.items()})
    return chip_of(image, dice, words[0])


def pins_of(exchange: Exchange, profile: str) -> str:
    """The bytes behind the mask, from the comment."""
    comment = exchange.command_comment
    if "wrong PIN" in comment:
        return WRONG_PIN
    change = re.search(r"from (the first PIN|\d+) to (\d+)", comment)
    if change:
        return change[1].replace("the first PIN", FIRST_PINS[profile]) + "FF" + change[2]
    return FIRST_PINS[profile] if "first PIN" in comment else "123456"


def bytes_of(exchange: Exchange, profile: str) -> bytes:
    text = str(exchange.command)
    masked = text.count("**")
    hidden = pins_of(exchange, profile) if masked else ""
    assert len(hidden) == 2 * masked, f"line {exchange.line}"
    return bytes.fromhex(re.sub(r"(\*\*)+", hidden, text))


def hold(connection: Connection, transcript: Transcript) -> None:
    profile = re.split(r"[ ,]+", transcript.atr_comment)[1]
    assert connection.atr == transcript.atr
    for exchange in transcript.exchanges:
        answer = connection.transmit(CommandApdu.parse(bytes_of(exchange, profile)))
        assert exchange.answer is not None
        assert answer.build() == exchange.answer.known(), f"line {exchange.line}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation_in_process(path: Path) -> None:
    transcript = Transcript.parse(path.read_text(encoding="utf-8"))

    hold(LoopbackConnection(card_for(transcript)), transcript)


@pytest.mark.vpcd
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation_through_the_virtual_reader(path: Path, pcscd: PrivatePcscd, slot: Slot) -> None:
    transcript = Transcript.parse(path.read_text(encoding="utf-8"))
    vpicc = Vpicc(card_for(transcript), slot.port, open_socket=pcscd.open_socket)
    serving = threading.Thread(target=vpicc.serve)
    serving.start()

    try:
        wait_for_card(slot.reader, 5)
        connection = open_reader(slot.reader)
        hold(connection, transcript)
        connection.close()
    finally:
        vpicc.request_stop()
        serving.join()
