"""card.md §1: which files and records are on the cards, what stands in them, who may read and change them, which keys.

Layouts, rights and ids stand here as the document prints them.
"""

from dataclasses import replace

import pytest

from sscard_applets.catalogue import load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile
from tests.cards import KEYS, PERSON_TEXT
from tests.conformance.clauses import clause
from tests.conformance.issuer import (
    EXTERNAL_KEYS,
    GEN1,
    GEN2,
    GEN3,
    GENERATIONS,
    ORIGINAL,
    VECTOR3,
    Card,
    Generation,
    Psam,
    amounts_of,
    each_generation,
    from_2_0,
    load_command,
    purchase_command,
    root_key,
    with_options,
)

NAME = "7378312E73682EC9E7BBE1B1A3D5CF"
FREE, NEVER = ((),), ()
PIN, PIN_OR_RK = (("pin",),), (("pin",), ("RK1DF04",))

# DF, FID → SFI, structure, read, update; alternatives of what is needed together. Source: §1.1, §1.5–1.8, §10 B27.
COMMON = {
    ("SSSE", "EF1E"): (0x1E, "linear", FREE, NEVER),
    ("SSSE", "EF05"): (0x05, "linear", FREE, (("UKSSSE",),)),
    ("SSSE", "EF06"): (0x06, "linear", FREE, (("UKSSSE",),)),
    ("SSSE", "EF07"): (0x07, "transparent", (("RKSSSE",),), (("UKSSSE",),)),
    ("DF01", "EF16"): (0x16, "transparent", FREE, (("UK7DF01",),)),
    ("DF01", "EF17"): (0x17, "transparent", FREE, (("UK8DF01",),)),
    ("DF01", "EF18"): (0x18, "transparent", FREE, (("UK9DF01",),)),
    ("DF01", "EF19"): (0x19, "transparent", FREE, (("UKADF01",),)),
    ("DF01", "EF1A"): (0x1A, "transparent", FREE, (("UKBDF01",),)),
    ("DF04", "EF08"): (0x08, "cyclic", PIN, NEVER),
}
DF01_UPDATE = {
    "EF05": "UK1DF01", "EF06": "UK4DF01", "EF07": "UK2DF01", "EF08": "UK3DF01", "EF09": "UK2DF01", "EF0A": "UK5DF01",
    "EF15": "UK6DF01",
}  # fmt: skip
"""§1.8. Who may read on 1.0 stands in part 6, table 5 (§9.5)."""
FILES = {
    1: COMMON
    | {("DF01", fid): (int(fid[2:], 16), "linear", PIN, ((key,),)) for fid, key in DF01_UPDATE.items()}
    | {
        ("DF01", "EF07"): (0x07, "linear", (("pin",), ("UK2DF01",)), (("UK2DF01",),)),
        ("DF01", "EF09"): (0x09, "linear", (("pin",), ("UK2DF01",)), (("UK2DF01",),)),
        ("DF04", "EF05"): (0x05, "linear", PIN, (("UK1DF04",),)),
    },
    2: COMMON
    | {
        ("DF01", fid): (int(fid[2:], 16), "linear", (("pin",), ("RK1DF01",)), ((key,),))
        for fid, key in DF01_UPDATE.items()
    }
    | {
        ("SSSE", "EF08"): (0x08, "transparent", (("RKSSSE",),), (("UKSSSE",),)),
        ("DF04", "EF05"): (0x05, "linear", PIN_OR_RK, (("UK1DF04",),)),
        ("DF04", "EF06"): (0x06, "linear", (("pin", "RK1DF04"),), (("UK2DF04",),)),
        ("DF04", "EF15"): (0x15, "cyclic", PIN_OR_RK, (("UK2DF04",),)),
    },
}
FILES[3] = FILES[2] | {("SSSE", "EF06"): (0x06, "linear", (("RKSSSE",),), (("UKSSSE",),))}
"""§1.6: from 3.0 the cardholder's data need RKSSSE."""
DFS = {1: ("DF01", "DF02", "DF03", "DF04"), 2: ("DF01", "DF02", "DF03", "DF04", "DF07")}
DFS[3] = DFS[2]

# Records in their order: tag, length, type (§1.5–1.8).
ISSUER = "01 10 cn, 02 01 an, 03 04 an, 04 0C cn, 05 04 cn, 06 04 cn, 07 09 an"
HOLDER = "08 12 an, 09 1E an, 4E 14 an, 0A 01 an, 0B 01 cn, 0C 03 cn, 0D 04 cn"
LAYOUTS = {
    ("SSSE", "EF05"): ISSUER,
    ("SSSE", "EF06"): HOLDER,
    ("DF01", "EF05"): "20 02 an, 21 50 an, 0E 03 cn",
    ("DF01", "EF06"): "23 50 an, 24 03 cn, 28 0F an, 2C 32 an, 2D 0F an",
    ("DF01", "EF07"): "29 01 an",
    ("DF01", "EF08"): "2B 01 an",
    ("DF01", "EF09"): "2E 46 an, 30 09 an, 32 02 an",
    ("DF01", "EF0A"): "37 03 an, 38 02 an, 39 04 cn",
    ("DF01", "EF15"): "2A 01 cn, 40 34 tlv, 40 34 tlv",
    ("DF04", "EF05"): (
        "81 08 an, 84 03 cn, 87 11 an, 8C 01 cn, 80 04 cn, 8B 1D an, 8A 0F an, 83 09 an, 86 09 an, 89 09 an,"
        " 7D 09 an, 7E 09 an, 7F 09 an, 8D 09 an, 8E 09 an, 8F 01 an"
    ),
    ("DF04", "EF06"): "90 01 an, 92 04 cn, 93 02 an",
}
OF_1_0 = {
    ("SSSE", "EF06"): HOLDER.replace("4E 14 an, ", ""),
    ("DF04", "EF05"): (
        "81 46 an, 84 46 an, 87 46 an, 8C 01 cn, 80 04 cn, 8B 1D an, 8A 0F an, 83 09 an, 86 09 an, 89 09 an, 8F 01 an"
    ),
}
"""§1.6, §1.7, §10 A13: institution names of 46 hex bytes, no 7D, 7E, 7F, 8D, 8E."""


