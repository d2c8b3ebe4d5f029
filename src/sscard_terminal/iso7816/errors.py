"""Errors of form: bytes that do not fit what they should be. What follows from one is the caller's business."""


class FormatError(ValueError):
    """Bytes (theirs or ours) do not fit the form that was asked for; the text says what and where.

    The text names lengths, tags and positions, never the bytes themselves: they may hold a PIN.
    """


class ParameterError(FormatError):
    """P1 or P2 have a value this command does not know (a card answers 6A86)."""


class LengthError(FormatError):
    """Lc or Le have a value this command does not know (a card answers 6700)."""
