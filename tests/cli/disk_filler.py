"""A terminal on a disk that fills up at a chosen moment, in a process of its own: run by test_disk_full.py.

`tmpfs` is a real disk of 512 KiB, in a mount namespace of this process: a file takes what is left of it. `limit` is for
machines that allow no mount: while the journal writes, no file may grow (RLIMIT_FSIZE).
Each line printed is one run of the program: how it was called, how it ended.
"""

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cli import reader_search
from sscard_terminal.cli.main import program
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.terminal import journal_file
from sscard_terminal.terminal.journal_store import JournalStore

MOMENTS = {"the intent": (0xB0, 0x28), "the answer": (0xB0, 0x2C), "the end": (0x80, 0x72)}
"""Which write of the journal finds the disk full → with which command it has filled up."""
GROWING = 64


class Tmpfs:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "a film somebody saves"

    def fill(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def free(self) -> None:
        self._file.unlink(missing_ok=True)


class Limit:
    """While the journal writes, nothing gets longer than its log is now; the card's and PSAM's images are on another disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_full = False
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for name in ("writing", "copy_to"):
            setattr(JournalStore, name, self._limited(getattr(JournalStore, name)))
        journal_file._create = self._limited(journal_file._create)

    def _limited(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def limited(*arguments: Any) -> Any:
            with self._limit():
                return write(*arguments)

        @contextmanager
        def limited_block(*arguments: Any) -> Iterator[Any]:
            with self._limit(), write(*arguments) as inside:
                yield inside

        return limited_block if hasattr(write, "__wrapped__") else limited

    @contextmanager
    def _limit(self) -> Iterator[None]:
        log = self._folder / "journal.db-wal"
        longest = log.stat().st_size if log.exists() else 0
        most = longest + GROWING if self._is_full else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def fill(self) -> None:
        self._is_full = True

    def free(self) -> None:
        self._is_full = False


def filling(disk: Tmpfs | Limit, header: tuple[int, int], sent: list[str]) -> type[LoopbackConnection]:
    """A link with which the disk is full as soon as a command with this CLA and INS has been answered."""

    class Filling(LoopbackConnection):
        def transmit(self, command: CommandApdu) -> ResponseApdu:
            sent.append(command.header[:2].hex())
            answer = super().transmit(command)
            if (command.cla, command.ins) == header:
                disk.fill()
            return answer

    return Filling


def run(*arguments: object) -> dict[str, Any]:
    done = CliRunner().invoke(program, [str(word) for word in arguments], input="123456\n")
    told = json.loads(done.stdout) if "--json" in arguments and done.stdout else {}
    return {"code": done.exit_code, "err": done.stderr, **told}


def main(kind: str, folder: Path, images: Path) -> None:
    if kind == "tmpfs":
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)], check=True)
    disk = Tmpfs(folder) if kind == "tmpfs" else Limit(folder)
    for moment, header in MOMENTS.items():
        at_each_write(disk, folder, images, moment, header)
    without_a_card(disk, folder, images)


def at_each_write(
    disk: Tmpfs | Limit, folder: Path, images: Path, moment: str, header: tuple[int, int]
) -> None:
    card, psam = (folder.parent / f"{moment}.{kind}" for kind in ("card", "psam"))
    shutil.copy(images / "card", card)
    shutil.copy(images / "psam", psam)
    journal = folder / "journal.db"
    desk = ("--reader", f"image:{card}", "--psam-reader", f"image:{psam}", "--pin-stdin", "--json")
    book = ("--journal", journal)
    first = run("debit", "--account", "1.00", *desk, *book)
    sent: list[str] = []
    original: type[LoopbackConnection] = reader_search.LoopbackConnection
    reader_search.LoopbackConnection = filling(disk, header, sent)  # type: ignore[misc]
    try:
        full = run("debit", "--account", "12.34", *desk, *book)
    finally:
        reader_search.LoopbackConnection = original  # type: ignore[misc]
        disk.free()
    report = {
        "moment": moment,
        "first": first,
        "full": full,
        "sent": sent,
        "recovered": run("recover", *desk, *book),
        "check": run("journal", "check", *book, "--json"),
        "balance": run("balance", *desk),
        "next": run("debit", "--account", "1.01", *desk, *book),
    }
    print(json.dumps(report), flush=True)
    for file in folder.glob("journal.db*"):
        file.unlink()


def without_a_card(disk: Tmpfs | Limit, folder: Path, images: Path) -> None:
    journal = folder / "journal.db"
    run("day", "open", "--journal", journal)
    disk.fill()
    report = {
        "moment": "without a card",
        "day": run("day", "close", "--journal", journal, "--json"),
        "new": run("day", "open", "--journal", folder / "new.db", "--json"),
        "backup": run("journal", "backup", folder / "copy.db", "--journal", journal, "--json"),
        "move": run("journal", "move", folder / "moved.db", "--journal", journal, "--json"),
    }
    disk.free()
    report["files"] = sorted(file.name for file in folder.iterdir())
    report["after"] = run("day", "close", "--journal", journal, "--json")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
