"""`sscard upload`: bring the centre what waits for it, or say what waits (terminal/upload.py).

Where to, the settings say ([centre] upload) or --to. Not here: the centre's own HTTP link, which comes with the centre.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.requests import requests_on_their_way
from sscard_terminal.terminal.upload import CentreUnreachable, Ending, UploadReport
from sscard_terminal.terminal.upload import upload as send
from sscard_terminal.terminal.upload_file import UploadFile, upload_path
from sscard_terminal.terminal.upload_queue import waiting

from .command import BadValue, Run, service
from .console import Console
from .debit import opened_journal, opened_to_read
from .desk import now
from .exits import Exit, Stop
from .settings import settings_of
from .values import FilePath

_CODES = {
    Ending.NO_ANSWER: Exit.TROUBLE,
    Ending.TOOK_NOTHING: Exit.TROUBLE,
    Ending.NOT_BELIEVED: Exit.REFUSED,
    Ending.TRAINING: Exit.REFUSED,
}


class UploadTarget(click.ParamType[Path]):
    """file:PATH."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            return Path(upload_path(str(value)))
        except FormatError as error:
            raise BadValue("usage.upload-target", value=value) from error


@service("upload", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--to", metavar="file:PATH", type=UploadTarget())
@click.option("--status", is_flag=True)
@click.option("--journal", metavar="FILE", type=FilePath())
def upload(run: Run, to: Path | None, status: bool, journal: Path | None) -> int:
    """See messages, help.upload."""
    configuration = settings_of(run).configuration
    file = to or configuration.upload
    if file is None and not status:
        raise Stop(Exit.USAGE, "upload.not-configured")
    if status or file is None:
        with opened_to_read(configuration, journal) as book:
            _tell_status(run.console, book)
        return Exit.DONE
    with _told_of_counter(configuration), opened_journal(configuration, journal) as book:
        report = send(book, UploadFile(file), now)
        left = waiting(book).count
    _tell_news(run.console, report)
    if report.ending is not Ending.DONE:
        raise _stopped(report, left)
    run.console.say("upload.sent" if report.sent else "upload.nothing", sent=report.sent)
    run.console.give(_facts_of(report, left))
    return Exit.DONE


@contextmanager
def _told_of_counter(configuration: Configuration) -> Iterator[None]:
    """A journal that is open belongs to a counter, most likely; that one uploads by itself, unless it is told not to."""
    try:
        yield
    except JournalTrouble as trouble:
        if trouble.fault is not JournalFault.IN_USE:
            raise
        minutes = configuration.upload_every_minutes
        key = "upload.counter-does-it" if minutes else "upload.counter-is-open"
        raise Stop(Exit.REFUSED, key, file=trouble.path, minutes=minutes or None) from trouble


def _tell_status(console: Console, journal: Journal) -> None:
    queue, asked = waiting(journal), len(requests_on_their_way(journal))
    if queue.count:
        console.say("upload.waiting", waiting=queue.count, since=queue.since)
    else:
        console.say("upload.nothing")
    if queue.acknowledged_at is not None:
        console.say("upload.acknowledged", at=queue.acknowledged_at)
    if asked:
        console.say("upload.requests", count=asked)
    console.give(
        {
            "waiting": queue.count,
            "since": queue.since and str(queue.since),
            "acknowledged_event": queue.acknowledged or None,
            "acknowledged_at": queue.acknowledged_at and str(queue.acknowledged_at),
            "requests_on_their_way": asked,
        }
    )


def _tell_news(console: Console, report: UploadReport) -> None:
    for news in report.news:
        console.say(f"upload.{news.outcome}", request=news.request, reason=news.reason or "-")
    if report.disbelieved:
        console.warn("upload.disbelieved", count=report.disbelieved)


def _stopped(report: UploadReport, left: int) -> Stop:
    """The upload did not come to its end; nothing is lost, and `left` wait."""
    key, where = f"upload.{report.ending}", None
    if isinstance(report.trouble, CentreUnreachable):
        key, where = f"upload.{report.trouble.fault}", report.trouble.where
    return Stop(_CODES[report.ending], key, where=where, sent=report.sent, waiting=left)


def _facts_of(report: UploadReport, left: int) -> dict[str, Any]:
    news = [
        {"request": item.request, "outcome": str(item.outcome), "reason": item.reason or None}
        for item in report.news
    ]
    return {"sent": report.sent, "waiting": left, "news": news, "disbelieved": report.disbelieved}
