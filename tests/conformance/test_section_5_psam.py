"""card.md §5: the PSAM's files, environments, session keys, ciphering, purchase and key loading; its rulings of §10."""

import pytest

from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES
from tests.cards import KEYS
from tests.conformance.clauses import clause
from tests.conformance.issuer import (
    F1,
    F2,
    GEN1,
    GEN2,
    ORIGINAL,
    PURCHASE_DATA,
    VECTOR3,
    Card,
    Generation,
    Psam,
    each_generation,
    each_suite,
    root_key,
)

SX1, SX2, SX3 = (f"00A404000F7378{digit}2E73682EC9E7BBE1B1A3D5CF" for digit in ("31", "32", "33"))
CHALLENGE = "8899AABBCCDDEEFF"
F3 = GEN1.f3.hex().upper()
each_environment = pytest.mark.parametrize("environment", ["DES", "SM4"])
each_level = pytest.mark.parametrize("level", ["national", "provincial", "city"])


def delivered(environment: str = "DES", kind_and_id: str = "0809", seed: str = CHALLENGE) -> Psam:
    """The key's session key is there: STK's by default, which encrypts and makes MACs."""
    psam = Psam(environment)
    psam.do(psam.deliver(kind_and_id, seed))
    return psam


def cipher(mode: str, data: str) -> str:
    return f"80FA{mode}00{len(data) // 2:02X}{data}"


# -- 5.1


@clause("5.1 Files", "5.2 SELECT", "10 PSAM")
@pytest.mark.parametrize(
    ("name", "environment"), [(SX1, SX1[10:]), (SX2, SX2[10:]), (SX3, SX3[10:])], ids=["sx1", "sx2", "sx3"]
)
def test_each_environment_bears_its_name_and_has_its_own_df01(name: str, environment: str) -> None:
    psam = Psam()

    assert psam.do(name) == f"6F11840F{environment}"
    assert psam.do("00A4000002DF01") == "6F088406D15600000590"
    psam.do(name)
    assert psam.do("00A4040006D15600000590") == "6F088406D15600000590"


@clause("5.1 Files", "10 PSAM", "10 B40")
@pytest.mark.parametrize("select", [SX1, "00A40000023F00", SX2, "00A4000002DDF1", SX3, "00A4000002DDF2"])
def test_public_information_and_terminal_number_are_free_to_read_by_fid_and_sfi(select: str) -> None:
    psam = Psam()
    psam.do(select)

    assert psam.play("00A40200020015", "00B000000F") == [
        "9000",
        "37" + "00000000000000000001" + "0100" + "00009000",
    ]
    assert psam.play("00A40000020016", "00B0000006") == ["9000", "3709000000019000"]
    assert psam.ask("00B095000F")[:2] == "37"
    assert psam.ask("00B0960006") == "3709000000019000"


@clause("5.1 Files")
@pytest.mark.parametrize("select", [SX1, SX2, SX3])
def test_the_directory_names_df01(select: str) -> None:
    psam = Psam()
    psam.do(select)

    assert psam.play("00A40200020001", "00B2010400") == ["9000", "6C0A"]
    assert psam.ask("00B261080A") == "61084F06D156000005909000"
    assert psam.ask("00B2020C00") == "6A83"


@clause("5.1 Files", "10 B40", "10 PSAM")
@pytest.mark.parametrize("environment", ["DES", "SSF33", "SM4"])
def test_sequence_and_application_files_stand_in_df01(environment: str) -> None:
    psam = Psam(environment)

    assert psam.play("00A40200020019", "00B0000004") == ["9000", "000000009000"]
    assert psam.ask("00B09A000A") == "01" + "01" + "20200101" + "20401231" + "9000"
    for fid, sfi in (("001A", "9A"), ("001B", "9B"), ("001C", "9C")):
        assert psam.ask(f"00A4020002{fid}") == "9000"
        assert psam.ask(f"00B0{sfi}0000").endswith("9000")
        assert psam.ask(f"00B0{sfi}000B") == "6C0A"


@clause("5.1 Files")
def test_nobody_writes_into_a_psam_and_nobody_reads_its_keys() -> None:
    psam = Psam("DES")

    for fid in ("0011", "0012", "0013"):
        assert psam.ask(f"00A4020002{fid}") == "6A82"
    assert psam.ask("00D6990004000000FF") == "6D00"
    assert psam.ask("04D69900080000000000000000") == "6E00"
    assert psam.ask("00DC010403000000") == "6D00"


