"""The one error of this floor: bytes that do not fit the form they should have."""


class FormatError(ValueError):
    """Bytes (theirs or ours) do not fit the form that was asked for; the text says what and where.

    The text names lengths, tags and positions, never the bytes themselves: they may hold a PIN.
    """
