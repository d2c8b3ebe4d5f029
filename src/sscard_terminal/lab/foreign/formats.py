"""Which foreign format a file is in, and its reader.

Not here: the formats.
"""

from __future__ import annotations

from ..script.syntax import Script

FORMATS: tuple[str, ...] = ()


def read_foreign(text: str, file: str, format: str | None) -> Script | None:
    """The script in a text of a foreign format; None: it is none of them."""
    return None