def layout_of(gen: Generation, df: str, fid: str) -> list[tuple[str, int, str]]:
    text = (OF_1_0 if gen.number == 1 else {}).get((df, fid)) or LAYOUTS[df, fid]
    return [(tag, int(length, 16), kind) for tag, length, kind in map(str.split, text.split(", "))]


def cases(*only: tuple[str, str]) -> list[object]:
    """Every generation with every file it has (of those named, or all)."""
    return [
        pytest.param(gen, df, fid, id=f"{gen.name}-{df}-{fid}")
        for gen in GENERATIONS
        for df, fid in FILES[gen.number]
        if not only or (df, fid) in only
    ]


def linear_cases(*dfs: str) -> list[object]:
    return [
        pytest.param(gen, df, fid, id=f"{gen.name}-{df}-{fid}")
        for gen in GENERATIONS
        for df, fid in LAYOUTS
        if df in dfs and (df, fid) in FILES[gen.number]
    ]


def read_command(sfi: int, structure: str) -> str:
    return f"00B0{0x80 | sfi:02X}0001" if structure == "transparent" else f"00B201{sfi << 3 | 4:02X}00"


def update_command(gen: Generation, df: str, fid: str) -> str:
    """Well-formed: one byte, the first record filled with A5, or a new cyclic record."""
    sfi, structure, *_ = FILES[gen.number][df, fid]
    if structure == "transparent":
        return f"00D6{0x80 | sfi:02X}0001A5"
    if structure == "cyclic":
        length = 0x1C if fid == "EF08" else 3
        return f"00DC00{sfi << 3 | 3:02X}{length:02X}{'A5' * length}"
    tag, length, _ = layout_of(gen, df, fid)[0] if fid != "EF1E" else ("61", 0x10, "")
    return f"00DC01{sfi << 3 | 4:02X}{length + 2:02X}{tag}{length:02X}{'A5' * length}"


def every_right_but(needed: set[str], df: str) -> list[str]:
    """All that somebody can show in this application, without what is needed."""
    shown = [key for key, (home, _) in EXTERNAL_KEYS.items() if home in ("SSSE", df)]
    return [right for right in ["pin", *shown] if right not in needed]


def asked_with(gen: Generation, df: str, rights: tuple[str, ...], command: str) -> str:
    card = Card(gen)
    card.select(df)
    card.gain(*rights)
    return card.ask(command)


# -- 1.1, 1.2: the tree and what SELECT answers


@clause("1.1 Tree")
@pytest.mark.parametrize(("gen", "df", "fid"), cases())
def test_every_file_is_there_by_identifier_and_by_short_identifier(
    gen: Generation, df: str, fid: str
) -> None:
    sfi, structure, *_ = FILES[gen.number][df, fid]
    card = Card(gen)
    card.select(df)

    assert card.ask(f"00A4020002{fid}") == "9000"
    assert card.ask(read_command(sfi, structure)) != "6A82"


@clause("1.1 Tree", "1.7 internal amount file", "10 A13, B28")
@each_generation
@pytest.mark.parametrize("df", ["SSSE", "DF01", "DF02", "DF03", "DF04"])
def test_no_other_file_can_be_selected(gen: Generation, df: str) -> None:
    card = Card(gen)
    card.select(df)
    there = {fid for home, fid in FILES[gen.number] if home == df}

    found = {
        f"{fid:04X}"
        for fid in (*range(0x0100), *range(0xEF00, 0xF000))
        if card.ask(f"00A4020002{fid:04X}") == "9000"
    }

    assert found == there


@clause("1.1 Tree", "1.2 ADF", "1.10 EF08 photo, DF07, DF04 EF15", "10 D9", "10 B24, B26")
@each_generation
def test_the_applications_answer_their_name_and_1_0_has_no_df07(gen: Generation) -> None:
    card = Card(gen)

    for number, df in enumerate(("DF01", "DF02", "DF03", "DF04", "DF07")):
        expected = f"6F088406D156000005{number:02X}9000" if df in DFS[gen.number] else "6A82"
        assert card.fetch(f"00A4040006D156000005{number:02X}") == expected
        assert card.fetch(f"00A4000002{df}") == expected


@clause("1.2 SSSE, 1.0 and 2.0 card", "1.2 SSSE, 3.0 card", "1.10 Algorithm")
@pytest.mark.parametrize(
    ("gen", "proprietary"),
    [(GEN1, "A50388011E"), (GEN2, "A50388011E"), (GEN3, "A50988011E9F0C03860103")],
    ids=str,
)
def test_the_fci_of_the_ssse_tells_the_algorithm_from_3_0_on(gen: Generation, proprietary: str) -> None:
    body = f"840F{NAME}{proprietary}"

    assert Card(gen).select("SSSE") == f"6F{len(body) // 2:02X}{body}"


