"""A connection that plays a transcript back and insists on every byte of it.

Not here: reading the text (transcript.py) and forgiving anything.
"""

from __future__ import annotations

from ..iso7816.apdu import CommandApdu, ResponseApdu
from ..iso7816.errors import FormatError
from .connection import LinkReason, NotSent, link_error
from .transcript import Exchange, Octets, Transcript, TranscriptError, carries_pin, masked_command


class ReplayMismatch(AssertionError):
    """The conversation went another way than the transcript; `line` is the transcript's, 0 past its end.

    The text shows both sides, PINs masked. Not a LinkError, so that no recovery code swallows it.
    """

    def __init__(self, line: int, expected: str, actual: str) -> None:
        super().__init__(f"line {line}: the transcript has {expected}, the terminal has {actual}")
        self.line = line


class Replay:
    """Plays `transcript`: each command must equal the recorded one, masked bytes fit any of their number.

    An exchange that broke off when recorded breaks off again, with the same error.

    Raises:
        TranscriptError: an answer is masked; it cannot be played.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._atr = transcript.atr
        self._exchanges = transcript.exchanges
        self._answers = tuple(_playable(exchange) for exchange in transcript.exchanges)
        self._position = 0
        self._closed = False

    @property
    def atr(self) -> bytes:
        return self._atr

    @property
    def finished(self) -> bool:
        """True when every exchange of the transcript has been played."""
        return self._position == len(self._exchanges)

    def assert_finished(self) -> None:
        """Raises ReplayMismatch naming the first exchange that was not played."""
        if not self.finished:
            waiting = self._exchanges[self._position]
            raise ReplayMismatch(waiting.line, f"> {_without_pin(waiting.command)}", "ended")

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self._closed:
            raise NotSent
        exchange, answer = self._next(command)
        if not exchange.command.fits(command.build()):
            expected = f"> {_without_pin(exchange.command)}"
            raise ReplayMismatch(exchange.line, expected, f"> {masked_command(command)}")
        self._position += 1
        if answer is None:
            raise link_error(exchange.link or LinkReason.UNKNOWN)
        return answer

    def close(self) -> None:
        self._closed = True

    def _next(self, command: CommandApdu) -> tuple[Exchange, ResponseApdu | None]:
        if self.finished:
            raise ReplayMismatch(0, "ended", f"> {masked_command(command)}")
        return self._exchanges[self._position], self._answers[self._position]


def _playable(exchange: Exchange) -> ResponseApdu | None:
    if exchange.answer is None:
        return None
    try:
        return ResponseApdu.parse(exchange.answer.known())
    except FormatError as error:
        raise TranscriptError(exchange.line, "the answer to this command cannot be played") from error


def _without_pin(octets: Octets) -> Octets:
    return octets.masked(5, len(octets)) if carries_pin(octets) else octets