@clause("5.1 Files", "10 PSAM")
def test_the_psam_s_atr() -> None:
    assert Psam().chip.power_on().hex().upper() == "3B6D0000008154310086603709000000A1"


@clause("10 PSAM")
@each_generation
def test_a_psam_is_known_by_0016_under_3f00_which_no_card_has(gen: Generation) -> None:
    card, psam = Card(gen), Psam()

    assert psam.play("00A40000023F00", "00A40200020016")[1] == "9000"
    assert card.play("00A40000023F00", "00A40200020016", "00B0960006")[1:] == ["6A82", "6A82"]


# -- 5.2


@clause("5.2 INITIALIZE ENVIRONMENT", "10 B40")
@pytest.mark.parametrize("first", ["00", "10", "12", "37", "99"])
def test_a_bcd_byte_opens_the_des_environment(first: str) -> None:
    assert Psam().play("00A40000023F00", "00A4000002DF01", f"BFEC000001{first}")[2] == "9000"


@clause("10 B40", "5.2 INITIALIZE ENVIRONMENT")
@pytest.mark.parametrize("first", ["00", "11", "37", "1A", "FF"])
def test_any_byte_opens_the_sm4_environment(first: str) -> None:
    assert Psam().play(SX3, "00A4000002DF01", f"BFEC000001{first}")[2] == "9000"


@pytest.mark.parametrize(
    ("before", "sent", "answer"),
    [
        pytest.param(
            command[0], command[1], word, marks=clause(f"5.2 INITIALIZE ENVIRONMENT {word}", *further)
        )
        for word, command, *further in [
            ("6700", ((SX1, "00A4000002DF01"), "BFEC0000023700")),
            ("6700", ((SX1, "00A4000002DF01"), "BFEC0000")),
            ("6985", ((), "BFEC00000137")),
            ("6985", ((SX1, "00A4000002DF01"), "BFEC00000111"), "10 B40", "10 B40 6985"),
            ("6985", ((SX2, "00A4000002DF01"), "BFEC00000111"), "10 B40 6985"),
            ("6A80", ((SX1, "00A4000002DF01"), "BFEC0000011A"), "10 B40", "10 B40 6A80"),
            ("6A80", ((SX1, "00A4000002DF01"), "BFEC000001A1"), "10 B40 6A80"),
            ("6A86", ((SX1, "00A4000002DF01"), "BFEC01000137")),
            ("6A86", ((SX1, "00A4000002DF01"), "BFEC00010137")),
        ]
    ],
)
def test_initialize_environment_answers_this_status_word(
    before: tuple[str, ...], sent: str, answer: str
) -> None:
    psam = Psam()
    psam.play(*before)

    assert psam.ask(sent) == answer


@clause("5.2 GET CHALLENGE")
@pytest.mark.parametrize("environment", ["", "DES", "SM4"])
def test_the_psam_gives_challenges_of_4_8_and_16(environment: str) -> None:
    psam = Psam(environment)

    assert [len(psam.ask(f"00840000{length:02X}")) for length in (4, 8, 16)] == [12, 20, 36]
    assert psam.play("0084000005", "0084000108") == ["6700", "6A86"]


@clause("5.2 DELIVERY SESSION KEY", "10 A9", "10 A10")
@each_level
@pytest.mark.parametrize(
    ("kind", "key_id", "name"),
    [
        ("07", "08", "IRK"),
        ("08", "09", "STK"),
        ("08", "10", "PUK"),
        ("07", "0A", "RKSSSE"),
        ("07", "2D", "RK1DF04"),
    ],
)
@each_environment
def test_a_key_is_brought_down_nearest_level_first(
    environment: str, kind: str, key_id: str, name: str, level: str
) -> None:
    psam, gen = Psam(environment, level), GEN1 if environment == "DES" else VECTOR3
    seed = "0011223344556677".ljust(2 * psam.suite.block, "0")
    usage = f"{psam.levels << 5 | int(kind, 16):02X}"
    factors = {3: F3 + F2.hex() + F1.hex(), 2: F3 + F2.hex(), 1: F3}[psam.levels]
    body = factors + seed

    assert psam.ask(f"BFDE{usage}{key_id}{len(body) // 2:02X}{body}") == "9000"

    block = "A5" * psam.suite.block
    wanted = gen.suite.encrypt(
        gen.suite.session_key(gen.key(name), bytes.fromhex("0011223344556677")), bytes.fromhex(block)
    )
    assert psam.do(cipher("00", block)) == wanted.hex().upper()


