"""The card's client against literal bytes: the conversations of card.md §1.2, §2.4 and the vectors of §6.10.

Played at the level of T=0, so 61xx and GET RESPONSE are there to be read; card.md shows them joined.
"""

from datetime import date

import pytest

from sscard_terminal.cardspec.commands.medical import DebitAnswer, DebitForPurchase, TransactionProof
from sscard_terminal.cardspec.money import BalanceKind, Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkLost
from sscard_terminal.reader.replay import Replay
from sscard_terminal.terminal.algorithm import AlgorithmNotSupported, CardAlgorithm, cipher_suite
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.outcomes import Accepted, Blocked, PinVerdict, Wrong
from tests.terminal.doubles import AMOUNTS, replay

ATR = "# ATR 3B6D0000008154311686603709 00000001\n"
TERMINAL = "370900000001"
DEBIT_COMMAND = DebitForPurchase(
    bytes.fromhex("00000001"), bytes.fromhex("20260105101530"), bytes.fromhex("409CAC6A")
)
EF05 = (
    "0110370900D15600000500000001B6233D35 020133 0304312E3030 040C915600000237090037090001"
    " 050420080101 060420180101 0709443231343335363958"
)
EF06_1_0 = (
    "0812333730393030313939303031303130303130 091ED5C5C8FD"
    + "00" * 26
    + " 0A0131 0B0101 0C03370900 0D0419900101"
)


def talking(text: str) -> tuple[SocialSecurityCard, Replay]:
    played, connection = replay(ATR + text)
    return SocialSecurityCard(connection), played


@pytest.mark.parametrize(
    ("fci", "algorithm"),
    [
        ("6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E", None),
        ("6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860101", CardAlgorithm.DES),
        ("6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860102", CardAlgorithm.SSF33),
        ("6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860103", CardAlgorithm.SM4),
        ("", None),
    ],
)
def test_selecting_the_ssse_reads_the_algorithm_from_its_fci(fci: str, algorithm: int | None) -> None:
    card, played = talking(f"> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< {fci} 9000\n")

    assert card.select_ssse() == algorithm
    played.assert_finished()


@pytest.mark.parametrize(
    ("algorithm", "region", "name"), [(None, "370900", "3DES"), (1, "110000", "3DES"), (3, "370900", "SM4")]
)
def test_a_card_without_an_algorithm_computes_with_des(algorithm: int | None, region: str, name: str) -> None:
    assert cipher_suite(algorithm, region).name == name


@pytest.mark.parametrize(("algorithm", "region"), [(2, "370900"), (None, "110000"), (4, "370900")])
def test_an_algorithm_that_is_not_public_is_refused_by_type(algorithm: int | None, region: str) -> None:
    with pytest.raises(AlgorithmNotSupported):
        cipher_suite(algorithm, region)


def test_issuer_data_come_in_one_command_with_the_exact_le() -> None:
    card, played = talking(f"> 00B2012D40\n< {EF05} 9000\n")

    issuer = card.issuer_data()

    played.assert_finished()
    assert str(issuer.identification) == "370900D15600000500000001B6233D35"
    assert (issuer.version, issuer.card_number, issuer.expires) == ("1.0", "D2143569X", date(2018, 1, 1))


def test_a_card_that_wants_another_le_is_asked_again() -> None:
    card, played = talking(f"> 00B2012D40\n< 6C43\n> 00B2012D43\n< {EF05} EA0130 9000\n")

    assert card.issuer_data().card_number == "D2143569X"
    played.assert_finished()


def test_a_file_cut_off_at_le_is_read_again_whole() -> None:
    longer = "EA0130" + EF05.replace(" ", "")
    card, played = talking(f"> 00B2012D40\n< {longer[:128]} 9000\n> 00B2012D00\n< {longer} 9000\n")

    assert card.issuer_data().card_number == "D2143569X"
    played.assert_finished()


def test_a_card_without_mode_101_is_read_by_tag() -> None:
    texts = ["0110370900D15600000500000001B6233D35", "020133", "0304322E3000", None, "050420080101", None]
    conversation = "> 00B2012D40\n< 6A86\n"
    for tag, text in enumerate([*texts, "0709443231343335363958"], 1):
        conversation += f"> 00B20{tag}2800\n< " + (f"{text} 9000\n" if text else "6A83\n")
    card, played = talking(conversation)

    issuer = card.issuer_data()

    played.assert_finished()
    assert (issuer.version, issuer.card_number, issuer.expires) == ("2.0", "D2143569X", None)


@pytest.mark.parametrize(("version", "le"), [("1.0", "45"), ("2.0", "5B"), ("3.0", "5B")])
def test_cardholder_data_are_asked_for_with_the_length_of_the_version(version: str, le: str) -> None:
    card, played = talking(f"> 00B20135{le}\n< {EF06_1_0} 9000\n")

    holder = card.cardholder(version)

    played.assert_finished()
    assert (holder.name, holder.social_security_number) == ("张三", "370900199001010010")


