"""What was said between a test and its card: recorded, told in words, and held against a golden conversation.

Not here: the text form itself (reader/transcript.py). PINs are masked here as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Exchange, Octets, Transcript, carries_pin
from sscard_terminal.voice.apdus import Telling
from sscard_terminal.voice.messages import text

if TYPE_CHECKING:
    from pytest import FixtureRequest

MOST_LINES = 60
"""Of each card, in the report of a test that failed."""


class Recorder:
    """Hears one card from its side of the reader."""

    def __init__(self) -> None:
        self.atr = b""
        self.exchanges: list[Exchange] = []
        self._resets = 0

    @property
    def transcript(self) -> Transcript:
        """All of it, in its text form's values, without comments."""
        return Transcript(tuple(self.exchanges), self.atr)

    def powered(self, atr: bytes, *, is_reset: bool) -> None:
        self.atr = self.atr or atr

    def answered(self, command: bytes, answer: bytes | None) -> None:
        asked = Octets(tuple(command))
        if carries_pin(asked):
            asked = asked.masked(5, len(asked))
        whole = None if answer is None or len(answer) < 2 else Octets(tuple(answer))
        self.exchanges.append(Exchange(asked, whole, None if whole else LinkReason.CARD_REMOVED))

    def forget(self) -> None:
        """Begin anew."""
        self.atr = b""
        self.exchanges.clear()


def bare(transcript: Transcript) -> Transcript:
    """The bytes alone: no comments, no notes; what two conversations are compared by."""
    return Transcript(
        tuple(
            replace(exchange, command_comment="", answer_comment="", notes=(), line=0)
            for exchange in transcript.exchanges
        ),
        transcript.atr,
    )


def in_words(transcript: Transcript, language: Language) -> str:
    """The same with a comment beside each line that says what it means, as a trace has it."""
    telling = Telling(language)
    if transcript.atr:
        telling.powered(transcript.atr)
    told = []
    for exchange in transcript.exchanges:
        command = _known(exchange.command)
        asks = telling.command(command).says
        says = telling.answer(_known(exchange.answer) if exchange.answer is not None else None).says
        told.append(replace(exchange, command_comment=asks, answer_comment=says))
    return replace(transcript, exchanges=tuple(told)).write()


def _known(octets: Octets) -> bytes:
    return bytes(0 if octet is None else octet for octet in octets.values)


class Recorded(Protocol):
    """What has a record of its conversation."""

    @property
    def recorder(self) -> Recorder: ...


class Conversations:
    """The fixture `transcript`: what was said to a card since the test began, or since `forget`.

    `accepts`: golden files are written instead of compared (`--sscard-accept`).
    """

    def __init__(self, folder: Path, language: Language, *, accepts: bool = False) -> None:
        self._folder = folder
        self._language: Language = language
        self._accepts = accepts

    def of(self, card: Recorded) -> Transcript:
        """All that was said; comparable with `parse`."""
        return card.recorder.transcript

    def parse(self, text: str) -> Transcript:
        """A conversation as text (`> command`, `< answer`, `**` for masked bytes), its comments left out.

        Raises:
            TranscriptError: a line is wrong; it is named.
        """
        return bare(Transcript.parse(text))

    def words(self, card: Recorded) -> str:
        """All that was said, with the words beside each line."""
        return in_words(card.recorder.transcript, self._language)

    def forget(self, card: Recorded) -> None:
        """What was said so far is not part of it."""
        card.recorder.forget()

    def replay(self, text: str) -> Replay:
        """A connection that plays a conversation back and insists on every byte of it.

        Raises:
            TranscriptError: a line is wrong, or an answer is masked.
        """
        return Replay(Transcript.parse(text))

    def assert_same(self, card: Recorded, golden: str | Path) -> None:
        """What was said is what the golden file says (a path, relative to the test's own folder).

        With `--sscard-accept` the file is written instead, words and all.

        Raises:
            AssertionError: it is not; the first difference is told in words.
            TranscriptError: the file is wrong.
            OSError: it cannot be read or written.
        """
        from .words import difference_of_transcripts

        file, said = self._folder / golden, card.recorder.transcript
        if self._accepts:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(in_words(said, self._language), encoding="utf-8")
            return
        wanted = self.parse(file.read_text(encoding="utf-8"))
        lines = difference_of_transcripts(said, wanted, self._language)
        if lines:
            raise AssertionError("\n".join([str(golden), *lines]))


def conversations_of(request: FixtureRequest, language: Language) -> Conversations:
    """For the test that asks."""
    return Conversations(
        request.path.parent, language, accepts=bool(request.config.getoption("sscard_accept"))
    )


def sections(chips: Iterable[object], language: Language) -> list[tuple[str, str]]:
    """What each card of a failed test was asked, for the report: title and text."""
    from .cards import VirtualChip

    spoken_to = (chip for chip in chips if isinstance(chip, VirtualChip) and chip.recorder.exchanges)
    return [
        (chip.name, _newest(in_words(chip.recorder.transcript, language), language)) for chip in spoken_to
    ]


def _newest(told: str, language: Language) -> str:
    lines = told.splitlines()
    left_out = len(lines) - MOST_LINES
    if left_out <= 0:
        return told
    return "\n".join([text(language, "plugin.earlier", lines=left_out), *lines[left_out:]])
