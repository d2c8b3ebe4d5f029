"""`sscard script run`: scripts against a card, told as they go, with reports for people and for CI servers.

Not here: running (lab/run), the reports' forms (lab/reports), what is shown meanwhile (script_progress.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError

from .command import Run, service
from .exits import Exit, Stop
from .script_files import Format, read, script_errors
from .trace import NoTrace, Trace, tracing_to
from .values import FilePath

if TYPE_CHECKING:
    from sscard_terminal.lab.run.events import Event, Listener, Result
    from sscard_terminal.lab.run.opening import Choice
    from sscard_terminal.lab.run.runner import Options
    from sscard_terminal.lab.run.targets import Target
    from sscard_terminal.lab.script.syntax import Script

REPORTS = ("junit", "tap", "jsonl", "html")
MOST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else the command line says."""

    files: tuple[Path, ...]
    format_name: str | None
    choice: Choice
    only: tuple[str, ...]
    stop_on_first: bool
    seed: int
    allow_destructive: bool


def _report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(REPORTS):
        function = click.option(f"--{name}", metavar="FILE")(function)
    return function


@service("run")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=FilePath())
@click.option("--card", "profile", metavar="PROFILE")
@click.option("--person", metavar="NAME|FILE")
@click.option("--balance", metavar="YUAN")
@click.option("--image", metavar="FILE")
@click.option("--transcript", metavar="FILE")
@click.option("--format", "format_name", metavar="NAME", type=Format())
@click.option("--list", "only_list", is_flag=True)
@click.option("--only", metavar="SECTION", multiple=True)
@click.option("--stop-on-first", is_flag=True)
@click.option("--seed", metavar="NUMBER", type=click.IntRange(0, MOST_SEED))
@_report_options
@click.option("--allow-destructive", is_flag=True)
def run(run: Run, files: tuple[Path, ...], **given: Any) -> int:
    """See messages, help.script run."""
    with script_errors(run.console.language):
        if given["only_list"]:
            return _list(run, files, given["format_name"])
        return _run(run, _wanted(run, files, given), given)


def _wanted(run: Run, files: tuple[Path, ...], given: dict[str, Any]) -> Wanted:
    from sscard_terminal.lab.run.opening import Choice

    here = Path.cwd()
    choice = Choice(
        profile=given["profile"] or "",
        person=given["person"] or "",
        balance=given["balance"] or "",
        image=str(here / given["image"]) if given["image"] else "",
        reader=_reader_of(run.reader),
        transcript=str(here / given["transcript"]) if given["transcript"] else "",
        psam_reader=_reader_of(run.psam_reader),
    )
    seed = secrets.randbelow(MOST_SEED) if given["seed"] is None else given["seed"]
    return Wanted(
        files,
        given["format_name"],
        choice,
        given["only"],
        given["stop_on_first"],
        seed,
        given["allow_destructive"],
    )


def _reader_of(told: str | None) -> str:
    """A reader's name, or an image file, which is looked for from here and not from the script's folder."""
    from sscard_terminal.lab.run.opening import IMAGE_PREFIX

    if told is None or not told.startswith(IMAGE_PREFIX):
        return told or ""
    return IMAGE_PREFIX + str(Path.cwd() / told.removeprefix(IMAGE_PREFIX))


def _run(run: Run, wanted: Wanted, given: dict[str, Any]) -> int:
    """Every file is read before the first is run, and every report's file is open before anything is sent."""
    from .script_progress import Progress

    console = run.console
    scripts = [read(file, wanted.format_name, console) for file in wanted.files]
    _require_sections(scripts, wanted.only)
    with ExitStack() as stack:
        listeners = _reports(stack, given, run)
        trace = stack.enter_context(tracing_to(run.trace, console.language))
        progress = Progress(console)
        stack.callback(progress.clear)

        def hear(event: Event) -> None:
            progress.hear(event)
            for listener in listeners:
                listener(event)

        results: list[Result] = []
        for script, file in zip(scripts, wanted.files, strict=True):
            result = _one(script, file, wanted, run, trace, hear)
            results.append(result)
            if wanted.stop_on_first and result.exit_code:
                break
    progress.say_total(results, wanted.seed)
    console.give(_summary(results, wanted.seed))
    return max((int(result.exit_code) for result in results), default=int(Exit.DONE))


