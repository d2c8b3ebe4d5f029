"""The files of card and PSAM by where they lie, and the records of each by tag.

Not here: words (en.py, zh.py). Source: card.md §1.1, §1.5–1.8, §5.1.
"""

from __future__ import annotations

from .commands import (
    APPLICATION_INFORMATION,
    LOG_RECORD,
    LOG_RECORD_ACCOUNT_ONLY,
    PUBLIC_INFORMATION,
    SEQUENCE,
    SETTLEMENT_RECORD,
    TERMINAL,
)
from .parts import REST, Form, Part, Told, date, decimal_amount, digits, hexadecimal, one_of, text

MF, SSSE, PSAM = "MF", "SSSE", "PSAM"
DF_BY_NAME = {
    bytes.fromhex(name): df
    for name, df in {
        "7378312E73682EC9E7BBE1B1A3D5CF": SSSE,
        "7378322E73682EC9E7BBE1B1A3D5CF": "SX2",
        "7378332E73682EC9E7BBE1B1A3D5CF": "SX3",
        "315041592E5359532E4444463031": "1PAY",
        "D15600000500": "DF01",
        "D15600000501": "DF02",
        "D15600000502": "DF03",
        "D15600000503": "DF04",
        "D15600000504": "DF07",
        "D15600000590": PSAM,
    }.items()
}
DF_BY_ID = {
    0x3F00: MF,
    0xDDF1: "DDF1",
    **{0xDF00 | number: f"DF{number:02X}" for number in (1, 2, 3, 4, 7)},
}
_PERSONAL = Told.BY_NUMBER


def _tags(group: str, rows: dict[int, tuple[str, Form, Told]]) -> dict[int, Part]:
    return {tag: Part(f"tag.{group}.{name}", REST, form, told) for tag, (name, form, told) in rows.items()}


_OPEN = Told.OPENLY
_INSTITUTIONS = (
    (0x83, "institution-1"),
    (0x86, "institution-2"),
    (0x89, "institution-3"),
    (0x7D, "work-injury-1"),
    (0x7E, "work-injury-2"),
    (0x7F, "work-injury-3"),
    (0x8D, "maternity-1"),
    (0x8E, "maternity-2"),
)
TAGS: dict[str, dict[int, Part]] = {
    "SSSE/EF05": _tags(
        "issuer",
        {
            0x01: ("identification", hexadecimal, _OPEN),
            0x02: ("class", one_of("class"), _OPEN),
            0x03: ("version", text, _OPEN),
            0x04: ("body", hexadecimal, _OPEN),
            0x05: ("issued", date, _OPEN),
            0x06: ("expires", date, _OPEN),
            0x07: ("number", text, _PERSONAL),
        },
    ),
    "SSSE/EF06": _tags(
        "holder",
        {
            0x08: ("social-security-number", text, _PERSONAL),
            0x09: ("name", text, Told.BY_NAME),
            0x4E: ("name-extension", text, Told.NEVER),
            0x0A: ("sex", one_of("sex"), Told.NEVER),
            0x0B: ("nation", hexadecimal, Told.NEVER),
            0x0C: ("birth-place", digits, Told.NEVER),
            0x0D: ("birth-date", date, Told.NEVER),
        },
    ),
    "SSSE/EF0D": _tags(
        "shandong",
        {0xEA: ("personal-number", text, _PERSONAL), 0xEB: ("first-place", digits, _OPEN)},
    ),
    "DF01/EF05": _tags(
        "residence",
        {
            0x20: ("kind", text, _OPEN),
            0x21: ("address", text, Told.NEVER),
            0x0E: ("region", digits, _OPEN),
        },
    ),
    "DF01/EF06": _tags(
        "residence",
        {
            0x23: ("address", text, Told.NEVER),
            0x24: ("region", digits, _OPEN),
            0x28: ("telephone", text, _PERSONAL),
            0x2C: ("contact", text, Told.NEVER),
            0x2D: ("contact-telephone", text, _PERSONAL),
        },
    ),
    "DF04/EF05": _tags(
        "medical",
        {
            0x81: ("insurance", text, _OPEN),
            0x84: ("region", digits, _OPEN),
            0x87: ("health-record", text, _PERSONAL),
            0x8C: ("category", hexadecimal, _OPEN),
            0x80: ("opened", date, _OPEN),
            0x8B: ("account-number", text, _PERSONAL),
            0x8A: ("certificate", text, _PERSONAL),
            **{tag: (name, text, _OPEN) for tag, name in _INSTITUTIONS},
            0x8F: ("mode", one_of("mode"), _OPEN),
        },
    ),
    "DF04/EF06": _tags(
        "offline",
        {
            0x90: ("allowed", text, _OPEN),
            0x92: ("amount", decimal_amount, _OPEN),
            0x93: ("count", text, _OPEN),
        },
    ),
}
PERSONAL_TAGS = {
    tag: part for file in TAGS.values() for tag, part in file.items() if part.told is not Told.OPENLY
}
"""What a record may tell of a person where nobody knows which file is read."""
LAYOUTS: dict[str, tuple[tuple[Part, ...], ...]] = {
    "DF04/EF08": (LOG_RECORD, LOG_RECORD_ACCOUNT_ONLY),
    "DF04/EF15": (SETTLEMENT_RECORD,),
    "0015": (PUBLIC_INFORMATION,),
    "0016": ((TERMINAL,),),
    "0019": ((SEQUENCE,),),
    **dict.fromkeys(("001A", "001B", "001C"), (APPLICATION_INFORMATION,)),
}
"""Files without tags: the ways their records, or they as a whole, may be cut."""
WITHHELD_FILES = frozenset({"SSSE/EF07", "SSSE/EF08"})
"""Fingerprint and photo."""
PSAM_SFIS = frozenset({0x15, 0x16, 0x19, 0x1A, 0x1B, 0x1C, 0x11, 0x12, 0x13})
