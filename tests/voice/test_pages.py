"""Both catalogues of the pages say the same things, and each refusal says what about the money."""

import re
from pathlib import Path
from string import Formatter

import pytest

from sscard_terminal.voice.pages import words

ZH, EN = words("zh"), words("en")
COUNTER = Path(__file__).parents[2] / "src/sscard_terminal/counter"
REFUSALS = [key for key in EN if key.startswith("refused.") and key != "refused.mistake"]


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys_and_facts() -> None:
    assert {key: facts_of(text) for key, text in ZH.items()} == {
        key: facts_of(text) for key, text in EN.items()
    }


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_is_one_sentence_that_says_that_nothing_was_charged(key: str) -> None:
    assert "扣款" in ZH[key] and ZH[key].count("。") == 1 and ZH[key].endswith("。")
    assert re.search("not charged|charged nothing", EN[key]) and EN[key].endswith(".")


def test_every_word_is_shown_by_some_page_or_line_of_code() -> None:
    files = [file for kind in ("py", "html", "js") for file in COUNTER.rglob(f"*.{kind}")]
    code = "\n".join(file.read_text("utf-8") for file in files)
    families = tuple(re.findall(r"""["']([a-z.-]+\.)(?:\{|["'] \+|[a-z]%d)""", code))

    unsaid = [key for key in EN if f'"{key}"' not in code and not key.startswith(families)]

    assert not unsaid