@clause("5.2 DELIVERY SESSION KEY")
@each_level
def test_the_usage_byte_says_how_many_levels_are_to_do(level: str) -> None:
    usages = {"national": "67", "provincial": "47", "city": "27"}
    psam = Psam("DES", level)

    assert psam.deliver("0708", CHALLENGE)[4:8] == f"{usages[level]}08"
    assert psam.ask(psam.deliver("0708", CHALLENGE)) == "9000"


NATIONAL = F3 + F2.hex().upper() + F1.hex().upper()
DELIVERIES = {
    "6700": ["BFDE670818" + NATIONAL[:32] + CHALLENGE, "BFDE670828" + NATIONAL + CHALLENGE * 2, "BFDE6708",
             "BFDE67081F" + (NATIONAL + CHALLENGE)[:-2]],
    "6A80": ["BFDE470818" + NATIONAL[:32] + CHALLENGE, "BFDE270810" + F3 + CHALLENGE, "BFDE070808" + CHALLENGE],
    "6A86": ["BFDE870828" + NATIONAL + F3 + CHALLENGE, "BFDEE70840" + NATIONAL * 2 + F3 + CHALLENGE],
    "6A88": ["BFDE677720" + NATIONAL + CHALLENGE, "BFDE680820" + NATIONAL + CHALLENGE, "BFDE277710" + F3 + CHALLENGE],
}  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(
            sent,
            word,
            marks=clause(
                f"5.2 DELIVERY SESSION KEY {word}", *(["10 B41", f"10 B41 {word}"] if word != "6A86" else [])
            ),
            id=f"{word}-{number}",
        )
        for word, listed in DELIVERIES.items()
        for number, sent in enumerate(listed, 1)
    ],
)
def test_delivery_session_key_names_what_does_not_fit(sent: str, answer: str) -> None:
    assert Psam("DES").ask(sent) == answer


@clause("5.2 DELIVERY SESSION KEY 6985", "10 B40", "10 B40 6985")
@pytest.mark.parametrize("before", [(), (SX1, "00A4000002DF01"), (SX3, "00A4000002DF01")], ids=str)
def test_without_an_environment_no_key_is_delivered(before: tuple[str, ...]) -> None:
    psam = Psam()
    psam.play(*before)

    assert psam.ask(psam.deliver("0708", CHALLENGE)) == "6985"


@clause("5.2 DELIVERY SESSION KEY 6A81", "5.2 CIPHER DATA 6A81", "5.4 Purchase")
def test_the_ssf33_environment_is_there_and_does_nothing() -> None:
    """§9.29: the algorithm is not public."""
    psam = Psam("SSF33")

    assert psam.ask(psam.deliver("0708", CHALLENGE)) == "6A81"
    assert psam.ask(cipher("00", "00" * 8)) == "6A81"
    assert psam.ask(psam.purchase(algorithm="02")) == "6A81"
    assert psam.ask("84D4000024" + "00" * 0x24) == "6A81"


@clause("10 B40", "5.2 DELIVERY SESSION KEY")
@pytest.mark.parametrize("select", [SX1, "00A4000002DF01", "00A40200020019", "00A40000020019"])
def test_a_new_select_ends_a_delivered_session_key(select: str) -> None:
    psam = delivered()

    assert psam.fetch(cipher("00", "00" * 8)).endswith("9000")
    psam.fetch(select)

    assert psam.ask(cipher("00", "00" * 8)) in ("6901", "6985")


@clause("5.2 DELIVERY SESSION KEY")
def test_reading_leaves_a_delivered_session_key() -> None:
    psam = delivered()
    psam.play("00B0990004", "0084000008")

    assert psam.fetch(cipher("00", "00" * 8)).endswith("9000")


# -- 5.2: CIPHER DATA


