"""Starts `sscard` processes at once: all is imported already, and each command runs in a fork of its own.

Run: python -m tests.torture.terminal.forker
One line on standard input is one command: arguments, standard input and the file for all output, in JSON. The answers are
"started PID" and, when it is gone, "ended CODE" (-9 after a SIGKILL).
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

AHEAD = (
    "smartcard.scard",
    "sscard_terminal.cli.main",
    "sscard_terminal.cli.debit",
    "sscard_terminal.cli.sentences",
)


def main() -> None:
    for name in AHEAD:
        import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(order)
        print("started", pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


def _run(order: dict[str, Any]) -> NoReturn:
    """The program as if it had been started anew, with its own three streams."""
    from sscard_terminal.cli.main import main as sscard

    code = 70
    try:
        reader, writer = os.pipe()
        os.write(writer, order["input"].encode())
        os.close(writer)
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for fd, stream in ((reader, 0), (output, 1), (output, 2)):
            os.dup2(fd, stream)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["sscard", *order["arguments"]]
        sscard()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
