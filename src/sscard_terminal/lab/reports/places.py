"""Where reports go: files that are opened before the run, so that one that cannot be written is said before it.

Not here: what is in them. A file is replaced whole at the end; lines that come one by one are there at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

STANDARD_OUTPUT = "-"


@contextmanager
def whole_file(path: str) -> Iterator[TextIO]:
    """A text that takes the place of `path` when the block ends, and is thrown away where it raises.

    Raises:
        OSError: it cannot be written; told on entry.
    """
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(21, os.strerror(21), path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        stream = open(draft, "x", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed below, before it is renamed
    except OSError as error:
        raise type(error)(error.errno, error.strerror, path) from error
    try:
        with stream:
            yield stream
        os.replace(draft, target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


@contextmanager
def line_by_line(path: str) -> Iterator[TextIO]:
    """A text of which each line is in the file as soon as it is written.

    Raises:
        OSError: it cannot be written; told on entry.
    """
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    with open(path, "w", encoding="utf-8", newline="\n", buffering=1) as stream:
        yield stream
