"""card.md §2: every command, every status word of its table, the state machine of the account, the worked trace.

Status words stand in tables of short scenarios; `played` below reads them.
"""

import re
from dataclasses import replace

import pytest

from sscard_applets.catalogue import load_profile
from tests.conformance.clauses import SPECIFICATION, clause
from tests.conformance.issuer import (
    GEN1,
    GEN3,
    SSSE,
    VECTOR3,
    WRONG_CREDIT,
    WRONG_DEBIT,
    Card,
    Generation,
    amounts_of,
    each_generation,
    from_2_0,
    load_command,
    purchase_command,
    select,
)

# A scenario is a row of words, each a command in hex or one of:
#     SSSE DF04 …     SELECT by name            PIN             the right PIN
#     AUTH:KEY        external authentication   FAIL:ID         a wrong one for a key id
#     CHALLENGE       GET CHALLENGE 8           MAC:HEADER:DF   that command with the right MAC (under the STK of DF, or
#                                               of the SSSE), and a challenge for it
#     RELOAD:PIN      PIN RELOAD                RELOADBLOCK:…   PIN RELOAD of this block, 00 to its end
#     UNWRITABLE      the memory fails now      LOAD, PURCHASE  open a transaction
#     BLOCKED         CARD BLOCK was done       BLOCKED:DF04    APPLICATION BLOCK was done, and DF04 is current


def played(card: Card, scenario: str) -> str:
    """The answer to the last word."""
    answer = ""
    for word in scenario.split():
        answer = _said(card, *word.split(":"))
    return answer


def _said(card: Card, word: str, argument: str = "", df: str = "SSSE") -> str:
    match word:
        case "MF" | "SSSE" | "DF01" | "DF02" | "DF03" | "DF04" | "DF07":
            return card.fetch(select(word))
        case "PIN":
            return card.verify()
        case "AUTH":
            return card.authenticate(argument)
        case "FAIL":
            return card.fail_authentication(argument)
        case "CHALLENGE":
            return card.challenge().hex()
        case "MAC":
            return card.ask(card.with_mac(argument, df=df))
        case "RELOAD":
            return card.ask(card.reload(argument))
        case "RELOADBLOCK":
            return card.ask(card.reload_block(argument.ljust(2 * card.gen.suite.block, "0")))
        case "UNWRITABLE":
            card.store.refuses = True
            return ""
        case "LOAD":
            return card.open_load()
        case "PURCHASE":
            return card.open_purchase()
        case "BLOCKED":
            card.block(argument or None)
            return ""
    return card.fetch(word)


def fits(answer: str, status: str) -> bool:
    """63Cx, 6Cxx and 61xx stand for their families."""
    return re.fullmatch(status.replace("x", "[0-9A-F]"), answer[-4:]) is not None


# -- 2.2: the commands


@clause("2.2 SELECT by name", "10 B24, B26")
@each_generation
@pytest.mark.parametrize("start", ["MF", "SSSE", "DF01", "DF04"])
def test_any_application_is_selected_by_name_from_anywhere(gen: Generation, start: str) -> None:
    card = Card(gen)
    card.select(start)

    for df in ("DF04", "DF01", "SSSE", "DF02", "MF", "DF03"):
        assert card.fetch(select(df) if df != "MF" else "00A404000E315041592E5359532E4444463031").startswith(
            "6F"
        )


@clause("2.2 SELECT by name")
@each_generation
def test_a_name_has_5_to_16_bytes(gen: Generation) -> None:
    card = Card(gen)

    assert card.ask("00A4040004D1560000") == "6700"
    assert card.fetch("00A4040005D156000005").endswith("9000")
    assert card.ask("00A4040010" + "D156000005" + "00" * 11) == "6A82"
    assert card.ask("00A4040011" + "D156000005" + "00" * 12) == "6700"


@clause("2.2 SELECT MF/DF by FID")
@each_generation
@pytest.mark.parametrize("sent", ["00A40000023F00", "00A40000", "00A4000000"])
def test_the_mf_is_selected_by_3f00_or_by_nothing(gen: Generation, sent: str) -> None:
    card = Card(gen)
    card.select("DF04")

    assert card.fetch(sent) == "6F10840E315041592E5359532E44444630319000"


@clause("2.2 SELECT MF/DF by FID", "10 B24, B26")
@each_generation
def test_dfs_are_selected_by_their_identifier(gen: Generation) -> None:
    card = Card(gen)

    assert card.do("00A4000002DDF1").startswith("6F")
    for number, df in enumerate(("DF01", "DF02", "DF03", "DF04")):
        assert card.do(f"00A4000002{df}") == f"6F088406D156000005{number:02X}"


