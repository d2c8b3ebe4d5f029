"""Description, person and root keys → the image of one card.

Not here: the PSAM (applets/psam/issue), what an applet keeps beside files (it hands that in), files on disk (memory).
Source: card.md §1.3–1.9, §6.1, §6.9, §10 (last table, B2, B29).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sscard_terminal.cardspec.bcd import bcd_of_date, bcd_of_digits
from sscard_terminal.cardspec.chinese import encoded
from sscard_terminal.cardspec.ciphers import CipherSuite, suite_named
from sscard_terminal.cardspec.keys import DiversificationFactors, KeySet, diversified, root_of_length
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.profile import CardProfile, FileSpec, RecordSpec
from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import BerTlv, TagLengthRecord, build_records

from .chip import ATR
from .image import build_image
from .machine import STATE
from .objects import CARDHOLDER, DIRECTORY, ISSUER_DATA, PROFILE
from .person import Person
from .records import cyclic_object
from .retry_counter import OBJECT, pin_object
from .secure_messaging import key_object, key_object_name

SOCIAL_SECURITY_RID = bytes.fromhex("D156000005")
INITIALISING_ORGANISATION = bytes.fromhex("9156000002")
NAME_LENGTH, NAME_EXTENSION_LENGTH = 30, 20

Values = Mapping[int, bytes]


def personalise(
    profile: CardProfile,
    person: Person,
    roots: KeySet,
    extra: Mapping[str, bytes],
    first_pin: Pin | None = None,
) -> bytes:
    """The bytes of a new, sealed image. `extra` are the applets' own objects; `first_pin` None = the description's.

    Raises:
        FormatError: a value does not fit its field, or a key is missing.
    """
    suite, atr = suite_named(profile.algorithm), atr_of(profile, person)
    factors = DiversificationFactors.of(person.card.region, atr.historical)
    keys = {spec.name: _card_key(suite, roots, spec.name, spec.length, factors) for spec in profile.keys}
    values = {**_issuer_and_holder(profile, suite, person, keys["IRK"]), **_further(profile, person)}
    objects = {PROFILE: profile.name.encode("ascii"), ATR: atr.build(), STATE: bytes(1 + len(profile.dfs))}
    if profile.pin is not None:
        pin = first_pin or Pin(profile.pin.first)
        objects[OBJECT] = pin_object(pin.to_bcd(), profile.pin.try_limit)
    for spec in profile.keys:
        for group in spec.groups:
            objects[key_object_name(spec.name, group)] = key_object(keys[spec.name], spec.tries)
    objects.update({spec.key: _content(profile, spec, values.get(spec.key, {})) for spec in profile.files})
    return build_image({**objects, **extra})


def atr_of(profile: CardProfile, person: Person) -> Atr:
    """The description's ATR with the region's first four digits (T8–T9) and the serial (TA–TD). Source: card.md §7."""
    region = bcd_of_digits(person.card.region[:4], 2)
    historical = profile.atr.historical[:7] + region + bytes.fromhex(person.card.serial)
    return replace(profile.atr, historical=historical)


def _card_key(
    suite: CipherSuite, roots: KeySet, name: str, length: int, factors: DiversificationFactors
) -> bytes:
    return diversified(suite, root_of_length(roots[name], length), factors)


def _issuer_and_holder(
    profile: CardProfile, suite: CipherSuite, person: Person, irk: bytes
) -> dict[str, Values]:
    card, region = person.card, bcd_of_digits(person.card.region, 3)
    identification = region + SOCIAL_SECURITY_RID + bytes.fromhex(card.serial)
    name, extension = split_name(person.name)
    return {
        ISSUER_DATA: {
            0x01: identification + suite.direct_mac(irk, identification, b""),
            0x02: card.card_class.encode(),
            0x03: profile.version.encode(),
            0x04: INITIALISING_ORGANISATION + region + region + b"\x01",
            0x05: bcd_of_date(card.issued),
            0x06: bcd_of_date(card.expires),
            0x07: card.card_number.encode(),
        },
        CARDHOLDER: {
            0x08: person.social_security_number.encode(),
            0x09: name,
            0x4E: extension,
            0x0A: person.sex.encode(),
            0x0B: bcd_of_digits(person.nation, 1),
            0x0C: bcd_of_digits(person.birth_place, 3),
            0x0D: bcd_of_date(person.birth_date),
        },
    }


def split_name(name: str) -> tuple[bytes, bytes]:
    """GB18030 bytes of the name and of its overflow, cut between characters. Source: card.md §1.6, tags 09 and 4E.

    Raises:
        FormatError: longer than both fields together.
    """
    parts, room = [b"", b""], (NAME_LENGTH, NAME_EXTENSION_LENGTH)
    place = 0
    for character in name:
        coded = encoded(character)
        if len(parts[place]) + len(coded) > room[place]:
            place += 1
        if place > 1 or len(coded) > room[place]:
            raise FormatError(f"the name is longer than {NAME_LENGTH} and {NAME_EXTENSION_LENGTH} bytes")
        parts[place] += coded
    return parts[0], parts[1]


def _further(profile: CardProfile, person: Person) -> dict[str, Values]:
    """Records the person file gives beyond the usual ones.

    Raises:
        FormatError: no such file or tag in the description.
    """
    known = {spec.key: spec for spec in profile.files}
    values: dict[str, Values] = {}
    for key, records in person.records.items():
        if key not in known:
            raise FormatError(f"[records.{key}]: {profile.name} has no such file")
        by_tag = {record.tag: record for record in known[key].records}
        missing = sorted(set(records) - set(by_tag))
        if missing:
            raise FormatError(f"[records.{key}]: {profile.name} has no record {missing[0]:02X} there")
        values[key] = {tag: _coded(by_tag[tag], text) for tag, text in records.items()}
    return values


def _coded(record: RecordSpec, text: str) -> bytes:
    return bcd_of_digits(text, record.length) if record.type == "cn" else encoded(text)


def _content(profile: CardProfile, spec: FileSpec, values: Values) -> bytes:
    """What a file holds when the card is handed out."""
    if spec.key == DIRECTORY:
        return directory_of(profile).ljust(spec.capacity, b"\x00")
    match spec.structure:
        case "cyclic":
            return cyclic_object(spec)
        case "transparent":
            return bytes(spec.capacity)
    records = build_records(_record(spec, record, values.get(record.tag)) for record in spec.records)
    return records.ljust(spec.capacity, b"\x00")


def _record(spec: FileSpec, record: RecordSpec, value: bytes | None) -> TagLengthRecord:
    if value is None:
        return TagLengthRecord(record.tag, record.empty)
    if len(value) > record.length:
        raise FormatError(
            f"{spec.key} record {record.tag:02X}: {len(value)} bytes, at most {record.length} fit"
        )
    fill = b"\xff" if record.type == "cn" else b"\x00"
    return TagLengthRecord(record.tag, value.ljust(record.length, fill))


def directory_of(profile: CardProfile) -> bytes:
    """EF DIR: one 61 template per application, AID and GBK label. Source: card.md §1.2, DIR record."""
    templates = (
        BerTlv(0x61, BerTlv(0x4F, df.aid).build() + BerTlv(0x50, encoded(df.label)).build())
        for df in profile.dfs
        if df.label
    )
    return b"".join(template.build() for template in templates)