def test_cardholder_data_are_read_by_tag_where_there_is_no_mode_101() -> None:
    values = [
        "0812333730393030313939303031303130303130",
        "0904D5C5C8FD",
        None,
        "0A0131",
        "0B0101",
        None,
        "0D0419900101",
    ]
    conversation = "> 00B201355B\n< 6A81\n"
    for tag, value in zip(["08", "09", "4E", "0A", "0B", "0C", "0D"], values, strict=True):
        conversation += f"> 00B2{tag}3000\n< " + (f"{value} 9000\n" if value else "6A83\n")
    card, played = talking(conversation)

    holder = card.cardholder("2.0")

    played.assert_finished()
    assert (holder.name, holder.sex, holder.birth_place, holder.birth_date) == (
        "张三",
        "1",
        "",
        date(1990, 1, 1),
    )


def test_a_file_that_cannot_be_read_at_all_is_a_refusal() -> None:
    card, played = talking("> 00B201355B\n< 6982\n")

    with pytest.raises(CardRefused, match="READ RECORD EF06: 6982"):
        card.cardholder("3.0")
    played.assert_finished()


def test_internal_authentication_carries_factor_and_original() -> None:
    card, played = talking(
        """
        > 0088000010 B0B1B2B3B4B5B6B7 C0C1C2C3C4C5C6C7
        < 6108
        > 00C0000008
        < 642D1B3A063FFD60 9000
        """
    )

    answer = card.internal_authenticate(bytes.fromhex("B0B1B2B3B4B5B6B7"), bytes.fromhex("C0C1C2C3C4C5C6C7"))

    played.assert_finished()
    assert answer == bytes.fromhex("642D1B3A063FFD60")


def test_external_authentication_goes_over_the_newest_challenge() -> None:
    card, played = talking(
        """
        > 0084000008
        < 0011223344556677 9000
        > 0082000A10 2E7FE9CB197969CB A0A1A2A3A4A5A6A7
        < 9000
        """
    )

    challenge = card.challenge()
    card.external_authenticate(0x0A, bytes.fromhex("2E7FE9CB197969CB"), bytes.fromhex("A0A1A2A3A4A5A6A7"))

    played.assert_finished()
    assert challenge == bytes.fromhex("0011223344556677")


@pytest.mark.parametrize(("sw", "tries"), [("9000", None), ("63C3", 3), ("63C0", 0), ("6983", 0)])
def test_asking_for_the_tries_costs_none(sw: str, tries: int | None) -> None:
    card, played = talking(f"> 0020000000\n< {sw}\n")

    assert card.tries_left() == tries
    played.assert_finished()


def test_another_word_to_the_question_for_tries_is_a_refusal() -> None:
    card, _ = talking("> 0020000000\n< 6A81\n")

    with pytest.raises(CardRefused, match="VERIFY: 6A81"):
        card.tries_left()


def test_a_log_that_never_ends_is_read_to_the_last_record_number() -> None:
    card, played = talking("".join(f"> 00B2{number:02X}441C\n< {RECORD} 9000\n" for number in range(1, 255)))

    assert len(list(card.log_records())) == 254
    played.assert_finished()


@pytest.mark.parametrize(
    ("sw", "verdict"),
    [("9000", Accepted()), ("63C2", Wrong(2)), ("63C1", Wrong(1)), ("63C0", Blocked()), ("6983", Blocked())],
)
def test_verify_tells_how_many_tries_are_left(sw: str, verdict: PinVerdict) -> None:
    card, played = talking(f"> 0020000003 123456\n< {sw}\n")

    assert card.verify_pin(Pin("123456")) == verdict
    played.assert_finished()


@pytest.mark.parametrize("sw", ["6700", "6984", "6C03", "6F00"])
def test_another_word_to_verify_is_no_verdict(sw: str) -> None:
    card, _ = talking(f"> 0020000002 1234\n< {sw}\n")

    with pytest.raises(CardRefused, match=f"VERIFY: {sw}"):
        card.verify_pin(Pin("1234"))


@pytest.mark.parametrize(
    ("old", "new", "body", "sw", "verdict"),
    [
        (Pin("123456"), Pin("654321"), "07 123456FF654321", "9000", Accepted()),
        (Pin("1234"), Pin("654321"), "06 1234FF654321", "63C1", Wrong(1)),
        (None, Pin("654321"), "04 FF654321", "9000", Accepted()),
        (Pin("123456"), Pin("654321"), "07 123456FF654321", "63C0", Blocked()),
    ],
)
def test_change_pin_sends_old_ff_new(
    old: Pin | None, new: Pin, body: str, sw: str, verdict: PinVerdict
) -> None:
    card, played = talking(f"> 805E0100 {body}\n< {sw}\n")

    assert card.change_pin(old, new) == verdict
    played.assert_finished()


def test_the_medical_account_is_selected_without_fetching_its_fci() -> None:
    card, played = talking("> 00A4040006D15600000503\n< 6108\n> B026000104\n< 00002710 9000\n")

    card.enter_medical_account()
    card.enter_medical_account()

    assert card.balance() == 10000
    played.assert_finished()


