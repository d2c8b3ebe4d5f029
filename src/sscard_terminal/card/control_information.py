"""What SELECT answers: the FCI of the specification, and on request the FCP other people's tools expect.

Not here: selecting (filesystem).
Source: card.md §1.2; for the FCP ISO/IEC 7816-4 §7.4.3, table 10.
"""

from __future__ import annotations

from sscard_terminal.cardspec.commands.basic import SelectAnswer
from sscard_terminal.cardspec.profile import DfSpec, FileSpec
from sscard_terminal.iso7816.tlv import BerTlv

FCI_TEMPLATE, FCP_TEMPLATE = 0x6F, 0x62
SIZE, DESCRIPTOR, FILE_ID, NAME, SHORT_ID, LIFE_CYCLE = 0x80, 0x82, 0x83, 0x84, 0x88, 0x8A
ACTIVATED = b"\x05"
DF_DESCRIPTOR = b"\x38"
EF_DESCRIPTORS = {"transparent": 0x01, "linear": 0x04, "cyclic": 0x06}
"""Working EFs: transparent, linear variable, cyclic."""


def fci_of(found: DfSpec | FileSpec) -> bytes:
    """6F with the name and what the description adds, for a DF; nothing for an EF. Source: card.md §1.2."""
    if isinstance(found, FileSpec):
        return b""
    return BerTlv(FCI_TEMPLATE, _name(found)).build()


def fcp_of(found: DfSpec | FileSpec, answer: SelectAnswer) -> bytes:
    """62 or 6F with descriptor, identifier and size; for a DF its name and FCI as well (rule `fcp_for_ef`)."""
    if answer is SelectAnswer.NOTHING:
        return b""
    fid = BerTlv(FILE_ID, found.fid.to_bytes(2, "big")).build() + BerTlv(LIFE_CYCLE, ACTIVATED).build()
    if isinstance(found, DfSpec):
        body = BerTlv(DESCRIPTOR, DF_DESCRIPTOR).build() + fid + _name(found)
    else:
        body = BerTlv(SIZE, found.capacity.to_bytes(2, "big")).build() + _ef_descriptor(found) + fid
    return BerTlv(FCP_TEMPLATE if answer is SelectAnswer.FCP else FCI_TEMPLATE, body).build()


def _name(df: DfSpec) -> bytes:
    return BerTlv(NAME, df.aid).build() + df.fci


def _ef_descriptor(spec: FileSpec) -> bytes:
    """Descriptor; for record files also data coding 00, the longest record and how many there are."""
    coded = bytes((EF_DESCRIPTORS[spec.structure],))
    match spec.structure:
        case "linear":
            longest = max((2 + record.length for record in spec.records), default=spec.size)
            coded += b"\x00" + longest.to_bytes(2, "big") + bytes((len(spec.records),))
        case "cyclic":
            coded += b"\x00" + spec.record_length.to_bytes(2, "big") + bytes((spec.record_count,))
    descriptor = BerTlv(DESCRIPTOR, coded).build()
    return descriptor + (BerTlv(SHORT_ID, bytes((spec.sfi << 3,))).build() if spec.sfi else b"")
