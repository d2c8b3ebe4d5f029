"""What the files of the PSAM hold, as values.

Source: card.md §5.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from . import layouts
from .bcd import date_of_bcd


@dataclass(frozen=True, slots=True)
class PsamPublicInformation:
    """0015 of the PSAM, 15 bytes."""

    issuer: int
    serial: str
    version: int
    key_card_type: int

    @classmethod
    def parse(cls, raw: bytes) -> PsamPublicInformation:
        fields = layouts.parse(layouts.PSAM_PUBLIC_INFORMATION, raw, "file 0015")
        return cls(fields.issuer, fields.serial.hex().upper(), fields.version, fields.key_card_type)


@dataclass(frozen=True, slots=True)
class PsamApplicationInformation:
    """001A/001B/001C of the PSAM, 10 bytes: which DPK, and from when to when it is good."""

    dpk_index: int
    authentication_key_version: int
    valid_from: date
    valid_to: date

    @classmethod
    def parse(cls, raw: bytes) -> PsamApplicationInformation:
        fields = layouts.parse(layouts.PSAM_APPLICATION_INFORMATION, raw, "the DPK file")
        dates = (date_of_bcd(fields.valid_from), date_of_bcd(fields.valid_to))
        return cls(fields.dpk_index, fields.authentication_key_version, *dates)
