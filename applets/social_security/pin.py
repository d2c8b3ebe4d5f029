"""VERIFY, CHANGE PIN, PIN UNBLOCK and PIN RELOAD.

Not here: the counter and the comparison (card.retry_counter).
Source: card.md §3, §10 B11–B17.
"""

from __future__ import annotations

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.cardspec.commands.security import ChangePin, QueryTries, ReloadPin, UnblockPin, VerifyPin
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.errors import FormatError

HOME = "SSSE"
PERMISSION = "PUK"


def verify(machine: Machine, command: VerifyPin | QueryTries) -> bytes:
    """Compare the PIN, or tell the tries left without touching anything."""
    _require_a_pin(machine)
    match command:
        case QueryTries():
            return _tell_tries(machine)
        case VerifyPin(pin_bytes=offered):
            _check(machine, offered)
            machine.volatile.pin_verified = True
    return b""


def _tell_tries(machine: Machine) -> bytes:
    """9000 where no PIN is set, else 63Cx; a locked one answers 63C0. Source: card.md §3, §9.16."""
    if not machine.pin.is_set:
        return b""
    raise Refusal(status.tries_left_word(machine.pin.tries_left))


def _check(machine: Machine, offered: bytes) -> None:
    """A wrong PIN also ends the session's PIN status. Source: card.md §9.15, §10 B11.

    Raises:
        Refusal: 6983, 63Cx.
    """
    if machine.profile.rules.wrong_pin_clears_status:
        was_verified, machine.volatile.pin_verified = machine.volatile.pin_verified, False
    else:
        was_verified = machine.volatile.pin_verified
    machine.pin.check(offered)
    machine.volatile.pin_verified = was_verified


def change(machine: Machine, command: ChangePin) -> bytes:
    """Old PIN, new PIN. Order: locked 6983, place 6985, form 6A80 (costs no try), comparison (card.md §10 B12)."""
    _require_a_pin(machine)
    if machine.pin.is_set and machine.pin.is_locked:
        raise Refusal(status.BLOCKED)
    _require_home(machine)
    try:
        old, new = command.parts()
    except FormatError:
        raise Refusal(status.WRONG_DATA) from None
    if machine.pin.is_set or old:
        _check(machine, old)
    machine.pin.store(new)
    if machine.profile.rules.change_pin_clears_status:
        machine.volatile.pin_verified = False
    return b""


def unblock_or_reload(machine: Machine, command: UnblockPin | ReloadPin) -> bytes:
    """Under the STK of the SSSE, wherever it is sent.

    Order: Lc 6700, key 6A88, permission 6982, challenge 6984, place 6985, MAC 6988, data 6A80. Source: card.md §3, §10
    A4, A8, B15–B17; the place is one of A4's "other conditions", as §10 B12 has it for CHANGE PIN.
    """
    _require_whole_blocks(machine, command)
    _require_a_pin(machine)
    message_key = machine.security.message_key(machine.profile.df(HOME))
    machine.security.require_key(PERMISSION)
    session_key = machine.security.message_session_key(message_key)
    _require_home(machine)
    match command:
        case UnblockPin(mac=mac):
            machine.security.check_message_mac(session_key, command.to_apdu().header, b"", mac)
            machine.pin.unblock()
        case ReloadPin(cryptogram=cryptogram, mac=mac):
            machine.security.check_message_mac(session_key, command.to_apdu().header, cryptogram, mac)
            machine.pin.store(_reloaded(machine, session_key, cryptogram))
    if machine.profile.rules.reset_pin_clears_status:
        machine.volatile.pin_verified = False
    return b""


def _require_whole_blocks(machine: Machine, command: UnblockPin | ReloadPin) -> None:
    """
    Raises:
        Refusal: 6700, a RELOAD for cards of another block length (card.md §10 A8).
    """
    if isinstance(command, ReloadPin) and len(command.cryptogram) % machine.suite.block:
        raise Refusal(status.WRONG_LENGTH)


def _reloaded(machine: Machine, session_key: bytes, cryptogram: bytes) -> bytes:
    """The new PIN out of the cryptogram; the longer form only for PINs that need it (card.md §10 A8, B15).

    Raises:
        Refusal: 6A80.
    """
    try:
        new = machine.suite.decrypt_data(session_key, cryptogram)
        Pin.from_bcd(new)
    except FormatError:
        raise Refusal(status.WRONG_DATA) from None
    return new


def _require_a_pin(machine: Machine) -> None:
    """
    Raises:
        Refusal: 6A88, this card was made without any PIN (our choice; an empty one is another matter).
    """
    if not machine.pin.exists:
        raise Refusal(status.REFERENCE_NOT_FOUND)


def _require_home(machine: Machine) -> None:
    """Everything but VERIFY works in the SSSE only. Source: card.md §10 B17."""
    if machine.volatile.current_df.name != HOME:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
