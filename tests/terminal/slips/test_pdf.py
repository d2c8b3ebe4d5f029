"""The slip as a PDF: a page of the paper's width, its text as on paper, fonts embedded where one is configured.

boxes.ttf, made with fontTools' FontBuilder: frames for 泰, 𠮷 and 〓 (an em wide) and · (0.4 em), and nothing else.
"""

import sys
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.slips.contents import Note, Row, Title
from sscard_terminal.terminal.slips.layout import COLUMNS, text_of
from sscard_terminal.terminal.slips.pdf import MM, Font, pdf_of
from sscard_terminal.terminal.slips.trouble import SlipFault, SlipTrouble
from tests.terminal.slips.golden_files import FOLDER, LANGUAGES
from tests.terminal.slips.samples import SAMPLES

BOXES = Font(Path(__file__).parent / "boxes.ttf")


def page_of(data: bytes) -> PageObject:
    reader = PdfReader(BytesIO(data))
    assert len(reader.pages) == 1
    return reader.pages[0]


def words_in(text: str) -> list[str]:
    """The text without the blanks between columns."""
    return text.split()


def fonts_of(page: PageObject) -> dict[str, bool]:
    """The fonts of a page, and whether each is embedded."""
    found = {}
    for entry in page["/Resources"]["/Font"].values():  # type: ignore[index]
        font = entry.get_object()
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        descriptor = inner["/FontDescriptor"].get_object() if "/FontDescriptor" in inner else {}
        found[str(font["/BaseFont"])] = "/FontFile2" in descriptor
    return found


@pytest.mark.parametrize("width_mm", list(COLUMNS))
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", list(SAMPLES))
def test_a_page_is_as_wide_as_the_paper_and_says_what_the_golden_file_says(
    name: str, language: Language, width_mm: int
) -> None:
    made = pdf_of(SAMPLES[name](language), width_mm)
    page = page_of(made.data)

    golden = (FOLDER / f"{name}.{language}.{width_mm}.txt").read_text("utf-8")
    assert words_in(page.extract_text()) == words_in(golden)
    assert abs(float(page.mediabox.width) - width_mm * MM) < 0.01
    assert (made.lost, made.lacks_font) == ("", False)


@pytest.mark.parametrize("width_mm", list(COLUMNS))
def test_every_run_of_text_stands_within_the_printed_width(width_mm: int) -> None:
    left = (width_mm * MM - COLUMNS[width_mm] * 1.5 * MM) / 2
    starts: list[float] = []

    def note(text: str, _user: object, matrix: list[float], *_: object) -> None:
        if text.strip():
            starts.append(matrix[4])

    page_of(pdf_of(SAMPLES["sale-open"]("zh"), width_mm).data).extract_text(visitor_text=note)

    assert len(starts) > 20
    assert all(left - 0.01 <= start < width_mm * MM - left for start in starts)


def test_the_page_is_as_long_as_the_slip() -> None:
    short, long = (page_of(pdf_of((Note("x"),) * count, 58).data).mediabox.height for count in (1, 11))

    assert abs(float(long) - float(short) - 10 * 4 * MM) < 0.01


def test_the_same_slip_is_the_same_bytes_and_says_no_more_than_the_slip() -> None:
    slip = SAMPLES["sale-charged"]("zh")
    information = PdfReader(BytesIO(pdf_of(slip, 58).data)).metadata

    assert pdf_of(slip, 58).data == pdf_of(slip, 58).data
    assert information is not None
    assert information.title == "社会保障卡医疗消费凭单"
    assert str(information.creation_date_raw).startswith("D:2000")


def test_without_a_font_the_built_in_one_is_named_and_not_embedded() -> None:
    assert fonts_of(page_of(pdf_of((Note("泰安 1"),), 58).data)) == {
        "/Helvetica": False,
        "/Courier": False,
        "/STSong-Light": False,
    }


def test_the_configured_font_is_embedded_beyond_the_bmp_too() -> None:
    made = pdf_of((Note("泰𠮷·1"),), 58, BOXES)
    page = page_of(made.data)

    assert (made.lost, made.lacks_font) == ("", False)
    assert any("SlipTestBoxes" in name and is_embedded for name, is_embedded in fonts_of(page).items())
    assert "".join(words_in(page.extract_text())) == "泰𠮷·1"


def test_what_the_configured_font_lacks_the_built_in_one_shows() -> None:
    made = pdf_of((Note("泰安"),), 58, BOXES)

    assert made.lost == ""
    assert "/STSong-Light" in fonts_of(page_of(made.data))
    assert page_of(made.data).extract_text().split() == ["泰安"]


def test_what_no_font_shows_is_told_and_leaves_a_mark() -> None:
    made = pdf_of((Row("𠮷𠮷", "ｱ"), Note("e\u0301")), 58)

    assert made.lost == "𠮷ｱ\u0301"
    assert words_in(page_of(made.data).extract_text()) == ["〓〓", "?", "e"]


@pytest.mark.parametrize("font", [Font(Path("nowhere.ttf")), Font(Path(__file__)), Font(BOXES.path, 7)])
def test_a_font_that_cannot_be_embedded_is_told_and_the_built_in_one_used(font: Font) -> None:
    made = pdf_of((Title("泰安"),), 58, font)

    assert made.lacks_font is (font.path != BOXES.path)
    assert text_of((Title("泰安"),)).split() == page_of(made.data).extract_text().split()


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportlab.pdfgen.canvas", None)

    with pytest.raises(SlipTrouble) as trouble:
        pdf_of((Note("x"),), 58, BOXES)

    assert (trouble.value.fault, trouble.value.where) == (SlipFault.NO_LIBRARY, "reportlab")
