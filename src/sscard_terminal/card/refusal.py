"""How a handler says no. Not here: which word belongs to which rule."""

from __future__ import annotations

from sscard_terminal.iso7816.status import StatusWord


class Refusal(Exception):
    """How a handler says no; dispatch turns it into an answer with that status word and no data."""

    def __init__(self, sw: StatusWord) -> None:
        super().__init__(f"{sw}")
        self.sw = sw
