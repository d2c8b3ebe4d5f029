"""The one place where an error becomes a sentence and an exit code.

Not here: the sentences (messages) and outcomes that are values, which `stop_of` of outcomes.py turns into a Stop first.
Loaded only when something went wrong.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any

import click

from sscard_terminal.card.image import ImageError
from sscard_terminal.cardspec.issuing import HostUnreachable
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.reader.private_pcscd import PcscdUnavailable
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.psam import PsamFailure
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.told import failed, for_programs, sentence

from .command import BadValue
from .details import NO_PCSCD, detail_in
from .exits import Exit, StillOpen, Stop
from .outcomes import stop_of

KNOWN_ERRORS: tuple[type[BaseException], ...] = (
    Stop,
    StillOpen,
    click.ClickException,
    click.Abort,
    LinkError,
    PsamFailure,
    CardRefused,
    JournalTrouble,
    HostUnreachable,
    ImageError,
    FormatError,
    PcscdUnavailable,
    OSError,
)
"""What a command may end with. Anything else is a mistake of ours (main._bug)."""

_CALLERS_MISTAKE = (
    JournalFault.NOT_A_JOURNAL,
    JournalFault.FOR_TRAINING,
    JournalFault.NOT_FOR_TRAINING,
)
# EAGAIN is a lock somebody else holds (card/memory.py, ImageInUse; not imported, for it needs a Unix).
_SYSTEM_ERRORS = {
    errno.ENOENT: (Exit.USAGE, "file.not-found"),
    errno.ENOTDIR: (Exit.USAGE, "file.not-found"),
    errno.EISDIR: (Exit.USAGE, "file.is-folder"),
    errno.EACCES: (Exit.USAGE, "file.no-rights"),
    errno.EPERM: (Exit.USAGE, "file.no-rights"),
    errno.EROFS: (Exit.USAGE, "file.no-rights"),
    errno.EEXIST: (Exit.USAGE, "image.exists"),
    errno.EAGAIN: (Exit.REFUSED, "image.in-use"),
    errno.ENOSPC: (Exit.REFUSED, "file.no-room"),
    errno.EDQUOT: (Exit.REFUSED, "file.no-room"),
}
_MONEY = {Exit.REFUSED: "not-charged", Exit.TROUBLE: "not-charged", Exit.UNVERIFIED: "to-be-verified"}


@dataclass(frozen=True, slots=True)
class Report:
    """How a command ended: exit code, the sentence with its key, and the facts for --json."""

    code: Exit
    key: str
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)


def report_of(error: BaseException, language: Language) -> Report:
    """The report of any of KNOWN_ERRORS."""
    if isinstance(error, StillOpen) and error.__cause__ is not None:
        return _still_open(report_of(error.__cause__, language), language)
    stop = _stop_of(error, language)
    facts = for_programs(stop.facts)
    if stop.code in _MONEY:
        facts = {"money": _MONEY[stop.code], **facts}
    return Report(stop.code, stop.key, sentence(language, stop.key, stop.facts), facts)


def _still_open(report: Report, language: Language) -> Report:
    """The same report where money did move, perhaps, in a sale before this one."""
    words = text(language, "money.not-charged"), text(language, "money.still-open")
    facts = {**report.facts, "money": _MONEY[Exit.UNVERIFIED]}
    return Report(Exit.UNVERIFIED, report.key, report.sentence.replace(*words), facts)


def _stop_of(error: BaseException, language: Language) -> Stop:
    match error:
        case Stop():
            return error
        case click.Abort():
            return Stop(Exit.REFUSED, "interrupted")
        case click.ClickException():
            return _usage(error)
        case JournalTrouble() if error.fault in _CALLERS_MISTAKE:
            return Stop(Exit.USAGE, f"journal.{error.fault}", file=error.path)
        case LinkError() | PsamFailure() | CardRefused() | JournalTrouble():
            return stop_of(failed(error))
        case HostUnreachable():
            return Stop(Exit.TROUBLE, "declined.host-unreachable")
        case PcscdUnavailable():
            return Stop(Exit.TROUBLE, "demo.no-pcsc", problem=detail_in(language, str(error), NO_PCSCD))
        case OSError():
            return _system(error)
        case _:
            return Stop(Exit.USAGE, "format.wrong", detail=detail_in(language, str(error)))


def _usage(error: click.ClickException) -> Stop:
    """click's own complaints, in our words; its texts may quote an argument, ours only names."""
    match error:
        case BadValue():
            return Stop(Exit.USAGE, error.key, **error.facts)
        case click.NoSuchOption():
            return Stop(Exit.USAGE, "usage.no-such-option", option=error.option_name)
        case click.MissingParameter():
            return Stop(Exit.USAGE, "usage.missing", param=_param_name(error.param))
        case click.BadOptionUsage():
            return Stop(Exit.USAGE, "usage.option-value", option=error.option_name)
        case click.BadParameter() if error.param is not None:
            return Stop(Exit.USAGE, "usage.option-value", option=_param_name(error.param))
        case click.UsageError() if "extra argument" in error.message:
            return Stop(Exit.USAGE, "usage.too-many")
        case _:
            return Stop(Exit.USAGE, "usage.other")


def _param_name(param: click.Parameter | None) -> str:
    if param is None:
        return "?"
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.make_metavar(None)  # type: ignore[arg-type]


def _system(error: OSError) -> Stop:
    file = error.filename2 or error.filename or "?"
    code, key = _SYSTEM_ERRORS.get(error.errno or 0, (Exit.REFUSED, "file.other"))
    return Stop(code, key, file=file, errno=error.errno)