@clause("2.2 SELECT EF")
@each_generation
def test_an_ef_is_selected_below_the_current_df_only(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")

    assert card.play("00A4020002EF05", "00A4000002EF07") == ["9000", "9000"]
    card.select("MF")
    assert card.play("00A4020002EF05", "00A4000002EF05") == ["6A82", "6A82"]


@clause("2.2 READ BINARY", "10 B20")
@pytest.mark.parametrize("at_once", [False, True], ids=["T=0", "T=1"])
@each_generation
def test_read_binary_takes_an_sfi_or_an_offset_of_15_bits(gen: Generation, at_once: bool) -> None:
    card = Card(gen, rules={"answers_at_once": at_once})
    card.select("SSSE")
    card.gain("RKSSSE", "UKSSSE")
    assert card.play("00D6870203AABBCC", "00D602FE02EEFF") == ["9000", "9000"]

    assert card.ask("00B0870204") == "AABBCC009000"
    assert card.ask("00B0000203") == "AABBCC9000"  # the file is current now
    assert card.ask("00B002FE02") == "EEFF9000"
    assert card.ask("00B0000000") == "0000AABBCC" + "00" * 251 + "9000"  # Le 00: 256 bytes
    assert card.ask("00B002FE00") == "EEFF9000"  # or the rest
    assert card.ask("00B002FE03") == "6C02"
    assert card.ask("00B0030000") == "6B00"


@clause("2.2 UPDATE BINARY")
@each_generation
def test_update_binary_writes_where_it_is_told(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    card.gain("RKSSSE", "UKSSSE")
    card.do("00A4020002EF07")

    assert card.ask("00D6000502A1A2") == "9000"
    assert card.ask("00D602FF01A3") == "9000"
    assert card.ask("00D602FF02A3A4") == "6B00"
    assert card.ask("00B0000404") == "00A1A2009000"
    assert card.ask("00B002FF01") == "A39000"


@clause("2.2 READ RECORD")
@each_generation
def test_read_record_by_number_and_in_rows(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    card.do("00A4020002EF05")
    records = [
        card.do(f"00B2{n:02X}04{length:02X}")
        for n, length in zip(range(1, 8), (18, 3, 6, 14, 6, 6, 11), strict=True)
    ]

    assert card.do(f"00B20505{6 + 6 + 11:02X}") == "".join(records[4:])  # from P1 to the last
    assert card.do(f"00B20506{11 + 6 + 6:02X}") == "".join(records[:3:-1])  # from the last to P1
    assert card.do("00B2072C0B") == records[6]
    assert card.do("00B2072C02") == records[6][:4]
    assert card.play("00B2080400", "00B2080500", "00B2080600", "00B2000500") == ["6A83"] * 4


@clause("2.2 READ RECORD", "10 B18", "10 B18 6Cxx", "10 B18 6A86")
@from_2_0
def test_identifiers_move_a_pointer_that_numbers_leave_alone(gen: Generation) -> None:
    """DF01 EF15 has two records with tag 40, at 2 and 3."""
    card = Card(gen)
    card.select("DF01")
    card.gain("pin", "UK6DF01")
    first, second = f"4034{'01' * 52}", f"4034{'02' * 52}"
    assert card.play(f"00DC02AC36{first}", f"00DC03AC36{second}") == ["9000", "9000"]
    first, second = f"{first}9000", f"{second}9000"
    at_first, at_last, at_next, at_previous = ("00B240" + p2 + "36" for p2 in ("A8", "A9", "AA", "AB"))

    assert card.play(at_next, at_next, at_next) == [first, second, "6A83"]
    assert card.play(at_previous, at_previous) == [first, "6A83"]
    assert card.play(at_last, at_first) == [second, first]
    assert card.ask("00B201AC03") == "2A01FF9000"  # by number: the pointer stays at 2
    assert card.ask("00B240AA00") == "6C36"  # 6Cxx: it stays, too
    assert card.ask(at_next) == second
    card.do("00A4020002EF15")  # no current record any more
    assert card.ask(at_previous) == second
    card.do("00A4020002EF15")
    assert card.ask(at_next) == first
    assert card.ask("00B200AC00") == "6A86"


@clause("2.2 READ RECORD", "10 B19")
@each_generation
def test_on_a_cyclic_file_identifier_00_is_any_record(gen: Generation) -> None:
    card = Card(gen).at_account()
    for amount in (1, 2, 3):
        card.load(amount)
    log = [card.do(f"00B20{n}441C") for n in (1, 2, 3)]

    assert card.do("00B200401C") == log[0]  # first
    assert card.do("00B200421C") == log[1]  # next
    assert card.do("00B200411C") == log[2]  # last
    assert card.do("00B200431C") == log[1]  # previous
    assert card.do(f"00B20145{3 * 0x1C:02X}") == "".join(log)
    assert card.do(f"00B20246{2 * 0x1C:02X}") == log[2] + log[1]
    assert card.play("00B232401C", "00B201401C") == ["6A83", "6A83"]


@clause("2.2 READ RECORD", "10 B20", "10 T=0")
@each_generation
def test_le_00_is_6cxx_under_t0_and_the_data_under_t1(gen: Generation) -> None:
    contact, at_once = Card(gen), Card(gen, rules={"answers_at_once": True})
    for card in (contact, at_once):
        card.select("SSSE")

    assert contact.ask("00B2072C00") == contact.ask("00B2072C") == "6C0B"
    assert at_once.ask("00B2072C00") == "07094432313433353639589000"
    assert contact.ask("00B2072C0C") == at_once.ask("00B2072C0C") == "6C0B"


@clause("2.2 UPDATE RECORD", "10 B18")
@from_2_0
def test_update_record_by_number_by_identifier_and_as_a_new_cyclic_record(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF01")
    card.gain("pin", "UK6DF01")
    for p2, filling in (
        ("A8", "11"),
        ("A9", "22"),
        ("AB", "33"),
        ("AA", "44"),
    ):  # first, last, previous, next
        assert card.ask(f"00DC40{p2}364034{filling * 52}") == "9000"

    assert card.do("00B202AC36") == f"4034{'33' * 52}"
    assert card.do("00B203AC36") == f"4034{'44' * 52}"

    card.select("DF04")
    card.gain("RK1DF04", "UK2DF04")
    card.do("00A4020002EF15")
    assert card.play("00DC000303000131", "00DC000303000231") == ["9000", "9000"]  # previous: a new number 1
    assert card.ask("00DC010403000933") == "9000"  # by number: in place
    assert card.play("00B2010403", "00B2020403", "00B2030403") == ["0009339000", "0001319000", "6A83"]


@clause("2.2 UPDATE RECORD", "2.2 SW UPDATE RECORD 6A84", "2.1 6A84")
@each_generation
def test_update_record_adds_to_a_linear_file_while_there_is_room(gen: Generation) -> None:
    """P5 §6.13.1: by the number after the last, or by an identifier that no record bears."""
    profile = load_profile(gen.name)
    files = tuple(replace(spec, size=0x40 + 7) if spec.key == "SSSE/EF05" else spec for spec in profile.files)
    card = Card(gen, profile=replace(profile, files=files))
    card.select("SSSE")
    card.gain("UKSSSE")
    card.do("00A4020002EF05")

    assert card.ask("00DC090403AA0111") == "6A83"
    assert card.ask("00DC080403AA0111") == "9000"
    assert card.ask("00DCBB0004BB022233") == "9000"
    assert card.play("00B2080403", "00B2BB0004") == ["AA01119000", "BB0222339000"]
    assert card.ask("00DCCC0003CC0133") == "6A84"
    assert card.ask("00DCCC0003DD0133") == "6A80"
    assert card.ask("00DC0A0403CC0133") == "6A84"
    assert card.ask("00DCBB0004BB024455") == "9000"  # this one is there already
    again = card.reborn_as(replace(profile, files=files))
    again.select("SSSE")
    assert again.ask("00B2092C04") == "BB0244559000"


@clause("2.2 READ RECORD", "1.4 Record format")
@each_generation
def test_identifier_00_walks_through_a_linear_file(gen: Generation) -> None:
    """P3 §5.3.1."""
    card = Card(gen)
    card.select("SSSE")
    card.do("00A4020002EF05")

    assert card.ask("00B2000012") == f"0110{card.do('00B2010412')[4:]}9000"
    assert card.play("00B2000203", "00B2000206", "00B2000303") == [
        "0201339000",
        f"0304{card.do('00B2030406')[4:]}9000",
        "0201339000",
    ]
    assert card.ask("00B200010B") == card.ask("00B207040B")


@clause("2.2 GET CHALLENGE")
@each_generation
def test_a_challenge_has_4_8_or_16_bytes(gen: Generation) -> None:
    card = Card(gen, "01020304", "0102030405060708", "0102030405060708090A0B0C0D0E0F10")

    assert card.ask("0084000004") == "010203049000"
    assert card.ask("0084000008") == "01020304050607089000"
    assert card.ask("0084000010") == "0102030405060708090A0B0C0D0E0F109000"


@clause("2.2 GET RESPONSE", "2.1 61xx", "10 B21, B22, B23", "10 B21, B22, B23 61yy", "10 B21, B22, B23 61xx")
@each_generation
def test_waiting_data_are_fetched_whole_or_in_parts(gen: Generation) -> None:
    card = Card(gen)
    length = len(card.select("SSSE")) // 2
    whole = card.select("SSSE")

    assert card.ask(SSSE) == card.ask(f"{SSSE}00") == card.ask(f"{SSSE}05") == f"61{length:02X}"
    first = card.ask("00C0000010")
    assert first == f"{whole[:32]}61{length - 16:02X}"
    assert card.ask(f"00C00000{length - 16:02X}") == f"{whole[32:]}9000"
    assert card.ask("00C0000001") == "6F00"
    card.ask(SSSE)
    card.ask("0020000000")
    assert card.ask("00C0000010") == "6F00"  # another command came between


@clause("10 T=0", "10 B21, B22, B23")
@each_generation
def test_a_card_that_answers_at_once_never_says_61xx(gen: Generation) -> None:
    card = Card(gen, rules={"answers_at_once": True}, cia=500)

    assert card.ask(SSSE).startswith("6F")
    assert card.verify() == "9000"
    assert card.ask(select("DF04")) == "6F088406D156000005039000"
    opened = card.ask(purchase_command(100))
    assert len(opened) == 2 * 22 + 4
    assert card.ask(card.debit_command(opened, amounts_of(100, 0, 0)) + "08").endswith("9000")
    opened = card.ask(load_command(7) + "10")
    assert len(card.ask(card.credit_command(opened, 7))) == 2 * 4 + 4
    assert card.ask("0088000010" + "00" * 16 + "00")[-4:] == "9000"
    assert card.ask("B02E0032020000" + "08")[-4:] == "9406"
    assert card.ask("B02E0031020000" + "08")[-4:] == "9000"


@clause("2.2 EXTERNAL AUTHENTICATE")
@pytest.mark.parametrize(
    ("gen", "key", "data"),
    [
        (GEN1, "PUK", "2E7FE9CB197969CB"),
        (GEN1, "UKSSSE", "ABC31F86A815151A"),
        (GEN1, "RK1DF04", "608AF2CFD5C15DB8"),
        (GEN1, "DSK", "A12DC64B6601EE1B"),
        (GEN3, "PUK", "3FBDA0FF57FEA41E"),
        (GEN3, "UKSSSE", "82C97B7E7CBB05AB"),
        (GEN3, "RK1DF04", "248A0DF349B5AB57"),
        (GEN3, "DSK", "1BFC065FF5C0321A"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_external_authentication_of_the_vectors(gen: Generation, key: str, data: str) -> None:
    ids = {"PUK": ("SSSE", "06"), "UKSSSE": ("SSSE", "04"), "RK1DF04": ("DF04", "84"), "DSK": ("DF04", "87")}
    df, key_id = ids[key]
    card = vector_card(gen, "0011223344556677")
    card.select(df)
    card.challenge()

    assert card.ask(f"008200{key_id}10{data}A0A1A2A3A4A5A6A7") == "9000"


def vector_card(gen: Generation, *dice: str, **amounts: object) -> Card:
    """With the card factor of the vectors, 8660370900000001."""
    return Card(VECTOR3 if gen.number == 3 else gen, *dice, **amounts)


@clause("2.2 INTERNAL AUTHENTICATE")
@pytest.mark.parametrize(("gen", "answer"), [(GEN1, "642D1B3A063FFD60"), (GEN3, "DC2424D7A32AD375")], ids=str)
def test_internal_authentication_of_the_vectors(gen: Generation, answer: str) -> None:
    card = vector_card(gen)

    assert card.ask("0088000010B0B1B2B3B4B5B6B7C0C1C2C3C4C5C6C700") == "6108"
    assert card.ask("00C0000008") == f"{answer}9000"


@clause("2.2 VERIFY")
@each_generation
def test_verify_takes_the_pin_or_asks_for_the_tries(gen: Generation) -> None:
    card = Card(gen)
    right = {"1234": "00200000021234", "123456": "0020000003123456"}[gen.pin]

    assert card.play("0020000000", "00200000", right) == ["63C3", "63C3", "9000"]


@clause("2.2 CHANGE PIN")
@each_generation
def test_change_pin_takes_old_ff_new(gen: Generation) -> None:
    card = Card(gen)
    card.select("SSSE")
    body = f"{gen.pin}FF99887766"

    assert card.ask(f"805E0100{len(body) // 2:02X}{body}") == "9000"
    assert [card.verify(gen.pin), card.verify("99887766")] == ["63C2", "9000"]


UNBLOCK = {"gen1-16k": "8424000004F561C84A", "gen3": "84240000046EBF4ADE"}
RELOAD = {
    "gen1-16k": "842400010CF0E36D72AB68C275AED3CBE8",
    "gen3": "84240001141F287FF5449E7F7CF5AF352497E2D419E4572F58",
}
RELOAD_1234 = {
    "gen1-16k": "842400010C0BE925BFF54D254F5D42A5D8",
    "gen3": "842400011478C0936AF019099B33FE05CFDFF20A40D32F8596",
}
PUK_DATA = {"gen1-16k": "2E7FE9CB197969CB", "gen3": "3FBDA0FF57FEA41E"}
VECTOR_CARDS = pytest.mark.parametrize("gen", [GEN1, GEN3], ids=["3DES", "SM4"])


def after_permission(gen: Generation) -> Card:
    """PUK authenticated and challenge 8899AABBCCDDEEFF given, as in §6.10."""
    card = vector_card(gen, "0011223344556677", "8899AABBCCDDEEFF")
    card.select("SSSE")
    card.challenge()
    assert card.ask(f"0082000610{PUK_DATA[gen.name]}A0A1A2A3A4A5A6A7") == "9000"
    card.challenge()
    return card


@clause("2.2 PIN UNBLOCK")
@VECTOR_CARDS
def test_pin_unblock_of_the_vectors(gen: Generation) -> None:
    assert after_permission(gen).ask(UNBLOCK[gen.name]) == "9000"


@clause("2.2 PIN RELOAD (change by issuer)")
@pytest.mark.parametrize(
    ("commands", "pin"), [(RELOAD, "123456"), (RELOAD_1234, "1234")], ids=["123456", "1234"]
)
@VECTOR_CARDS
def test_pin_reload_of_the_vectors(gen: Generation, commands: dict[str, str], pin: str) -> None:
    card = after_permission(gen)

    assert card.ask(commands[gen.name]) == "9000"
    assert card.verify(pin) == "9000"


@clause("2.2 CARD BLOCK", "10 B38", "2.1 6A81")
@pytest.mark.parametrize(("gen", "mac"), [(GEN1, "15A55399"), (GEN3, "181A7FD1")], ids=["3DES", "SM4"])
def test_card_block_of_the_vectors_ends_everything_but_the_atr(gen: Generation, mac: str) -> None:
    card = vector_card(gen, "0011223344556677", "8899AABBCCDDEEFF")
    card.select("SSSE")
    atr = card.chip.atr()
    assert card.ask(card.authentication("BK", card.challenge())) == "9000"
    card.challenge()

    assert card.ask(f"8416000004{mac}") == "9000"

    everything = [
        "",
        "00",
        "00A4",
        "00A404",
        "00A40000023F00",
        "0020000000",
        "FFFFFFFF",
        "00FF0000",
        "B026000104",
        SSSE,
    ]
    everything += ["00C0000010", "0084000008", "00" * 300, "00200000FF12", "84160000", "8050000102"]
    assert {card.ask(text) for text in everything} == {"6A81"}
    assert card.chip.reset() == atr
    assert {card.ask(text) for text in everything} == {"6A81"}
    assert card.reborn().ask(SSSE) == "6A81"


@clause("2.2 APPLICATION BLOCK", "10 A6", "2.1 9303")
@each_generation
def test_application_block_ends_one_application_for_ever(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("LKDF04")
    assert card.ask(card.with_mac("841E0001", df="DF04")) == "9000"

    # inside it: every command but SELECT, before its parameters are looked at
    for text in ("B026000104", "B026FF0104", "00200000", "0084000008", "00C0000000", "841E000104"):
        assert card.ask(text) == "9303"
    # selecting it: refused, the current application stays
    assert card.fetch(select("DF01")).startswith("6F")
    assert card.ask(select("DF04")) == card.ask("00A4000002DF04") == "9303"
    assert card.ask("00A4020002EF16") == "9000"
    assert card.fetch("00A40000023F00").startswith("6F")
    assert card.verify() == "9000"
    assert card.reborn().ask(select("DF04")) == "9303"


@clause("2.2 UPDATE RECORD", "2.1 9000")
@pytest.mark.parametrize(("gen", "mac"), [(GEN1, "A14A629B"), (GEN3, "2BC295DB")], ids=["3DES", "SM4"])
def test_update_record_under_a_mac_of_the_vectors(gen: Generation, mac: str) -> None:
    card = vector_card(gen, "0011223344556677", "8899AABBCCDDEEFF")
    card.select("SSSE")
    assert card.ask(card.authentication("UKSSSE", card.challenge())) == "9000"
    assert card.ask("00DC0A30030A0132") == "9000"
    card.challenge()

    assert card.ask(f"04DC0A30070A0131{mac}") == "9000"

    if gen.number == 3:
        card.gain("RKSSSE")
    assert card.ask("00B20A3003") == "0A01319000"


@clause("2.2 UPDATE RECORD", "2.2 UPDATE BINARY", "10 B31, B32")
@pytest.mark.parametrize(
    ("df", "update", "header", "data", "read", "shown"),
    [
        ("SSSE", "UKSSSE", "04DC0734", "0D0419910203", "00B20D3006", "0D0419910203"),
        ("SSSE", "UKSSSE", "04D68700", "A1A2A3", "00B0870003", "A1A2A3"),
        ("DF01", "UK7DF01", "04D69610", "B1B2", "00B0961002", "B1B2"),
        ("DF04", "UK2DF04", "04DC00AB", "000131", "00B201AC03", "000131"),
        ("DF04", "UK1DF04", "04DC8F28", "8F0131", "00B28F2803", "8F0131"),
    ],
    ids=["linear", "transparent", "transparent of DF01", "cyclic of DF04", "linear of DF04"],
)
@from_2_0
def test_updates_under_a_mac_want_the_update_key_and_the_message_key_of_the_df(
    gen: Generation, df: str, update: str, header: str, data: str, read: str, shown: str
) -> None:
    card = Card(gen)
    card.select(df)
    card.gain("pin", *{"SSSE": ["RKSSSE"], "DF04": ["RK1DF04"]}.get(df, []))
    assert card.ask(card.with_mac(header, data, df=df)) == "6982"  # the MAC alone opens nothing
    card.gain(update)
    assert card.ask(f"{header}{len(data) // 2 + 4:02X}{data}00000000") == "6984"
    card.challenge()
    assert card.ask(f"{header}{len(data) // 2 + 4:02X}{data}00000000") == "6988"
    other = "SSSE" if df != "SSSE" else "DF04"
    assert card.ask(card.with_mac(header, data, df=other)) == "6988"

    assert card.ask(card.with_mac(header, data, df=df)) == "9000"

    assert card.ask(read) == f"{shown}9000"


# -- 2.1, 2.2: status words

BODY8, BODY16 = "00" * 8, "00" * 16
AUTH4 = "0082000410" + BODY16
STATUS_WORDS = {
    "SELECT": {
        "6700": ["00A4040004D1560000", "00A4020003EF0500", "00A4000001EF"],
        "6A81": ["BLOCKED 00A40000023F00"],
        "6A82": ["SSSE 00A4020002EF99", "00A4040006D15600000599", "00A4000002DF99"],
        "6A86": ["00A4010002EF05", "00A4040C06D15600000503", "00A4000202DF01", "00A4080002DF01"],
    },
    "READ BINARY": {
        "6981": ["SSSE 00B0850000", "SSSE 00A4020002EF05 00B0000000"],
        "6982": ["SSSE 00B0870001"],
        "6986": ["SSSE 00B0000001"],
        "6A81": ["BLOCKED 00B0870001"],
        "6A82": ["SSSE 00B0990001", "MF 00B0850001"],
        "6A86": ["SSSE 00B0800001", "SSSE 00B09F0001", "SSSE 00B0A70001"],
        "6B00": ["SSSE AUTH:RKSSSE 00B0870000 00B0030001"],
        "6Cxx": ["SSSE AUTH:RKSSSE 00B0870000 00B002FF02"],
    },
    "READ RECORD": {
        "6981": ["SSSE 00B2013C00"],
        "6982": ["DF04 00B2012C00"],
        "6986": ["SSSE 00B2010400"],
        "6A81": ["BLOCKED 00B2012C12"],
        "6A82": ["SSSE 00B201CC00", "MF 00B2012C00"],
        "6A83": ["SSSE 00B2082C00", "SSSE 00B2552800"],
        "6A86": ["SSSE 00B2012F00", "SSSE 00B2002C00", "SSSE 00B201FC00"],
        "6Cxx": ["SSSE 00B2012C00", "SSSE 00B2012C20"],
    },
    "UPDATE BINARY": {
        "6581": ["SSSE AUTH:UKSSSE UNWRITABLE 00D6870001AA"],
        "6700": ["SSSE AUTH:UKSSSE 00D6870000", "SSSE AUTH:UKSSSE 04D6870004AABBCCDD"],
        "6981": ["SSSE AUTH:UKSSSE 00D6850001AA"],
        "6982": ["SSSE 00D6870001AA"],
        "6984": ["SSSE AUTH:UKSSSE 04D6870005AA00000000"],
        "6986": ["SSSE 00D6000001AA"],
        "6988": ["SSSE AUTH:UKSSSE CHALLENGE 04D6870005AA00000000"],
        "6A81": ["BLOCKED 00D6870001AA"],
        "6A82": ["SSSE 00D6990001AA"],
        "6A86": ["SSSE 00D6800001AA", "SSSE 00D69F0001AA"],
        "6B00": ["SSSE AUTH:UKSSSE 00D6870001AA 00D602FF02AABB"],
    },
    "UPDATE RECORD": {
        "6581": ["SSSE AUTH:UKSSSE UNWRITABLE 00DC022C03020134"],
        "6700": ["SSSE AUTH:UKSSSE 00DC022C00", "SSSE AUTH:UKSSSE 04DC022C0400000000"],
        "6981": ["SSSE AUTH:UKSSSE 00DC013C03020134"],
        "6982": ["SSSE 00DC022C03020134", "DF04 PIN 00DC00431C" + "00" * 28],
        "6984": ["SSSE AUTH:UKSSSE 04DC022C0702013400000000"],
        "6986": ["SSSE 00DC020403020134"],
        "6988": ["SSSE AUTH:UKSSSE CHALLENGE 04DC022C0702013400000000"],
        "6A81": ["BLOCKED 00DC022C03020134"],
        "6A82": ["SSSE 00DC02CC03020134"],
        "6A83": ["SSSE AUTH:UKSSSE 00DC092C03020134"],
        "6A84": ["SSSE AUTH:UKSSSE 00DC082C03020134", "SSSE AUTH:UKSSSE 00DC552803550134"],
        "6A85": ["SSSE AUTH:UKSSSE 00DC022C0402023434", "SSSE AUTH:UKSSSE 00DC022C020201", "SSSE AUTH:UKSSSE 00DC022C0102"],
        "6A86": ["SSSE 00DC022D03020134", "SSSE 00DC022E03020134", "SSSE 00DC022F03020134", "SSSE 00DC02FC03020134"],
    },
    "GET CHALLENGE": {
        "6700": ["0084000005", "00840000", "0084000000", "0084000008" + BODY8],
        "6A81": ["BLOCKED 0084000008"],
        "6A86": ["0084010008", "0084000108"],
    },
    "GET RESPONSE": {
        "6700": ["00C0000001AA"],
        "6A81": ["BLOCKED 00C0000010"],
        "6A86": ["00C0010010", "00C0000110"],
        "6F00": ["00C0000010", "00C0000000"],
    },
    "EXTERNAL AUTHENTICATE": {
        "63Cx": ["SSSE FAIL:04", "SSSE FAIL:06", "SSSE FAIL:05"],
        "6581": ["SSSE CHALLENGE UNWRITABLE " + AUTH4],
        "6700": ["SSSE 008200040F" + "00" * 15, "SSSE 0082000412" + "00" * 18, "SSSE 00820004"],
        "6983": ["SSSE FAIL:06 FAIL:06 FAIL:06 FAIL:06", "SSSE FAIL:06 FAIL:06 FAIL:06 AUTH:PUK"],
        "6984": ["SSSE " + AUTH4, "SSSE CHALLENGE " + AUTH4 + " " + AUTH4],
        "6A81": ["BLOCKED " + AUTH4],
        "6A86": ["SSSE 0082010410" + BODY16],
        "6A88": ["SSSE FAIL:0F", "SSSE FAIL:84", "SSSE CHALLENGE 0082000411" + BODY16 + "02"],
    },
    "INTERNAL AUTHENTICATE": {
        "6700": ["008800000F" + "00" * 15, "0088000012" + "00" * 18, "0088000000"],
        "6A81": ["BLOCKED 0088000010" + BODY16],
        "6A86": ["0088000110" + BODY16, "0088010010" + BODY16],
        "6A88": ["0088000011" + BODY16 + "02"],
    },
    "VERIFY": {
        "63Cx": ["00200000025555", "0020000000"],
        "6700": ["002000000112", "0020000009" + "12" * 9],
        "6983": ["00200000025555 00200000025555 00200000025555 00200000025555", "00200000025555 00200000025555 00200000025555 PIN"],
        "6A81": ["BLOCKED 0020000000"],
        "6A86": ["00200001021234", "00200100021234"],
    },
    "CHANGE PIN": {
        "63Cx": ["SSSE 805E0100055555FF1234", "SSSE 805E010003FF1234"],
        "6581": ["SSSE UNWRITABLE 805E0100055555FF1234"],
        "6700": ["SSSE 805E010002FF12", "SSSE 805E010012" + "12" * 8 + "FF" + "12" * 9],
        "6983": ["SSSE 00200000025555 00200000025555 00200000025555 805E0100051234FF5678"],
        "6A80": ["SSSE 805E010005123456789A", "SSSE 805E0100041234FF56", "SSSE 805E0100051234FF56A8"],
        "6A81": ["BLOCKED 805E0100051234FF5678"],
        "6A86": ["SSSE 805E0000051234FF5678", "SSSE 805E0101051234FF5678"],
    },
    "PIN UNBLOCK/RELOAD": {
        "6581": ["SSSE 00200000025555 AUTH:PUK UNWRITABLE MAC:84240000", "SSSE AUTH:PUK UNWRITABLE RELOAD:4321"],
        "6700": ["SSSE 842400000500000000", "SSSE 8424000005" + "00" * 5, "SSSE 842400010B" + "00" * 11, "SSSE 8424000115" + "00" * 21],
        "6982": ["SSSE CHALLENGE 842400000400000000", "SSSE RELOAD:4321"],
        "6984": ["SSSE AUTH:PUK 842400000400000000", "SSSE AUTH:PUK MAC:84240000 842400000400000000"],
        "6985": ["SSSE AUTH:PUK DF04 MAC:84240000", "SSSE AUTH:PUK DF04 RELOAD:4321"],
        "6988": ["SSSE AUTH:PUK CHALLENGE 842400000400000000", "SSSE AUTH:PUK CHALLENGE 8424000114" + "00" * 20],
        "6A80": ["SSSE AUTH:PUK RELOAD:43A1", "SSSE AUTH:PUK RELOADBLOCK:0312345600"],
        "6A81": ["BLOCKED 842400000400000000"],
        "6A86": ["SSSE 842400020400000000", "SSSE 842401000400000000"],
    },
    "APPLICATION BLOCK, CARD BLOCK": {
        "6581": [
            "SSSE AUTH:BK UNWRITABLE MAC:84160000",
            "DF04 AUTH:LKDF04 UNWRITABLE MAC:841E0001:DF04",
        ],
        "6700": ["SSSE 841600000500000000", "SSSE 84160000", "DF04 841E000103000000"],
        "6982": ["SSSE CHALLENGE 841600000400000000", "DF04 CHALLENGE 841E00010400000000"],
        "6984": ["SSSE AUTH:BK 841600000400000000", "DF04 AUTH:LKDF04 841E00010400000000"],
        "6988": ["SSSE AUTH:BK CHALLENGE 841600000400000000", "DF04 AUTH:LKDF04 CHALLENGE 841E00010400000000"],
        "6A81": ["BLOCKED 841600000400000000", "BLOCKED 841E00010400000000"],
        "6A86": ["SSSE 841600010400000000", "DF04 841E00000400000000"],
    },
}  # fmt: skip


def scenarios(section: str, table: dict[str, dict[str, list[str]]]) -> list[object]:
    """One case a scenario; each names its status word in its command's row and, for §2.2, in the list of §2.1."""
    return [
        pytest.param(
            scenario,
            status,
            marks=clause(f"{section} SW {command} {status}", f"2.1 {status}"),
            id=f"{command}-{status}-{number}",
        )
        for command, words in table.items()
        for status, listed in words.items()
        for number, scenario in enumerate(listed, 1)
    ]


@pytest.mark.parametrize(("scenario", "status"), scenarios("2.2", STATUS_WORDS))
@each_generation
def test_a_basic_command_answers_this_status_word(gen: Generation, scenario: str, status: str) -> None:
    assert fits(played(Card(gen), scenario), status)


def changed(gen: Generation, **changes: object) -> Card:
    """A card whose description differs: `pin`, or a DF with other values."""
    profile = load_profile(gen.name)
    if "df" in changes:
        name = changes.pop("df")
        dfs = tuple(replace(df, **changes) if df.name == name else df for df in profile.dfs)
        return Card(gen, profile=replace(profile, dfs=dfs))
    return Card(gen, profile=replace(profile, **changes))


@clause("2.2 SW VERIFY 6A88", "2.2 SW PIN UNBLOCK/RELOAD 6A88", "2.1 6A88")
@each_generation
def test_a_card_that_was_made_without_a_pin_knows_no_reference(gen: Generation) -> None:
    card = changed(gen, pin=None)
    card.select("SSSE")

    assert card.play("0020000000", "00200000025555", "805E0100031234FF") == ["6A88"] * 3
    assert card.ask(card.with_mac("84240000")) == "6A88"
    card.select("DF04")
    assert card.ask("B026000104") == "000000009000"


@clause("2.2 SW PIN UNBLOCK/RELOAD 6A88", "2.2 SW APPLICATION BLOCK, CARD BLOCK 6A88")
@each_generation
def test_without_a_message_key_nothing_protected_is_done(gen: Generation) -> None:
    """6A88 before 6982, as §10 A4 has it."""
    card = changed(gen, df="SSSE", message_key=None)
    card.select("SSSE")
    assert card.play("842400000400000000", "841600000400000000") == ["6A88", "6A88"]
    card.gain("PUK", "UKSSSE")
    assert card.play("842400000400000000", "04DC022C0702013400000000") == ["6A88", "6A88"]

    card = Card(gen)
    card.select("MF")
    assert card.ask("841600000400000000") == "6A88"
    card.select("DF02")
    assert card.ask("841E00010400000000") == "6A88"  # DF02 has no key to block it


@clause("2.2 SW APPLICATION BLOCK, CARD BLOCK 6985")
@pytest.mark.parametrize("df", ["SSSE", "MF"])
@each_generation
def test_only_an_application_can_be_blocked(gen: Generation, df: str) -> None:
    card = Card(gen)
    card.select(df)

    assert card.ask("841E00010400000000") == "6985"


@clause("2.2 CARD BLOCK")
@pytest.mark.parametrize("df", ["SSSE", "DF01", "DF02", "DF03", "DF04"])
@each_generation
def test_the_card_is_blocked_in_any_application_under_its_message_key(gen: Generation, df: str) -> None:
    card = Card(gen)
    card.select(df)
    card.gain("BK")
    other = "SSSE" if df != "SSSE" else "DF01"
    assert card.ask(card.with_mac("84160000", df=other)) == "6988"

    assert card.ask(card.with_mac("84160000", df=df)) == "9000"

    assert card.ask("00A40000023F00") == "6A81"


@clause("2.2 SW GET RESPONSE 6Cxx")
@each_generation
def test_get_response_beyond_what_waits_tells_the_length_and_loses_nothing(gen: Generation) -> None:
    card = Card(gen)
    length = len(card.select("SSSE")) // 2
    card.ask(SSSE)

    assert card.ask(f"00C00000{length + 1:02X}") == f"6C{length:02X}"
    assert card.ask("00C0000000") == card.ask("00C00000") == f"6C{length:02X}"  # P5 §6.6.4
    assert card.ask(f"00C00000{length:02X}")[-4:] == "9000"


BASIC = {
    "SELECT": "00A40000023F00", "READ BINARY": "00B0870001", "READ RECORD": "00B2012C00", "UPDATE BINARY": "00D6870001AA",
    "UPDATE RECORD": "00DC022C03020134", "GET CHALLENGE": "0084000008", "GET RESPONSE": "00C0000010",
    "EXTERNAL AUTHENTICATE": AUTH4, "INTERNAL AUTHENTICATE": "0088000010" + BODY16, "VERIFY": "0020000000",
    "CHANGE PIN": "805E0100055555FF5678", "PIN UNBLOCK": "842400000400000000", "CARD BLOCK": "841600000400000000",
    "APPLICATION BLOCK": "841E00010400000000",
}  # fmt: skip


@clause("2.1 6E00", "2.1 6D00", "2.1 9303", "10 A5", "10 A5 6D00", "10 A5 6E00")
@pytest.mark.parametrize("command", BASIC)
@each_generation
def test_every_command_has_its_class_and_falls_silent_in_a_blocked_application(
    gen: Generation, command: str
) -> None:
    """§2.2: "add 6E00, 6D00, 9303 everywhere"."""
    sent = BASIC[command]
    card = Card(gen)
    card.select("SSSE")

    assert card.ask("BF" + sent[2:]) == card.ask("90" + sent[2:]) == "6E00"
    assert card.ask("B0" + sent[2:]) == "6D00"
    assert card.ask("80" + sent[2:]) == ("63C2" if command == "CHANGE PIN" else "6E00")
    card.block("DF04")
    if command != "SELECT":
        assert card.ask(sent) == "9303"


# -- 2.3: the medical commands


@clause("2.3 INITIALIZE FOR LOAD", "2.3 CREDIT FOR LOAD")
@pytest.mark.parametrize(
    ("gen", "mac1", "mac2", "tac"),
    [(GEN1, "38151960", "A4B41BBA", "90737B5E"), (GEN3, "8275DC94", "BF91411F", "B0D0254E")],
    ids=["3DES", "SM4"],
)
def test_a_load_of_the_vectors(gen: Generation, mac1: str, mac2: str, tac: str) -> None:
    card = vector_card(gen, "11223344").at_account()

    assert card.ask("B02800010B0100002710370900000001") == "6110"
    assert card.ask("00C0000010") == "00000000" + "0000" + f"01{gen.algorithm}11223344{mac1}9000"
    assert card.ask(f"B02A00000B20260105083000{mac2}") == "6104"
    assert card.ask("00C0000004") == f"{tac}9000"
    assert card.ask("B026000104") == "000027109000"


@clause("2.3 INITIALIZE FOR PURCHASE", "2.3 DEBIT FOR PURCHASE", "2.3 GET TRANSACTION PROOF")
@pytest.mark.parametrize(
    ("gen", "mac1", "mac2", "tac"),
    [(GEN1, "409CAC6A", "37F86753", "CEA3FB75"), (GEN3, "AF06E388", "B58E820E", "5C8FB663")],
    ids=["3DES", "SM4"],
)
def test_a_purchase_of_the_vectors(gen: Generation, mac1: str, mac2: str, tac: str) -> None:
    card = vector_card(gen, "AABBCCDD", cia=10_000, year=bytes.fromhex("2026")).at_account()

    assert card.ask("B02801011301000004D2000007D000001F40370900000001") == "6116"
    assert card.ask("00C0000016") == f"0000271000000000000000002026000001{gen.algorithm}AABBCCDD9000"
    assert card.ask(f"B02C01000F0000000120260105101530{mac1}") == "6108"
    assert card.ask("00C0000008") == f"{tac}{mac2}9000"
    assert card.ask("B02E0032020000") == "6108"
    assert card.ask("00C0000008") == f"{mac2}{tac}9000"


@clause("2.3 GET BALANCE", "10 B4")
@each_generation
def test_balances_need_the_pin(gen: Generation) -> None:
    card = Card(gen, cia=1, spip=2, spfp=3, year=bytes.fromhex("2025"))
    card.select("DF04")
    three = ("B026000104", "B026000206", "B026000306")
    assert card.play(*three) == ["6982"] * 3

    card.gain("pin")

    assert card.play(*three) == ["000000019000", "0000000220259000", "0000000320259000"]


@clause("2.3 UPDATE STARTING DAY", "2.3 GET STARTING DAY", "10 B4")
@each_generation
def test_the_starting_day_is_free_to_read_and_wants_dsk_to_change(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")

    assert card.play("B056010002", "B0560000020401") == ["01019000", "6982"]
    card.gain("DSK")
    assert card.play("B0560000020401", "B056010002") == ["9000", "04019000"]
    assert card.reborn().play(select("DF04"), "B056010002")[1] == "04019000"


P1, L1 = purchase_command(1), load_command(1)
AT = "SSSE PIN DF04 "
MEDICAL_STATUS_WORDS = {
    "INITIALIZE FOR LOAD": {
        "6581": [AT + "UNWRITABLE 00200000025555 " + L1],
        "6700": [AT + "B02800010A" + "00" * 10, AT + "B0280001", AT + "B02800010C" + "00" * 12],
        "6982": ["DF04 " + L1],
        "6985": ["SSSE PIN " + L1],
        "6A81": ["BLOCKED " + L1],
        "6A86": [AT + "B028000200", AT + "B028020100"],
        "6E00": [AT + "B1" + L1[2:]],
        "9303": ["BLOCKED:DF04 " + L1],
        "9403": [AT + load_command(1, 2)],
    },
    "CREDIT FOR LOAD": {
        "6581": [AT + "LOAD UNWRITABLE 00200000025555 " + WRONG_CREDIT],
        "6700": [AT + "LOAD B02A00000A" + "00" * 10, AT + "LOAD B02A0000"],
        "6901": [AT + WRONG_CREDIT, AT + "PURCHASE " + WRONG_CREDIT, AT + "LOAD SSSE DF04 " + WRONG_CREDIT],
        "6985": ["SSSE " + WRONG_CREDIT],
        "6A81": ["BLOCKED " + WRONG_CREDIT],
        "6A86": [AT + "LOAD B02A01000B" + "00" * 11],
        "6E00": [AT + "LOAD B1" + WRONG_CREDIT[2:]],
        "9302": [AT + "LOAD " + WRONG_CREDIT],
        "9303": ["BLOCKED:DF04 " + WRONG_CREDIT],
    },
    "INITIALIZE FOR PURCHASE": {
        "6581": [AT + "UNWRITABLE 00200000025555 " + P1],
        "6700": [AT + "B028010112" + "00" * 18, AT + "B0280101", AT + "B02801010B" + "00" * 11],
        "6982": ["DF04 " + P1],
        "6985": ["SSSE PIN " + P1],
        "6A81": ["BLOCKED " + P1],
        "6A86": [AT + "B028010213" + "00" * 19, AT + "B028010000"],
        "6E00": [AT + "B1" + P1[2:], AT + "8050010200"],
        "9303": ["BLOCKED:DF04 " + P1],
        "9401": [AT + P1],
        "9403": [AT + purchase_command(0, index=3)],
    },
    "DEBIT FOR PURCHASE": {
        "6581": [AT + "PURCHASE UNWRITABLE 00200000025555 " + WRONG_DEBIT],
        "6700": [AT + "PURCHASE B02C01000E" + "00" * 14, AT + "PURCHASE B02C0100"],
        "6901": [AT + WRONG_DEBIT, AT + "LOAD " + WRONG_DEBIT, AT + "PURCHASE DF04 " + WRONG_DEBIT],
        "6985": ["SSSE " + WRONG_DEBIT],
        "6A81": ["BLOCKED " + WRONG_DEBIT],
        "6A86": [AT + "PURCHASE B02C00000F" + "00" * 15, AT + "PURCHASE B02C01010F" + "00" * 15],
        "6E00": [AT + "PURCHASE B1" + WRONG_DEBIT[2:]],
        "9302": [AT + "PURCHASE " + WRONG_DEBIT],
        "9303": ["BLOCKED:DF04 " + WRONG_DEBIT],
    },
    "GET BALANCE": {
        "6700": [AT + "B026000105", AT + "B026000204", AT + "B026000100", AT + "B0260001"],
        "6982": ["DF04 B026000104"],
        "6985": ["SSSE PIN B026000104"],
        "6A81": ["BLOCKED B026000104"],
        "6A86": [AT + "B026000404", AT + "B026000004", AT + "B026010104"],
        "6E00": [AT + "8126000104", AT + "805C000204"],
        "9303": ["BLOCKED:DF04 B026000104"],
    },
    "GET TRANSACTION PROOF": {
        "6700": [AT + "B02E003101", AT + "B02E00310100", AT + "B02E003103000000"],
        "6985": ["SSSE PIN B02E0031020000"],
        "6A81": ["BLOCKED B02E0031020000"],
        "6A86": [AT + "B02E0033020000", AT + "B02E0131020000"],
        "6E00": [AT + "B12E0031020000", AT + "805A0009020000"],
        "9303": ["BLOCKED:DF04 B02E0031020000"],
        "9406": [AT + "B02E0031020000", AT + "B02E0032020000"],
    },
    "STARTING DAY": {
        "6581": ["DF04 AUTH:DSK UNWRITABLE B0560000020401"],
        "6700": ["DF04 B05600000104", "DF04 B056000003040100", "DF04 B056010003", "DF04 B056010000"],
        "6982": ["DF04 B0560000020401"],
        "6985": ["SSSE B0560000020401", "SSSE B056010002"],
        "6A80": ["DF04 AUTH:DSK B0560000021301", "DF04 AUTH:DSK B0560000020230", "DF04 AUTH:DSK B05600000204A1"],
        "6A81": ["BLOCKED B056010002"],
        "6A86": ["DF04 B056000102", "DF04 B056020002"],
        "6E00": ["DF04 B156010002"],
        "9303": ["BLOCKED:DF04 B056010002"],
    },
}  # fmt: skip


@pytest.mark.parametrize(("scenario", "status"), scenarios("2.3", MEDICAL_STATUS_WORDS))
@each_generation
def test_a_medical_command_answers_this_status_word(gen: Generation, scenario: str, status: str) -> None:
    assert played(Card(gen), scenario)[-4:] == status


@clause("10 A12", "10 A12 6700", "10 A12 6A80", "10 A12 6581")
@pytest.mark.parametrize("status", ["6700", "6A80", "6581"])
@each_generation
def test_the_starting_day_uses_three_more_status_words(gen: Generation, status: str) -> None:
    for scenario in MEDICAL_STATUS_WORDS["STARTING DAY"][status]:
        assert played(Card(gen), scenario) == status


FULL = 0xFFFF_FFFF


@pytest.mark.parametrize(
    ("amounts", "command", "status"),
    [
        pytest.param({"load_counter": 0xFFFF}, load_command(1), "9402",
                     marks=clause("2.3 SW INITIALIZE FOR LOAD 9402", "2.1 9402", "10 B35")),
        pytest.param({"purchase_counter": 0xFFFF}, purchase_command(0), "9402",
                     marks=clause("2.3 SW INITIALIZE FOR PURCHASE 9402", "10 B35")),
        pytest.param({"cia": FULL}, load_command(1), "6985",
                     marks=clause("2.3 SW INITIALIZE FOR LOAD 6985", "2.1 6985")),
        pytest.param({"spip": FULL}, purchase_command(0, 1), "6985",
                     marks=clause("2.3 SW INITIALIZE FOR PURCHASE 6985", "10 B34", "10 B34 6985")),
        pytest.param({"spfp": FULL}, purchase_command(0, 0, 1), "6985",
                     marks=clause("2.3 SW INITIALIZE FOR PURCHASE 6985", "10 B34", "10 B34 6985")),
        pytest.param({"cia": 99}, purchase_command(100), "9401",
                     marks=clause("2.3 SW INITIALIZE FOR PURCHASE 9401", "2.1 9401")),
    ],
)  # fmt: skip
@each_generation
def test_an_initialize_refuses_what_could_not_be_finished(
    gen: Generation, amounts: dict[str, int], command: str, status: str
) -> None:
    assert Card(gen, **amounts).at_account().ask(command) == status


@clause("10 B35")
@each_generation
def test_a_counter_at_its_end_stops_its_own_kind_only(gen: Generation) -> None:
    loads = Card(gen, load_counter=0xFFFF, cia=5).at_account()
    purchases = Card(gen, purchase_counter=0xFFFF, cia=5).at_account()

    assert loads.buy(5).endswith("9000")
    assert purchases.load(5).endswith("9000")
    last = Card(gen, purchase_counter=0xFFFE, cia=5).at_account()
    assert last.buy(5).endswith("9000")
    assert last.open_purchase() == "9402"
    assert last.do("00B201441C")[:4] == "FFFE"


# -- 2.3: the state machine


def reached(gen: Generation, state: str) -> tuple[Card, str]:
    """A card in that state (with a proof of an earlier load), and what its INITIALIZE answered."""
    card = Card(gen, cia=1000).at_account()
    card.load(1)
    opened = {"idle": str, "load": card.open_load, "purchase": card.open_purchase}[state]()
    return card, opened


def state_of(gen: Generation, state: str, *commands: str) -> tuple[str, str]:
    """The last answer to these commands in a state, and the state after them.

    Known by what each half says to a wrong MAC: 9302 where it is open, else 6901.
    """
    answer, probed = "", []
    for probe in (WRONG_CREDIT, WRONG_DEBIT):
        card, opened = reached(gen, state)
        for command in commands:
            answer = card.ask(finished(card, opened, command))
        probed.append(card.ask(probe))
    return answer, {"9302 6901": "load", "6901 9302": "purchase", "6901 6901": "idle"}[" ".join(probed)]


def finished(card: Card, opened: str, command: str) -> str:
    """CREDIT and DEBIT as they are right after the card's own INITIALIZE (and well-formed without one)."""
    match command:
        case "CREDIT FOR LOAD":
            return card.credit_command(opened or "00" * 16)
        case "DEBIT FOR PURCHASE":
            return card.debit_command(opened or "00" * 22, amounts_of(0, 0, 0))
    return command


STATE_TABLE = [
    ("INITIALIZE FOR LOAD", load_command(1), {"idle": "load", "load": "load", "purchase": "load"}),
    ("INITIALIZE FOR PURCHASE", purchase_command(1), dict.fromkeys(("idle", "load", "purchase"), "purchase")),
    ("CREDIT FOR LOAD", "CREDIT FOR LOAD", {"idle": "6901", "load": "idle", "purchase": "6901"}),
    ("DEBIT FOR PURCHASE", "DEBIT FOR PURCHASE", {"idle": "6901", "load": "6901", "purchase": "idle"}),
]
KEEPERS = "GET BALANCE, GET TRANSACTION PROOF, GET RESPONSE"
KEEPING = {
    "GET BALANCE": ("B026000104",),
    "GET BALANCE of a total": ("B026000206",),
    "GET TRANSACTION PROOF": ("B02E0031020000",),
    "GET RESPONSE": ("B02E0031020000", "00C0000004", "00C0000004"),
}


@pytest.mark.parametrize(
    ("state", "command", "after"),
    [
        pytest.param(
            state, sent, after, marks=clause(f"2.3 state {state} x {command}"), id=f"{state} x {command}"
        )
        for command, sent, row in STATE_TABLE
        for state, after in row.items()
    ],
)
@each_generation
def test_the_state_table_holds(gen: Generation, state: str, command: str, after: str) -> None:
    answer, reached_state = state_of(gen, state, command)

    if after == "6901":
        assert (answer, reached_state) == ("6901", "idle")
    else:
        assert answer[:2] == "61" and reached_state == after


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(state, marks=clause(f"2.3 state {state} x {KEEPERS}", "10 A1"))
        for state in ("idle", "load", "purchase")
    ],
)
@pytest.mark.parametrize("commands", KEEPING.values(), ids=KEEPING)
@each_generation
def test_balance_proof_and_get_response_keep_the_state(
    gen: Generation, state: str, commands: tuple[str, ...]
) -> None:
    answer, after = state_of(gen, state, *commands)

    assert answer[-4:] == "9000" or answer == "6108"
    assert after == state


@clause("10 A2", "10 B25, B36")
@pytest.mark.parametrize("state", ["load", "purchase"])
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("B026000105", "6700"), ("B026000404", "6A86"), ("B02E0031020009", "9406"), ("B02E003203000000", "6700"),
        ("B02800010B02" + "00" * 10, "9403"), (purchase_command(FULL), "9401"), ("B056000003000000", "6700"),
        ("00FF0000", "6D00"), ("FF000000", "6E00"), ("00A4020002EF99", "6A82"), ("00A4040006D15600000599", "6A82"),
        ("00C0010001", "6A86"), ("0020000002ABCD", "63C2"), ("00", "6700"), ("00B2992800", "6A83"),
    ],
    ids=str,
)  # fmt: skip
@each_generation
def test_any_failing_command_ends_the_transaction(
    gen: Generation, state: str, command: str, status: str
) -> None:
    assert state_of(gen, state, command) == (status, "idle")


@clause("10 B25, B36", "10 A2")
@pytest.mark.parametrize("state", ["load", "purchase"])
@pytest.mark.parametrize(
    "command",
    [
        "00A4020002EF08", "00A4000002EF05", "0084000008", "B056010002", "00B28F2803", "00200000", "00A4040006D15600000503",
        "0088000010" + "00" * 16, "00B2004100",
    ],
    ids=str,
)  # fmt: skip
@each_generation
def test_commands_outside_the_table_end_the_transaction(gen: Generation, state: str, command: str) -> None:
    answer, after = state_of(gen, state, command)

    assert after == "idle"
    assert answer[-4:] in ("9000", "63C3", "6108", "610A", "6C1C")


# -- 2.4: the worked APDUs, as they stand in the document


def worked_apdus() -> list[tuple[str, str]]:
    """Command and answer (a pattern) of every line of the block in §2.4."""
    text = SPECIFICATION.read_text(encoding="utf-8").split("### 2.4")[1].split("```")[1]
    pairs = []
    for line in text.split("\n> ", 1)[1].replace("\n> ", "\n>").replace("   > ", "\n>").split("\n>"):
        sent, _, rest = line.partition("<")
        command = re.sub(r"\(.*", "", sent).replace(" ", "")
        answer = re.sub(r"\(.*|\".*", "", rest.split("→")[-1].strip()).replace(" ", "")
        pairs.append((command.strip(), answer.strip().replace("…", "(00)*")))
    return pairs


@clause("2.4 Worked APDUs (synthetic card, values match the vectors of §6.10)", "10 A7")
def test_the_worked_apdus_play_on_the_1_0_card_as_they_are_printed() -> None:
    pairs = worked_apdus()
    card = Card(GEN1, "11223344", "AABBCCDD", year=bytes.fromhex("2026"))
    assert card.chip.power_on().hex().upper() == "3B6D000000815431168660370900000001"
    card.select("SSSE")
    assert card.play("00200000021234", "805E0100061234FF123456") == ["9000", "9000"]
    card.reset()

    assert len(pairs) == 20
    for command, answer in pairs:
        if answer == "6110" or command == "00C0000010":
            assert card.ask(command) == answer
        else:
            assert re.fullmatch(answer or "9000", card.fetch(command)), command