@clause("1.2 EF")
@each_generation
def test_select_of_an_ef_answers_nothing(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")

    assert card.ask("00A4020002EF05") == "9000"
    assert card.ask("00A4000002EF05") == "9000"


@clause("1.2 MF of a joint card")
@each_generation
def test_the_mf_is_the_bank_s_environment(gen: Generation) -> None:
    assert Card(gen).select("MF") == "6F10840E315041592E5359532E4444463031"


LABELS = {
    "00": "B9ABB9B2D3A6D3C3D0C5CFA2C7F8",
    "01": "BECDD2B5D3EBCAA7D2B5D0C5CFA2C7F8",
    "02": "C9E7BBE1B1A3CFD5D0C5CFA2C7F831",
    "03": "C9E7BBE1B1A3CFD5D0C5CFA2C7F832",
    "04": "C8CBCAC2C8CBB2C5D0C5CFA2C7F8",
}
"""公共应用信息区, 就业与失业信息区, 社会保险信息区1, 社会保险信息区2, 人事人才信息区 in GBK."""


@clause("1.1 Tree", "10 B27")
@each_generation
def test_ef_dir_lists_every_application_with_name_and_label(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")

    entries = [f"4F06D156000005{number}50{len(label) // 2:02X}{label}" for number, label in LABELS.items()]
    assert read_all_records(card, 0x1E) == [
        f"61{len(entry) // 2:02X}{entry}" for entry in entries[: len(DFS[gen.number])]
    ]


def read_record(card: Card, sfi: int, number: int) -> str:
    """By number, asked for its length first, as T=0 wants it."""
    command = f"00B2{number:02X}{sfi << 3 | 4:02X}"
    answer = card.ask(f"{command}00")
    return card.ask(f"{command}{answer[2:]}")[:-4] if answer.startswith("6C") else answer


def read_all_records(card: Card, sfi: int) -> list[str]:
    records = []
    while (record := read_record(card, sfi, len(records) + 1)) != "6A83":
        records.append(record)
    return records


# -- 1.3, 1.4: types and records


def made(gen: Generation, text: str, profile: CardProfile | None = None) -> Card:
    """A card personalised from another person file."""
    profile = profile or load_profile(gen.name)
    held = AmountFile(0, 0, Fen(0), Fen(0), Fen(0), bytes.fromhex("2012"), bytes.fromhex("0101"))
    image = personalise(profile, parse_person(text, gen.name), KEYS, fresh_objects(held))
    return Card(gen, profile=profile, image=image)


@clause("1.3 an", "1.6 tag 09")
@each_generation
def test_a_text_is_left_aligned_and_filled_with_00(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    if gen.number == 3:
        card.gain("RKSSSE")

    assert card.ask("00B2093020") == "091E" + "D5C5C8FD" + "00" * 26 + "9000"


@clause("1.3 cn")
@pytest.mark.parametrize(
    ("digits", "stored"), [("370900", "370900"), ("37090", "37090F"), ("3709", "3709FF"), ("", "FFFFFF")]
)
@from_2_0
def test_digits_are_left_aligned_and_filled_with_nibbles_f(gen: Generation, digits: str, stored: str) -> None:
    card = made(gen, PERSON_TEXT.replace('84 = "370900"', f'84 = "{digits}"' if digits else ""))
    card.select("DF04")
    card.gain("pin")

    assert card.ask("00B2842805") == f"8403{stored}9000"


@clause("1.3 b", "1.10 EF08 photo, DF07, DF04 EF15")
@each_generation
def test_binary_is_most_significant_byte_first_and_filled_with_00(gen: Generation) -> None:
    card = Card(gen, cia=0x01020304)
    card.select("SSSE")
    card.gain("RKSSSE")

    assert card.do("00B0870000") == card.do("00B0020000") == "00" * 256
    assert card.ask("00B0030001") == "6B00"  # 0300 bytes
    assert card.ask("00B0880000") == ("6A82" if gen.number == 1 else "00" * 256 + "9000")
    if gen.number > 1:
        assert card.ask("00B00FFF01") == "009000"
        assert card.ask("00B0100001") == "6B00"  # 1000 bytes
    assert card.at_account().balances()[0] == "01020304"


@clause("1.4 Record format")
@each_generation
def test_a_linear_record_is_read_with_its_tag_and_length_and_found_by_its_tag(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")

    assert card.ask("00B207280B") == card.ask("00B2072C0B") == "0709" + "443231343335363958" + "9000"


@clause("1.4 Record format", "2.2 UPDATE RECORD")
@from_2_0
def test_a_cyclic_record_is_raw_and_number_1_is_the_newest(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("RK1DF04", "UK2DF04")

    assert card.play("00DC00AB03000131", "00DC00AB03000232") == ["9000", "9000"]
    assert card.play("00B201AC03", "00B202AC03", "00B203AC03") == ["0002329000", "0001319000", "6A83"]


# -- 1.5, 1.6: issuer and cardholder


def identification(gen: Generation) -> str:
    """Region, RID, serial, and the code of §6.9: its MAC under IRK, a direct one with DES."""
    plain = bytes.fromhex(f"370900D156000005{gen.serial}")
    return (plain + gen.suite.direct_mac(gen.key("IRK"), plain, b"")).hex().upper()


ISSUED = {1: ("20080101", "20180101"), 2: ("20120101", "20320101"), 3: ("20200101", "20400101")}
VERSION = {1: "312E3030", 2: "322E3030", 3: "332E3030"}


def issuer_record(gen: Generation, tag: str) -> str:
    return {
        "01": identification(gen),
        "02": "33",
        "03": VERSION[gen.number],
        "04": "9156000002" + "370900" + "370900" + "01",
        "05": ISSUED[gen.number][0],
        "06": ISSUED[gen.number][1],
        "07": "443231343335363958",
    }[tag]


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(tag, marks=clause(f"1.5 tag {tag}", *further))
        for tag, further in {
            "01": (), "02": (), "03": ("1.10 Version field", "10 synthetic version / algorithm"), "04": (),
            "05": ("10 synthetic issued – expires",), "06": ("10 synthetic issued – expires",), "07": (),
        }.items()
    ],
)  # fmt: skip
@each_generation
def test_an_issuer_record_stands_in_its_place(gen: Generation, tag: str) -> None:
    card = Card(gen)
    card.select("SSSE")
    value = issuer_record(gen, tag)
    wanted = f"{tag}{len(value) // 2:02X}{value}"

    assert read_record(card, 5, int(tag, 16)) == wanted
    assert card.ask(f"00B2{tag}28{len(wanted) // 2:02X}") == f"{wanted}9000"


@clause("1.5 tag 01")
@pytest.mark.parametrize(
    ("gen", "code"),
    [(GEN1, "370900D15600000500000001B6233D35"), (VECTOR3, "370900D15600000500000001CFCA406C")],
    ids=["3DES", "SM4"],
)
def test_the_card_identification_code_is_the_one_of_the_vectors(gen: Generation, code: str) -> None:
    card = Card(gen)
    card.select("SSSE")

    assert card.ask("00B2012C12") == f"0110{code}9000"


@clause("1.5 tag 01", "1.5 tag 07")
@each_generation
def test_the_issuer_file_has_64_bytes_in_tag_order(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    card.do("00A4020002EF05")

    whole = card.do("00B2010540")

    assert len(whole) == 2 * 0x40
    assert whole == "".join(f"{tag:02X}{length:02X}{issuer_record(gen, f'{tag:02X}')}" for tag, length in
                            zip(range(1, 8), (0x10, 1, 4, 0x0C, 4, 4, 9), strict=True))  # fmt: skip


HOLDER_VALUES = {
    "08": "333730393030313939303031303130303130",
    "09": "D5C5C8FD" + "00" * 26,
    "4E": "00" * 20,
    "0A": "31",
    "0B": "01",
    "0C": "370900",
    "0D": "19900101",
}


@pytest.mark.parametrize("tag", [pytest.param(tag, marks=clause(f"1.6 tag {tag}")) for tag in HOLDER_VALUES])
@each_generation
def test_a_cardholder_record_stands_in_its_generation_s_place(gen: Generation, tag: str) -> None:
    card = Card(gen)
    card.select("SSSE")
    if gen.number == 3:
        assert card.ask("00B2083014") == "6982"
        card.gain("RKSSSE")
    tags = [name for name in HOLDER_VALUES if name != "4E" or gen.number > 1]
    if tag not in tags:
        assert card.ask(f"00B2{tag}3016") == "6A83"
        return

    wanted = f"{tag}{len(HOLDER_VALUES[tag]) // 2:02X}{HOLDER_VALUES[tag]}"

    assert read_record(card, 6, tags.index(tag) + 1) == wanted
    assert card.ask(f"00B2{tag}30{len(wanted) // 2:02X}") == f"{wanted}9000"


@clause("1.6 tag 08", "1.6 tag 0D", "1.10 EF06 of SSSE")
@each_generation
def test_the_cardholder_file_has_45_or_5b_hex_bytes(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    if gen.number == 3:
        card.gain("RKSSSE")

    assert card.ask("00B2013500") == ("6C45" if gen.number == 1 else "6C5B")
    assert len(read_all_records(card, 6)) == (6 if gen.number == 1 else 7)


@clause("1.6 tag 4E", "1.6 tag 09")
@from_2_0
def test_a_long_name_flows_over_by_whole_characters(gen: Generation) -> None:
    card = made(gen, PERSON_TEXT.replace('name = "张三"', 'name = "' + "张" * 14 + "𠮷三三" + '"'))
    card.select("SSSE")
    if gen.number == 3:
        card.gain("RKSSSE")

    # fourteen characters of two bytes, then one of four, which the two bytes left of tag 09 cannot take
    assert card.ask("00B2093020") == "091E" + "D5C5" * 14 + "0000" + "9000"
    assert card.ask("00B24E3016") == "4E14" + "9534B235" + "C8FDC8FD" + "00" * 12 + "9000"


# -- who may read and change what


RIGHTS_CLAUSES = {
    ("SSSE", "EF05"): ["1.5 tag 01"],
    ("SSSE", "EF06"): ["1.6 tag 08", "1.10 EF06 of SSSE"],
    ("SSSE", "EF07"): ["1.9 RKSSSE", "10 B27"],
    ("SSSE", "EF08"): ["1.9 RKSSSE", "10 B27"],
    ("DF01", "EF05"): ["1.8 DF01 EF05 registered residence"],
    ("DF01", "EF06"): ["1.8 DF01 EF06 habitual residence"],
    ("DF01", "EF07"): ["1.8 DF01 EF07"],
    ("DF01", "EF08"): ["1.8 DF01 EF07"],
    ("DF01", "EF09"): ["1.8 DF01 EF07"],
    ("DF01", "EF0A"): ["1.8 DF01 EF0A"],
    ("DF01", "EF15"): ["1.8 DF01 EF0A"],
    **{("DF01", fid): ["1.8 DF01 EF16–EF1A", "10 B27"] for fid in ("EF16", "EF17", "EF18", "EF19", "EF1A")},
    ("DF04", "EF05"): ["1.7 EF05 base data"],
    ("DF04", "EF06"): ["1.7 EF06"],
    ("DF04", "EF08"): ["1.7 EF08 transaction log", "10 B29, B30", "10 B29, B30 6982"],
    ("DF04", "EF15"): ["1.7 EF15 special settlements"],
}  # fmt: skip
BY_FILE = [
    pytest.param(
        gen, df, fid, marks=clause(*RIGHTS_CLAUSES.get((df, fid), ["1.1 Tree"])), id=f"{gen.name}-{df}-{fid}"
    )
    for gen in GENERATIONS
    for df, fid in FILES[gen.number]
]


@pytest.mark.parametrize(("gen", "df", "fid"), BY_FILE)
@pytest.mark.parametrize("what", ["read", "update"])
def test_a_file_opens_to_each_of_its_rights_and_to_nothing_else(
    gen: Generation, df: str, fid: str, what: str
) -> None:
    sfi, structure, read, update = FILES[gen.number][df, fid]
    alternatives = read if what == "read" else update
    command = read_command(sfi, structure) if what == "read" else update_command(gen, df, fid)
    named = {right for alternative in alternatives for right in alternative}

    assert (asked_with(gen, df, (), command) == "6982") == (() not in alternatives)
    for alternative in alternatives:
        answer = asked_with(gen, df, alternative, command)
        assert answer != "6982"
        assert answer == "9000" or what == "read"
        for missing in alternative:
            fewer = tuple(right for right in alternative if right != missing)
            assert asked_with(gen, df, fewer, command) == "6982"
    if () not in alternatives:
        assert asked_with(gen, df, tuple(every_right_but(named, df)), command) == "6982"


@pytest.mark.parametrize(
    ("gen", "df", "fid"),
    [
        pytest.param(gen, df, fid, marks=clause(*RIGHTS_CLAUSES[df, fid]), id=f"{gen.name}-{df}-{fid}")
        for gen in GENERATIONS
        for df, fid in LAYOUTS
        if df in ("DF01", "DF04") and (df, fid) in FILES[gen.number]
    ],
)
def test_records_stand_in_the_listed_order_with_their_lengths_and_can_be_rewritten(
    gen: Generation, df: str, fid: str
) -> None:
    sfi, _, _, (update,) = FILES[gen.number][df, fid]
    card = Card(gen)
    card.select(df)
    card.gain("pin", *update)
    if gen.number > 1:
        card.gain(f"RK1{df}")

    for number, (tag, length, _) in enumerate(layout_of(gen, df, fid), 1):
        record = read_record(card, sfi, number)
        assert record[:4] == f"{tag}{length:02X}" and len(record) == 2 * (2 + length)
        fresh = f"{tag}{length:02X}{'30' * length}"
        assert card.ask(f"00DC{number:02X}{sfi << 3 | 4:02X}{len(fresh) // 2:02X}{fresh}") == "9000"
        assert read_record(card, sfi, number) == fresh
    assert read_record(card, sfi, len(layout_of(gen, df, fid)) + 1) == "6A83"


@clause("10 D9", "10 A13, B28")
@pytest.mark.parametrize(("gen", "df", "fid"), linear_cases("DF01"))
def test_records_without_data_are_empty(gen: Generation, df: str, fid: str) -> None:
    card = Card(gen)
    card.select(df)
    card.gain("pin")

    for number, (tag, length, kind) in enumerate(layout_of(gen, df, fid), 1):
        filling = "FF" if kind == "cn" else "00"
        assert (
            read_record(card, FILES[gen.number][df, fid][0], number) == f"{tag}{length:02X}{filling * length}"
        )


@clause("1.8 DF02, DF03, DF07", "10 D9")
@each_generation
def test_the_other_applications_are_there_without_files(gen: Generation) -> None:
    card = Card(gen)

    for df in DFS[gen.number]:
        if df in ("DF02", "DF03", "DF07"):
            card.select(df)
            assert {card.ask(f"00A4020002EF{low:02X}") for low in range(256)} == {"6A82"}


@clause("1.8 DF01 EF16–EF1A")
@pytest.mark.parametrize("sfi", range(0x16, 0x1B))
@each_generation
def test_the_reserved_files_have_128_hex_bytes(gen: Generation, sfi: int) -> None:
    """V2 table 9; card.md leaves the length open."""
    card = Card(gen)
    card.select("DF01")

    assert card.ask(f"00B0{0x80 | sfi:02X}0000").endswith("009000")
    assert card.ask("00B0012701") == "009000"
    assert card.ask("00B0012801") == "6B00"


@clause("1.9 LKDF03, LKDF04", "2.2 APPLICATION BLOCK")
@pytest.mark.parametrize("df", ["DF03", "DF04"])
@each_generation
def test_lk_permits_to_block_its_own_application(gen: Generation, df: str) -> None:
    card = Card(gen)
    card.select(df)
    card.gain("BK", "PUK", "UKSSSE")
    assert card.ask(card.with_mac("841E0001", df=df)) == "6982"
    card.gain(f"LK{df}")

    assert card.ask(card.with_mac("841E0001", df=df)) == "9000"

    assert card.ask("0084000008") == "9303"
    assert card.fetch("00A4000002DF01").startswith("6F")
    assert card.ask(f"00A4000002{df}") == "9303"


@clause("1.7 EF05 base data", "10 A13, B28")
@each_generation
def test_the_card_works_off_line(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("pin")

    assert card.ask("00B28F2803") == "8F01329000"


@clause("1.7 EF06", "10 A13, B28")
def test_a_1_0_card_has_no_account_file() -> None:
    card = Card(GEN1)
    card.select("DF04")

    assert card.play("00A4020002EF06", "00B2013400") == ["6A82", "6A82"]


# -- 1.8: what Shandong adds, where the description switches it on


def shandong(gen: Generation) -> Card:
    return Card(gen, profile=with_options(gen.name, "shandong"))


@clause("1.8 SSSE EF0D (Shandong)", "1.1 Tree", "1.9 local")
@each_generation
def test_the_shandong_file_is_off_by_default_and_on_by_an_option(gen: Generation) -> None:
    usual, extended = Card(gen), shandong(gen)
    for card in (usual, extended):
        card.select("SSSE")

    assert usual.play("00A4020002EF0D", "00B2016C00") == ["6A82", "6A82"]
    assert usual.fail_authentication("0D") == "6A88"
    assert extended.ask("00A4020002EF0D") == "9000"
    assert read_all_records(extended, 0x0D) == ["EA0C" + "00" * 12, "EB03FFFFFF"]


@clause("1.8 SSSE EF0D (Shandong)", "1.9 local")
@pytest.mark.parametrize("level", ["national", "provincial", "city"])
@each_generation
def test_the_shandong_file_opens_to_key_0d_through_psam_key_13(gen: Generation, level: str) -> None:
    card = shandong(gen)
    psam = Psam("SM4" if gen.number == 3 else "DES", level, options=("shandong",))
    card.select("SSSE")
    card.gain("UKSSSE", "RKSSSE", "BK", "PUK")
    update = "00DC016C0EEA0C333730393030313233343536"
    assert card.ask(update) == "6982"

    psam.do(psam.deliver("0813", card.challenge().hex(), gen.f3))
    length = psam.suite.block
    raw = bytes.fromhex(psam.do(f"80FA0000{length:02X}{ORIGINAL.hex().ljust(2 * length, '0')}"))
    data = raw if length == 8 else bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))
    assert card.ask(f"0082000D10{data.hex()}{ORIGINAL.hex()}") == "9000"

    assert card.play(update, "00DC026C05EB03370900") == ["9000", "9000"]
    assert card.ask("00B2EA680E") == "EA0C3337303930303132333435369000"
    assert card.fail_authentication("0D") == "63CE"


# -- 1.7: log and amounts


@pytest.mark.parametrize(
    ("start", "end", "loaded", "bought"),
    [
        pytest.param(0, 2, "0000", "0000", marks=clause("1.7 log offset 0")),
        pytest.param(2, 3, "31", "32", marks=clause("1.7 log offset 2")),
        pytest.param(3, 9, "370900000001", "370900000001", marks=clause("1.7 log offset 3")),
        pytest.param(9, 16, "20260105083000", "20260105101530", marks=clause("1.7 log offset 9")),
        pytest.param(16, 20, "00002710", "000004D2", marks=clause("1.7 log offset 16 dec")),
        pytest.param(20, 24, "00000000", "000007D0", marks=clause("1.7 log offset 20 dec")),
        pytest.param(24, 28, "00000000", "00001F40", marks=clause("1.7 log offset 24 dec")),
    ],
)
@each_generation
def test_a_log_record_has_each_field_in_its_place(
    gen: Generation, start: int, end: int, loaded: str, bought: str
) -> None:
    card = Card(gen).at_account()
    card.load(10_000)
    card.buy(1234, 2000, 8000)

    assert card.do("00B202441C")[2 * start : 2 * end] == loaded
    assert card.do("00B201441C")[2 * start : 2 * end] == bought


@clause("1.7 EF08 transaction log", "10 synthetic log records")
@each_generation
def test_the_log_keeps_10_or_30_records_and_then_forgets_the_oldest(gen: Generation) -> None:
    card = Card(gen, cia=1000).at_account()
    for _ in range(gen.log_records):
        card.buy(1)
    full = read_all_records(card, 8)

    card.buy(1)

    assert len(full) == gen.log_records
    assert read_all_records(card, 8)[1:] == full[:-1]
    assert full[-1][:4] == "0000"
    assert card.do("00B201441C")[:4] == f"{gen.log_records:04X}"


@clause("1.7 EF15 special settlements")
@from_2_0
def test_the_settlement_log_keeps_at_least_8_records_of_3_bytes(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("RK1DF04", "UK2DF04")
    written = [f"{number:04X}{0x31 + number % 3:02X}" for number in range(8)]

    for record in written:
        assert card.ask(f"00DC00AB03{record}") == "9000"

    assert read_all_records(card, 0x15)[:8] == written[::-1]


@clause("1.7 internal amount file")
@each_generation
def test_amounts_counters_year_and_day_are_kept_apart(gen: Generation) -> None:
    year, day = bytes.fromhex("2025"), bytes.fromhex("0701")
    card = Card(
        gen,
        cia=0x0A,
        spip=0x0B,
        spfp=0x0C,
        load_counter=0x0D,
        purchase_counter=0x0E,
        year=year,
        starting_day=day,
    ).at_account()

    assert card.balances() == ("0000000A", "0000000B2025", "0000000C2025")
    assert card.do("B056010002") == "0701"
    assert card.open_load()[8:12] == "000D"
    assert card.open_purchase()[28:32] == "000E"


# -- account-only mode


def account_only(gen: Generation, **amounts: object) -> Card:
    """The card with log records of 14 hex bytes."""
    profile = load_profile(gen.name)
    files = tuple(
        replace(spec, record_length=0x14) if spec.key == "DF04/EF08" else spec for spec in profile.files
    )
    return Card(gen, profile=replace(profile, files=files), **amounts).at_account()


@clause("1.7 EF08 transaction log", "1.7 log offset 16 dec")
@each_generation
def test_with_20_byte_log_records_only_the_account_counts(gen: Generation) -> None:
    year = bytes.fromhex("2025")
    card = account_only(gen, cia=10_000, spip=7, spfp=8, year=year)

    opened = card.open_purchase(1234, 2000, 8000)
    answer = card.fetch(card.debit_command(opened, amounts_of(1234, 2000, 8000)))

    # balance, then zeros for the totals and the year
    assert opened[:28] == "00002710" + "00000000" * 2 + "0000"
    assert len(answer) == 20 and answer.endswith("9000")
    assert card.do("00B2014414") == "0000" + "32" + "370900000001" + "20260105101530" + "000004D2"
    assert card.ask("00B2014400") == "6C14"
    assert card.balances() == ("0000223E", "000000072025", "000000082025")


@clause("1.7 EF08 transaction log")
@each_generation
def test_an_account_only_load_is_logged_in_20_bytes(gen: Generation) -> None:
    card = account_only(gen)

    card.load(10_000)

    assert card.do("00B2014414") == "0000" + "31" + "370900000001" + "20260105083000" + "00002710"


# -- 1.9: keys

KEY_CLAUSES = {
    "UKSSSE": "1.9 UKSSSE (UKMF)", "BK": "1.9 BK", "PUK": "1.9 PUK", "RKSSSE": "1.9 RKSSSE",
    "LKDF04": "1.9 LKDF03, LKDF04", "RK1DF04": "1.9 RK1DF04", "UK1DF04": "1.9 UK1DF04", "UK2DF04": "1.9 UK2DF04",
    "DSK": "1.9 DSK",
}  # fmt: skip
NEVER_LOCK = ("BK", "LKDF03", "LKDF04")
"""§9.26."""


def clause_of_key(key: str) -> str:
    by_df = {
        "DF01": "1.9 RK1DF01 / UK1…UK6DF01",
        "DF02": "1.9 RK1DF02 / UK1…UK6DF02",
        "DF03": "1.9 RK1DF03, RK2DF03 / UK1…UK8DF03",
    }
    return KEY_CLAUSES.get(key) or ("1.9 LKDF03, LKDF04" if key == "LKDF03" else by_df[EXTERNAL_KEYS[key][0]])


EACH_KEY = pytest.mark.parametrize(
    "key", [pytest.param(key, marks=clause(clause_of_key(key), "10 B27", "10 B1")) for key in EXTERNAL_KEYS]
)


@EACH_KEY
@each_generation
def test_a_key_authenticates_under_its_id_and_no_other(gen: Generation, key: str) -> None:
    df, key_id = EXTERNAL_KEYS[key]
    card = Card(gen)
    card.select(df)

    assert card.authenticate(key) == "9000"
    others = {number for home, number in EXTERNAL_KEYS.values() if home in ("SSSE", df)} - {key_id}
    for other in sorted(others):
        assert card.authenticate(key, other).startswith("63C")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=clause(clause_of_key(key), "10 B2", "10 B2 6A88", "10 B33, B45"))
        for key in EXTERNAL_KEYS
    ],
)
@each_generation
def test_a_key_has_group_1_only_and_its_own_tries(gen: Generation, key: str) -> None:
    df, key_id = EXTERNAL_KEYS[key]
    card = Card(gen)
    card.select(df)
    with_version = card.authentication(key, card.challenge()).replace(
        f"008200{key_id}10", f"008200{key_id}11"
    )

    assert [card.ask(with_version + version) for version in ("02", "03", "00")] == ["6A88"] * 3
    assert card.ask(with_version + "01") == "9000"
    first_failure = {"PUK": "63C2"}.get(key, "63CF" if key in NEVER_LOCK else "63CE")
    assert card.fail_authentication(key_id) == first_failure


@EACH_KEY
@each_generation
def test_a_key_of_a_df_is_dropped_by_the_next_select_and_one_of_the_ssse_is_not(
    gen: Generation, key: str
) -> None:
    """Shown by the file the key opens, for the keys that open one."""
    df = EXTERNAL_KEYS[key][0]
    opened = [
        (fid, what)
        for (home, fid), (_, _, *alternatives) in FILES[gen.number].items()
        for what, needed in zip(("read", "update"), alternatives, strict=True)
        if home == df and (key,) in needed
    ]
    for fid, what in opened:
        sfi, structure, *_ = FILES[gen.number][df, fid]
        command = read_command(sfi, structure) if what == "read" else update_command(gen, df, fid)
        card = Card(gen)
        card.select(df)
        card.gain(key)
        assert card.ask(command) != "6982"

        card.select("DF02")
        card.select(df)

        assert (card.ask(command) == "6982") == (df != "SSSE")


@clause("1.9 IRK", "10 B2", "10 B2 6A88")
@each_generation
def test_irk_answers_internal_authentication_and_nothing_else(gen: Generation) -> None:
    card = Card(gen)
    factor, original = bytes.fromhex("B0B1B2B3B4B5B6B7"), bytes.fromhex("C0C1C2C3C4C5C6C7")
    wanted = gen.suite.authentication_data(gen.suite.session_key(gen.key("IRK"), factor), original)
    body = (factor + original).hex()

    assert card.fetch(f"0088000010{body}00") == f"{wanted.hex().upper()}9000"
    assert card.fetch(f"0088000011{body}0100") == f"{wanted.hex().upper()}9000"
    assert card.play(f"0088000011{body}02", f"0088000011{body}03") == ["6A88", "6A88"]
    assert card.fail_authentication("00") == "6A88"


@clause("1.9 STK (STKSSSE)", "1.9 MK of MF/DDF/ADF", "1.9 local")
@each_generation
def test_message_master_and_local_keys_do_not_authenticate(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")

    assert [card.fail_authentication(key_id) for key_id in ("00", "02", "07", "0D")] == ["6A88"] * 4


@clause("1.9 STKDF01…04")
@pytest.mark.parametrize("df", ["DF01", "DF02", "DF03", "DF04"])
@each_generation
def test_the_message_key_of_a_df_has_id_82_and_does_not_authenticate(gen: Generation, df: str) -> None:
    card = Card(gen)
    card.select(df)

    assert card.fail_authentication("82") == "6A88"


@clause("1.9 DLK", "1.9 DPK", "10 B2", "10 B2 9403")
@each_generation
def test_load_and_purchase_keys_have_index_1_only(gen: Generation) -> None:
    card = Card(gen, cia=1).at_account()

    assert [card.fetch(load_command(1, index)) for index in (2, 3, 0, 4)] == ["9403"] * 4
    assert [card.fetch(purchase_command(1, index=index)) for index in (2, 3, 0, 4)] == ["9403"] * 4
    assert card.load(5).endswith("9000")
    assert card.buy(5).endswith("9000")


@clause("1.9 DTK")
@each_generation
def test_dtk_makes_the_tac(gen: Generation) -> None:
    card = Card(gen, cia=10).at_account()
    dtk = gen.key("DTK")
    tac_key = bytes(a ^ b for a, b in zip(dtk[:8], dtk[8:], strict=True)) if gen.number < 3 else dtk

    answer = card.buy(5)

    covered = amounts_of(5, 0, 0) + "32" + "370900000001" + "00000001" + "20260105101530"
    assert answer[:8] == gen.suite.mac(tac_key, bytes.fromhex(covered)).hex().upper()


# PSAM type and id (bits 5–1 of the usage byte, then the id) of the keys that a national PSAM holds (§1.9, §10 A10).
IN_THE_PSAM = {
    "UKSSSE": "0812", "BK": "0811", "PUK": "0810", "RKSSSE": "070A", "LKDF04": "0841", "RK1DF04": "072D",
    "UK1DF04": "0849", "UK2DF04": "072A", "DSK": "084A",
}  # fmt: skip


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=clause(clause_of_key(key), "10 A10")) for key in IN_THE_PSAM]
)
@pytest.mark.parametrize("level", ["national", "provincial", "city"])
@each_generation
def test_the_psam_s_key_opens_what_the_card_s_key_guards(gen: Generation, key: str, level: str) -> None:
    df, key_id = EXTERNAL_KEYS[key]
    card, psam = Card(gen), Psam("SM4" if gen.number == 3 else "DES", level)
    card.select(df)

    psam.do(psam.deliver(IN_THE_PSAM[key], card.challenge().hex(), gen.f3))
    length = psam.suite.block
    raw = bytes.fromhex(psam.do(f"80FA0000{length:02X}{'A0A1A2A3A4A5A6A7'.ljust(2 * length, '0')}"))
    data = raw if length == 8 else bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))

    assert card.ask(f"008200{key_id}10{data.hex()}A0A1A2A3A4A5A6A7") == "9000"


