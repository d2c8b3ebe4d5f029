"""Which language to speak: said on the command line, else by the locale; the words themselves are in messages.

Kept light: `sscard --help` loads it. It looks before click does, so that usage errors and help are in it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sscard_terminal.iso7816.status import Language

LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""In the order of their precedence. Source: POSIX, "Environment Variables"."""


def language_of(args: Sequence[str], environment: Mapping[str, str]) -> Language:
    """`--lang` where it is given and known, else Chinese in a Chinese locale, else English."""
    match option_value(args, "--lang"):
        case "zh":
            return "zh"
        case "en":
            return "en"
    locale = next((environment[name] for name in LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def option_value(args: Sequence[str], option: str) -> str | None:
    """The last value `option` is given before a lone `--`; None where it is not given."""
    value = None
    for position, arg in enumerate(args):
        if arg == "--":
            break
        if arg == option:
            value = args[position + 1] if position + 1 < len(args) else None
        elif arg.startswith(option + "="):
            value = arg.removeprefix(option + "=")
    return value
