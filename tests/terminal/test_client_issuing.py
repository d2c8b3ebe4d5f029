"""The issuer's commands against literal bytes of card.md §2.4 and §6.10, played at the level of T=0."""

import pytest

from sscard_terminal.cardspec.commands.medical import CreditForLoad, LoadChallenge, TransactionProof
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkLost
from sscard_terminal.reader.replay import Replay
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.exchange import CardRefused
from tests.terminal.doubles import replay

ATR = "# ATR 3B6D0000008154311686603709 00000001\n"
TERMINAL = "370900000001"
CREDIT = CreditForLoad(bytes.fromhex("20260105083000"), bytes.fromhex("A4B41BBA"))


def talking(text: str) -> tuple[SocialSecurityCard, Replay]:
    played, connection = replay(ATR + text)
    return SocialSecurityCard(connection), played


def test_initialize_for_load() -> None:
    card, played = talking(
        "> B02800010B0100002710370900000001\n< 6110\n> 00C0000010\n< 00000000000001001122334438151960 9000\n"
    )

    challenge = card.initialize_for_load(Fen(10_000), TERMINAL)

    played.assert_finished()
    random, mac1 = bytes.fromhex("11223344"), bytes.fromhex("38151960")
    assert challenge == LoadChallenge(Fen(0), 0, 1, 0, random, mac1)


def test_credit_for_load_answers_the_tac() -> None:
    card, played = talking("> B02A00000B20260105083000A4B41BBA\n< 6104\n> 00C0000004\n< 90737B5E 9000\n")

    assert card.credit_for_load(CREDIT) == bytes.fromhex("90737B5E")
    played.assert_finished()


def test_an_sm4_card_is_credited_with_its_own_mac() -> None:
    card, played = talking("> B02A00000B20260105083000BF91411F\n< B0D0254E 9000\n")

    assert card.credit_for_load(CreditForLoad(CREDIT.time, bytes.fromhex("BF91411F"))) == bytes.fromhex(
        "B0D0254E"
    )
    played.assert_finished()


@pytest.mark.parametrize("sw", ["9302", "6901", "6581", "6C04"])
def test_a_refused_credit_is_not_sent_again(sw: str) -> None:
    card, played = talking(f"> B02A00000B20260105083000A4B41BBA\n< {sw}\n")

    with pytest.raises(CardRefused, match=f"CREDIT FOR LOAD: {sw}"):
        card.credit_for_load(CREDIT)
    played.assert_finished()


@pytest.mark.parametrize("answer", ["90737B 9000", "90737B5E00 9000", "9073 7B5E", "9000"])
def test_an_answer_of_another_length_is_none(answer: str) -> None:
    card, _ = talking(f"> B02A00000B20260105083000A4B41BBA\n< {answer}\n")

    with pytest.raises(FormatError):
        card.credit_for_load(CREDIT)


def test_a_tac_that_cannot_be_fetched_is_lost() -> None:
    card, _ = talking("> B02A00000B20260105083000A4B41BBA\n< 6104\n> 00C0000004\n< 6F00\n")

    with pytest.raises(LinkLost):
        card.credit_for_load(CREDIT)


def test_the_proof_of_a_load_has_no_mac() -> None:
    card, played = talking("> B02E0031020000\n< 6108\n> 00C0000008\n< 0000000090737B5E 9000\n")

    assert card.transaction_proof(0x31, 0) == TransactionProof(bytes(4), bytes.fromhex("90737B5E"))
    played.assert_finished()


@pytest.mark.parametrize("mac", ["F561C84A", "6EBF4ADE"])
def test_unblock(mac: str) -> None:
    card, played = talking(f"> 8424000004{mac}\n< 9000\n")

    card.unblock_pin(bytes.fromhex(mac))
    played.assert_finished()


@pytest.mark.parametrize(
    ("cryptogram", "mac", "command"),
    [
        ("F0E36D72AB68C275", "AED3CBE8", "842400010CF0E36D72AB68C275AED3CBE8"),
        (
            "1F287FF5449E7F7CF5AF352497E2D419",
            "E4572F58",
            "84240001141F287FF5449E7F7CF5AF352497E2D419E4572F58",
        ),
    ],
)
def test_reload(cryptogram: str, mac: str, command: str) -> None:
    card, played = talking(f"> {command}\n< 9000\n")

    card.reload_pin(bytes.fromhex(cryptogram), bytes.fromhex(mac))
    played.assert_finished()


@pytest.mark.parametrize("sw", ["6982", "6984", "6988", "6A80"])
def test_a_refused_pin_command_names_itself(sw: str) -> None:
    card, _ = talking(f"> 8424000004F561C84A\n< {sw}\n")

    with pytest.raises(CardRefused, match=f"PIN UNBLOCK: {sw}"):
        card.unblock_pin(bytes.fromhex("F561C84A"))


def test_external_authentication_with_puk() -> None:
    card, played = talking("> 00820006102E7FE9CB197969CBA0A1A2A3A4A5A6A7\n< 9000\n")

    card.external_authenticate(0x06, bytes.fromhex("2E7FE9CB197969CB"), bytes.fromhex("A0A1A2A3A4A5A6A7"))
    played.assert_finished()
