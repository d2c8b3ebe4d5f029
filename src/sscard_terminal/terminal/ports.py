"""What a workflow is handed instead of fetching it: the time and randomness.

Not here: where they come from (cli, counter; a test hands in fixed ones).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""The terminal's local time, without time zone, as the card's records hold it (card.md §4.1)."""

RandomBytes = Callable[[int], bytes]
"""So many unpredictable bytes (`secrets.token_bytes` in earnest)."""
