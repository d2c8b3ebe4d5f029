"""Counts at the end of a run which clauses of card.md the collected tests show, and names those that none shows.

A pytest plugin, loaded by tests/conftest.py. It counts what was collected, not what passed, so that it is the same in
one process and in many; a test that fails ends the run in red anyway. `--clauses` (make conformance) prints the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.conformance.clauses import clauses_present
from tests.conformance.excluded import EXCLUDED

COLLECTED: pytest.StashKey[dict[str, int]] = pytest.StashKey()
"""Clause → how many collected tests name it."""
FROM_WORKER = "clauses"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clauses", action="store_true", help="print the table of card.md's clauses, covered and not"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COLLECTED] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """First, so that what -k or -m takes away again still counts."""
    config.stash[COLLECTED] = dict(Counter(named_by(items)))


def named_by(items: Iterable[pytest.Item]) -> list[str]:
    """Every clause that these tests name, as often as they do."""
    return [name for item in items for mark in item.iter_markers("clause") for name in mark.args]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[FROM_WORKER] = session.config.stash[COLLECTED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects everything: one is enough. One that died has no output."""
    node.config.stash[COLLECTED] |= getattr(node, "workeroutput", {}).get(FROM_WORKER, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    shown = config.stash[COLLECTED]
    if not shown:
        return
    present = clauses_present()
    wanted = [name for name in present if name not in EXCLUDED]
    uncovered = [name for name in wanted if name not in shown]
    write = terminalreporter.write_line
    if config.getoption("--clauses"):
        terminalreporter.section("clauses of card.md")
        for line in _table(wanted, set(uncovered)):
            write(line)
        for name in uncovered:
            write(f"not covered: {name} (card.md:{present[name].line})")
    write(
        f"clauses covered / clauses present: {len(wanted) - len(uncovered)} / {len(present)};"
        f" {len(EXCLUDED)} excluded with a reason, {len(uncovered)} not covered"
    )


def _table(wanted: list[str], uncovered: set[str]) -> Iterable[str]:
    sections = list(dict.fromkeys(name.split(" ")[0] for name in wanted))
    for section in sections:
        here = [name for name in wanted if name.split(" ")[0] == section]
        missing = sum(name in uncovered for name in here)
        yield f"card.md §{section:5} {len(here) - missing:4} / {len(here):4}"
