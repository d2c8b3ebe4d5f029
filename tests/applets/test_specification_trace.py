"""The worked APDUs of card.md §2.4 and §5.4, byte for byte, on the 1.0 card and the national PSAM."""

from tests.cards import Dice, ask, card_image, chip_of, fetch, new_psam

CHANGED_PIN = ("0020000002 1234", "805E010006 1234 FF 123456")
"""The trace starts after the PIN was changed from 1234 to 123456."""

TRACE = [
    ("00A404000F 7378312E73682EC9E7BBE1B1A3D5CF", "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E 9000"),
    ("00A4020002EF05", "9000"),
    ("00B2010412", "0110 370900D15600000500000001B6233D35 9000"),
    ("00B207040B", "0709 443231343335363958 9000"),
    ("00B207000B", "0709 443231343335363958 9000"),
    ("00A4020002EF06", "9000"),
    ("00B2080014", "0812 333730393030313939303031303130303130 9000"),
    ("00B2090020", "091E D5C5C8FD" + "00" * 26 + "9000"),
    ("0020000000", "63C3"),
    ("0020000003123456", "9000"),
    ("00A4040006D15600000503", "6F088406D15600000503 9000"),
    ("B026000104", "00000000 9000"),
    ("B02800010B 01 00002710 370900000001", "00000000 0000 01 00 11223344 38151960 9000"),
    ("B02A00000B 20260105083000 A4B41BBA", "90737B5E 9000"),
    ("B026000104", "00002710 9000"),
    (
        "B028010113 01 000004D2 000007D0 00001F40 370900000001",
        "00002710 00000000 00000000 2026 0000 01 00 AABBCCDD 9000",
    ),
    ("B02C01000F 00000001 20260105101530 409CAC6A", "CEA3FB75 37F86753 9000"),
    ("B02E003202 0000", "37F86753 CEA3FB75 9000"),
    ("00A4020002EF08", "9000"),
    ("00B201041C", "0000 32 370900000001 20260105101530 000004D2 000007D0 00001F40 9000"),
]


def upper(text: str) -> str:
    return text.replace(" ", "").upper()


def test_the_1_0_card_answers_the_trace_byte_for_byte() -> None:
    image = card_image("gen1-16k", year=bytes.fromhex("2026"))
    card = chip_of(image, Dice("11223344", "AABBCCDD"), "gen1-16k")

    assert card.power_on().hex().upper() == "3B6D000000815431168660370900000001"
    fetch(card, "00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
    assert [ask(card, text) for text in CHANGED_PIN] == ["9000", "9000"]
    card.reset()
    for sent, expected in TRACE:
        assert fetch(card, sent) == upper(expected), sent


def test_under_t0_the_purchase_answer_waits_as_6116() -> None:
    card = chip_of(card_image("gen1-16k", year=bytes.fromhex("2026")), Dice("AABBCCDD"), "gen1-16k")
    for text in ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00200000021234", "00A4040006D15600000503"):
        fetch(card, text)

    waiting = ask(card, "B028010113 01 00000000 000007D0 00001F40 370900000001")

    assert waiting == "6116"
    assert ask(card, "00C0000016") == upper("00000000 00000000 00000000 2026 0000 01 00 AABBCCDD 9000")


def test_the_psam_answers_the_purchase_example() -> None:
    psam = new_psam()
    for text in ("00A40000023F00", "00A4000002DF01", "BFEC00000137"):
        fetch(psam, text)

    answer = fetch(
        psam,
        "8070010034 AABBCCDD 0000 000004D2 000007D0 00001F40 32 20260105 101530 01 00"
        " 8660370900000001 3337303930307378 3337303030307368",
    )

    assert answer == upper("00000001 409CAC6A 9000")
    assert ask(psam, "8072000004 37F86753") == "9000"
