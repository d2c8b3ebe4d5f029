"""Every kind of slip, on both papers, in both languages, is what was last looked at; no line leaves the paper."""

from itertools import product
from pathlib import Path

import pytest

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.slips.layout import COLUMNS, columns
from tests.terminal.slips.golden_files import FOLDER, LANGUAGES, texts
from tests.terminal.slips.samples import SAMPLES

TEXTS = dict(texts())


@pytest.mark.parametrize("name", list(TEXTS))
def test_a_slip_is_as_its_golden_file(name: str) -> None:
    assert TEXTS[name] == (FOLDER / name).read_text("utf-8")


def test_there_is_a_golden_file_for_each_kind_language_and_paper_and_no_other() -> None:
    expected = {
        f"{kind}.{language}.{width_mm}.{sort}"
        for kind, language, width_mm, sort in product(SAMPLES, LANGUAGES, COLUMNS, ("txt", "escpos"))
    }

    assert {file.name for file in FOLDER.iterdir()} == expected


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda file: file.stem)
def test_no_line_of_a_golden_file_is_wider_than_its_paper(file: Path) -> None:
    width = COLUMNS[int(file.name.split(".")[-2])]

    assert max(map(columns, file.read_text("utf-8").splitlines())) <= width


@pytest.mark.parametrize(("language", "mark"), [("zh", "培训"), ("en", "TRAINING")])
def test_training_stands_on_the_slip_of_a_day_too(language: Language, mark: str) -> None:
    assert f"*** {mark} ***" in TEXTS[f"day-empty.{language}.58.txt"]
