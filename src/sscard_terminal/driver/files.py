"""iReadCard and iWriteCard: items of every file the descriptions know, by pFileAddr.

What a file needs (PIN, a key shown by PSAM or HSM) its description says; the card has the last word. Several items are
written one after the other: where one fails those before it stand. Not here: an HSM in the PSAM's place (files_by_hsm.py).
Source: card.md §8, §1.5–1.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from sscard_applets.catalogue import load_profile, profile_names
from sscard_terminal.cardspec.access import PIN, AccessRule
from sscard_terminal.cardspec.profile import CardProfile, FileSpec
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.iso7816.identifiers import Aid
from sscard_terminal.iso7816.status import RECORD_NOT_FOUND, SECURITY_NOT_SATISFIED
from sscard_terminal.iso7816.tlv import TagLengthRecord
from sscard_terminal.terminal.identification import FACTOR_LENGTH

from .addresses import LAST_RECORD, SSSE, FileAddress, parse_address, parse_data, written
from .codes import Code
from .hand import Hand, card_in_hand, with_pin
from .keys import KEYS
from .parameters import CardInfo
from .place import Place
from .result import DONE, Refused, Result
from .values import fields_of_cyclic, shown, stored

BY_PIN, BY_KEY = 1, 2
"""iAuthType. Source: card.md §8."""
LONGEST_ANSWER = 20 * 1024 - 1


@cache
def _profiles() -> dict[str, CardProfile]:
    """The description of each version of the card; a PSAM's is none."""
    found = map(load_profile, profile_names())
    return {profile.version[:3]: profile for profile in found if profile.pin is not None}


def profile_of(hand: Hand) -> CardProfile:
    """The description of this card.

    Raises:
        Refused: -1, there is none of its version.
    """
    profile = _profiles().get(hand.card.issuer.version)
    if profile is None:
        raise Refused(Code.WRONG_CARD_TYPE)
    return profile


@dataclass(frozen=True, slots=True)
class Target:
    """One file of a pFileAddr on this card."""

    address: FileAddress
    file: FileSpec
    profile: CardProfile

    @property
    def application(self) -> Aid:
        return Aid(self.profile.df(self.file.df).aid)


# What access needs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Needs:
    """Which key, and whether the PIN, a file asks for; `key` "" none."""

    pin: bool
    key: str


def needs_of(rule: AccessRule, auth_type: int) -> Needs:
    """By which of a rule's alternatives access is sought: the only one, or the one iAuthType says.

    Raises:
        Refused: -27010 nobody may; -14 an iAuthType that leaves it open.
    """
    ways = [Needs(PIN in way, next(iter(way - {PIN}), "")) for way in rule.alternatives]
    if not ways:
        raise Refused(-SECURITY_NOT_SATISFIED)
    if len(ways) == 1:
        return ways[0]
    for way in ways:
        if (auth_type == BY_PIN and way.pin) or (auth_type == BY_KEY and way.key):
            return way
    raise Refused(Code.BAD_PARAMETER)


def targets(hand: Hand, addresses: Iterable[FileAddress]) -> tuple[Target, ...]:
    """
    Raises:
        Refused: -27266 a file this card does not have.
    """
    profile = profile_of(hand)
    return tuple(Target(address, address.found_in(profile.files), profile) for address in addresses)


