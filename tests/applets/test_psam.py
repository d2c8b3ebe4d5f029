"""The PSAM: files, environments, session keys, ciphering and its half of a purchase."""

import pytest

from sscard_terminal.card.chip import Chip
from tests.cards import ask, ask_all, fetch, new_psam

F3, F2, F1 = "8660370900000001", "3337303930307378", "3337303030307368"
FACTORS = F3 + F2 + F1
CHALLENGE = "0011223344556677"
SELECT_DES = ("00A40000023F00", "00A4000002DF01")
SELECT_SM4 = ("00A404000F7378332E73682EC9E7BBE1B1A3D5CF", "00A4000002DF01")
PURCHASE = "AABBCCDD0000000004D2000007D000001F403220260105101530"


def psam_in(select: tuple[str, ...] = SELECT_DES) -> Chip:
    psam = new_psam()
    ask_all(psam, *select, "BFEC00000137")
    return psam


def test_it_is_known_by_the_terminal_number_under_the_mf() -> None:
    psam = new_psam()

    assert psam.power_on().hex().upper() == "3B6D0000008154310086603709000000A1"
    assert fetch(psam, "00A40000023F00") == "6F11840F7378312E73682EC9E7BBE1B1A3D5CF9000"
    assert ask(psam, "00B0960006") == "3709000000019000"
    assert ask(psam, "00B095000F") == "37000000000000000000010100" + "00009000"


def test_the_files_are_found_by_identifier_and_by_short_one() -> None:
    psam = psam_in()

    assert ask_all(psam, "00A40200020019", "00B0000004")[1] == ask(psam, "00B0990004") == "000000009000"
    assert ask(psam, "00B09A000A") == "010120200101204012319000"


def test_nobody_writes_the_sequence_from_outside() -> None:
    assert ask(psam_in(), "00D6990004000000FF") == "6D00"


@pytest.mark.parametrize(
    ("byte", "answer"), [("37", "9000"), ("11", "6985"), ("1A", "6A80"), ("00", "9000")], ids=str
)
def test_the_first_byte_of_the_card_chooses_the_algorithm(byte: str, answer: str) -> None:
    psam = new_psam()
    ask_all(psam, *SELECT_DES)

    assert ask(psam, f"BFEC000001{byte}") == answer


def test_outside_an_environment_nothing_is_initialised() -> None:
    assert ask(new_psam(), "BFEC00000137") == "6985"


def test_internal_authentication_answer_of_the_vectors() -> None:
    psam = psam_in()

    assert ask(psam, "BFDE670820" + FACTORS + "B0B1B2B3B4B5B6B7") == "9000"
    assert fetch(psam, "80FA000008C0C1C2C3C4C5C6C7") == "642D1B3A063FFD609000"


def test_external_authentication_data_of_the_vectors() -> None:
    psam = psam_in()
    ask(psam, "BFDE681020" + FACTORS + CHALLENGE)

    assert fetch(psam, "80FA000008A0A1A2A3A4A5A6A7") == "2E7FE9CB197969CB9000"


def test_sm4_authentication_is_the_two_halves_together() -> None:
    psam = psam_in(SELECT_SM4)
    ask(psam, "BFDE671028".replace("6710", "6708") + FACTORS + "B0B1B2B3B4B5B6B7" + "00" * 8)

    answer = bytes.fromhex(fetch(psam, "80FA000010C0C1C2C3C4C5C6C7" + "00" * 8)[:-4])

    folded = bytes(left ^ right for left, right in zip(answer[:8], answer[8:], strict=True))
    assert folded.hex().upper() == "DC2424D7A32AD375"


def test_encrypted_pin_and_its_mac_of_the_vectors() -> None:
    psam, deliver = psam_in(), "BFDE680920" + FACTORS + "8899AABBCCDDEEFF"

    ask(psam, deliver)
    assert fetch(psam, "80FA0000080312345680000000") == "F0E36D72AB68C2759000"
    assert (
        ask(psam, "80FA050018" + "00" * 8 + "842400010CF0E36D72AB68C275800000") == "6901"
    )  # changed its use
    ask(psam, deliver)
    assert fetch(psam, "80FA050018" + "00" * 8 + "842400010CF0E36D72AB68C275800000").startswith("AED3CBE8")