def _require_sections(scripts: list[Script], only: tuple[str, ...]) -> None:
    """A title that is nowhere would be a run that passes since nothing was run.

    Raises:
        Stop: one of `only` is in no section's title.
    """
    from sscard_terminal.lab.script.syntax import Section, walk

    titles = [
        statement.title.casefold()
        for script in scripts
        for statement in walk(script.statements)
        if isinstance(statement, Section)
    ]
    for wanted in only:
        if not any(wanted.casefold() in title for title in titles):
            raise Stop(Exit.USAGE, "script.no-section", wanted=wanted)


def _one(
    script: Script, file: Path, wanted: Wanted, run: Run, trace: Trace | NoTrace, hear: Listener
) -> Result:
    from sscard_terminal.lab.run.guard import require_harmless
    from sscard_terminal.lab.run.opening import opened_targets
    from sscard_terminal.lab.run.runner import run as run_script
    from sscard_terminal.lab.run.runner import unreachable

    targets: dict[str, Target] = {}
    try:
        targets = opened_targets(script, wanted.choice, wanted.seed, file.parent)
        for name, target in targets.items():
            target.around = partial(trace.around, speaker=name)
        require_harmless(script, targets, allow_destructive=wanted.allow_destructive)
        return run_script(script, targets, options=_options(wanted, run), listener=hear)
    except LinkError as error:
        return unreachable(script, error, listener=hear)
    finally:
        for target in targets.values():
            target.close()


def _options(wanted: Wanted, run: Run) -> Options:
    from sscard_terminal.lab.run.runner import Options
    from sscard_terminal.lab.script.syntax import Position

    from .pins import asked

    def ask_pin(at: Position, name: str) -> Pin:
        return asked(run.console, "script.ask-pin", name=name, place=at)

    return Options(
        only=wanted.only,
        stop_on_first=wanted.stop_on_first,
        keep_steps=False,
        seed=wanted.seed,
        ask_pin=ask_pin,
    )


def _reports(stack: ExitStack, given: dict[str, Any], run: Run) -> list[Listener]:
    """Listeners for the reports that are wanted; what they write is there when `stack` ends.

    Raises:
        Stop: one cannot be written.
    """
    from sscard_terminal.lab.reports.html import HtmlPage
    from sscard_terminal.lab.reports.jsonlines import JsonLines
    from sscard_terminal.lab.reports.junit import Junit
    from sscard_terminal.lab.reports.places import line_by_line, whole_file
    from sscard_terminal.lab.reports.tap import Tap

    language = run.console.language
    found: list[Listener] = []
    if given["junit"]:
        junit = Junit(language)
        stream = _entered(stack, whole_file(given["junit"]), given["junit"])
        stack.callback(lambda: stream.write(junit.document().decode("utf-8")))
        found.append(junit.hear)
    if given["html"]:
        page_stream = _entered(stack, whole_file(given["html"]), given["html"])
        page = HtmlPage(page_stream.write, language, datetime.now().astimezone())
        stack.callback(page.finish)
        found.append(page.hear)
    if given["tap"]:
        tap = Tap(_entered(stack, line_by_line(given["tap"]), given["tap"]).write, language)
        stack.callback(tap.finish)
        found.append(tap.hear)
    if given["jsonl"]:
        lines = _entered(stack, line_by_line(given["jsonl"]), given["jsonl"])
        found.append(JsonLines(lines.write, language).hear)
    return found


def _entered(stack: ExitStack, file: AbstractContextManager[TextIO], path: str) -> TextIO:
    try:
        return stack.enter_context(file)
    except OSError as error:
        raise Stop(Exit.USAGE, "script.report-unwritable", file=path, problem=error.strerror) from error


def _summary(results: list[Result], seed: int) -> dict[str, object]:
    from sscard_terminal.lab.run.events import Verdict

    sections = [
        {"file": result.file, "section": section.title, "requirement": section.requirement,
         "outcome": str(section.outcome)}
        for result in results
        for section in result.sections
    ]  # fmt: skip
    counted = {
        str(verdict): sum(result.count(verdict) for result in results)
        for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.BROKEN, Verdict.DONE)
    }
    code = max((int(result.exit_code) for result in results), default=0)
    return {"exit": code, **counted, "seed": seed, "sections": sections}


def _list(run: Run, files: tuple[Path, ...], format_name: str | None) -> int:
    from sscard_terminal.lab.script.syntax import Section, walk

    rows = []
    for file in files:
        for statement in walk(read(file, format_name, run.console).statements):
            if isinstance(statement, Section):
                at = f"{statement.at.file}:{statement.at.line}"
                run.console.print(f"{at}  {statement.title}  {statement.requirement}".rstrip())
                rows.append({"at": at, "title": statement.title, "requirement": statement.requirement})
    run.console.give({"sections": rows})
    return Exit.DONE
