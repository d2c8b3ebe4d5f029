"""Every authentication key by its name: where a PSAM has it, and under which address an HSM.

Not here: its number on the card, which the descriptions know (applets), and any key itself.
Source: the national interface's annex B (card.md §1.9 has most of it): class and mark are the PSAM's usage type and
id, the address is that of key group 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.terminal.psam import SamKey

PUK_ADDRESS, STK_ADDRESS, DTK_ADDRESS = "0090", "0173", "00B5"
DPK_ADDRESSES = {1: "017F", 2: "0199", 3: "019C"}
"""By the key version the card answers with."""


@dataclass(frozen=True, slots=True)
class CardKey:
    """One key: `address` 4 hex digits."""

    sam: SamKey
    address: str


def _key(name: str, kind: int, key_id: int, address: str) -> CardKey:
    return CardKey(SamKey(name, kind, key_id), address)


_TABLE = (
    _key("RKSSSE", 0x07, 0x0A, "004C"),
    _key("UKSSSE", 0x08, 0x12, "0094"),
    _key("UKEF0D", 0x08, 0x13, ""),  # regional practice: no HSM address is known
    _key("RK1DF01", 0x07, 0x2E, "004F"),
    _key("UK1DF01", 0x08, 0x42, "0097"),
    _key("UK2DF01", 0x08, 0x43, "009A"),
    _key("UK3DF01", 0x07, 0x24, "0176"),
    _key("UK4DF01", 0x07, 0x25, "0179"),
    _key("UK5DF01", 0x08, 0x44, "009D"),
    _key("UK6DF01", 0x07, 0x2F, "0052"),
    _key("UK7DF01", 0x07, 0x30, "0055"),
    _key("UK8DF01", 0x07, 0x31, "0058"),
    _key("UK9DF01", 0x07, 0x32, "005B"),
    _key("UKADF01", 0x07, 0x33, "005E"),
    _key("UKBDF01", 0x07, 0x34, "0061"),
    _key("RK1DF02", 0x07, 0x35, "0064"),
    _key("UK1DF02", 0x07, 0x26, "0187"),
    _key("UK2DF02", 0x08, 0x45, "00A0"),
    _key("UK3DF02", 0x08, 0x46, "00A3"),
    _key("UK4DF02", 0x07, 0x27, "018A"),
    _key("UK5DF02", 0x07, 0x28, "018D"),
    _key("UK6DF02", 0x07, 0x36, "0067"),
    _key("RK1DF03", 0x07, 0x2B, "0193"),
    _key("RK2DF03", 0x07, 0x2C, "0196"),
    _key("UK1DF03", 0x08, 0x47, "00A6"),
    _key("UK2DF03", 0x07, 0x29, "0190"),
    _key("UK3DF03", 0x08, 0x48, "00A9"),
    _key("UK4DF03", 0x07, 0x37, "006A"),
    _key("UK5DF03", 0x07, 0x38, "006D"),
    _key("UK6DF03", 0x07, 0x39, "0070"),
    _key("UK7DF03", 0x07, 0x3A, "0073"),
    _key("UK8DF03", 0x07, 0x3B, "0076"),
    _key("RK1DF04", 0x07, 0x2D, "0182"),
    _key("UK1DF04", 0x08, 0x49, "00AC"),
    _key("UK2DF04", 0x07, 0x2A, "017C"),
    _key("RK1DF07", 0x07, 0x3D, "007A"),
    _key("UK1DF07", 0x07, 0x3E, "007D"),
    _key("RK2DF07", 0x07, 0x3F, "0080"),
    _key("UK2DF07", 0x07, 0xB0, "0083"),
    _key("RK3DF07", 0x07, 0xB1, "0086"),
    _key("UK3DF07", 0x07, 0xB2, "0089"),
)
KEYS = {key.sam.name: key for key in _TABLE}