def test_the_ssse_is_selected_again_only_after_another_application() -> None:
    card, played = talking(
        "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6118\n> 00A4040006D15600000503\n< 6108\n"
        "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6118\n"
    )

    card.enter_ssse()
    card.enter_ssse()
    card.enter_medical_account()
    card.enter_ssse()

    played.assert_finished()


def test_a_refused_select_leaves_the_current_application() -> None:
    card, played = talking(
        "> 00A4040006D15600000503\n< 9000\n> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6A82\n"
    )
    card.enter_medical_account()

    with pytest.raises(CardRefused):
        card.enter_ssse()
    card.enter_medical_account()

    played.assert_finished()


def test_year_totals_come_with_their_year() -> None:
    card, played = talking("> B026000206\n< 000007D0 2026 9000\n> B026000306\n< 00001F40 2026 9000\n")

    self_paid, pooled = card.year_total(BalanceKind.SPIP), card.year_total(BalanceKind.SPFP)

    played.assert_finished()
    assert (self_paid.amount, self_paid.year.hex(), pooled.amount) == (2000, "2026", 8000)


def test_the_purchase_of_the_specification_byte_by_byte() -> None:
    card, played = talking(
        """
        > 00A4040006 D15600000503
        < 6108
        > B028010113 01 000004D2 000007D0 00001F40 370900000001
        < 6116
        > 00C0000016
        < 00002710 00000000 00000000 2026 0000 01 00 AABBCCDD 9000
        > B02C01000F 00000001 20260105101530 409CAC6A
        < 6108
        > 00C0000008
        < CEA3FB75 37F86753 9000
        > B02E003202 0000
        < 6108
        > 00C0000008
        < 37F86753 CEA3FB75 9000
        """
    )

    card.enter_medical_account()
    challenge = card.initialize_for_purchase(AMOUNTS, TERMINAL)
    answer = card.debit_for_purchase(DEBIT_COMMAND)
    proof = card.transaction_proof(0x32, 0)

    played.assert_finished()
    assert (challenge.balance, challenge.counter, challenge.random.hex()) == (10000, 0, "aabbccdd")
    assert answer == DebitAnswer(bytes.fromhex("CEA3FB75"), bytes.fromhex("37F86753"))
    assert proof == TransactionProof(bytes.fromhex("37F86753"), bytes.fromhex("CEA3FB75"))


def test_no_proof_is_none_and_no_refusal() -> None:
    card, _ = talking("> B02E003202 0007\n< 9406\n")

    assert card.transaction_proof(0x32, 7) is None


RECORD = "0000 32 370900000001 20260105101530 000004D2 000007D0 00001F40"


@pytest.mark.parametrize("end", ["6A83", "00" * 28 + "9000", "FF" * 28 + "9000"])
def test_the_log_is_read_newest_first_until_it_ends(end: str) -> None:
    card, played = talking(f"> 00B201441C\n< {RECORD} 9000\n> 00B202441C\n< {end}\n")

    records = list(card.log_records())

    played.assert_finished()
    assert [(record.number, record.kind, record.account, record.pooled) for record in records] == [
        (0, 0x32, 1234, 8000)
    ]


def test_a_log_in_account_only_mode_is_asked_with_its_own_length_from_the_second_record_on() -> None:
    short = RECORD.replace("000007D0 00001F40", "")
    card, played = talking(
        f"> 00B201441C\n< 6C14\n> 00B2014414\n< {short} 9000\n> 00B2024414\n< {short} 9000\n> 00B2034414\n< 6A83\n"
    )

    assert [record.account for record in card.log_records()] == [Fen(1234), Fen(1234)]
    played.assert_finished()


def test_the_starting_day_is_month_and_day() -> None:
    card, _ = talking("> B056010002\n< 0101 9000\n")

    assert card.starting_day() == "0101"


def test_a_cut_answer_to_debit_is_not_an_answer() -> None:
    card, _ = talking("> B02C01000F 00000001 20260105101530 409CAC6A\n< CEA3FB75 37F8 9000\n")

    with pytest.raises(FormatError):
        card.debit_for_purchase(DEBIT_COMMAND)


def test_a_refusal_to_debit_with_data_before_it_is_a_cut_answer() -> None:
    card, _ = talking("> B02C01000F 00000001 20260105101530 409CAC6A\n< CEA3FB75 37F8\n")

    with pytest.raises(FormatError):
        card.debit_for_purchase(DEBIT_COMMAND)


@pytest.mark.parametrize("sw", ["9302", "6901", "6581", "6C08"])
def test_debit_is_never_repeated_whatever_the_card_says(sw: str) -> None:
    card, played = talking(f"> B02C01000F 00000001 20260105101530 409CAC6A\n< {sw}\n")

    with pytest.raises(CardRefused, match=f"DEBIT FOR PURCHASE: {sw}"):
        card.debit_for_purchase(DEBIT_COMMAND)
    played.assert_finished()


def test_a_debit_whose_answer_cannot_be_fetched_is_a_broken_link_and_no_refusal() -> None:
    card, _ = talking("> B02C01000F 00000001 20260105101530 409CAC6A\n< 6108\n> 00C0000008\n< 6F00\n")

    with pytest.raises(LinkLost):
        card.debit_for_purchase(DEBIT_COMMAND)
