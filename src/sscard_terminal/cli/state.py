"""The user's state folder: the journal where no other is named, and who is signed in.

Not here: what stands in these files (terminal).
"""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """Where this user's programs keep state. Source: XDG Base Directory Specification."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sscard-terminal"


def made_state_folder() -> Path:
    """The same, made where it is not there yet, its owner's alone."""
    folder = state_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def default_journal() -> Path:
    """journal.db in the state folder."""
    return state_folder() / "journal.db"


def session_file() -> Path:
    """session.json in the state folder."""
    return state_folder() / "session.json"
