"""The clauses of card.md that no test of a virtual card or PSAM shows, each with the reason.

Nothing else is skipped: a clause is named by a test or stands here, never both (test_clauses.py).
"""

from __future__ import annotations

EXCLUDED: dict[str, str] = {}
