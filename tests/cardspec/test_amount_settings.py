"""Every field of the amount file can be set, and a wrong setting is named."""

import pytest

from sscard_terminal.cardspec.amount_settings import FIELDS, with_settings
from sscard_terminal.cardspec.records import AmountFile
from sscard_terminal.iso7816.errors import FormatError

EMPTY = AmountFile.parse(bytes(20))
GOOD = [
    ("cia", "10000", "0000 0000 00002710 00000000 00000000 0000 0000"),
    ("spip", "1", "0000 0000 00000000 00000001 00000000 0000 0000"),
    ("spfp", "2", "0000 0000 00000000 00000000 00000002 0000 0000"),
    ("year", "2026", "0000 0000 00000000 00000000 00000000 2026 0000"),
    ("starting-day", "0701", "0000 0000 00000000 00000000 00000000 0000 0701"),
    ("load-counter", "65535", "FFFF 0000 00000000 00000000 00000000 0000 0000"),
    ("purchase-counter", "3", "0000 0003 00000000 00000000 00000000 0000 0000"),
]


@pytest.mark.parametrize(("name", "value", "content"), GOOD)
def test_a_setting_changes_its_field_alone(name: str, value: str, content: str) -> None:
    assert with_settings(EMPTY, [(name, value)]).build() == bytes.fromhex(content)


def test_every_field_of_the_file_can_be_set() -> None:
    assert [name for name, _, _ in GOOD] == list(FIELDS)
    assert {name.replace("-", "_") for name in FIELDS} == set(AmountFile.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("cia", "1.00", "cia: must be a whole number"),
        ("cia", "4294967296", "cia: 4294967296 fen is outside"),
        ("cia", "-1", "cia: must be a whole number"),
        ("year", "26", "year: must be a year YYYY"),
        ("starting-day", "0230", "starting-day: must be a day MMDD"),
        ("starting-day", "701", "starting-day: must be a day MMDD"),
        ("load-counter", "65536", "load-counter: must be at most 65535"),
        ("balance", "1", "balance: is no field of the amount file; there are cia, spip"),
    ],
)
def test_a_wrong_setting_names_its_field(name: str, value: str, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        with_settings(EMPTY, [(name, value)])