@clause("1.9 IRK", "10 A10")
@pytest.mark.parametrize("level", ["national", "provincial", "city"])
@each_generation
def test_the_psam_knows_what_the_card_s_irk_answers(gen: Generation, level: str) -> None:
    card, psam = Card(gen), Psam("SM4" if gen.number == 3 else "DES", level)

    psam.do(psam.deliver("0708", "B0B1B2B3B4B5B6B7", gen.f3))
    length = psam.suite.block
    raw = bytes.fromhex(psam.do(f"80FA0000{length:02X}{'C0C1C2C3C4C5C6C7'.ljust(2 * length, '0')}"))
    data = raw if length == 8 else bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))

    assert card.do("0088000010B0B1B2B3B4B5B6B7C0C1C2C3C4C5C6C700") == data.hex().upper()


@clause("10 B1")
def test_test_root_keys_continue_the_pattern_of_the_vectors() -> None:
    for name in (
        "IRK",
        "RKSSSE",
        "BK",
        "LKDF04",
        "STKDF04",
        "UK1DF04",
        "UK2DF04",
        "UK7DF01",
        "STKDF01",
        "MK",
    ):
        assert KEYS[name] == root_key(name), name
    assert root_key("UK2DF04").hex() == "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"


@clause("1.10 STK length", "1.9 STK (STKSSSE)")
@pytest.mark.parametrize(("gen", "mac"), [(GEN1, "F561C84A"), (VECTOR3, "6EBF4ADE")], ids=["3DES", "SM4"])
def test_stk_has_8_bytes_on_des_cards_and_16_on_sm4_cards(gen: Generation, mac: str) -> None:
    """The published PIN UNBLOCK of §6.10; it fits only a key of that length."""
    card = Card(gen, "0011223344556677", "8899AABBCCDDEEFF")
    card.select("SSSE")
    assert card.ask(card.authentication("PUK", card.challenge())) == "9000"
    card.challenge()

    assert card.ask(f"8424000004{mac}") == "9000"


