"""card.md as scripts: whole against the document, and the same files straight, over pcscd and over a recording."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import RamStore
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.lab import virtual
from sscard_terminal.lab.conformance import running
from sscard_terminal.lab.conformance.certificate import Certificate, Licence, Reason, Standing
from sscard_terminal.lab.conformance.page import page
from sscard_terminal.lab.conformance.running import conform
from sscard_terminal.lab.conformance.subjects import Foreign, reader_subject, virtual_subject
from sscard_terminal.lab.conformance.suite import Subject, clauses, clauses_of, suite, unscripted
from sscard_terminal.lab.run import virtual_target
from sscard_terminal.lab.run.targets import Target
from sscard_terminal.lab.script.syntax import Let, Script, Section, Set, walk
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from sscard_terminal.reader.wrapping import Wrapping
from tests.conformance.clauses import clauses_present
from tests.lab.conformance import ways

BEGAN = datetime(2026, 1, 5, 10, 15, tzinfo=UTC)
GENERATIONS = ("gen1-16k", "gen2-32k", "gen3")
PSAMS = ("psam-national", "psam-provincial", "psam-city")
NOTHING_TRIED = "63C3"


def sections() -> Iterator[tuple[str, Section]]:
    for subject in Subject:
        for file in suite(subject):
            yield from ((file.name, head) for head in heads(file.script))


def heads(script: Script) -> Iterator[Section]:
    return (statement for statement in script.statements if isinstance(statement, Section))


def certified(
    targets: dict[str, Target], subject: Subject = Subject.CARD, licence: Licence = Licence.EVERYTHING
) -> Certificate:
    return conform(subject, targets, licence=licence, began=BEGAN)


@cache
def of_ours(profile: str) -> Certificate:
    subject, targets = virtual_subject(profile, 1)
    return certified(targets, subject)


def failed(certificate: Certificate) -> list[str]:
    return [clause.name for clause in certificate.clauses if clause.standing is Standing.FAILED]


# The suite ----------------------------------------------------------------------------------------------


def test_the_list_of_clauses_is_the_documents() -> None:
    assert clauses() == tuple(clauses_present())


def test_every_clause_has_a_script_or_a_reason_and_never_both() -> None:
    scripted = {name for _, section in sections() for name in clauses_of(section)}

    assert [name for name in clauses() if name not in scripted and name not in unscripted()] == []
    assert scripted & unscripted().keys() == set()
    assert scripted - set(clauses()) == set()
    assert len(scripted) == 472
    assert all(len(reason) > 20 for reason in unscripted().values())


def test_every_section_names_the_clauses_it_shows_and_every_file_has_one() -> None:
    by_file = Counter(name for name, _ in sections())

    assert all(section.requirement and section.title for _, section in sections())
    assert by_file.keys() == {file.name for subject in Subject for file in suite(subject)}


def test_files_come_in_the_order_of_the_document() -> None:
    names = [file.name for file in suite(Subject.CARD)]

    assert names.index("2.2-verify") < names.index("3-tries") < names.index("10-b7")


# Straight -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "least"), [*((name, 436) for name in GENERATIONS), ("psam-national", 37)]
)
def test_every_card_of_ours_conforms(profile: str, least: int) -> None:
    certificate = of_ours(profile)

    assert failed(certificate) == []
    assert certificate.conforms
    assert certificate.count(Standing.PASSED) >= least
    assert certificate.count(Standing.UNSCRIPTED) == 32


@pytest.mark.parametrize("profile", PSAMS[1:])
def test_psams_of_other_levels_conform(profile: str) -> None:
    assert of_ours(profile).count(Standing.PASSED) == 19


def test_together_the_cards_of_ours_pass_every_clause_that_has_a_script() -> None:
    passed: set[str] = set()
    for profile in (*GENERATIONS, *PSAMS):
        passed |= {clause.name for clause in of_ours(profile).clauses if clause.standing is Standing.PASSED}

    assert passed == set(clauses()) - unscripted().keys()


# Over a recording, over pcscd ---------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["gen2-32k", "psam-national"])
def test_the_same_files_pass_over_a_recording(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject.PSAM if profile in PSAMS else Subject.CARD
    live = ways.recorded(profile, monkeypatch.setattr)
    first = certified(live, subject)
    played = ways.replayed(live)

    again = certified(played, subject)

    assert failed(again) == []
    assert [clause.standing for clause in again.clauses] == [clause.standing for clause in first.clauses]
    for target in played.values():
        assert isinstance(target, ways.ReplayedTarget)
        target.replay.assert_finished()


@pytest.mark.vpcd
def test_the_same_files_pass_over_pcscd(pcscd: PrivatePcscd, _slots_in_turn: Iterator[Slot]) -> None:
    targets = ways.over_pcscd("gen3", pcscd, _slots_in_turn)
    try:
        certificate = certified(targets)
    finally:
        for target in targets.values():
            assert isinstance(target, ways.PcscTarget)
            target.leave()

    assert failed(certificate) == []
    assert certificate.count(Standing.PASSED) == 436


# Cards that do it otherwise -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "value", "file", "clause"),
    [
        ("wrong_pin_clears_status", False, "3-verify-wrong", "3 VERIFY wrong 63C2"),
        ("change_pin_clears_status", True, "10-b11-b12", "10 B11, B12"),
        ("reset_pin_clears_status", False, "2.2-pin-unblock", "3 UNBLOCK"),
        ("blocked_select", 0x6A82, "2.2-application-block", "10 A6"),
        ("class_80_unknown_ins", 0x6D00, "10-a5", "10 A5 6E00"),
        ("answers_at_once", True, "2.2-get-response", "2.1 61xx"),
    ],
)
def test_a_card_of_another_ruling_fails_its_clause(
    rule: str, value: object, file: str, clause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tuple(found for found in suite(Subject.CARD) if found.name == file)
    monkeypatch.setattr(running, "suite", lambda subject: chosen)
    described = virtual_target.load_profile

    def changed(name: str) -> CardProfile:
        profile = described(name)
        rules = replace(profile.rules, **{rule: value}) if "psam" not in name else profile.rules
        return replace(profile, rules=rules)

    as_it_is = certified(virtual_subject("gen2-32k", 1)[1])
    monkeypatch.setattr(virtual_target, "load_profile", changed)
    otherwise = certified(virtual_subject("gen2-32k", 1)[1])

    assert failed(as_it_is) == []
    assert clause in failed(otherwise)


# A real card, a lying card ------------------------------------------------------------------------------


class Counting(Wrapping):
    """Keeps what was sent."""

    def __init__(self, inner: LoopbackConnection, chip: object) -> None:
        super().__init__(inner)
        self.sent: list[bytes] = []
        self._chip = chip

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self.sent.append(command.build())
        return self._inner.transmit(command)

    def reset(self, *, cold: bool = False) -> bytes:
        atr: bytes = self._chip.power_on()  # type: ignore[attr-defined]
        return atr


def test_on_a_real_card_nothing_is_written_and_no_try_is_burnt() -> None:
    store = RamStore(virtual.card_image("gen3"))
    chip = virtual.chip_over(store)
    before = store.read_all()
    connection = Counting(LoopbackConnection(chip), chip)
    subject, targets = reader_subject(lambda: connection, "a reader")

    certificate = certified(targets, subject, licence=Licence.READ_ONLY)

    assert certificate.conforms
    assert certificate.profile == "gen3"
    assert certificate.count(Standing.PASSED) > 60
    assert store.read_all() == before
    verifies = {sent for sent in connection.sent if sent[1:2] == b"\x20"}
    assert all(len(sent) <= 4 or sent[4] == 0 or sent[2:4] != b"\x00\x00" for sent in verifies)
    reasons = {reason for clause in certificate.clauses for reason in clause.reasons}
    assert reasons >= {Reason.READ_ONLY, Reason.OTHER_KIND, Reason.LACKING}


class Stranger:
    """A card of somebody else's: it knows no command of ours."""

    atr = bytes.fromhex("3B00")

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.parse(bytes.fromhex("6D00"))

    def close(self) -> None:
        pass


