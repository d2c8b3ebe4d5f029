"""`sscard doctor`: says what is wrong and how to mend it; what it knows to look for is in diagnosis.py."""

from __future__ import annotations

from datetime import timedelta

from .command import Run, service
from .console import Console
from .desk import now
from .diagnosis import Finding, Level, examined, judged, judged_keys
from .exits import Exit
from .settings import configuration_of


@service("doctor", has_trace=False)
def doctor(run: Run) -> int:
    """See messages, help.doctor."""
    console = run.console
    facts = examined(run.reader or "")
    ahead = timedelta(days=configuration_of(run).warn_before_key_end_days)
    findings = [*judged(facts), *judged_keys(facts.readers, now().date(), ahead)]
    for finding in findings:
        console.print(f" {console.mark(finding.level is not Level.FAULT)} {_words(console, finding)}")
    faults = sum(finding.level is Level.FAULT for finding in findings)
    console.say("doctor.faults" if faults else "doctor.well", count=faults)
    console.give({"faults": faults, "findings": [_facts_of(console, finding) for finding in findings]})
    return Exit.TROUBLE if faults else Exit.DONE


def _words(console: Console, finding: Finding) -> str:
    facts = dict(finding.facts)
    if finding.key == "reader-busy":
        facts["programs"] = facts["programs"] or console.text("doctor.unknown-programs")
    if finding.key == "reader-trouble":
        facts["problem"] = console.text(f"link.{facts['problem']}")
    return console.text(f"doctor.{finding.key}", **facts)


def _facts_of(console: Console, finding: Finding) -> dict[str, object]:
    message = _words(console, finding)
    return {"finding": finding.key, "level": finding.level.value, "message": message, **finding.facts}
