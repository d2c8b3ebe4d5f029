"""Personalisation: what a person file and root keys make of a card, and how a wrong file is told."""

import re

import pytest

from sscard_applets.catalogue import load_profile
from sscard_terminal.card.person import PersonError, parse_person
from sscard_terminal.card.personalise import directory_of, split_name
from sscard_terminal.cardspec.records import Cardholder, IssuerData
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import parse_ber, parse_records
from tests.cards import PERSON_TEXT, ask, card_image, chip_of, fetch, new_card

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


def test_the_32k_card_holds_what_the_specification_lists() -> None:
    card = new_card()
    fetch(card, SSSE)

    issuer = IssuerData.of(parse_records(bytes.fromhex(ask(card, "00B2012D40"))[:-2]))
    holder = Cardholder.of(parse_records(bytes.fromhex(ask(card, "00B201355B"))[:-2]))

    assert (issuer.card_number, issuer.version, str(issuer.issued)) == ("D2143569X", "2.0", "2012-01-01")
    assert issuer.identification.region == "370900"
    assert issuer.initialising_body.hex() == "915600000237090037090001"
    assert (holder.name, holder.social_security_number, holder.sex) == ("张三", "370900199001010010", "1")
    assert (holder.nation, holder.birth_place, str(holder.birth_date)) == ("01", "370900", "1990-01-01")


def test_the_card_identification_code_is_the_published_one() -> None:
    card = chip_of(card_image("gen1-16k"), None, "gen1-16k")
    fetch(card, SSSE)

    assert ask(card, "00B2012C12").startswith("0110370900D15600000500000001B6233D35")  # §6.10, card id code


def test_issuer_data_of_the_literal_bytes_in_the_specification() -> None:
    raw = bytes.fromhex("0110370900D15600000500000001B6233D35" + "0304322E3000" + "0709443231343335363958")

    issuer = IssuerData.of(parse_records(raw))

    assert (issuer.version, issuer.card_number, issuer.issued) == ("2.0", "D2143569X", None)


def test_the_directory_names_every_application_in_tree_order() -> None:
    templates = parse_ber(directory_of(load_profile("gen2-32k")))

    assert [(t.tag, (t.find(0x4F) or b"").hex().upper()) for t in templates] == [
        (0x61, f"D156000005{number:02X}") for number in range(5)
    ]
    assert (templates[3].find(0x50) or b"").decode("gbk") == "社会保险信息区2"


def test_names_overflow_into_their_extension_between_characters() -> None:
    assert split_name("张" * 16) == ("张".encode("gbk") * 15, "张".encode("gbk"))
    assert split_name("a" + "张" * 15) == (b"a" + "张".encode("gbk") * 14, "张".encode("gbk"))
    with pytest.raises(FormatError, match="longer than 30 and 20"):
        split_name("张" * 26)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "张三"', 'name = ""', "line 6, name: must be a text"),
        ('name = "张三"\n', "", "name: is missing"),
        ('sex = "1"', 'sex = "3"', "line 8, sex: must be one of 1, 2, 9"),
        (
            "370900199001010010",
            "370900199001010011",
            "line 7, social_security_number: has a wrong check digit",
        ),
        ("370900199001010010", "37090019900101001", "social_security_number: must be 17 digits"),
        ("1990-01-01", '"1990-01-01"', "line 11, birth_date: must be a date"),
        ("D2143569X", "D21435691", "card_number: has a wrong check character"),
        ("D2143569X", "D2143", "card_number: must be eight characters"),
        ('serial = "00000002"', 'serial = "2"', "serial: must be 8 hex digits"),
        ("expires = 2032-01-01", "expires = 2002-01-01", "expires: must lie after issued"),
        ('nation = "01"', 'nation = "01"\nshoe_size = 43', "shoe_size: is not known here"),
        ("[person]", "[persons]", "persons: is not known here"),
        ("[person]", "[person", "no TOML"),
        ('8F = "2" ', 'ZZ = "2" ', "ZZ: a record is two hex digits = a text"),
    ],
)
def test_a_wrong_person_file_names_line_and_field(old: str, new: str, says: str) -> None:
    text = PERSON_TEXT.replace(old, new)

    with pytest.raises(PersonError, match=re.escape(says)):
        parse_person(text, "gen2-32k")
