"""What every function of the driver returns: a code, and the data or the text of the error.

Not here: which code means what (codes.py), and GB bytes in a buffer (the C ABI's business; here it is text).
Source: card.md §8.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.terminal.outcomes import Declined, Unsettled
from sscard_terminal.voice.told import Money

SUCCESS = 0


@dataclass(frozen=True, slots=True)
class Result:
    """`code` 0 and the data in `out`, or a negative code and what it means.

    `money`: whether a sale was recorded; of TO_BE_VERIFIED the same card has to tell. `is_secret`: `out` holds a PIN on its way to an HSM (iReloadPIN_HSM_Step2), and no repr shows it.
    """

    code: int
    out: str = ""
    is_secret: bool = False
    money: Money = Money.NOT_CHARGED

    def __repr__(self) -> str:
        return f"Result({self.code}, {'••••' if self.is_secret else repr(self.out)})"


DONE = Result(SUCCESS)


class Refused(Exception):
    """A function ends here: with one of the driver's codes, or as the terminal's outcome says."""

    def __init__(self, why: int | Declined | Unsettled) -> None:
        super().__init__(why)
        self.why = why


def joined(*fields: str) -> str:
    """Fields, each ended by `|`. Source: card.md §8."""
    return "".join(f"{field}|" for field in fields)
