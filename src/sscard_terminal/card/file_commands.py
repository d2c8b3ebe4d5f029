"""The commands every card of this operating system has: SELECT, READ, UPDATE, challenges, authentication, blocks.

Not here: PIN and IRK (applets/social_security), money (applets/medical_account).
Source: card.md §2.2; the order of checks in each follows §10 A4.
"""

from __future__ import annotations

from dataclasses import replace

from sscard_terminal.cardspec.commands import basic, security
from sscard_terminal.cardspec.commands.basic import RecordMode
from sscard_terminal.cardspec.profile import CardProfile, DfSpec
from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import parse_record

from .control_information import fci_of, fcp_of
from .dispatch import Instruction
from .machine import Machine
from .records import CyclicFile, LinearFile
from .refusal import Refusal

MAC_LENGTH = 4
SHORT_NE_LIMIT = 256


def select(machine: Machine, command: basic.Select) -> bytes:
    """Refused, it changes nothing (card.md §10 B25)."""
    found = machine.files.find(command)
    if isinstance(found, DfSpec) and machine.is_blocked(found.name):
        raise Refusal(status.StatusWord(machine.profile.rules.blocked_select))
    machine.files.select(found)
    return fcp_of(found, command.answer) if machine.profile.rules.fcp_for_ef else fci_of(found)


def read_record(machine: Machine, command: basic.ReadRecord) -> bytes:
    """Le 00 asks for all of it: T=1 gives the data, T=0 says how much (card.md §10 B20)."""
    spec = machine.files.target(command.sfi, "linear", "cyclic")
    machine.security.require(spec.read)
    machine.files.make_current(spec)
    data, pointer = machine.files.read_records(spec, command.record, command.mode)
    asked, available = command.ne, min(len(data), SHORT_NE_LIMIT)
    open_ended = asked == SHORT_NE_LIMIT and (
        machine.profile.rules.answers_at_once or available == SHORT_NE_LIMIT
    )
    if asked > len(data) and not open_ended:
        raise Refusal(status.exact_ne_word(available))
    machine.volatile.record_pointer = pointer
    return data[:asked]


def read_binary(machine: Machine, command: basic.ReadBinary) -> bytes:
    spec = machine.files.target(command.sfi, "transparent")
    machine.security.require(spec.read)
    machine.files.make_current(spec)
    return machine.files.read_binary(spec, command.offset, command.ne)


def update_record(machine: Machine, command: basic.UpdateRecord) -> bytes:
    """Once it succeeded, a record named by identifier is the current one, and so is a new one (P5 §6.13.1).

    With CLA 04 the MAC comes in addition to the right to update (card.md §10 B32).
    """
    spec = machine.files.target(command.sfi, "linear", "cyclic")
    message_key = _message_key(machine, command.protected)
    machine.security.require(spec.update)
    machine.files.make_current(spec)
    records = machine.files.records(spec)
    adds = _adds(records, command)
    number = 0 if adds else machine.files.number_of(records, command.record, command.mode)
    if not adds:
        records.read(number)
    data = _without_mac(machine, message_key, command.to_apdu().header, command.data)
    if isinstance(records, LinearFile):
        _require_tlv(data)
    if adds:
        number = _add(machine, records, command, data)
    else:
        records.update(number, data)
    if command.mode is not RecordMode.NUMBER:
        machine.volatile.record_pointer = number
    return b""


def _adds(records: LinearFile | CyclicFile, command: basic.UpdateRecord) -> bool:
    """ "Previous" on a cyclic file (card.md §2.2); on a linear one the number after the last, or an identifier that no
    record bears. Source: P5 §6.13.1."""
    if isinstance(records, CyclicFile):
        return command.mode is RecordMode.PREVIOUS_WITH_ID
    if command.mode is RecordMode.NUMBER:
        return command.record == len(records) + 1
    return not records.with_identifier(command.record)


def _add(machine: Machine, records: LinearFile | CyclicFile, command: basic.UpdateRecord, data: bytes) -> int:
    """The number of the new record.

    Raises:
        Refusal: 6A85 of another length (cyclic), 6A84 no room, 6A80 another tag than P1 says (linear).
    """
    by_identifier = isinstance(records, LinearFile) and command.mode is not RecordMode.NUMBER
    if by_identifier and data[0] != command.record:
        raise Refusal(status.WRONG_DATA)
    with machine.nvm.transaction():
        return records.append(data)


def _require_tlv(data: bytes) -> None:
    try:
        parse_record(data)
    except FormatError:
        raise Refusal(status.LC_NOT_TLV) from None


