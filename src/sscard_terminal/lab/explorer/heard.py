"""A connection whose every exchange is told in words; whoever wants to see them names a sink.

Not here: the words (voice/apdus) and the form of a line (lab/traces).
"""

from __future__ import annotations

from collections.abc import Callable

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.traces.entries import Exchange, Reset, Shown
from sscard_terminal.lab.traces.formats import transcript
from sscard_terminal.lab.traces.words import Told, Words, redacted
from sscard_terminal.reader.connection import Connection, LinkError
from sscard_terminal.reader.wrapping import Wrapping


class Heard(Wrapping):
    """`last` is the exchange that was heard last, with what may be seen of it."""

    def __init__(self, inner: Connection, language: Language, *, reveals: bool) -> None:
        super().__init__(inner)
        self._words = Words(language, reveals=reveals)
        self.sink: Callable[[str], None] | None = None
        self.last: Told = self._words.tell(Reset(inner.atr))

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        raw = Shown(command.build())
        try:
            answer = self._inner.transmit(command)
        except LinkError as error:
            self._hear(Exchange(raw, None, error.reason))
            raise
        self._hear(Exchange(raw, Shown(answer.build())))
        return answer

    def reset(self, *, cold: bool = False) -> bytes:
        atr = super().reset(cold=cold)
        self._hear(Reset(atr, is_warm=not cold))
        return atr

    def _hear(self, entry: Exchange | Reset) -> None:
        found = self._words.tell(entry)
        self.last = Told(redacted(found), found.command, found.answer)  # no name of ours holds on to a PIN
        if self.sink is not None:
            for line in transcript.write([self.last]):
                self.sink(line.rstrip("\n"))
