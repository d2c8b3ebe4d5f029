"""`sscard card`: the family of commands about virtual cards; each is loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from .command import LazyGroup


class CardGroup(LazyGroup):
    """See messages, help.card."""

    commands_at: ClassVar[Mapping[str, str]] = {
        "new": "card_making:new",
        "batch": "card_making:batch",
        "serve": "card_serving:serve",
        "control": "card_control:control",
        "show": "card_serving:show",
    }


@click.group("card", cls=CardGroup)
def card() -> None:
    """See messages, help.card."""
