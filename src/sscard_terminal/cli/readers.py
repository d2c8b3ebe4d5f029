"""`sscard readers`: what readers there are and what is in them; it changes nothing and asks for no PIN."""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import LinkError, exclusively
from sscard_terminal.reader.pcsc import card_present, list_readers
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.psam import PsamFailure

from .command import Run, service
from .console import Console
from .exits import Exit
from .reader_search import opened, terminal_number_of


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a reader: `kind` is empty, card, psam, other or trouble (then `problem` is the link's reason)."""

    kind: str
    atr: str = ""
    terminal: str = ""
    problem: str = ""


@service("readers", has_settings=False)
def readers(run: Run) -> int:
    """See messages, help.readers."""
    names = [name for name in list_readers() if (run.reader or "").lower() in name.lower()]
    contents = {name: look_into(name) for name in names}
    for name, content in contents.items():
        run.console.say("readers.row", name=name, content=_words(run.console, content))
    if not names:
        run.console.warn("readers.none")
    rows = [{"name": name, **_facts(content)} for name, content in contents.items()]
    run.console.give({"readers": rows})
    return Exit.DONE if names else Exit.TROUBLE


def look_into(name: str) -> Content:
    """Find out what is in the reader, holding it for a moment."""
    try:
        if not card_present(name):
            return Content("empty")
        with opened(name) as connection, exclusively(connection):
            atr = connection.atr.hex().upper()
            terminal = terminal_number_of(connection)
            if terminal is not None:
                return Content("psam", atr, terminal)
            SocialSecurityCard(completing(connection)).enter_ssse()
            return Content("card", atr)
    except CardRefused:
        return Content("other", atr)
    except LinkError as error:
        return Content("trouble", problem=error.reason)
    except PsamFailure as failure:
        return Content("trouble", problem=str(failure.link))


def _words(console: Console, content: Content) -> str:
    problem = console.text(f"link.{content.problem}") if content.problem else ""
    return console.text(
        f"readers.{content.kind}", atr=content.atr, terminal=content.terminal, problem=problem
    )


def _facts(content: Content) -> dict[str, str]:
    fields = {"content": content.kind, "atr": content.atr, "terminal": content.terminal}
    return {name: value for name, value in {**fields, "problem": str(content.problem)}.items() if value}