# -- 1.10


@clause("1.10 Blocks of 8 / 16 bytes in MAC, PIN reload Lc")
@pytest.mark.parametrize("length", [1, 3, 6, 7, 10, 11, 15, 26])
@each_generation
def test_a_mac_is_padded_to_the_block_of_the_generation(gen: Generation, length: int) -> None:
    """Header and data of 5 + length bytes: 80 and 00 are added always, a whole block of them where it is full."""
    card = Card(gen)
    card.select("SSSE")
    card.gain("UKSSSE")
    block, challenge = (8, 16)[gen.number == 3], card.challenge()
    covered = bytes.fromhex(f"04D68700{length + 4:02X}") + bytes(range(length))
    padded = covered + b"\x80" + bytes(block - 1 - len(covered) % block)
    key, last = gen.suite.session_key(gen.key("STK"), challenge), bytes(block)
    for at in range(0, len(padded), block):
        mixed = bytes(a ^ b for a, b in zip(last, padded[at : at + block], strict=True))
        last = gen.suite.encrypt(key, mixed)
    mac = (
        bytes(
            a ^ b ^ c ^ d for a, b, c, d in zip(*(last[at : at + 4] for at in range(0, 16, 4)), strict=True)
        )
        if block == 16
        else last[:4]
    )

    assert card.ask((covered + mac).hex()) == "9000"


@clause("1.10 Algorithm", "10 synthetic version / algorithm")
@each_generation
def test_the_algorithm_byte_is_00_for_3des_and_03_for_sm4(gen: Generation) -> None:
    card = Card(gen).at_account()

    assert card.open_load()[12:16] == f"01{gen.algorithm}"
    assert card.open_purchase()[32:36] == f"01{gen.algorithm}"


@clause("1.10 Initial PIN", "10 synthetic first PIN", "10 A7")
@each_generation
def test_the_first_pin_is_1234_on_the_16k_card_and_123456_later(gen: Generation) -> None:
    right, wrong = ("1234", "123456") if gen.number == 1 else ("123456", "1234")
    card = Card(gen)

    assert [card.verify(wrong), card.verify(right)] == ["63C2", "9000"]


@clause("10 synthetic ATR")
@pytest.mark.parametrize(
    ("gen", "atr"),
    [
        (GEN1, "3B6D000000815431168660370900000001"),
        (GEN2, "3B6D000000815431328660370900000002"),
        (GEN3, "3B6D000000814A44468660370900000003"),
    ],
    ids=str,
)
def test_each_card_has_its_atr(gen: Generation, atr: str) -> None:
    assert Card(gen).chip.power_on().hex().upper() == atr
