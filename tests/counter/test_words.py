"""What the counter says: sentences for somebody at a page, who has keys and no command line."""

import re
from collections.abc import Iterator

import pytest

from sscard_terminal.counter.words import Refused, said, text_here
from sscard_terminal.iso7816.status import Language, StatusWord
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.outcomes import Reason
from sscard_terminal.voice.messages import catalogue
from sscard_terminal.voice.pages import words
from sscard_terminal.voice.told import Told

LANGUAGES: tuple[Language, ...] = ("zh", "en")
COMMAND = re.compile(r"sscard [a-z]|--[a-z]")
FAMILIES = (
    "declined.",
    "doubt.",
    "link.",
    "psam.",
    "card.refused",
    "journal.",
    "printer.",
    "evidence.",
    "recover.charged",
    "recover.not-charged",
    "recover.open",
    "load.",
    "host.",
    "errand.",
)
"""Whatever an outcome, a failure or an errand may be; beside them single texts, which have no commands."""
NOT_AT_A_COUNTER = {
    "declined.journal-behind-psam",
    "declined.psam-not-asked",
    "journal.journal-nothing-to-salvage",
}
"""Refusals of a restore or a salvage, which is done where the journal's files are: on the command line."""
OF_WINDOW = ("load.", "host.", "declined.open-load", "declined.host-")
"""What only the service window asks for."""


def sentences(language: Language) -> Iterator[tuple[str, str]]:
    for key in catalogue(language):
        if key.startswith(FAMILIES) and key not in NOT_AT_A_COUNTER:
            own = words(language).get(f"here.{key}")
            if key.startswith(OF_WINDOW):
                own = words(language).get(f"window.{key}", own)
            yield key, own or catalogue(language)[key]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_at_a_counter_names_a_command(language: Language) -> None:
    shown = dict(sentences(language)) | dict(words(language))

    assert {key for key, text in shown.items() if COMMAND.search(text)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_counters_own_sentences_stand_for_one_of_the_command_line_and_say_its_facts(
    language: Language,
) -> None:
    for key, text in words(language).items():
        if key.startswith("here."):
            other = catalogue(language)[key.removeprefix("here.")]
            assert set(re.findall(r"{(\w+)}", text)) <= set(re.findall(r"{(\w+)}", other)), key
            assert ("未扣款" in other) == ("未扣款" in text), key
            assert ("not charged" in other) == ("not charged" in text), key


def test_every_reason_and_every_trouble_with_the_reader_is_looked_at() -> None:
    looked_at = {key for key, _ in sentences("en")} | NOT_AT_A_COUNTER

    assert {f"declined.{reason}" for reason in Reason} & set(catalogue("en")) <= looked_at
    assert {f"link.{reason}" for reason in LinkReason} <= looked_at


def test_a_refusal_names_the_counters_key_and_keeps_the_status_word() -> None:
    told = Told("declined.first-pin-may-not-pay", facts={"sw": StatusWord(0x6985)})

    assert said(told, "en") == "The first PIN may not pay here; not charged; change it first (F4). [6985]"
    assert "F4" in Refused(told).answer("zh")["sentence"]
    assert text_here("zh", "evidence.card-swapped") == "核实过程中换了卡，请放回原卡"