@clause("5.2 CIPHER DATA", "5.2 CIPHER DATA 61xx")
@pytest.mark.parametrize("mode", ["00", "02"], ids=["last", "more follows"])
@pytest.mark.parametrize("blocks", [1, 2, 8])
@each_environment
def test_encryption_is_ecb_of_whole_blocks(environment: str, blocks: int, mode: str) -> None:
    psam, gen = delivered(environment), GEN1 if environment == "DES" else VECTOR3
    data = bytes(range(blocks * psam.suite.block))
    key = gen.suite.session_key(
        gen.key("STK") if environment == "SM4" else sixteen_byte_stk(), bytes.fromhex(CHALLENGE)
    )

    assert psam.ask(cipher(mode, data.hex())) == f"61{len(data):02X}"
    assert psam.ask(f"00C00000{len(data):02X}") == gen.suite.encrypt(key, data).hex().upper() + "9000"
    assert psam.do(cipher("00", data.hex())) == gen.suite.encrypt(key, data).hex().upper()


def sixteen_byte_stk() -> bytes:
    """The PSAM's STK has 8 bytes with DES (§1.9)."""
    return GEN1.key("STK")


@clause("5.2 CIPHER DATA")
@pytest.mark.parametrize("initial", [0x00, 0x5A])
@pytest.mark.parametrize("blocks", [1, 2, 5, 7])
@each_environment
def test_a_mac_comes_in_one_piece_or_in_several(environment: str, blocks: int, initial: int) -> None:
    gen = GEN1 if environment == "DES" else VECTOR3
    block = gen.suite.block
    start, data = bytes([initial]) * block, bytes(range(blocks * block))
    key = gen.suite.session_key(gen.key("STK"), bytes.fromhex(CHALLENGE))
    last = gen.suite.chain(key, start, data)
    wanted = last if environment == "DES" else gen.suite.fold(last)  # §9.22

    single = delivered(environment).do(cipher("05", (start + data).hex()))
    psam = delivered(environment)
    assert psam.ask(cipher("07", (start + data[:block]).hex())) == "9000"
    for at in range(block, (blocks - 1) * block, block):
        assert psam.ask(cipher("03", data[at : at + block].hex())) == "9000"
    pieces = psam.do(cipher("01", data[-block:].hex())) if blocks > 1 else single

    assert single == pieces == wanted.hex().upper()


@clause("5.2 CIPHER DATA")
@each_environment
def test_the_first_piece_may_be_the_initial_value_alone(environment: str) -> None:
    block = 8 if environment == "DES" else 16
    data = bytes(range(3 * block)).hex()
    whole = delivered(environment).do(cipher("05", "00" * block + data))
    psam = delivered(environment)

    assert psam.ask(cipher("07", "00" * block)) == "9000"
    assert psam.do(cipher("01", data)) == whole


@clause("5.2 CIPHER DATA", "5.2 CIPHER DATA 6700")
@pytest.mark.parametrize("mode", ["00", "01", "02", "03", "05", "07"])
@each_environment
def test_lc_is_whole_blocks_within_bounds(environment: str, mode: str) -> None:
    step, most = (0x08, 0x40) if environment == "DES" else (0x10, 0x80)
    least = 2 * step if mode == "05" else step

    def length_fits(length: int) -> bool:
        psam = delivered(environment)
        if mode in ("01", "03"):
            psam.do(cipher("07", "00" * step))
        return psam.ask(cipher(mode, "00" * length)) != "6700"

    lengths = [*range(1, 0x22), most - 1, most, most + 1, most + step, 0xF0]
    assert [n for n in lengths if length_fits(n)] == [
        n for n in lengths if n % step == 0 and least <= n <= most
    ]


CIPHERINGS = {
    "6700": [(("0809",), cipher("00", "00" * 7)), (("0809",), "80FA0000")],
    "6901": [
        ((), cipher("00", "00" * 8)),  # P9 table 26: no session key delivered
        (("0809",), cipher("01", "00" * 8)),
        (("0809",), cipher("03", "00" * 8)),
        (("0809", cipher("05", "00" * 16)), cipher("01", "00" * 8)),
        (("0809", cipher("07", "00" * 8), cipher("01", "00" * 8)), cipher("01", "00" * 8)),
        (("0809", cipher("07", "00" * 8), cipher("05", "00" * 16)), cipher("03", "00" * 8)),
        (("0809", cipher("00", "00" * 8)), cipher("05", "00" * 16)),  # changed its use: the key is gone
        (("0809", cipher("05", "00" * 16)), cipher("00", "00" * 8)),
    ],
    "6985": [(("0708",), cipher("05", "00" * 16)), (("0623",), cipher("00", "00" * 8))],
    "6A86": [
        (("0809",), cipher("04", "00" * 8)),
        (("0809",), cipher("06", "00" * 8)),
        (("0809",), cipher("FF", "00" * 8)),
        (("0809",), "80FA000108" + "00" * 8),
    ],
}


