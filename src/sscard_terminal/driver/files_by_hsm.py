"""iReadCard and iWriteCard with an HSM in the PSAM's place: one file, one key.

Source: card.md §8, §6.7 (which challenge is which).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import files
from .addresses import parse_address, parse_data, written
from .codes import Code
from .hand import Hand, card_in_hand, open_card, open_with_pin
from .keys import KEYS
from .parameters import Authentication, CardInfo
from .place import Place
from .result import DONE, Refused, Result, joined
from .steps import Steps

READ_STEP_2, WRITE_STEP_2 = "iReadCard_HSM_Step2", "iWriteCard_HSM_Step2"


@dataclass(frozen=True, slots=True)
class Access:
    """What was asked of an HSM: `original` is what the key `key` is to be proved over."""

    target: files.Target
    key: str
    original: bytes


def read_step_1(place: Place, steps: Steps, card_type: int, card_info: str, file_address: str) -> Result:
    """iReadCard_HSM_Step1: of the first file alone; -2204 where no key is needed."""
    info, addresses = CardInfo.parse(card_info), parse_address(file_address)[:1]
    with card_in_hand(place, card_type, info) as hand:
        (_, needs), *_ = files.reading(hand, addresses, files.BY_KEY)
    if not needs.key:
        raise Refused(Code.HSM_NOT_NEEDED)
    hand = (open_with_pin if needs.pin else _open)(place, card_type, info=info)
    with hand.stack:
        ((target, _),) = files.reading(hand, addresses, files.BY_KEY)
        return _access_asked(hand, steps, READ_STEP_2, target, needs.key)


def _open(place: Place, card_type: int, info: CardInfo) -> Hand:
    return open_card(place, card_type, info)


def write_step_1(place: Place, steps: Steps, card_type: int, card_info: str, file_address: str) -> Result:
    """iWriteCard_HSM_Step1: of the first file alone."""
    info, addresses = CardInfo.parse(card_info), parse_address(file_address)[:1]
    hand = open_card(place, card_type, info)
    with hand.stack:
        (target,) = files.targets(hand, addresses)
        needs = files.needs_of(target.file.update, files.BY_KEY)
        files.require_items(target)
        return _access_asked(hand, steps, WRITE_STEP_2, target, needs.key)


def _access_asked(hand: Hand, steps: Steps, step: str, target: files.Target, key: str) -> Result:
    """Two challenges: the first is the original information, the second, the newest, the factor (card.md §6.7)."""
    client = hand.card.client
    with hand.opened.exclusively():
        client.select_application(target.application)
        original, factor = client.challenge(), client.challenge()
    steps.keep(step, hand.handed_on(), Access(target, key, original))
    fields = (hand.algorithm, KEYS[key].address, factor.hex().upper(), original.hex().upper())
    return Result(0, joined(*fields))


def read_step_2(steps: Steps, key: str) -> Result:
    """iReadCard_HSM_Step2."""
    with steps.take(READ_STEP_2, Access) as (hand, access), hand.opened.exclusively():
        _authenticate(hand, access, key)
        return files.answer(written(access.target.address, files.values(hand, access.target)))


def write_step_2(steps: Steps, key: str, data: str) -> Result:
    """iWriteCard_HSM_Step2."""
    with steps.take(WRITE_STEP_2, Access) as (hand, access):
        (texts,) = parse_data(data, (access.target.address,))
        write = files.write_of(access.target, texts)
        with hand.opened.exclusively():
            _authenticate(hand, access, key)
            write(hand)
    return DONE


def _authenticate(hand: Hand, access: Access, key: str) -> None:
    answer = Authentication.parse(key)
    if answer.original != access.original:
        raise Refused(Code.DIFFERS_FROM_CARD)
    key_id = access.target.profile.key(access.key).id
    hand.card.client.external_authenticate(key_id, answer.data, answer.original)
