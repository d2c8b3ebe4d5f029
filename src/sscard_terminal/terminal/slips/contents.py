"""What a slip is made of, piece by piece, before anybody asks how wide the paper is.

Not here: which pieces a slip has (forms.py) and how they are laid out (layout.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """What the slip is."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What must not be overlooked: 已扣款, 待核实, 重印, 培训."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the rows below it have in common."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its value; an `indented` one belongs to the row above."""

    label: str
    value: str
    indented: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that says what to do."""

    text: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A place to sign, with who does."""

    label: str


Piece = Title | Mark | Rule | Heading | Row | Note | Signature
Slip = tuple[Piece, ...]
"""A whole slip, from the title down."""
