"""card.md §10: the rulings that stand over the sections before, above all the one order of checks (A4).

Rulings that belong to a table of §1 to §5 are shown with it: about files in section 1, PIN and keys in 3, the PSAM in 5.
"""

import socket
import threading

import pytest

from sscard_terminal.card.person import parse_person
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cli.making import card_image, card_profile
from tests.cards import KEYS, PERSON_TEXT
from tests.conformance.clauses import clause
from tests.conformance.issuer import (
    GEN1,
    GENERATIONS,
    SSSE,
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

BALANCE = "B026000104"
MOST = 0xFFFF_FFFF

# -- A4: for each two neighbours, commands that both would refuse; the earlier one speaks


def blocked(gen: Generation) -> Card:
    card = Card(gen)
    card.block()
    return card


def blocked_df04(gen: Generation) -> Card:
    card = Card(gen)
    card.block("DF04")
    return card


def in_df04(gen: Generation) -> Card:
    card = Card(gen)
    card.select("DF04")
    return card


def in_ssse(gen: Generation, *rights: str) -> Card:
    card = Card(gen)
    card.select("SSSE")
    card.gain(*rights)
    return card


def account(gen: Generation, **amounts: int) -> Card:
    return Card(gen, **amounts).at_account()


def challenged(card: Card) -> Card:
    card.challenge()
    return card


def df_key_locked(gen: Generation) -> Card:
    card = in_ssse(gen)
    for _ in range(3):
        card.fail_authentication("06")
    return card


def unblocking_elsewhere(gen: Generation) -> Card:
    """PUK shown, a challenge given, but DF04 current."""
    card = in_ssse(gen, "PUK")
    card.select("DF04")
    return challenged(card)


def at_offset(gen: Generation) -> Card:
    return in_ssse(gen, "RKSSSE", "UKSSSE")


A4 = "10 A4 "
FILE, SECURITY = "file 6A82/6986/6981, key 6A88", "security 6982 / 6983"
DATA, OFFSET = "data 6A80/6A84/6A85", "offset 6B00 and length 6Cxx"
ORDER = [
    ("card blocked 6A81 → CLA 6E00", blocked, ["FF000000", "0000", "84180000", "8050000102"], "6A81"),
    ("CLA 6E00 → INS 6D00", in_df04, ["FFFF0000", "8050010200", "805C000204", "9020000000"], "6E00"),
    ("INS 6D00 → application blocked 9303", blocked_df04, ["00FF0000", "84180000", "B0FE0000"], "6D00"),
    ("application blocked 9303 → P1P2 6A86", blocked_df04, ["B026FF0104", "0020FF0000", "00C0FF0000"], "9303"),
    (
        "P1P2 6A86 → Lc/Le 6700",
        in_ssse,
        ["0020FF000112", "0020FF00051234", "0084010005", "B026000405", "8424000203AABBCC", "00B2012F01AA", "00A40C0001AA"],
        "6A86",
    ),
    (
        "Lc/Le 6700 → DF04 not current 6985",
        in_ssse,
        ["B026000105", "B02800010A" + "00" * 10, "B02C01000E" + "00" * 14, "B056000001AA", "B02E003101AA"],
        "6700",
    ),
    ("DF04 not current 6985 → state 6901", in_ssse, [WRONG_CREDIT, WRONG_DEBIT], "6985"),
    (f"{FILE} → {SECURITY}", in_df04, ["00B0880000", "00B2010400", "00B201CC00", "00DC00A303000131"], None),
    (f"{FILE} → {SECURITY}", df_key_locked, ["0082000611" + "00" * 16 + "02"], "6A88"),
    (f"{SECURITY} → record 6A83", in_df04, ["00B2634400", "00B2004000", "00B2992800", "00DC632C03020134"], "6982"),
    ("record 6A83 → challenge 6984", lambda gen: in_ssse(gen, "UKSSSE"), ["04DC632C0702013400000000"], "6A83"),
    (
        "key index 9403 → amount 9401",
        lambda gen: account(gen, cia=1),
        [purchase_command(2, index=2), purchase_command(MOST, index=0)],
        "9403",
    ),
    (
        "amount 9401 → counter 9402",
        lambda gen: account(gen, cia=1, purchase_counter=0xFFFF),
        [purchase_command(2)],
        "9401",
    ),
    (
        "counter 9402 → other conditions 6985",
        lambda gen: account(gen, spip=MOST, purchase_counter=0xFFFF),
        [purchase_command(0, 1)],
        "9402",
    ),
    (
        "counter 9402 → other conditions 6985",
        lambda gen: account(gen, cia=MOST, load_counter=0xFFFF),
        [load_command(1)],
        "9402",
    ),
    ("other conditions 6985 → MAC 6988/9302", unblocking_elsewhere, ["842400000400000000"], "6985"),
    (f"{FILE} → {SECURITY}", lambda gen: Card(gen), ["841600000400000000"], "6A88"),
    (
        f"MAC 6988/9302 → {DATA}",
        lambda gen: challenged(in_ssse(gen, "UKSSSE")),
        ["04DC022C080202343400000000", "04DC022C0703013400000000"],
        "6988",
    ),
    (f"{OFFSET} → execution", at_offset, ["00B0870000 00B0030001", "00B0870000 00B0030000"], "6B00"),
    (f"{OFFSET} → execution", at_offset, ["00B0870000 00B002FF02"], "6C01"),
    (f"{OFFSET} → execution", at_offset, ["00D6870001AA 00D602FF02AABB"], "6B00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "sent", "answer"),
    [
        pytest.param(make, sent, answer, marks=clause(A4 + pair), id=f"{pair}-{number}")
        for pair, make, listed, answer in ORDER
        for number, sent in enumerate(listed, 1)
    ],
)
@each_generation
def test_of_two_refusals_the_earlier_check_speaks(
    gen: Generation, make, sent: str, answer: str | None
) -> None:  # type: ignore[no-untyped-def]
    card = make(gen)

    *before, last = sent.split()
    for command in before:
        card.ask(command)

    expected = answer or FILE_ANSWERS[last]
    assert card.ask(last) == expected


FILE_ANSWERS = {"00B0880000": "6981", "00B2010400": "6986", "00B201CC00": "6A82", "00DC00A303000131": "6A82"}
"""In DF04, without any right: a wrong type, no current EF, files that are not there."""


@clause(f"{A4}MAC 6988/9302 → {DATA}")
@each_generation
def test_a_wrong_mac_speaks_before_wrong_data_in_debit_and_reload(gen: Generation) -> None:
    card = account(gen, cia=5)
    card.open_purchase(1)
    assert card.ask("B02C01000F" + "00000001" + "FF" * 7 + "00000000") == "9302"

    card = challenged(in_ssse(gen, "PUK"))
    length = gen.suite.block + 4
    assert card.ask(f"84240001{length:02X}{'00' * length}") == "6988"


@clause(
    f"{A4}P1P2 6A86 → Lc/Le 6700",
    f"{A4}key index 9403 → amount 9401",
    f"{A4}amount 9401 → counter 9402",
    f"{A4}counter 9402 → other conditions 6985",
)
@each_generation
def test_initialize_for_purchase_takes_its_checks_one_by_one(gen: Generation) -> None:
    """One command with everything wrong; each line puts one thing right."""
    card = Card(gen, cia=10, spip=MOST, purchase_counter=0xFFFF)
    card.select("SSSE")
    good = f"{amounts_of(10, 0, 0)}370900000001"

    assert card.ask("B128020212") == "6E00"
    assert card.ask("B027020212") == "6D00"
    assert card.ask("B028020212") == "6A86"
    assert card.ask("B028010112" + "00" * 18) == "6700"
    worst = f"B02801011302{amounts_of(11, 1, 0)}370900000001"
    assert card.ask(worst) == "6985"
    card.select("DF04")
    assert card.ask(worst) == "6982"
    card.gain("pin")
    assert card.ask(worst) == "9403"
    assert card.ask(worst.replace("1302", "1301", 1)) == "9401"
    assert card.ask(f"B02801011301{amounts_of(10, 1, 0)}370900000001") == "9402"
    roomy = Card(gen, cia=10, spip=MOST).at_account()
    assert roomy.ask(f"B02801011301{amounts_of(10, 1, 0)}370900000001") == "6985"
    assert roomy.fetch(f"B02801011301{good}").endswith("9000")


@clause(f"{A4}{SECURITY} → record 6A83", f"{A4}record 6A83 → challenge 6984", f"{A4}MAC 6988/9302 → {DATA}")
@each_generation
def test_update_record_takes_its_checks_one_by_one(gen: Generation) -> None:
    card = Card(gen)
    body = "0302023400000000"  # another tag, another length, no MAC

    card.select("SSSE")
    assert card.ask(f"04DC632F08{body}") == "6A86"
    assert card.ask("04DC632C04" + body[:8]) == "6700"
    assert card.ask(f"04DC63CC08{body}") == "6A82"
    assert card.ask(f"04DC633C08{body}") == "6981"
    assert card.ask(f"04DC632C08{body}") == "6982"
    card.gain("UKSSSE")
    assert card.ask(f"04DC632C08{body}") == "6A83"
    assert card.ask(f"04DC022C08{body}") == "6984"
    card.challenge()
    assert card.ask(f"04DC022C08{body}") == "6988"
    assert card.ask(card.with_mac("04DC022C", "03020234")) == "6A85"
    assert card.ask(card.with_mac("04DC022C", "030134")) == "6A80"
    assert card.ask(card.with_mac("04DC022C", "020134")) == "9000"


# -- A1, A5, A6, A11


@clause("10 A5", "10 A5 6D00", "10 A5 6E00", "2.1 6E00", "2.1 6D00")
@each_generation
def test_a_class_is_known_if_any_command_has_it(gen: Generation) -> None:
    card = Card(gen)
    classes = {cla for cla in range(256) if card.ask(f"{cla:02X}FF0000") == "6D00"}

    assert classes == {0x00, 0x04, 0x84, 0xB0}
    assert {ins for ins in range(256) if card.ask(f"80{ins:02X}0000") != "6E00"} == {0x5E}
    assert card.ask("8418000004" + "00" * 4) == "6D00"
    for bank in ("8050000100", "8050010200", "8052000000", "8054010000", "805C000204", "805A000900"):
        assert card.ask(bank) == "6E00"


@clause("10 A6", "2.1 9303")
@each_generation
def test_9303_comes_before_the_parameters_of_all_but_select(gen: Generation) -> None:
    card = blocked_df04(gen)

    assert card.play("B026FF0104", "00200000FF12", "0084", "00C0000000") == ["9303", "9303", "6700", "9303"]
    assert card.play("00A4010002EF05", "00A4040004D1560000", "00A4020002EF99") == ["6A86", "6700", "6A82"]
    assert card.ask(select("DF04")) == "9303"
    assert card.ask("B026000104") == "9303"  # still there
    card.select("DF01")
    assert card.ask(select("DF04")) == "9303"
    assert card.ask("00A4020002EF16") == "9000"  # DF01 stayed current


@clause("10 A11", "10 A11 6700", "10 A11 6Cxx", "2.1 6700", "2.1 6Cxx")
@pytest.mark.parametrize("at_once", [False, True], ids=["T=0", "T=1"])
@each_generation
def test_a_wrong_le_is_6700_for_fixed_answers_and_6cxx_for_reads(gen: Generation, at_once: bool) -> None:
    card = Card(gen, rules={"answers_at_once": at_once}).at_account()

    for fixed in ("B0260001", "B0260002", "B0560100", "00840000"):
        assert card.ask(fixed) == "6700"
        for le in ("00", "03", "07", "20"):
            assert card.ask(fixed + le) == "6700"
    card.select("SSSE")
    card.gain("RKSSSE")
    assert card.ask("00B2022C04") == "6C03"
    assert card.play("00B0870000", "00B002FE04")[1] == "6C02"
    if not at_once:
        card.ask(select("DF04"))
        assert card.ask("00C000000B") == "6C0A"


# -- B7 to B9, B25: what a session keeps


@clause("10 B7")
@pytest.mark.parametrize("how", ["reset", "power_on", "power_off"])
@each_generation
def test_a_reset_forgets_pin_keys_challenge_and_transaction(gen: Generation, how: str) -> None:
    card = Card(gen, cia=10).at_account()
    card.select("SSSE")
    card.gain("UKSSSE", "RKSSSE")
    command = card.authentication("UKSSSE", card.challenge())
    card.select("DF04")
    card.open_purchase(1)

    getattr(card.chip, how)()

    card.select("DF04")
    assert card.play(WRONG_DEBIT, BALANCE) == ["6901", "6982"]
    card.select("SSSE")
    assert card.play(command, "00B0870001", "00DC022C03020134") == ["6984", "6982", "6982"]


@clause("10 B8, B9")
@pytest.mark.parametrize(
    ("between", "survives"),
    [
        ("00B2072C0B", True), ("0020000000", True), ("00A4020002EF05", True), ("00A4000002EF06", True),
        ("00FF0000", True), ("00A4020002EF99", True), ("0088000010" + "00" * 16, True), ("00C0000000", True),
        ("00A40000023F00", False), (SSSE, False), ("00A4000002DF04", False), ("0084000004", False),
    ],
    ids=str,
)  # fmt: skip
@each_generation
def test_a_challenge_ends_by_use_a_new_one_a_df_or_a_reset(
    gen: Generation, between: str, survives: bool
) -> None:
    card = in_ssse(gen)
    command = card.authentication("UKSSSE", card.challenge())
    card.fetch(between)

    answer = card.ask(command)

    expected = "9000" if survives else "63CE" if between.startswith("0084") else "6984"
    assert answer == expected
    assert card.ask(command) == "6984"


@clause("10 B8, B9")
@pytest.mark.parametrize("use", ["0082000410" + "00" * 16, "842400000400000000", "04DC022C0702013400000000"])
@each_generation
def test_a_challenge_is_used_up_by_success_and_by_failure(gen: Generation, use: str) -> None:
    card = in_ssse(gen, "PUK", "UKSSSE")
    command = card.authentication("RKSSSE", card.challenge())
    assert card.ask(use) in ("63CE", "6988")

    assert card.ask(command) == "6984"


@clause("10 B8, B9")
@each_generation
def test_selecting_any_df_even_the_current_one_drops_its_keys(gen: Generation) -> None:
    for again in ("DF04", "DF01", "SSSE", "MF"):
        card = in_df04(gen)
        card.gain("DSK")
        assert card.ask("B0560000020401") == "9000"
        card.do("00A4020002EF08")  # an EF does not
        assert card.ask("B0560000020401") == "9000"
        card.fetch(select(again))
        card.select("DF04")
        assert card.ask("B0560000020401") == "6982"


@clause("10 B25, B36")
@pytest.mark.parametrize(
    "failed",
    ["00A4020002EF99", "00A4040006D15600000599", "00A4000002DF99", "00A4010002EF05", "00A4040004D1560000"],
)
@each_generation
def test_a_failed_select_keeps_files_rights_and_challenge(gen: Generation, failed: str) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("pin", "RK1DF04", "DSK")
    card.do("00A4020002EF05")
    command = card.authentication("UK1DF04", card.challenge())

    assert card.ask(failed)[:2] in ("6A", "67")

    assert card.ask("00B28F0003") == "8F01329000"  # the current EF
    assert card.play("B0560000020401", BALANCE) == ["9000", "000000009000"]
    assert card.ask(command) == "9000"


# -- B38, B39: the link


@clause("10 B39", "2.1 6700")
@each_generation
def test_commands_of_fewer_than_four_bytes_are_6700(gen: Generation) -> None:
    card = Card(gen)

    assert [card.ask(text) for text in ("00A4", "00A404", "FFFF", "FFFFFF", "B026", "80")] == ["6700"] * 6


@clause("10 B39")
@each_generation
def test_a_command_before_power_on_counts_as_power_on(gen: Generation) -> None:
    card = Card(gen)
    card.chip.power_off()

    assert card.select("SSSE").startswith("6F")
    card.gain("pin")
    card.chip.power_off()
    card.select("DF04")
    assert card.ask(BALANCE) == "6982"


@clause("10 B39", "10 B38")
def test_on_the_link_other_single_bytes_are_ignored_and_atr_polls_disturb_nothing() -> None:
    card = Card(GEN1)

    with LinkedReader(card) as reader:
        assert reader.asked("04") == "3B6D000000815431168660370900000001"
        reader.send("01")
        assert reader.asked(SSSE)[:2] == "61"
        assert reader.asked("00200000021234") == "9000"
        assert reader.asked(select("DF04")) == "610A"
        for ignored in ("03", "05", "10", "FF"):
            reader.send(ignored)
        assert reader.asked("04") == "3B6D000000815431168660370900000001"
        assert reader.asked(BALANCE) == "000000009000"
        reader.send("02")
        assert reader.asked(select("DF04")) == "610A"
        assert reader.asked(BALANCE) == "6982"


class LinkedReader:
    """The reader's side of a vpcd link with one card in it."""

    def __init__(self, card: Card) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._vpicc = Vpicc(card.chip, self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._vpicc.serve)

    def __enter__(self) -> "LinkedReader":
        self._thread.start()
        self._listening.settimeout(5)
        self._link, _ = self._listening.accept()
        self._link.settimeout(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._vpicc.request_stop()
        self._thread.join()
        self._link.close()
        self._listening.close()

    def send(self, text: str) -> None:
        payload = bytes.fromhex(text)
        self._link.sendall(len(payload).to_bytes(2, "big") + payload)

    def asked(self, text: str) -> str:
        self.send(text)
        length = int.from_bytes(self._exactly(2), "big")
        return self._exactly(length).hex().upper()

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            data += self._link.recv(length - len(data))
        return data


# -- B18, B19, B24: records and names


@clause("10 B24, B26", "2.2 SELECT by name")
@each_generation
def test_partial_names_match_in_tree_order_and_next_goes_on(gen: Generation) -> None:
    card = Card(gen)
    numbers = range(4 if gen.number == 1 else 5)

    found = [card.fetch("00A4040005D156000005")]
    while found[-1].endswith("9000"):
        found.append(card.fetch("00A4040205D156000005"))

    assert found == [f"6F088406D156000005{number:02X}9000" for number in numbers] + ["6A82"]
    assert card.fetch("00A4040005D156000005") == found[0]
    assert card.fetch("00A40400057378312E73")[4:] == card.select("SSSE")[4:] + "9000"


@clause("10 B18", "2.2 UPDATE RECORD")
@from_2_0
def test_update_of_another_file_does_not_use_this_file_s_pointer(gen: Generation) -> None:
    """DF01: the pointer stands at 3 of EF05, then the next 24 of EF06, which is its second record, is written."""
    card = Card(gen)
    card.select("DF01")
    card.gain("pin", "UK4DF01")
    assert card.ask("00B20E2805").endswith("9000")  # the third record of EF05

    assert card.ask("00DC2432052403370900") == "9000"  # next: in EF06 there is no current record yet

    assert card.ask("00B2243005") == "24033709009000"
    assert (
        card.ask("00B2280211") == "280F" + "00" * 15 + "9000"
    )  # it is the current record now: the next is 28


@clause("10 B18", "2.2 UPDATE RECORD")
@from_2_0
def test_a_refused_update_leaves_the_pointer(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF01")
    card.gain("pin", "UK6DF01")
    first, second = f"4034{'01' * 52}", f"4034{'02' * 52}"
    assert card.play(f"00DC02AC36{first}", f"00DC03AC36{second}") == ["9000", "9000"]
    assert card.ask("00B240A836") == f"{first}9000"

    assert card.ask("00DC40AA034001AA") == "6A85"
    assert card.ask(f"04DC40AA3A{first}00000000") == "6984"

    assert card.ask("00B240AA36") == f"{second}9000"


@clause("10 B18", "10 B18 6A86")
@each_generation
def test_p1_00_with_mode_100_is_6a86_to_read_and_to_update(gen: Generation) -> None:
    card = in_ssse(gen, "UKSSSE")
    card.do("00B2022C03")

    assert card.play("00B2000403", "00DC000403020134") == ["6A86", "6A86"]


@clause("10 B18", "1.4 Record format")
@from_2_0
def test_a_new_cyclic_record_is_the_current_one(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("RK1DF04", "UK2DF04")
    assert card.play("00DC00AB03000131", "00DC00AB03000232", "00DC00AB03000333") == ["9000"] * 3

    assert card.play("00B200AA03", "00B200AB03", "00B200AB03") == ["0002329000", "0003339000", "6A83"]


@clause("10 B29, B30", "10 B29, B30 6A83")
@each_generation
def test_fresh_cyclic_files_have_no_records(gen: Generation) -> None:
    card = Card(gen).at_account()
    everywhere = ["00B2014400", "00B2004000", "00B2004100", "00B2014500"]

    assert card.play(*everywhere) == ["6A83"] * 4
    if gen.number > 1:
        assert card.play("00B201AC00", "00B200A800") == ["6A83", "6A83"]


@clause("10 B29, B30", "10 B29, B30 6982")
@each_generation
def test_nobody_writes_the_log_from_outside(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("pin", "RK1DF04", "UK1DF04", "UK2DF04", "DSK", "LKDF04")
    record = "00" * 28

    for header in ("00DC0143", "00DC0144", "00DC0043", "00DC0040"):
        assert card.ask(f"{header}1C{record}") == "6982"
    assert card.ask(card.with_mac("04DC0043", record, df="DF04")) == "6982"


@clause("10 B31, B32", "10 B31, B32 6A85", "10 B31, B32 6A80")
@each_generation
def test_a_record_keeps_its_length_and_its_tag(gen: Generation) -> None:
    card = in_ssse(gen, "UKSSSE")

    assert card.ask("00DC022C0402023434") == "6A85"
    assert card.ask("00DC022C03030134") == "6A80"
    assert card.ask("00DC02280402023434") == "6A85"
    assert card.ask("00B2022C03") == "0201339000"


@clause("10 B31, B32 6A85")
@from_2_0
def test_a_cyclic_record_keeps_its_length(gen: Generation) -> None:
    card = Card(gen)
    card.select("DF04")
    card.gain("RK1DF04", "UK2DF04")

    assert card.play("00DC00AB0400013100", "00DC00AB020001") == ["6A85", "6A85"]
    assert card.ask("00B201AC03") == "6A83"


# -- B20 to B23


@clause("10 B21, B22, B23")
@each_generation
def test_a_command_of_four_bytes_counts_as_p3_00(gen: Generation) -> None:
    card = in_ssse(gen)

    assert card.ask("00B2072C") == card.ask("00B2072C00") == "6C0B"
    assert card.ask("00200000") == card.ask("0020000000") == "63C3"
    assert card.fetch("00A40000") == card.fetch("00A4000000")
    card.select("SSSE")
    card.gain("RKSSSE")
    assert card.ask("00B08700") == card.ask("00B0870000")
    assert card.ask("00820004") == card.ask("0082000400") == "6700"


# -- B44


@clause("10 B44")
@pytest.mark.parametrize(("number", "year"), [(1, "2008"), (2, "2012"), (3, "2020")])
def test_a_new_card_holds_the_year_of_its_issue_and_starts_on_0101(number: int, year: str) -> None:
    gen = GENERATIONS[number - 1]
    image = card_image(card_profile(gen.name), parse_person(PERSON_TEXT, gen.name), KEYS, Fen(0))
    card = Card(gen, image=image).at_account()

    assert card.balances() == ("00000000", f"00000000{year}", f"00000000{year}")
    assert card.do("B056010002") == "0101"
    assert card.open_load()[8:12] == card.open_purchase()[28:32] == "0000"


@clause("2.1 6581")
@each_generation
def test_a_card_whose_memory_failed_says_so_until_it_is_made_anew(gen: Generation) -> None:
    card = Card(gen)
    card.store.refuses = True

    assert card.ask("00200000025555") == "6581"
    assert card.ask("00A40000023F00") == "6581"
    card.reset()
    assert card.ask("00A40000023F00") == "6581"
    assert card.reborn().fetch("00A40000023F00").endswith("9000")