def test_a_mac_may_come_in_pieces() -> None:
    psam, deliver = psam_in(), "BFDE680920" + FACTORS + "8899AABBCCDDEEFF"
    ask(psam, deliver)

    pieces = ask_all(psam, "80FA070010" + "00" * 8 + "842400010CF0E36D", "80FA01000872AB68C275800000")

    assert pieces[0] == "9000"
    assert pieces[1].startswith("AED3CBE8")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("BFDE670818" + F3 + F2 + CHALLENGE, "6700"),
        ("BFDE470818" + F3 + F2 + CHALLENGE, "6A80"),
        ("BFDE277710" + F3 + CHALLENGE, "6A88"),
        ("BFDE670820" + FACTORS + CHALLENGE, "9000"),
    ],
    ids=["length", "levels", "unknown", "right"],
)
def test_delivery_names_what_does_not_fit(sent: str, answer: str) -> None:
    assert ask(psam_in(), sent) == answer


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("80FA000007" + "00" * 7, "6700"),
        ("80FA000048" + "00" * 0x48, "6700"),
        ("80FA050008" + "00" * 8, "6700"),
        ("80FA090008" + "00" * 8, "6A86"),
        ("80FA000108" + "00" * 8, "6A86"),
        ("80FA010008" + "00" * 8, "6901"),
        ("80FA000008" + "00" * 8, "6108"),
    ],
)
def test_cipher_data_refuses_wrong_blocks_modes_and_states(sent: str, answer: str) -> None:
    psam = psam_in()
    ask(psam, "BFDE680920" + FACTORS + CHALLENGE)

    assert ask(psam, sent) == answer


def test_a_session_key_is_needed_and_a_select_ends_it() -> None:
    psam = psam_in()
    assert ask(psam, "80FA000008" + "00" * 8) == "6901"
    ask(psam, "BFDE670820" + FACTORS + CHALLENGE)

    fetch(psam, "00A4000002DF01")

    assert ask(psam, "80FA000008" + "00" * 8) == "6985"


def test_the_sequence_counts_purchases_and_survives_the_power() -> None:
    psam = psam_in()
    command = "8070010034" + PURCHASE + "0100" + FACTORS

    first, second = fetch(psam, command)[:8], fetch(psam, command)[:8]
    psam.reset()
    ask_all(psam, *SELECT_DES)

    assert (first, second) == ("00000001", "00000002")
    assert ask(psam, "00B0990004") == "000000029000"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("807001002C" + PURCHASE + "0100" + F3 + F2, "6700"),
        ("8070010034" + PURCHASE + "0400" + FACTORS, "6A88"),
        ("8070010034" + PURCHASE + "0103" + FACTORS, "6985"),
        ("8070000034" + PURCHASE + "0100" + FACTORS, "6A86"),
    ],
    ids=["levels", "version", "algorithm", "bank-purse"],
)
def test_a_purchase_that_does_not_fit_costs_no_sequence(sent: str, answer: str) -> None:
    psam = psam_in()

    assert ask(psam, sent) == answer
    assert ask(psam, "00B0990004") == "000000009000"


def test_mac2_is_checked_once_for_a_purchase() -> None:
    psam = psam_in()
    assert ask(psam, "807200000437F86753") == "6901"
    fetch(psam, "8070010034" + PURCHASE + "0100" + FACTORS)

    assert ask_all(psam, "807200000400000000", "807200000437F86753") == ["9302", "6901"]


def test_reading_and_authenticating_leave_the_purchase_open() -> None:
    psam = psam_in()
    fetch(psam, "8070010034" + PURCHASE + "0100" + FACTORS)
    ask_all(psam, "00B0990004", "BFEC00000137", "BFDE670820" + FACTORS + CHALLENGE, "80FA000008" + "00" * 8)

    assert ask(psam, "807200000437F86753") == "9000"


def test_an_sm4_purchase_of_the_vectors() -> None:
    psam = psam_in(SELECT_SM4)

    answer = fetch(psam, "8070010034" + PURCHASE + "0103" + FACTORS)

    assert answer == "00000001AF06E3889000"
    assert ask(psam, "8072000004B58E820E") == "9000"


def test_the_ssf33_environment_is_there_but_does_nothing() -> None:
    psam = new_psam()
    ask_all(psam, "00A404000F7378322E73682EC9E7BBE1B1A3D5CF", "00A4000002DF01")

    assert ask(psam, "BFEC00000111") == "6985"
    assert ask(psam, "8070010034" + PURCHASE + "0102" + FACTORS) == "6A81"