class _Opener:
    """Goes from file to file: selects its application and shows the key it asks for, each once."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._df = ""
        self._shown: set[str] = set()

    def open(self, target: Target, key: str) -> None:
        if self._df != target.file.df:
            self._hand.card.client.select_application(target.application)
            self._df = target.file.df
            self._shown -= {name for name in self._shown if target.profile.key(name).df != SSSE}
        if key and key not in self._shown:
            self._show(target, key)
            self._shown.add(key)

    def _show(self, target: Target, key: str) -> None:
        """External authentication by the PSAM. Source: card.md §5.3."""
        hand, client = self._hand, self._hand.card.client
        psam, original = hand.psam(), hand.place.random(FACTOR_LENGTH)
        data = psam.external_authentication_data(
            KEYS[key].sam, hand.card.factors, client.challenge(), original
        )
        client.external_authenticate(target.profile.key(key).id, data, original)


# Reading ----------------------------------------------------------------------------------------------


def read_card(place: Place, card_type: int, auth_type: int, card_info: str, file_address: str) -> Result:
    """iReadCard: the values in the shape of pFileAddr."""
    info, addresses = CardInfo.parse(card_info), parse_address(file_address)
    with card_in_hand(place, card_type, info) as hand:
        if not any(needs.pin for _, needs in reading(hand, addresses, auth_type)):
            return _read(hand, addresses, auth_type)
    with with_pin(place, card_type, info=info) as hand:
        return _read(hand, addresses, auth_type)


def reading(hand: Hand, addresses: Sequence[FileAddress], auth_type: int) -> list[tuple[Target, Needs]]:
    """
    Raises:
        Refused: before anything is asked of holder or keys: -27266, -27267, -27010, -14.
    """
    found = [(target, needs_of(target.file.read, auth_type)) for target in targets(hand, addresses)]
    for target, _ in found:
        require_items(target)
    return found


def require_items(target: Target) -> None:
    match target.file.structure:
        case "linear":
            target.address.records_in(target.file)
        case "cyclic":
            target.address.record_number()
        case _:
            target.address.require_no_items()


def _read(hand: Hand, addresses: Sequence[FileAddress], auth_type: int) -> Result:
    opener, answers = _Opener(hand), []
    for target, needs in reading(hand, addresses, auth_type):
        opener.open(target, needs.key)
        answers.append(written(target.address, values(hand, target)))
    return answer("".join(answers))


def answer(out: str) -> Result:
    if len(out.encode("gb18030", errors="replace")) > LONGEST_ANSWER:
        raise Refused(Code.WRONG_LENGTH)
    return Result(0, out)


def values(hand: Hand, target: Target) -> list[str]:
    client, file = hand.card.client, target.file
    match file.structure:
        case "linear":
            return [
                shown(
                    record.type,
                    client.record_by_tag(file.sfi, record.tag)
                    if _is_first(file, number)
                    else client.record_by_number(file.sfi, number, record.tag),
                )
                for number, record in target.address.records_in(file)
            ]
        case "cyclic":
            return _cyclicvalues(hand, target)
    return [client.transparent_file(file.fid, file.size).hex().upper()]


def _is_first(file: FileSpec, number: int) -> bool:
    """Whether the record is the first with its identifier: those are read by it, as every version has them."""
    tag = file.records[number - 1].tag
    return all(record.tag != tag for record in file.records[: number - 1])


def _cyclicvalues(hand: Hand, target: Target) -> list[str]:
    """Newest first. A file without any record has no value; one record that is asked for must be there (-27267)."""
    client, sfi = hand.card.client, target.file.sfi
    wanted = target.address.record_number()
    if wanted is not None:
        raw = client.cyclic_record(sfi, wanted)
        if raw is None:
            raise Refused(-RECORD_NOT_FOUND)
        return [_record(target.file, raw)]
    values = []
    for number in range(1, LAST_RECORD + 1):
        raw = client.cyclic_record(sfi, number)
        if raw is None or LogRecord.is_empty(raw):
            break
        values.append(_record(target.file, raw))
    return values


def _record(file: FileSpec, raw: bytes) -> str:
    out, position = "", 0
    for field in fields_of_cyclic(file):
        out += shown(field.type, raw[position : position + field.length]) + "^"
        position += field.length
    return out


# Writing ----------------------------------------------------------------------------------------------


def write_card(place: Place, card_type: int, card_info: str, file_address: str, data: str) -> Result:
    """iWriteCard: each item by the key its file asks for."""
    info, addresses = CardInfo.parse(card_info), parse_address(file_address)
    values = parse_data(data, addresses)
    with card_in_hand(place, card_type, info) as hand:
        writes = [
            (target, needs_of(target.file.update, BY_KEY).key, write_of(target, texts))
            for target, texts in zip(targets(hand, addresses), values, strict=True)
        ]
        opener = _Opener(hand)
        for target, key, write in writes:
            opener.open(target, key)
            write(hand)
    return DONE


Write = Callable[[Hand], None]


def write_of(target: Target, texts: Sequence[str]) -> Write:
    """What writes these values, once it is clear that they fit.

    Raises:
        Refused: -14, -27267 the items; -41, -42 the values.
    """
    file, address = target.file, target.address
    match file.structure:
        case "linear":
            found = address.records_in(file)
            records = [
                (number, TagLengthRecord(record.tag, stored(record.type, value, record.length)))
                for (number, record), value in zip(found, texts, strict=True)
            ]
            return lambda hand: _update_all(hand, file, records)
        case "cyclic":
            address.require_no_items()
            raw = _cyclic_record(file, texts[0])
            return lambda hand: hand.card.client.append_record(file.sfi, raw)
    address.require_no_items()
    content = stored("b", texts[0], file.size)
    return lambda hand: hand.card.client.update_file(file.fid, content)


def _update_all(hand: Hand, file: FileSpec, records: Iterable[tuple[int, TagLengthRecord]]) -> None:
    for number, record in records:
        hand.card.client.update_record(file.sfi, number, record)


def _cyclic_record(file: FileSpec, text: str) -> bytes:
    """
    Raises:
        Refused: -14 other fields than this file's; -41, -42.
    """
    fields = fields_of_cyclic(file)
    *texts, rest = text.split("^")
    if rest or len(texts) != len(fields):
        raise Refused(Code.BAD_PARAMETER)
    return b"".join(stored(field.type, part, field.length) for field, part in zip(fields, texts, strict=True))
