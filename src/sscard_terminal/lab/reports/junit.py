"""Runs as JUnit XML for CI servers: a test suite a section, a test case for every step that something was expected of.

Not here: what happened (run/events.py). The form is that of Jenkins' xunit plug-in (junit-10.xsd); a test holds it to a
schema of the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from sscard_terminal.iso7816.status import Language

from ..run.events import Event, Result, RunBegan, RunEnded, SectionResult, Step, Verdict
from .telling import Narrator, Told

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Junit:
    """Listens to runs; `document` is what there is to say about all of them."""

    def __init__(self, language: Language, began: datetime | None = None) -> None:
        self._narrator = Narrator(language)
        self._began = began or datetime.now(UTC)
        self._told: list[tuple[Step, Told]] = []
        self._sections: list[tuple[SectionResult, list[tuple[Step, Told]]]] = []
        self._root = Element("testsuites", name="sscard script run")
        self._elapsed_s = 0.0
        self._file = ""

    def hear(self, event: Event) -> None:
        self._narrator.hear(event)
        match event:
            case RunBegan():
                self._file, self._sections = event.file, []
            case Step():
                told = self._narrator.tell(event)
                if event.verdict is not Verdict.DONE:
                    self._told.append((event, told))
            case SectionResult():
                self._sections.append((event, self._told))
                self._told = []
            case RunEnded(result):
                self._elapsed_s += result.elapsed_s
                for section, steps in self._sections:
                    self._suite(result, section, steps)
            case _:
                pass

    def _suite(self, result: Result, section: SectionResult, steps: list[tuple[Step, Told]]) -> None:
        not_applicable = section.outcome is Verdict.NOT_APPLICABLE
        title = section.title or self._file
        suite = SubElement(
            self._root,
            "testsuite",
            name=_clean(title),
            tests=str(1 if not_applicable else len(steps)),
            failures=str(sum(step.verdict is Verdict.FAILED for step, _ in steps)),
            errors=str(sum(step.verdict is Verdict.BROKEN for step, _ in steps)),
            skipped=str(int(not_applicable)),
            time=_seconds(section.elapsed_s),
            timestamp=f"{self._began:%Y-%m-%dT%H:%M:%S}",
            file=_clean(section.at.file),
        )
        _properties(suite, result, section)
        package = _package(self._file, title)
        if not_applicable:
            case = SubElement(suite, "testcase", classname=package, name=_clean(title), time="0.000")
            SubElement(case, "skipped", message=_clean(self._narrator.reason(section)))
        for step, told in steps:
            _case(suite, package, step, told)

    def document(self) -> bytes:
        """The XML, UTF-8."""
        suites = list(self._root)
        for name in ("tests", "failures", "errors"):
            self._root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
        self._root.set("time", _seconds(self._elapsed_s))
        indent(self._root)
        tree = ElementTree(self._root)
        from io import BytesIO

        stream = BytesIO()
        tree.write(stream, encoding="utf-8", xml_declaration=True)
        return stream.getvalue() + b"\n"


def _properties(suite: Element, result: Result, section: SectionResult) -> None:
    facts: Iterable[tuple[str, str]] = (
        ("requirement", section.requirement),
        ("seed", "" if result.seed is None else str(result.seed)),
        *((f"card.{card.name}", card.says or card.kind) for card in result.targets),
    )
    found = [(name, value) for name, value in facts if value]
    if found:
        properties = SubElement(suite, "properties")
        for name, value in found:
            SubElement(properties, "property", name=_clean(name), value=_clean(value))


def _case(suite: Element, package: str, step: Step, told: Told) -> None:
    name = f"{step.at.line}: {told.title}"
    case = SubElement(suite, "testcase", classname=package, name=_clean(name), time=_seconds(step.elapsed_s))
    if step.verdict is Verdict.PASSED:
        return
    kind = "error" if step.verdict is Verdict.BROKEN else "failure"
    trouble = SubElement(case, kind, type=str(step.problems[0]), message=_clean(told.problem))
    lines = (
        f"{step.at}",
        f"> {told.sent}",
        f"expected {step.expected}" if step.expected else "",
        f"< {told.got or step.link}  {told.got_says}",
    )
    trouble.text = _clean("\n".join(line for line in lines if line))


def _package(file: str, title: str) -> str:
    """`folder.script.section`, as CI servers sort by; dots of the names would be taken for steps."""
    stem = re.split(r"[\\/]", file)[-1].rsplit(".", 1)[0]
    return _clean(f"{stem.replace('.', '_')}.{title.replace('.', '_')}")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _clean(text: str) -> str:
    """What XML can hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
