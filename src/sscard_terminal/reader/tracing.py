"""A connection that writes down, line by line, what passes through it.

Not here: where the lines go, and the words that explain a command (the caller hands both in).
Source: style.md "One text for a conversation"; what this writes, transcript.py reads and replay.py plays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..iso7816.apdu import CommandApdu, ResponseApdu
from ..iso7816.status import StatusWord
from .connection import Connection, LinkError, LinkReason
from .transcript import Octets, answer_line, atr_line, command_line, link_line, masked_command
from .wrapping import Wrapping

Sink = Callable[[str], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Commentary:
    """The words beside the bytes. `describe` must not tell the data of a sensitive command.

    `describe_answer` is asked where there is one, else `describe_sw`.
    """

    describe: Callable[[CommandApdu], str] | None = None
    describe_sw: Callable[[StatusWord], str] | None = None
    card: str = ""
    describe_answer: Callable[[ResponseApdu], str] | None = None

    def of_command(self, command: CommandApdu) -> str:
        return self.describe(command) if self.describe else ""

    def of_answer(self, answer: ResponseApdu) -> str:
        if self.describe_answer:
            return self.describe_answer(answer)
        return self.describe_sw(answer.sw) if self.describe_sw else ""


class Tracing(Wrapping):
    """See `traced`."""

    def __init__(self, inner: Connection, sink: Sink, commentary: Commentary, mask_answers: bool) -> None:
        super().__init__(inner)
        self._sink: Sink | None = sink
        self._commentary = commentary
        self._mask_answers = mask_answers
        if inner.atr:
            self._write(atr_line(inner.atr, commentary.card))

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self._write(command_line(masked_command(command), self._commentary.of_command(command)))
        answer = self._transmit_or_tell(command)
        octets = Octets(tuple(answer.build()))
        shown = octets.masked(0, len(answer.data)) if self._mask_answers else octets
        self._write(answer_line(shown, self._commentary.of_answer(answer)))
        return answer

    def reset(self, *, cold: bool = False) -> bytes:
        atr = super().reset(cold=cold)
        self._write("# reset, " + ("cold" if cold else "warm"))
        self._write(atr_line(atr))
        return atr

    def _transmit_or_tell(self, command: CommandApdu) -> ResponseApdu:
        """However the exchange ends, the command line gets the line that says how."""
        try:
            return self._inner.transmit(command)
        except LinkError as error:
            self._write(link_line(error.reason, str(error)))
            raise
        except BaseException:
            self._write(link_line(LinkReason.INTERRUPTED))
            raise

    def _write(self, line: str) -> None:
        """A full disk must not cost us the card's answer: the trace stops, the exchange goes on."""
        if self._sink is None:
            return
        try:
            self._sink(line)
        except OSError as error:
            self._sink = None
            log.warning("the trace stops here: %s", error)


def traced(
    connection: Connection, sink: Sink, commentary: Commentary | None = None, *, mask_answers: bool = False
) -> Connection:
    """`connection`, with every exchange written to `sink`, one line at a time and without line ends.

    The command is written before it is sent, so that a trace cut short shows what was on its way. Data of
    sensitive commands and of all PIN commands are masked; `mask_answers` masks the data of answers too
    (a replay cannot play those).
    """
    return Tracing(connection, sink, commentary or Commentary(), mask_answers)
