"""The four reports of one run: JUnit against a schema, TAP against its grammar, JSON lines, the page; and no PIN in any."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from lxml import etree

from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.reports.html import HtmlPage
from sscard_terminal.lab.reports.jsonlines import JsonLines
from sscard_terminal.lab.reports.junit import Junit
from sscard_terminal.lab.reports.places import line_by_line, whole_file
from sscard_terminal.lab.reports.tap import Tap
from sscard_terminal.lab.run.events import Event, Listener, RunBegan
from tests.lab.run.scripts import CARD, SSSE, ran

SCHEMA = Path(__file__).parents[2] / "fixtures/junit-ci.xsd"
BEGAN = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)
MARKED_PIN = "97 53 11"
TEXT = (
    CARD
    + f"""\
section "PIN & <lock> 密码" requirement "card.md 3"
{SSSE} -> [] 6118
00 20 00 00 03 {MARKED_PIN} -> 63C1
00 20 00 00 -> [] 63C2
echo "halfway # there"
section "of another kind" only gen3
00 84 00 00 08 -> 9000
section "nothing expected"
00 84 00 00 08
section "pulled out" requirement "card.md 7"
00 84 00 00 08 -> [A0 xx*] 9000
eject
00 84 00 00 08 -> 9000
"""
)
"""One of each: passed, failed by the status word, by the data, not applicable, nothing expected, the link broken."""


def heard(listener: Listener) -> None:
    for event in ran(TEXT, seed=1).events:
        listener(event)


def written(report: Callable[[Callable[[str], object]], Any], finish: bool = True) -> str:
    parts: list[str] = []
    found = report(parts.append)
    heard(found.hear)
    if finish:
        found.finish()
    return "".join(parts)


def junit(language: Language = "en") -> bytes:
    found = Junit(language, BEGAN)
    heard(found.hear)
    return found.document()


# JUnit --------------------------------------------------------------------------------------------------------


def test_the_junit_report_passes_the_schema_of_ci_servers() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))

    schema.assertValid(etree.fromstring(junit()))


def test_the_schema_refuses_what_ci_servers_refuse() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    wrong = junit().replace(b"<testcase ", b"<test ").replace(b"</testcase>", b"</test>")

    assert not schema.validate(etree.fromstring(wrong))


def test_a_suite_is_a_section_and_a_case_what_was_expected() -> None:
    root = ElementTree.fromstring(junit())
    suites = {suite.get("name"): suite for suite in root}

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "2", "1")
    lock = suites["PIN & <lock> 密码"]
    assert (lock.get("tests"), lock.get("failures"), lock.get("timestamp")) == (
        "3",
        "1",
        "2026-01-05T10:15:30",
    )
    properties = {found.get("name"): found.get("value") for found in lock.iter("property")}
    assert properties == {"requirement": "card.md 3", "seed": "1", "card.card": "gen2-32k zhang-san"}
    (failure,) = lock.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("word", "the status word is 63C2")
    assert failure.text is not None and "f:4:1\n> 0020000003******\nexpected 63C1\n< 63C2" in failure.text
    assert [case.tag for case in suites["of another kind"].iter("skipped")] == ["skipped"]
    assert suites["nothing expected"].get("tests") == "0"
    assert [error.get("type") for error in suites["pulled out"].iter("error")] == ["no-answer"]


def test_what_xml_cannot_hold_is_replaced() -> None:
    report = Junit("en", BEGAN)
    for event in ran(CARD.replace("zhang-san", "zhang-san") + 'section "a\x01b"\n00 84 -> 9000').events:
        report.hear(event)

    assert ElementTree.fromstring(report.document())[0].get("name") == "a\ufffdb"


# TAP ----------------------------------------------------------------------------------------------------------

TAP_LINE = re.compile(
    r"(?:    )?(?:TAP version 14|1\.\.\d+(?: # SKIP .+)?|(?:not )?ok \d+ - (?:[^\\#]|\\[\\#])+(?: # SKIP .+)?|# .+"
    r"|  ---|  \.\.\.|  [a-z_]+: .+)"
)


def test_every_line_of_the_tap_report_is_one_of_tap_14() -> None:
    lines = written(lambda write: Tap(write, "en")).splitlines()

    assert lines[0] == "TAP version 14"
    assert lines[-1] == "1..4"
    assert [line for line in lines if not TAP_LINE.fullmatch(line)] == []


def test_tap_numbers_sections_and_the_tests_within() -> None:
    lines = written(lambda write: Tap(write, "en")).splitlines()

    assert [line for line in lines if re.match("(not )?ok", line)] == [
        "not ok 1 - PIN & <lock> 密码 (card.md 3)",
        "ok 2 - of another kind # SKIP only gen3",
        "ok 3 - nothing expected",
        "not ok 4 - pulled out (card.md 7)",
    ]
    at = lines.index("    not ok 2 - f:4 VERIFY: PIN ***")
    assert lines[at + 1 : at + 4] == [
        "      ---",
        '      message: "the status word is 63C2"',
        '      sent: "0020000003******"',
    ]


def test_tap_escapes_what_would_be_a_directive() -> None:
    parts: list[str] = []
    report = Tap(parts.append, "en")
    for event in ran(CARD + 'section "a # SKIP b"\n00 84 00 00 08 -> 9000').events:
        report.hear(event)

    assert "ok 1 - a \\# SKIP b\n" in parts


# JSON lines ---------------------------------------------------------------------------------------------------


def test_json_lines_tell_every_event_at_once() -> None:
    lines = [
        json.loads(line) for line in written(lambda write: JsonLines(write, "en"), finish=False).splitlines()
    ]

    assert lines[0]["event"] == "began" and lines[0]["cards"][0]["is"] == "gen2-32k zhang-san"
    failed = next(line for line in lines if line.get("verdict") == "failed")
    elapsed = failed.pop("elapsed_us")
    assert elapsed > 0
    assert failed == {
        "event": "step",
        "verdict": "failed",
        "card": "card",
        "file": "f",
        "line": 4,
        "column": 1,
        "sent": "0020000003******",
        "says": "VERIFY: PIN ***",
        "expected": "63C1",
        "got": "63C2",
        "answer": "63C2 verification failed, 2 tries left",
        "problem": "the status word is 63C2",
        "differing_half_bytes": [3],
    }
    assert lines[-1] | {"elapsed_s": 0} == {
        "event": "ended", "file": "f", "exit": 3, "passed": 2, "failed": 2, "elapsed_s": 0,
    }  # fmt: skip


# The page -----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page holds: its tags, what is marked, where it points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.marked: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self._open, f"</{tag}> closes nothing"
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._open and self._open[-1] == "mark":
            self.marked.append(data)


def page(language: Language = "en") -> str:
    return written(lambda write: HtmlPage(write, language, BEGAN))


def test_the_page_needs_nothing_but_itself() -> None:
    found = Page(page())

    assert found.outside == [] and "script" not in found.tags and "link" not in found.tags
    assert "url(" not in page()


def test_the_page_shows_sections_requirements_words_and_marks_what_differs() -> None:
    found = Page(page())
    text = " ".join(found.texts)

    for words in ("PIN & <lock> 密码", "card.md 3", "VERIFY: PIN ***", "63C2 verification failed, 2 tries left",
                  "the status word is 63C2", "halfway # there", "the card was removed", "only gen3", "seed 1"):  # fmt: skip
        assert words in text
    assert found.marked[0] == "2"
    assert found.tags.count("details") == 4


def test_the_page_speaks_chinese_too() -> None:
    assert '<html lang="zh-CN">' in page("zh")
    assert "状态字为 63C2" in page("zh")


# All of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_report_shows_a_pin(language: Language) -> None:
    reports = {
        "junit": junit(language).decode(),
        "tap": written(lambda write: Tap(write, language)),
        "jsonl": written(lambda write: JsonLines(write, language), finish=False),
        "html": page(language),
    }

    for name, text in reports.items():
        assert "975311" not in text.replace(" ", ""), name
        assert "0020000003******" in text.replace(" ", "").replace("</mark>", "").replace("<mark>", ""), name


def test_a_real_cards_answers_about_a_person_are_withheld() -> None:
    events: list[Event] = []
    text = (
        CARD
        + "complete on\n00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF\n00 A4 02 00 02 EF 06\n00 B2 09 00 20"
    )
    events = list(ran(text).events)
    name = "D5C5C8FD"  # 张三

    shown = _told(events, "card")
    withheld = _told(events, "reader")

    assert name in shown and name not in withheld


def _told(events: list[Event], kind: str) -> str:
    parts: list[str] = []
    report = JsonLines(parts.append, "en")
    for event in events:
        if isinstance(event, RunBegan):
            event = replace(event, targets=tuple(replace(target, kind=kind) for target in event.targets))
        report.hear(event)
    return "".join(parts)


# Where they go ------------------------------------------------------------------------------------------------


def test_a_report_takes_its_place_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text("old")

    with pytest.raises(KeyError), whole_file(str(file)) as stream:
        stream.write("half")
        raise KeyError
    assert file.read_text() == "old"
    with whole_file(str(file)) as stream:
        stream.write("new")

    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("place", [whole_file, line_by_line])
def test_a_place_that_cannot_be_written_is_told_on_entry(place: Any, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), place(str(tmp_path / "none/report.xml")):
        pass
    with pytest.raises(IsADirectoryError), place(str(tmp_path)):
        pass