@pytest.mark.parametrize(
    ("before", "sent", "answer"),
    [
        pytest.param(before, sent, word, marks=clause(f"5.2 CIPHER DATA {word}"), id=f"{word}-{number}")
        for word, listed in CIPHERINGS.items()
        for number, (before, sent) in enumerate(listed, 1)
    ],
)
def test_cipher_data_answers_this_status_word(before: tuple[str, ...], sent: str, answer: str) -> None:
    psam = Psam("DES")
    for word in before:
        psam.do(psam.deliver(word, CHALLENGE) if len(word) == 4 else word)

    assert psam.ask(sent) == answer


@clause("5.2 CIPHER DATA 6985")
def test_outside_an_environment_nothing_is_ciphered() -> None:
    assert Psam().ask(cipher("00", "00" * 8)) == "6985"


# -- 5.3


def authentication_data(psam: Psam) -> str:
    """80 FA over the original information; halves of a 16-byte block are folded."""
    length = psam.suite.block
    raw = bytes.fromhex(psam.do(cipher("00", ORIGINAL.hex().ljust(2 * length, "0"))))
    return (raw if length == 8 else bytes(a ^ b for a, b in zip(raw[:8], raw[8:], strict=True))).hex().upper()


@clause("5.3 External authentication and PIN commands through the PSAM")
@pytest.mark.parametrize(("environment", "data"), [("DES", "2E7FE9CB197969CB"), ("SM4", "3FBDA0FF57FEA41E")])
def test_authentication_data_of_the_vectors(environment: str, data: str) -> None:
    assert authentication_data(delivered(environment, "0810", "0011223344556677")) == data


def gain_puk(card: Card, psam: Psam) -> None:
    psam.do(psam.deliver("0810", card.challenge().hex(), card.gen.f3))
    assert card.ask(f"0082000610{authentication_data(psam)}{ORIGINAL.hex()}") == "9000"


