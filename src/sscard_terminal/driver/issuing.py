"""iReloadPIN, iUnblockPIN and their HSM steps: what only a holder of PUK and STK can do to a card.

Few PSAMs hold those keys; without them the calling program goes on with the HSM steps. Whoever may call this is the card
service window's business (system.md, row "unlock"). The journal keeps that it was done, and never a PIN.
Source: card.md §3, §5.3, §8; in iReloadPIN_HSM_Step2 the interface hands the new PIN to the calling program, for the HSM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sscard_terminal.cardspec.ciphers import MAC_LENGTH
from sscard_terminal.cardspec.commands.security import ReloadPin, UnblockPin
from sscard_terminal.cardspec.issuing import IdentitySighting, PinService
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.status import BLOCKED
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.client_issuing import PUK_KEY_ID
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.identification import FACTOR_LENGTH
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.pin_service_journal import (
    PinServiceEntry,
    PinServiceEventKind,
    PinServiceJournal,
)
from sscard_terminal.terminal.psam import PUK, STK

from .codes import Code
from .hand import Hand, asked_twice, card_in_hand, open_card
from .keys import PUK_ADDRESS, STK_ADDRESS
from .parameters import Authentication, CardInfo, hex_of
from .place import Place
from .result import DONE, Refused, Result, joined
from .steps import Steps

RELOAD_STEP_2, RELOAD_STEP_3 = "iReloadPIN_HSM_Step2", "iReloadPIN_HSM_Step3"
UNBLOCK_STEP_2, UNBLOCK_STEP_3 = "iUnblockPIN_HSM_Step2", "iUnblockPIN_HSM_Step3"
NO_MAC = bytes(MAC_LENGTH)
REQUEST_BYTES = 16
BY_DRIVER = "SSCardDriver"
"""Who has sighted the identity document, where nobody is signed in: the calling program answers for it."""


# By the PSAM ------------------------------------------------------------------------------------------


def reload_pin(place: Place, card_type: int, card_info: str) -> Result:
    """iReloadPIN: a new PIN of six digits, keyed twice, and full tries."""
    info = CardInfo.parse(card_info)
    with card_in_hand(place, card_type, info) as hand:
        hand.psam()
    new = asked_twice(place)
    try:
        with (
            card_in_hand(place, card_type, info) as hand,
            _recorded(hand, PinService.RESET),
        ):
            _open_pin_commands(hand)
            _protected_reload(hand, new)
    finally:
        new.wipe()
    return DONE


def unblock_pin(place: Place, card_type: int, card_info: str) -> Result:
    """iUnblockPIN: the PIN stays as it is and has its tries again."""
    info = CardInfo.parse(card_info)
    with card_in_hand(place, card_type, info) as hand, _recorded(hand, PinService.UNBLOCK):
        _open_pin_commands(hand)
        challenge = hand.card.client.challenge()
        mac = hand.psam().message_mac(
            STK, hand.card.factors, challenge, _maced_part(UnblockPin(NO_MAC).to_apdu())
        )
        hand.card.client.unblock_pin(mac)
    return DONE


def _open_pin_commands(hand: Hand) -> None:
    """External authentication with PUK by the PSAM."""
    client = hand.card.client
    psam, original = hand.psam(), hand.place.random(FACTOR_LENGTH)
    client.enter_ssse()
    data = psam.external_authentication_data(PUK, hand.card.factors, client.challenge(), original)
    _show_puk(hand, Authentication(data, original))


def _protected_reload(hand: Hand, new: Pin) -> None:
    challenge, factors = hand.card.client.challenge(), hand.card.factors
    cryptogram = hand.psam().encrypted(STK, factors, challenge, new.to_bcd())
    message = _maced_part(ReloadPin(cryptogram, NO_MAC).to_apdu())
    mac = hand.psam().message_mac(STK, factors, challenge, message)
    hand.card.client.reload_pin(cryptogram, mac)


def _maced_part(command: CommandApdu) -> bytes:
    """Header, Lc (the MAC's four bytes counted in) and the data before the MAC. Source: card.md §6.3."""
    return command.header + bytes((len(command.data),)) + command.data[:-MAC_LENGTH]


def _show_puk(hand: Hand, shown: Authentication) -> None:
    try:
        hand.card.client.external_authenticate(PUK_KEY_ID, shown.data, shown.original)
    except CardRefused as refused:
        if refused.sw == BLOCKED:
            raise Refused(Declined(Reason.PUK_BLOCKED, sw=refused.sw, command=refused.command)) from refused
        raise


# In the journal ---------------------------------------------------------------------------------------


@contextmanager
def _recorded(hand: Hand, service: PinService) -> Iterator[None]:
    """The request before, and how it ended."""
    place, journal = hand.place, PinServiceJournal(hand.place.journal)
    now = place.clock()
    number = journal.record_request(
        PinServiceEntry(
            request=place.random(REQUEST_BYTES).hex(),
            service=service,
            identification=hand.card.identification,
            card_number=hand.card.number,
            terminal=hand.terminal(),
            sighting=IdentitySighting(place.operator or BY_DRIVER, now),
            at=now,
        )
    )
    end, detail = PinServiceEventKind.LOST, ""
    try:
        yield
        end = PinServiceEventKind.DONE
    except LinkError as error:
        if not error.reached_card:
            end = PinServiceEventKind.NOT_DONE
        raise
    except Exception as error:
        end, detail = PinServiceEventKind.NOT_DONE, type(error).__name__
        raise
    finally:
        with suppress(JournalTrouble):  # what is done is done; the request stands there
            journal.record(number, end, place.clock(), detail=detail)


# By an HSM --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Permission:
    """PUK is to be proved over this."""

    original: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """The command is to be made by the HSM; it begins with this."""

    header: bytes
    service: PinService


def reload_step_1(place: Place, steps: Steps, card_type: int, card_info: str) -> Result:
    """iReloadPIN_HSM_Step1: what PUK is to be proved over."""
    return _step_1(place, steps, RELOAD_STEP_2, card_type, card_info)


def unblock_step_1(place: Place, steps: Steps, card_type: int, card_info: str) -> Result:
    """iUnblockPIN_HSM_Step1: what PUK is to be proved over."""
    return _step_1(place, steps, UNBLOCK_STEP_2, card_type, card_info)


def _step_1(place: Place, steps: Steps, next_step: str, card_type: int, card_info: str) -> Result:
    hand = open_card(place, card_type, CardInfo.parse(card_info))
    with hand.stack:
        client = hand.card.client
        with hand.opened.exclusively():
            original, factor = client.challenge(), client.challenge()
        steps.keep(next_step, hand.handed_on(), Permission(original))
    fields = (hand.algorithm, PUK_ADDRESS, factor.hex().upper(), original.hex().upper())
    return Result(0, joined(*fields))


def reload_step_2(steps: Steps, key: str) -> Result:
    """iReloadPIN_HSM_Step2: PUK shown, and the new PIN keyed for the HSM to encrypt."""

    def made(hand: Hand) -> tuple[bytes, str]:
        new = asked_twice(hand.place)
        digits = new.to_bcd().hex().upper().rstrip("F")
        new.wipe()
        empty = ReloadPin(bytes(hand.card.suite.block), NO_MAC).to_apdu()
        return _header(empty), digits

    return _step_2(steps, key, RELOAD_STEP_2, RELOAD_STEP_3, PinService.RESET, made)


def unblock_step_2(steps: Steps, key: str) -> Result:
    """iUnblockPIN_HSM_Step2: PUK shown."""
    header = _header(UnblockPin(NO_MAC).to_apdu())
    return _step_2(steps, key, UNBLOCK_STEP_2, UNBLOCK_STEP_3, PinService.UNBLOCK, lambda hand: (header, ""))


def _header(command: CommandApdu) -> bytes:
    return command.header + bytes((len(command.data),))


def _step_2(
    steps: Steps,
    key: str,
    step: str,
    next_step: str,
    service: PinService,
    made: Callable[[Hand], tuple[bytes, str]],
) -> Result:
    with steps.take(step, Permission) as (hand, permission):
        shown = Authentication.parse(key)
        if shown.original != permission.original:
            raise Refused(Code.DIFFERS_FROM_CARD)
        with hand.opened.exclusively():
            _show_puk(hand, shown)
        header, plain = made(hand)
        with hand.opened.exclusively():
            challenge = hand.card.client.challenge()
        steps.keep(next_step, hand, Command(header, service))
        out = joined(hand.algorithm, STK_ADDRESS, challenge.hex().upper(), header.hex().upper(), plain)
        return Result(0, out, is_secret=bool(plain))


def reload_step_3(steps: Steps, key: str) -> Result:
    """iReloadPIN_HSM_Step3: the whole command as the HSM has made it."""
    return _step_3(steps, RELOAD_STEP_3, key)


def unblock_step_3(steps: Steps, key: str) -> Result:
    """iUnblockPIN_HSM_Step3: the whole command as the HSM has made it."""
    return _step_3(steps, UNBLOCK_STEP_3, key)


def _step_3(steps: Steps, step: str, key: str) -> Result:
    with steps.take(step, Command) as (hand, command):
        length = command.header[-1]
        raw = hex_of(key, 2 * (len(command.header) + length))
        if not raw.startswith(command.header):
            raise Refused(Code.ILLEGAL_DATA)
        body, mac = raw[len(command.header) : -MAC_LENGTH], raw[-MAC_LENGTH:]
        with hand.opened.exclusively(), _recorded(hand, command.service):
            if command.service is PinService.RESET:
                hand.card.client.reload_pin(body, mac)
            else:
                hand.card.client.unblock_pin(mac)
    return DONE
