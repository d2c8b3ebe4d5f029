"""People from a CSV file: each row stands for itself, and a wrong one names its column."""

import pytest

from sscard_terminal.card.people import parse_people
from sscard_terminal.card.person import Person, PersonError

HEADING = (
    "name,social_security_number,sex,nation,birth_place,birth_date,card_number,region,serial,issued,expires"
)
ZHANG = "张三,370900199001010010,1,01,370900,1990-01-01,D2143569X,370900,00000002,2012-01-01,2032-01-01"


def rows(*lines: str, heading: str = HEADING) -> list[object]:
    return [row.person for row in parse_people("\n".join((heading, *lines)))]


def test_a_row_is_a_person_with_a_card() -> None:
    (row,) = parse_people(f"{HEADING},cia,starting-day,image\n{ZHANG},10000,0701,zhang.img\n")

    assert isinstance(row.person, Person)
    assert (row.number, row.image, row.person.name, row.person.card.serial) == (
        2,
        "zhang.img",
        "张三",
        "00000002",
    )
    assert row.settings == (("cia", "10000"), ("starting-day", "0701"))


def test_without_a_name_the_image_is_called_after_the_card() -> None:
    (row,) = parse_people(f"{HEADING}\n{ZHANG}\n")

    assert row.image == "D2143569X.img"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("张三", "", "line 3, name: is missing"),
        (
            "370900199001010010",
            "370900199001010012",
            "line 3, social_security_number: has a wrong check digit",
        ),
        ("1990-01-01", "1990-13-01", "line 3, birth_date: must be a date"),
        ("D2143569X", "D21435690", "line 3, card_number: has a wrong check character"),
        ("2032-01-01", "2032-01-01,more", "line 3, the row: has more cells"),
    ],
)
def test_a_wrong_row_names_itself_and_leaves_the_others(old: str, new: str, says: str) -> None:
    first, wrong, last = rows(ZHANG, ZHANG.replace(old, new), ZHANG)

    assert isinstance(first, Person) and isinstance(last, Person)
    assert isinstance(wrong, PersonError) and says in str(wrong)


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        (HEADING + ",shoe_size", "shoe_size: is not known here"),
        (HEADING + ",name", "name: is not known here, or stands twice"),
        (HEADING.replace("serial,", ""), "serial: this column is missing"),
        ("", "name: this column is missing"),
    ],
)
def test_a_heading_that_does_not_fit_is_refused_whole(heading: str, says: str) -> None:
    with pytest.raises(PersonError, match=says):
        rows(ZHANG, heading=heading)