def test_a_strangers_card_is_not_judged() -> None:
    with pytest.raises(Foreign):
        reader_subject(Stranger, "a reader")


def test_with_its_pin_more_is_shown_and_the_card_stays_as_it_was() -> None:
    store = RamStore(virtual.card_image("gen2-32k"))
    chip = virtual.chip_over(store)
    connection = Counting(LoopbackConnection(chip), chip)
    subject, targets = reader_subject(lambda: connection, "a reader", bytes.fromhex("123456"))
    read_only = certified(targets, subject, licence=Licence.READ_ONLY)
    before, sent_before = store.read_all(), len(connection.sent)

    certificate = certified(targets, subject, licence=Licence.WITH_PIN)

    assert certificate.conforms
    assert certificate.count(Standing.PASSED) > read_only.count(Standing.PASSED) + 20
    pins = {sent.hex() for sent in connection.sent[sent_before:] if sent[1:2] == b"\x20" and len(sent) > 5}
    assert pins - {sent.hex() for sent in connection.sent[:sent_before]} == {"0020000003123456"}
    writing = {
        bytes.fromhex(text)
        for text in ("00DC", "00D6", "0082", "805E", "8424", "8416", "841E", "B02A", "B02C")
    }
    assert not [sent.hex() for sent in connection.sent if sent[:2] in writing]
    assert chip_facts(store) == chip_facts(RamStore(before))


