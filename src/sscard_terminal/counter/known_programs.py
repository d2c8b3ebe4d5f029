"""The programs this counter knows, as their file has them now.

Not here: what each may ask (clients.py), and the file (terminal/programs.py).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sscard_terminal.terminal.programs import Program, Programs, read_programs


@dataclass(slots=True)
class KnownPrograms:
    """The programs of one file, read anew when it changes: a removed one is out at its next request."""

    file: Path | None
    _known: Programs = field(default_factory=Programs)
    _stamp: tuple[int, int, int] | None = None

    def of_token(self, token: str) -> Program | None:
        """
        Raises:
            ProgramsTrouble: the file cannot be trusted; nobody is let in.
            OSError: it cannot be read.
        """
        return self._read().of_token(token)

    def is_still(self, program: Program) -> bool:
        """Whether the file still knows this program with this token and these scopes.

        Raises:
            ProgramsTrouble, OSError: as `of_token`.
        """
        return self._read().find(program.name) == program

    def _read(self) -> Programs:
        if self.file is None:
            return self._known
        try:
            status = os.stat(self.file)
        except FileNotFoundError:
            self._known, self._stamp = Programs(), None
            return self._known
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            self._known = read_programs(self.file)
            self._stamp = stamp
        return self._known
