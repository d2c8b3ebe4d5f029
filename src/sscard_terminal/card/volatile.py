"""What a chip forgets with the power: current files, security status, challenge, transaction, waiting answer.

Not here: anything that survives (nvm).
Source: card.md §2.1, §10 B7–B9.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sscard_terminal.cardspec.profile import DfSpec, FileSpec


@dataclass(slots=True)
class Volatile:
    """One session, from reset to reset."""

    current_df: DfSpec
    current_ef: FileSpec | None = None
    record_pointer: int = 0
    """Current record of the current EF, from 1; 0 = none (card.md §10 B18)."""
    pin_verified: bool = False
    authenticated: set[str] = field(default_factory=set)
    """Names of the keys whose EXTERNAL AUTHENTICATE succeeded."""
    challenge: bytes | None = None
    transaction: object | None = None
    """What an applet has opened and not yet finished; None is the state idle (card.md §2.3)."""
    application: object | None = None
    """What the current application keeps for itself until another is selected (the PSAM's environment)."""
    waiting: bytes = b""
    """The answer GET RESPONSE will fetch."""