def chip_facts(store: RamStore) -> list[str]:
    """Tries, balance, the newest record of the log, the proof."""
    chip = virtual.chip_over(RamStore(store.read_all()))
    asked = (
        "0020000000",
        "0020000003123456",
        "00A4040006D15600000503",
        "B026000104",
        "00B2014400",
        "B02E0032020000",
    )
    return [chip.respond(bytes.fromhex(text)).hex() for text in asked]


def test_only_the_cards_own_pin_goes_by_the_name_that_may_be_verified() -> None:
    for subject in Subject:
        for file in suite(subject):
            for statement in walk(file.script.statements):
                if isinstance(statement, Let) and statement.name == running.OWN_PIN:
                    assert (statement.target, statement.function) == ("card", "pin_field")
                assert not (isinstance(statement, Set) and statement.name == running.OWN_PIN)


def test_a_psam_in_a_reader_is_known_for_one() -> None:
    chip = virtual.chip_over(RamStore(virtual.psam_image()))
    connection = Counting(LoopbackConnection(chip), chip)

    subject, targets = reader_subject(lambda: connection, "a reader")

    assert subject is Subject.PSAM
    assert certified(targets, subject, licence=Licence.READ_ONLY).conforms


class Lying(Counting):
    """Answers 6A81 where a record is not there: the clause 2.2 SW READ RECORD 6A83, and others with it."""

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = super().transmit(command)
        return ResponseApdu.parse(bytes.fromhex("6A81")) if answer.sw == 0x6A83 else answer


def test_a_card_that_answers_otherwise_does_not_conform_and_the_page_shows_what_it_said() -> None:
    chip = virtual.chip_over(RamStore(virtual.card_image("gen2-32k")))
    connection = Lying(LoopbackConnection(chip), chip)
    subject, targets = reader_subject(lambda: connection, "a <lying> reader")

    certificate = certified(targets, subject, licence=Licence.READ_ONLY)

    assert not certificate.conforms
    assert "2.2 SW READ RECORD 6A83" in failed(certificate)
    assert "2.2 SW SELECT 6A82" not in failed(certificate)
    shown = page(certificate, "en")
    assert "does not conform" in shown and "6A81" in shown and "READ RECORD" in shown
    assert "a &lt;lying&gt; reader" in shown and "<lying>" not in shown
    WellFormed().feed(shown)
    assert "不符合" in page(certificate, "zh")


class WellFormed(HTMLParser):
    """Fails where a tag is closed that is not open."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] != tag and self.open[-1] in ("p", "td", "tr"):
            self.open.pop()
        assert self.open.pop() == tag