def update_binary(machine: Machine, command: basic.UpdateBinary) -> bytes:
    spec = machine.files.target(command.sfi, "transparent")
    message_key = _message_key(machine, command.protected)
    machine.security.require(spec.update)
    data = _without_mac(machine, message_key, command.to_apdu().header, command.data)
    machine.files.make_current(spec)
    machine.files.update_binary(spec, command.offset, data)
    return b""


def _message_key(machine: Machine, protected: bool) -> bytes | None:
    return machine.security.message_key(machine.volatile.current_df) if protected else None


def _without_mac(machine: Machine, message_key: bytes | None, header: bytes, data: bytes) -> bytes:
    if message_key is None:
        return data
    session_key = machine.security.message_session_key(message_key)
    plain, mac = data[:-MAC_LENGTH], data[-MAC_LENGTH:]
    machine.security.check_message_mac(session_key, header, plain, mac)
    return plain


def get_challenge(machine: Machine, command: basic.GetChallenge) -> bytes:
    challenge = machine.random_bytes(command.length)
    machine.security.new_challenge(challenge)
    return challenge


def external_authenticate(machine: Machine, command: security.ExternalAuthenticate) -> bytes:
    spec = machine.security.find_external(command.key_id)
    group = 1 if command.key_version is None else command.key_version
    machine.security.authenticate_external(spec, group, command.original, command.authentication_data)
    return b""


def application_block(machine: Machine, command: security.ApplicationBlock) -> bytes:
    """Permission: the block key of this application. Source: card.md §1.9 (LK), §2.2.

    Raises:
        Refusal: 6985, the current DF is no application (one without a label in EF DIR: the MF, the SSSE; our choice).
    """
    current = machine.volatile.current_df
    if not current.label:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    _check_protected(machine, _blocking_key(machine, current), command.to_apdu().header, command.mac)
    machine.block_application(current.name)
    return b""


def _blocking_key(machine: Machine, df: DfSpec) -> str:
    """
    Raises:
        Refusal: 6A88, this application has none.
    """
    for spec in machine.profile.keys:
        if spec.df == df.name and spec.name.startswith("LK"):
            return spec.name
    raise Refusal(status.REFERENCE_NOT_FOUND)


def card_block(machine: Machine, command: security.CardBlock) -> bytes:
    """Permission: BK, in any application that has an STK. Source: card.md §1.9, §2.2; P6 table 3."""
    _check_protected(machine, "BK", command.to_apdu().header, command.mac)
    machine.block_card()
    return b""


def _check_protected(machine: Machine, permission: str, header: bytes, mac: bytes) -> None:
    """Order: key 6A88, permission 6982, challenge 6984, MAC 6988 (card.md §10 A4)."""
    message_key = machine.security.message_key(machine.volatile.current_df)
    machine.security.require_key(permission)
    session_key = machine.security.message_session_key(message_key)
    machine.security.check_message_mac(session_key, header, b"", mac)


_SELECT = Instruction("SELECT", 0x00, 0xA4, basic.Select.from_apdu, select, always_fetched=True, selects=True)
_READ = (
    Instruction("READ BINARY", 0x00, 0xB0, basic.ReadBinary.from_apdu, read_binary),
    Instruction("READ RECORD", 0x00, 0xB2, basic.ReadRecord.from_apdu, read_record),
    Instruction("GET CHALLENGE", 0x00, 0x84, basic.GetChallenge.from_apdu, get_challenge),
)


def reading(profile: CardProfile) -> tuple[Instruction, ...]:
    """SELECT as the description's rulings have it, and what reads; a PSAM has these too."""
    if profile.rules.fcp_for_ef:
        return (replace(_SELECT, parse=basic.Select.from_apdu_of_any_tool), *_READ)
    return (_SELECT, *_READ)


WRITING = tuple(
    Instruction(name, cla, ins, parse, run)
    for name, ins, parse, run in (
        ("UPDATE BINARY", 0xD6, basic.UpdateBinary.from_apdu, update_binary),
        ("UPDATE RECORD", 0xDC, basic.UpdateRecord.from_apdu, update_record),
    )
    for cla in (0x00, 0x04)
)
"""CLA 04 carries a MAC."""

PROTECTING = (
    Instruction(
        "EXTERNAL AUTHENTICATE", 0x00, 0x82, security.ExternalAuthenticate.from_apdu, external_authenticate
    ),
    Instruction("APPLICATION BLOCK", 0x84, 0x1E, security.ApplicationBlock.from_apdu, application_block),
    Instruction("CARD BLOCK", 0x84, 0x16, security.CardBlock.from_apdu, card_block),
)
