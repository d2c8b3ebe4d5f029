"""`sscard trace`: the family of commands about recorded conversations; each is loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from .command import LazyGroup


class TraceGroup(LazyGroup):
    """See messages, help.trace."""

    commands_at: ClassVar[Mapping[str, str]] = {
        "show": "trace_files:show",
        "export": "trace_files:export",
        "import": "trace_files:import_",
        "live": "trace_live:live",
        "dissector": "trace_files:dissector",
    }


@click.group("trace", cls=TraceGroup)
def trace() -> None:
    """See messages, help.trace."""