def padded(data: str, block: int) -> str:
    return data + "80" + "00" * (-(len(data) // 2 + 1) % block)


def mac_through(psam: Psam, gen: Generation, challenge: str, covered: str) -> str:
    psam.do(psam.deliver("0809", challenge, gen.f3))
    return psam.do(cipher("05", "00" * psam.suite.block + padded(covered, psam.suite.block)))[:8]


@clause("5.3 External authentication and PIN commands through the PSAM", "10 A9")
@each_level
@each_generation
def test_a_pin_is_unblocked_and_reloaded_through_the_psam(gen: Generation, level: str) -> None:
    card, psam = Card(gen), Psam("SM4" if gen.number == 3 else "DES", level)
    block = psam.suite.block
    card.select("SSSE")
    card.play(*["00200000025555"] * 3)
    gain_puk(card, psam)

    challenge = card.challenge().hex()
    mac = mac_through(psam, gen, challenge, "8424000004")
    assert card.ask(f"8424000004{mac}") == "9000"

    challenge = card.challenge().hex()
    psam.do(psam.deliver("0809", challenge, gen.f3))
    encrypted = psam.do(cipher("00", "0398765480".ljust(2 * block, "0")))
    header = f"84240001{block + 4:02X}"
    mac = mac_through(psam, gen, challenge, header + encrypted)
    assert card.ask(f"{header}{encrypted}{mac}") == "9000"
    assert card.verify("987654") == "9000"


@clause("5.3 External authentication and PIN commands through the PSAM")
@pytest.mark.parametrize(
    ("environment", "encrypted", "mac"),
    [
        ("DES", "F0E36D72AB68C275", "AED3CBE8"),
        ("SM4", "1F287FF5449E7F7CF5AF352497E2D419", "E4572F58"),
    ],
)
def test_encrypted_pin_and_mac_of_the_vectors(environment: str, encrypted: str, mac: str) -> None:
    psam, gen = delivered(environment), GEN1 if environment == "DES" else VECTOR3
    block = psam.suite.block

    assert psam.do(cipher("00", "0312345680".ljust(2 * block, "0"))) == encrypted
    assert mac_through(psam, gen, CHALLENGE, f"84240001{block + 4:02X}{encrypted}") == mac


# -- 5.4


@clause("5.4 Purchase", "10 B40", "2.4 Worked APDUs (synthetic card, values match the vectors of §6.10)")
def test_the_example_plays_as_it_is_printed() -> None:
    psam = Psam("DES")

    answer = psam.fetch(
        "8070010034 AABBCCDD 0000 000004D2 000007D0 00001F40 32 20260105 101530 01 00"
        " 8660370900000001 3337303930307378 3337303030307368"
    )

    assert answer == "00000001409CAC6A9000"
    assert psam.ask("8072000004 37F86753") == "9000"
    assert psam.ask("00B0990004") == "000000019000"


@clause("5.4 Purchase")
@each_level
@pytest.mark.parametrize(
    ("environment", "mac1", "mac2"), [("DES", "409CAC6A", "37F86753"), ("SM4", "AF06E388", "B58E820E")]
)
def test_every_level_makes_mac1_of_the_vectors(environment: str, mac1: str, mac2: str, level: str) -> None:
    psam = Psam(environment, level)

    command = psam.purchase()
    assert int(command[8:10], 16) == 0x1C + 8 * psam.levels
    assert psam.do(command) == f"00000001{mac1}"
    assert psam.ask(f"8072000004{mac2}") == "9000"


@clause("5.4 Purchase")
@each_environment
def test_mac2_is_checked_once(environment: str) -> None:
    psam, mac2 = Psam(environment), "37F86753" if environment == "DES" else "B58E820E"
    assert psam.ask(f"8072000004{mac2}") == "6901"

    psam.do(psam.purchase())
    assert psam.play("807200000400000000", f"8072000004{mac2}") == ["9302", "6901"]
    psam.do(psam.purchase())
    psam.do("00A4000002DF01")
    assert psam.ask(f"8072000004{mac2}") == "6901"


@clause("5.4 Purchase", "10 B40")
@each_environment
def test_the_sequence_counts_up_before_use_and_survives_the_power(environment: str) -> None:
    psam = Psam(environment)

    assert [psam.do(psam.purchase())[:8] for _ in range(3)] == ["00000001", "00000002", "00000003"]
    psam.reset()
    psam.play(*Psam.ENVIRONMENTS[environment])
    assert psam.ask("00B0990004") == "000000039000"
    other = "SM4" if environment == "DES" else "DES"
    psam.play(*Psam.ENVIRONMENTS[other])
    assert psam.ask("00B0990004") == "000000009000"  # each environment has its own


@clause("5.4 Purchase")
def test_mac1_covers_the_type_byte_as_it_is_sent() -> None:
    psam = Psam("DES")
    spent, time = "000004D2000007D000001F40", "20260105101530"
    key = TRIPLE_DES.session_key(GEN1.key("DPK"), bytes.fromhex("AABBCCDD00000001"))

    answer = psam.do(psam.purchase().replace(f"{spent}32", f"{spent}31"))

    assert answer[8:] == TRIPLE_DES.mac(key, bytes.fromhex(f"{spent}31370900000001{time}")).hex().upper()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(f"807001002C{PURCHASE_DATA}0100{NATIONAL[:32]}", "6700", marks=clause("5.4 Purchase"), id="levels"),
        pytest.param(f"8070010033{PURCHASE_DATA}0100{NATIONAL[:-2]}", "6700", marks=clause("5.4 Purchase"), id="Lc"),
        pytest.param(f"807001001C{PURCHASE_DATA}0100", "6700", marks=clause("5.4 Purchase"), id="no level"),
        pytest.param(f"8070010034{PURCHASE_DATA}0400{NATIONAL}", "6A88",
                     marks=clause("5.4 Purchase", "10 B40", "10 B40 6A88"), id="version"),
        pytest.param(f"8070010034{PURCHASE_DATA}0103{NATIONAL}", "6985", marks=clause("5.4 Purchase", "10 B40 6985"), id="algorithm"),
        pytest.param(f"8070000034{PURCHASE_DATA}0100{NATIONAL}", "6A86", marks=clause("5.4 Purchase"), id="bank purse"),
        pytest.param(f"8170010034{PURCHASE_DATA}0100{NATIONAL}", "6E00", marks=clause("5.4 Purchase"), id="class"),
        pytest.param("80710100", "6E00", marks=clause("5.4 Purchase", "10 A5"), id="instruction"),
        pytest.param("00710100", "6D00", marks=clause("5.4 Purchase"), id="instruction of class 00"),
        pytest.param("8072000003AABBCC", "6700", marks=clause("5.4 Purchase"), id="MAC2 length"),
        pytest.param("807201000400000000", "6A86", marks=clause("5.4 Purchase"), id="MAC2 parameters"),
    ],
)  # fmt: skip
def test_a_purchase_that_does_not_fit_costs_no_sequence(sent: str, answer: str) -> None:
    psam = Psam("DES")

    assert psam.ask(sent) == answer
    assert psam.ask("00B0990004") == "000000009000"


