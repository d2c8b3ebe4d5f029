"""`sscard conform`: a card or a PSAM against card.md, clause by clause, and a certificate of it.

Not here: the suite and its running (lab/conformance).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TextIO

import click

from .command import BadValue, Run, service
from .exits import Exit, Stop
from .script_files import script_errors

if TYPE_CHECKING:
    from sscard_terminal.lab.conformance.certificate import Certificate, Licence, Shown
    from sscard_terminal.lab.conformance.suite import Subject
    from sscard_terminal.lab.run.targets import Target

IMAGE_PREFIX = "image:"
USUAL_SEED = 1
"""The same challenges each time, so that a run can be done again."""


@service("conform", has_trace=False, has_settings=False)
@click.option("--profile", metavar="PROFILE")
@click.option("--html", metavar="FILE")
@click.option("--with-pin", is_flag=True)
@click.option("--pin-stdin", is_flag=True)
@click.option("--list", "only_list", is_flag=True)
def conform(
    run: Run, profile: str | None, html: str | None, with_pin: bool, pin_stdin: bool, only_list: bool
) -> int:
    """See messages, help.conform."""
    if only_list:
        return _list(run)
    if (profile is None) == (run.reader is None):
        raise BadValue("usage.conform-which")
    if profile is not None and (with_pin or pin_stdin):
        raise BadValue("usage.conform-pin")
    with script_errors(run.console.language), ExitStack() as stack:
        from sscard_terminal.lab.conformance.page import page

        stream = _page_at(stack, html) if html else None
        certificate = _run(run, partial(_subject, run, profile, with_pin or pin_stdin, pin_stdin))
        if stream is not None:
            stream.write(page(certificate, run.console.language))
    _tell(run, certificate)
    if not certificate.is_whole:
        return Exit.TROUBLE
    return Exit.DONE if certificate.conforms else Exit.REFUSED


def _page_at(stack: ExitStack, path: str) -> TextIO:
    """Where the page goes, open before anything is sent.

    Raises:
        Stop: it cannot be written.
    """
    from sscard_terminal.lab.reports.places import whole_file

    try:
        return stack.enter_context(whole_file(path))
    except OSError as error:
        raise Stop(Exit.USAGE, "script.report-unwritable", file=path, problem=error.strerror) from error


def _run(run: Run, subject_of: Callable[[], tuple[Subject, dict[str, Target], Licence]]) -> Certificate:
    from sscard_terminal.lab.conformance import running

    subject, targets, licence = subject_of()
    try:
        return running.conform(
            subject,
            targets,
            licence=licence,
            began=datetime.now().astimezone(),
            told=lambda file, shown: _tell_failure(run, file, shown),
        )
    finally:
        for target in targets.values():
            target.close()


def _subject(
    run: Run, profile: str | None, with_pin: bool, pin_stdin: bool
) -> tuple[Subject, dict[str, Target], Licence]:
    """What is judged, and what may be done to it."""
    from sscard_terminal.iso7816.errors import FormatError
    from sscard_terminal.lab.conformance.certificate import Licence
    from sscard_terminal.lab.conformance.subjects import virtual_subject

    if profile is not None:
        try:
            return (*virtual_subject(profile, USUAL_SEED), Licence.EVERYTHING)
        except FormatError as error:
            raise BadValue("usage.conform-profile", problem=str(error)) from error
    return _in_reader(run, with_pin, pin_stdin)


def _in_reader(run: Run, with_pin: bool, pin_stdin: bool) -> tuple[Subject, dict[str, Target], Licence]:
    """What is in the reader; its PIN is asked for first, and verified once before the suite may use it.

    Raises:
        Stop: it is no such card, its PIN is wrong, or it has fewer than two tries left; the suite has not begun.
    """
    from sscard_terminal.lab.conformance.certificate import Licence
    from sscard_terminal.lab.conformance.subjects import Foreign, reader_subject
    from sscard_terminal.reader.pcsc import open_reader
    from sscard_terminal.terminal.configuration import Configuration

    from .reader_search import named_reader

    name = str(named_reader(Configuration(), run.reader))
    if name.startswith(IMAGE_PREFIX):
        raise BadValue("usage.conform-which")
    pin = _asked_pin(run, pin_stdin) if with_pin else b""
    try:
        subject, targets = reader_subject(lambda: open_reader(name), name, pin)
    except Foreign as foreign:
        raise Stop(Exit.TROUBLE, "conform.foreign", reader=name) from foreign
    if not pin:
        return subject, targets, Licence.READ_ONLY
    _require_right_pin(next(iter(targets.values())), pin)
    return subject, targets, Licence.WITH_PIN


def _asked_pin(run: Run, pin_stdin: bool) -> bytes:
    from .pins import asked, expected_line

    pin = expected_line() if pin_stdin else asked(run.console, "conform.ask-pin")
    try:
        return pin.to_bcd()
    finally:
        pin.wipe()


def _require_right_pin(target: Target, pin: bytes) -> None:
    """One VERIFY, with at least two tries left.

    Raises:
        Stop: too few tries, or it is wrong.
    """
    from sscard_terminal.lab.run.exact import exact
    from sscard_terminal.lab.run.guard import LEAST_TRIES, tries_left

    tries = tries_left(target)
    if tries is not None and tries < LEAST_TRIES:
        raise Stop(Exit.REFUSED, "conform.few-tries", tries=tries)
    answer = target.transmit(exact(bytes.fromhex("00200000") + bytes((len(pin),)) + pin))
    target.power_off()
    if not answer.sw.is_success:
        raise Stop(Exit.REFUSED, "conform.wrong-pin", sw=answer.sw)


def _tell_failure(run: Run, file: str, shown: Shown) -> None:
    """Each failure as it comes."""
    from sscard_terminal.lab.reports.telling import Narrator

    if not shown.failures:
        return
    run.console.say("conform.failed", file=file, title=shown.title, clauses="; ".join(shown.clauses))
    narrator = Narrator(run.console.language)
    for step in shown.failures:
        told = narrator.tell(step)
        run.console.print(f"    {step.at}  {told.sent}  {told.sent_says}".rstrip())
        run.console.print(f"        {step.expected} | {told.got}  {told.got_says}  {told.problem}".rstrip())


def _tell(run: Run, certificate: Certificate) -> None:
    from sscard_terminal.lab.conformance.certificate import Licence, Standing
    from sscard_terminal.lab.conformance.page import reasons_of

    console = run.console
    for chapter, clauses in certificate.by_chapter().items():
        counts = {standing: sum(clause.standing is standing for clause in clauses) for standing in Standing}
        console.say(
            "conform.chapter",
            chapter=f"{chapter:<5}",
            passed=counts[Standing.PASSED],
            failed=counts[Standing.FAILED],
            other=counts[Standing.NOT_APPLICABLE] + counts[Standing.UNSCRIPTED],
        )
    outcome = "passed" if certificate.conforms else "failed"
    console.say(
        "conform.total",
        outcome=console.text(f"conform.outcome.{outcome}"),
        subject=certificate.subject.says,
        passed=certificate.count(Standing.PASSED),
        failed=certificate.count(Standing.FAILED),
        not_applicable=certificate.count(Standing.NOT_APPLICABLE),
        unscripted=certificate.count(Standing.UNSCRIPTED),
        clauses=len(certificate.clauses),
    )
    if certificate.licence is not Licence.EVERYTHING:
        console.say(f"conform.licence.{certificate.licence}")
    if not certificate.is_whole:
        console.warn("conform.broken")
    console.give(
        {
            "conforms": certificate.conforms,
            "subject": certificate.subject.says,
            "atr": certificate.subject.atr.hex().upper(),
            "profile": certificate.profile,
            "licence": str(certificate.licence),
            "whole": certificate.is_whole,
            "counts": {str(standing): certificate.count(standing) for standing in Standing},
            "clauses": [
                {
                    "clause": clause.name,
                    "standing": str(clause.standing),
                    "files": list(dict.fromkeys(shown.file for shown in clause.shown if not shown.reason)),
                    **(
                        {"reasons": [str(reason) for reason in reasons_of(clause)]}
                        if clause.standing is Standing.NOT_APPLICABLE
                        else {}
                    ),
                    **({"why": clause.why} if clause.why else {}),
                }
                for clause in certificate.clauses
            ],
        }
    )


def _list(run: Run) -> int:
    """Every clause with the files that show it, or why none does."""
    from sscard_terminal.lab.conformance.suite import Subject, clauses, clauses_of, suite, unscripted
    from sscard_terminal.lab.script.syntax import Section

    shown: dict[str, dict[str, None]] = {}
    for subject in Subject:
        for file in suite(subject):
            for statement in file.script.statements:
                for name in clauses_of(statement) if isinstance(statement, Section) else ():
                    shown.setdefault(name, {})[file.name] = None
    for name in clauses():
        files = ", ".join(shown.get(name, ())) or unscripted().get(name, "")
        run.console.print(f"{name:<50}  {files}")
    run.console.give(
        {
            "clauses": [
                {"clause": name, "files": list(shown.get(name, ())), "why": unscripted().get(name, "")}
                for name in clauses()
            ]
        }
    )
    return Exit.DONE
