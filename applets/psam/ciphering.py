"""INITIALIZE ENVIRONMENT, DELIVERY SESSION KEY and CIPHER DATA, and what SELECT does to a delivered key.

Source: card.md §5.2, §9.22, §10 B40, B41; P9 §9.7, §9.8.
"""

from __future__ import annotations

from sscard_terminal.card import file_commands
from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.cardspec.bcd import is_decimal
from sscard_terminal.cardspec.commands.basic import Select
from sscard_terminal.cardspec.commands.psam import (
    CipherData,
    CipherMode,
    DeliverySessionKey,
    InitializeEnvironment,
)
from sscard_terminal.iso7816 import status

from . import environment
from .environment import SUITES, SamSession

LONGEST_DES, LONGEST_SM4 = 0x40, 0x80
_STARTS_WITH_INITIAL_VALUE = (CipherMode.MAC_SINGLE, CipherMode.MAC_FIRST)
_ENCRYPTS = (CipherMode.ENCRYPT_LAST, CipherMode.ENCRYPT_MORE)


def initialize_environment(machine: Machine, command: InitializeEnvironment) -> bytes:
    """In sx1 the byte must be BCD and not Beijing's; in sx3 any byte means SM4 (card.md §10 B40)."""
    name = environment.current_environment(machine)
    if name not in SUITES:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    if name == "DES":
        if command.first_byte == environment.SSF33_REGION:
            raise Refusal(status.CONDITIONS_NOT_SATISFIED)
        if not is_decimal(bytes((command.first_byte,))):
            raise Refusal(status.WRONG_DATA)
    machine.volatile.application = SamSession(SUITES[name])
    return b""


def select(machine: Machine, command: Select) -> bytes:
    """Any SELECT ends a delivered session key, that of an EF leaves the environment open (card.md §10 B40)."""
    answer = file_commands.select(machine, command)
    session = machine.volatile.application
    if isinstance(session, SamSession):
        session.key = None
    return answer


def delivery_session_key(machine: Machine, command: DeliverySessionKey) -> bytes:
    """Lc first, then the level bits, then whether there is such a key (card.md §10 B41)."""
    session = environment.session_of(machine)
    suite, levels, kind = session.suite, command.usage >> 5, command.usage & 0x1F
    if len(command.body) != suite.block + 8 * levels:
        raise Refusal(status.WRONG_LENGTH)
    home = machine.volatile.current_df.name
    keys = [spec for spec in machine.profile.psam_keys if spec.df == home]
    same = [spec for spec in keys if (spec.type, spec.id) == (kind, command.key_id)]
    if not same:
        raise Refusal(status.REFERENCE_NOT_FOUND)
    if same[0].levels != levels:
        raise Refusal(status.WRONG_DATA)
    factors, factor = command.body[: 8 * levels], command.body[8 * levels :]
    key = environment.diversified(suite, environment.stored_key(machine, same[0]), factors)
    session.key, session.key_type = suite.session_key(key, factor), kind
    session.used_for_mac, session.mac_chain = None, None
    return b""


def cipher_data(machine: Machine, command: CipherData) -> bytes:
    """Encrypt, or chain a MAC; changing from one to the other drops the session key (card.md §5.3).

    Raises:
        Refusal: 6700 no whole blocks, 6985 the environment is not open, 6901 no session key (any more) or no MAC
            begun (P9 table 26), 6985 a key of another type.
    """
    session = environment.session_of(machine)
    _require_blocks(session, command)
    encrypts = command.mode in _ENCRYPTS
    if session.used_for_mac is not None and session.used_for_mac is encrypts:
        session.key = None
    if session.key is None:
        raise Refusal(status.WRONG_STATE)
    if session.key_type not in _types_for(encrypts):
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    if command.mode in (CipherMode.MAC_NEXT, CipherMode.MAC_LAST) and session.mac_chain is None:
        raise Refusal(status.WRONG_STATE)
    session.used_for_mac = not encrypts
    if encrypts:
        return session.suite.encrypt(session.key, command.data)
    return _mac(session, session.key, command)


def _types_for(encrypts: bool) -> tuple[int, int]:
    return (environment.ENCRYPTION if encrypts else environment.MAC_ONLY, environment.BOTH)


def _require_blocks(session: SamSession, command: CipherData) -> None:
    block = session.suite.block
    longest = LONGEST_DES if block == 8 else LONGEST_SM4
    shortest = 2 * block if command.mode is CipherMode.MAC_SINGLE else block
    length = len(command.data)
    if length % block or not shortest <= length <= longest:
        raise Refusal(status.WRONG_LENGTH)


def _mac(session: SamSession, key: bytes, command: CipherData) -> bytes:
    """8 bytes for DES, the folded 4 for SM4 (card.md §9.22); nothing while more follows."""
    suite, data = session.suite, command.data
    start = session.mac_chain or b""
    if command.mode in _STARTS_WITH_INITIAL_VALUE:
        start, data = data[: suite.block], data[suite.block :]
    last = suite.chain(key, start, data) if data else start
    if command.mode in (CipherMode.MAC_FIRST, CipherMode.MAC_NEXT):
        session.mac_chain = last
        return b""
    session.mac_chain = None
    return last if suite.block == 8 else suite.fold(last)
