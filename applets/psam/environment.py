"""A PSAM's environments and what the current one remembers: algorithm, delivered session key, open purchase.

Source: card.md §5.1, §5.2, §9.21, §10 B40.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.card.secure_messaging import key_object_name
from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite
from sscard_terminal.cardspec.profile import PsamKeySpec
from sscard_terminal.iso7816 import status

SUITES: dict[str, CipherSuite] = {"DES": TRIPLE_DES, "SM4": SM4}
"""By the description's name of the environment's DF01. SSF33 is not public (card.md §9.29)."""
ENVIRONMENTS = (*SUITES, "SSF33")
SSF33_REGION = 0x11
"""First byte of the card identification code of a Beijing card (card.md §10 B40)."""
MASTER_KEY = "MK"
"""Root name of the environment's master key."""
ABSENT = b"\x00"
"""First byte of the object of a key that is not loaded."""
ENCRYPTION, MAC_ONLY, BOTH = 7, 6, 8
"""Key types of the usage byte. Source: card.md §5.1."""


@dataclass(slots=True)
class SamSession:
    """Lives from BF EC until another file is selected; `mac_chain` is the last block between 07 and 01."""

    suite: CipherSuite
    key: bytes | None = None
    key_type: int = 0
    used_for_mac: bool | None = None
    mac_chain: bytes | None = None


@dataclass(slots=True)
class OpenSamPurchase:
    """Between 80 70 and 80 72."""

    suite: CipherSuite
    session_key: bytes
    amounts: bytes


def current_environment(machine: Machine) -> str:
    """
    Raises:
        Refusal: 6985, no environment's DF01 is current.
    """
    name = machine.volatile.current_df.name
    if name not in ENVIRONMENTS:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    return name


def suite_of(machine: Machine) -> CipherSuite:
    """The cipher suite of the current environment.

    Raises:
        Refusal: 6985 no environment's DF01 is current; 6A81 it is SSF33's, which is not public (card.md §9.29).
    """
    name = current_environment(machine)
    if name not in SUITES:
        raise Refusal(status.FUNCTION_NOT_SUPPORTED)
    return SUITES[name]


def session_of(machine: Machine) -> SamSession:
    """
    Raises:
        Refusal: as `suite_of`; 6985 BF EC was not done since the environment was selected.
    """
    suite_of(machine)
    session = machine.volatile.application
    if not isinstance(session, SamSession):
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    return session


def psam_key_name(spec: PsamKeySpec) -> str:
    """The name of its object in the memory."""
    return key_object_name(f"{spec.df}/{spec.type:02X}{spec.id:02X}")


def find_key(machine: Machine, home: str, usage: int, key_id: int) -> PsamKeySpec | None:
    """The key of exactly that usage and id in an environment, whether it is loaded or not."""
    for spec in machine.profile.psam_keys:
        if (spec.df, spec.usage, spec.id) == (home, usage, key_id):
            return spec
    return None


def named_key(machine: Machine, home: str, root: str) -> PsamKeySpec:
    """The key under a root's name.

    Raises:
        Refusal: 6A88.
    """
    for spec in machine.profile.psam_keys:
        if (spec.df, spec.root) == (home, root):
            return spec
    raise Refusal(status.REFERENCE_NOT_FOUND)


def is_present(machine: Machine, spec: PsamKeySpec) -> bool:
    """False for a place whose key was not loaded yet."""
    return machine.nvm.read(psam_key_name(spec), 0, 1) != ABSENT


def absent_key_object(length: int) -> bytes:
    """A place for a key that an issuer will load."""
    return ABSENT + bytes(length)


def stored_key(machine: Machine, spec: PsamKeySpec) -> bytes:
    """
    Raises:
        Refusal: 6A88, not loaded yet.
    """
    if not is_present(machine, spec):
        raise Refusal(status.REFERENCE_NOT_FOUND)
    return machine.nvm.read(psam_key_name(spec), 1)


def diversified(suite: CipherSuite, key: bytes, factors: bytes) -> bytes:
    """Down through the factors, which come nearest level first. Source: card.md §5.2."""
    for at in range(len(factors) - 8, -1, -8):
        key = suite.diversify(key, factors[at : at + 8])
    return key