@clause("5.4 Purchase")
def test_outside_an_environment_there_is_no_purchase() -> None:
    psam = Psam()

    assert psam.ask(psam.purchase(algorithm="00")) == "6985"


@clause("10 A10", "1.9 DPK")
@pytest.mark.parametrize("version", ["01", "02", "03"])
@each_environment
def test_the_psam_holds_three_purchase_keys(environment: str, version: str) -> None:
    psam = Psam(environment)

    assert psam.fetch(psam.purchase(version=version)).endswith("9000")
    assert psam.ask(psam.purchase(version="04")) == "6A88"


@clause("5.4 Purchase")
def test_dates_are_judged_only_where_the_description_says_so() -> None:
    late = "20260105", "20410105"
    strict, lenient = Psam("DES", psam_checks_validity=True), Psam("DES")

    assert strict.ask(strict.purchase().replace(*late)) == "6985"
    assert strict.fetch(strict.purchase()).endswith("9000")
    assert lenient.fetch(lenient.purchase().replace(*late)).endswith("9000")


@clause("5.4 Purchase")
def test_a_worn_out_psam_makes_no_mac1() -> None:
    psam = Psam("DES")
    psam.store.refuses = True

    assert psam.ask(psam.purchase()) == "6581"


# -- 5.5


def key_loading_mac(environment: str, covered: bytes, challenge: bytes) -> bytes:
    """By single blocks: a DES chain under the left half, 3DES at the end; SM4 all along and folded (§5.5, §6.3)."""
    master, block = root_key("MK"), 8 if environment == "DES" else 16
    state = challenge.ljust(block, b"\x00")
    covered += b"\x80" + bytes(-(len(covered) + 1) % block)
    blocks = [covered[at : at + block] for at in range(0, len(covered), block)]
    for number, part in enumerate(blocks, 1):
        mixed = bytes(a ^ b for a, b in zip(state, part, strict=True))
        if environment == "SM4":
            state = SM4.encrypt(master, mixed)
        else:
            state = TRIPLE_DES.encrypt(master if number == len(blocks) else master[:8], mixed)
    if environment == "DES":
        return state[:4]
    return bytes(
        a ^ b ^ c ^ d for a, b, c, d in zip(state[:4], state[4:8], state[8:12], state[12:], strict=True)
    )


def key_command(environment: str, p1: str, plain: str, challenge: bytes, key_file: str = "11") -> str:
    suite = TRIPLE_DES if environment == "DES" else SM4
    framed = f"{len(plain) // 2:02X}{plain}"
    if len(framed) // 2 % suite.block:
        framed = padded(framed, suite.block)
    cryptogram = suite.encrypt(root_key("MK"), bytes.fromhex(framed))
    covered = bytes.fromhex(f"84D4{p1}{key_file}{len(cryptogram) + 4:02X}") + cryptogram
    return (covered + key_loading_mac(environment, covered, challenge)).hex().upper()


def challenge_of(psam: Psam) -> bytes:
    return bytes.fromhex(psam.do("0084000004"))


LOADING = clause("5.5 Loading keys into the PSAM (issuing only)")


@LOADING
@pytest.mark.parametrize("key_file", ["11", "12", "13"])
@each_environment
def test_a_key_is_created_and_then_works(environment: str, key_file: str) -> None:
    psam = Psam(environment, blank=True)
    algorithm = "00" if environment == "DES" else "03"
    record = f"6201 00 {algorithm} 00000000".replace(" ", "") + root_key("DPK").hex()
    assert psam.ask(psam.purchase()) == "6A88"

    command = key_command(environment, "00", record, challenge_of(psam), key_file)

    assert command[8:10] == "24"
    assert psam.ask(command) == "9000"
    assert psam.do(psam.purchase())[8:] == ("409CAC6A" if environment == "DES" else "AF06E388")


