"""`sscard script`: scripts run, converted, checked; each command is loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from .command import LazyGroup


class ScriptGroup(LazyGroup):
    """See messages, help.script."""

    commands_at: ClassVar[Mapping[str, str]] = {
        "run": "script_run:run",
        "check": "script_check:check",
        "convert": "script_check:convert",
    }


@click.group("script", cls=ScriptGroup)
def script() -> None:
    """See messages, help.script."""
