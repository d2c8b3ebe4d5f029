"""Which cipher suite a card computes with: told by its FCI, or by where it was issued.

Not here: the suites themselves (cardspec.ciphers).
Source: card.md §1.2.
"""

from __future__ import annotations

from enum import IntEnum

from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite
from sscard_terminal.iso7816.tlv import parse_ber

BEIJING = "11"
FCI_TEMPLATE, PROPRIETARY, ISSUER_DATA, ALGORITHM = 0x6F, 0xA5, 0x9F0C, 0x86


class CardAlgorithm(IntEnum):
    """Tag 86 inside 9F0C of the SSSE's FCI."""

    DES = 0x01
    SSF33 = 0x02
    SM4 = 0x03


class AlgorithmNotSupported(Exception):
    """The card computes with an algorithm this terminal lacks; SSF33 is not public (card.md §9.29)."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def algorithm_of(fci: bytes) -> int | None:
    """The algorithm number an FCI names (`CardAlgorithm` or another), None where it names none.

    Raises:
        FormatError: the FCI is no BER-TLV.
    """
    template = next((tlv for tlv in parse_ber(fci) if tlv.tag == FCI_TEMPLATE), None)
    named = None if template is None else template.find(PROPRIETARY, ISSUER_DATA, ALGORITHM)
    return int.from_bytes(named, "big") if named else None


def cipher_suite(algorithm: int | None, region: str) -> CipherSuite:
    """The suite of a card whose FCI names `algorithm` (None: no tag 86), issued in `region` (6 digits).

    Raises:
        AlgorithmNotSupported: SSF33, also where tag 86 is missing on a card of Beijing (11…); an unknown number.
    """
    assumed = CardAlgorithm.SSF33 if region.startswith(BEIJING) else CardAlgorithm.DES
    match assumed if algorithm is None else algorithm:
        case CardAlgorithm.DES:
            return TRIPLE_DES
        case CardAlgorithm.SM4:
            return SM4
        case other:
            raise AlgorithmNotSupported(other)