@LOADING
@each_environment
def test_a_key_is_changed(environment: str) -> None:
    psam = Psam(environment)
    command = key_command(environment, "01", "620100" + "5A" * 16, challenge_of(psam))

    assert command[8:10] == ("1C" if environment == "DES" else "24")
    assert psam.ask(command) == "9000"
    gen = GEN1 if environment == "DES" else VECTOR3
    key = bytes.fromhex("5A" * 16)
    for factor in (F1, F2, gen.f3):
        key = gen.suite.diversify(key, factor)
    session_key = gen.suite.session_key(key, bytes.fromhex("AABBCCDD00000001"))
    covered = bytes.fromhex("000004D2000007D000001F4032" + "370900000001" + "20260105101530")
    assert psam.do(psam.purchase())[8:] == gen.suite.mac(session_key, covered).hex().upper()


@LOADING
def test_an_8_byte_key_has_lc_1c_and_14() -> None:
    psam = Psam("DES", blank=True)

    created = key_command("DES", "00", "6809000000000000" + root_key("STK")[:8].hex(), challenge_of(psam))
    assert (created[8:10], psam.ask(created)) == ("1C", "9000")
    psam.do(psam.deliver("0809", CHALLENGE))
    assert psam.do(cipher("00", "0312345680000000")) == "F0E36D72AB68C275"
    changed = key_command("DES", "01", "680900" + "11" * 8, challenge_of(psam))
    assert (changed[8:10], psam.ask(changed)) == ("14", "9000")


@LOADING
@pytest.mark.parametrize(
    ("p1", "plain", "key_file", "answer"),
    [
        ("01", "620100" + "00" * 16, "14", "6A82"),
        ("01", "620900" + "00" * 16, "11", "6A88"),
        ("00", "6209000000000000" + "00" * 16, "11", "6A84"),
        ("00", "6201000300000000" + "00" * 16, "11", "6A80"),
        ("00", "6201FF0000000000" + "00" * 16, "11", "6A80"),
        ("01", "680900" + "00" * 16, "11", "6A80"),
        ("00", "6201000000000000" + "00" * 16, "11", "6985"),
    ],
    ids=["file", "no such key", "no place", "algorithm", "no record", "length", "there already"],
)
def test_a_key_that_does_not_fit_is_refused(p1: str, plain: str, key_file: str, answer: str) -> None:
    psam = Psam("DES")

    assert psam.ask(key_command("DES", p1, plain, challenge_of(psam), key_file)) == answer


@LOADING
@each_environment
def test_key_loading_wants_a_fresh_challenge_and_its_mac(environment: str) -> None:
    psam = Psam(environment)
    command = key_command(environment, "01", "620100" + "00" * 16, challenge_of(psam))
    psam.do("00A4000002DF01")

    assert psam.ask(command) == "6984"
    challenge_of(psam)
    assert psam.ask(command[:-8] + "00000000") == "6988"
    assert psam.ask(command) == "6984"
    assert psam.play("84D4000104AABBCCDD", "84D40211" + command[8:]) == ["6700", "6A86"]


@LOADING
def test_the_master_key_is_the_test_keys_own() -> None:
    assert KEYS["MK"] == root_key("MK")


@clause("5.3 External authentication and PIN commands through the PSAM")
@each_suite
def test_a_card_is_blocked_through_the_psam(gen: Generation) -> None:
    card, psam = Card(gen), Psam("SM4" if gen.number == 3 else "DES")
    card.select("SSSE")
    psam.do(psam.deliver("0811", card.challenge().hex(), gen.f3))
    assert card.ask(f"0082000510{authentication_data(psam)}{ORIGINAL.hex()}") == "9000"

    mac = mac_through(psam, gen, card.challenge().hex(), "8416000004")

    assert card.ask(f"8416000004{mac}") == "9000"
    assert card.ask("00A40000023F00") == "6A81"


@clause("5.2 SELECT", "10 B40")
def test_df01_selected_again_stays_in_its_environment() -> None:
    psam = Psam("SM4")
    psam.do(psam.purchase())

    for again in ("00A4000002DF01", "00A4040006D15600000590"):
        psam.do(again)
        assert psam.ask("00B0990004") == "000000019000"


@clause("10 A10")
def test_a_psam_for_another_card_makes_other_macs() -> None:
    psam = Psam("DES")

    assert psam.do(psam.purchase(GEN2.f3))[8:] != psam.do(psam.purchase(GEN1.f3))[8:]
