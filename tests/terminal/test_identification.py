"""Who may be served: literal conversations for every refusal, and the loopback card for the way through."""

from datetime import datetime
from pathlib import Path

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import CardRemoved, Connection, LinkReason
from sscard_terminal.reader.tracing import traced
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.identification import IdentifiedCard, RecognisedCard, identify, recognise
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from tests.cards import new_card, new_psam
from tests.terminal.doubles import (
    NOON,
    Desk,
    Faulty,
    Refusing,
    answers,
    never_arrives,
    pattern,
    replay,
)

SELECT = "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n"
FCI = "< 6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E 9000\n"
ATR = "# ATR 3B6D0000008154313286603709 00000002\n"
INTERNAL_AUTHENTICATE, DELIVERY_SESSION_KEY = bytes.fromhex("00880000"), bytes.fromhex("BFDE6708")


def ef05(region: str = "370900", expires: str = "20320101") -> str:
    return (
        f"> 00B2012D40\n< 0110{region}D15600000500000001B6233D35 020133 0304322E3030"
        f" 040C9156000002{region}{region}01 050420120101 0604{expires} 0709443231343335363958 9000\n"
    )


def outcome(text: str, policy: Policy | None = None, psam: Psam | None = None) -> IdentifiedCard | Declined:
    """What becomes of a card that talks like this; all of its lines must have been said."""
    played, connection = replay(ATR + text)
    asked = psam or Psam(completing(LoopbackConnection(new_psam())))
    result = identify(SocialSecurityCard(connection), asked, policy or Policy(), lambda: NOON, pattern)
    played.assert_finished()
    return result


@pytest.mark.parametrize("sw", ["6A82", "6D00", "6E00", "6999"])
def test_a_card_without_the_ssse_is_no_social_security_card(sw: str) -> None:
    declined = outcome(f"{SELECT}< {sw}\n")

    assert isinstance(declined, Declined)
    assert (declined.reason, str(declined.sw)) == (Reason.NOT_A_SOCIAL_SECURITY_CARD, sw)


def test_a_psam_in_the_card_slot_is_no_social_security_card() -> None:
    declined = outcome(f"{SELECT}{FCI}> 00B2012D40\n< 6A82\n")

    assert isinstance(declined, Declined)
    assert declined.reason is Reason.NOT_A_SOCIAL_SECURITY_CARD


@pytest.mark.parametrize(
    ("sw", "reason"), [("6A81", Reason.CARD_BLOCKED), ("9303", Reason.APPLICATION_BLOCKED)]
)
def test_a_blocked_card_is_told_apart_from_a_foreign_one(sw: str, reason: Reason) -> None:
    declined = outcome(f"{SELECT}< {sw}\n")

    assert isinstance(declined, Declined)
    assert declined.reason is reason


@pytest.mark.parametrize("region", ["370100", "370000", "110000"])
def test_a_card_of_another_city_is_told_so_before_anything_is_asked(region: str) -> None:
    declined = outcome(SELECT + FCI + ef05(region))

    assert declined == Declined(Reason.CARD_OF_OTHER_CITY, region=region)


@pytest.mark.parametrize(
    ("accepted", "region", "fits"),
    [
        (("370900",), "370902", True),
        (("370900",), "371000", False),
        (("370902",), "370900", False),
        (("370000",), "371700", True),
        (("370900", "370100"), "370100", True),
    ],
)
def test_a_region_that_ends_in_00_stands_for_all_below_it(
    accepted: tuple[str, ...], region: str, fits: bool
) -> None:
    assert Policy(accepted).accepts_region(region) is fits


def test_an_expired_card_is_declined_with_its_date() -> None:
    declined = outcome(SELECT + FCI + ef05(expires="20260104"))

    assert declined == Declined(Reason.EXPIRED, expired_on=datetime(2026, 1, 4).date())


@pytest.mark.parametrize("last_day", ["20260105", "FFFFFFFF"])
def test_a_card_is_good_on_its_last_day_and_without_one(last_day: str) -> None:
    declined = outcome(
        SELECT + FCI + ef05(expires=last_day) + "> 0088000010" + "B0B1B2B3B4B5B6B7" * 2 + "\n< 6108\n"
        "> 00C0000008\n< 0000000000000000 9000\n"
    )

    assert declined == Declined(Reason.NOT_AUTHENTIC)


def test_a_card_that_computes_with_ssf33_is_refused_by_type() -> None:
    fci = "< 6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860102 9000\n"

    assert outcome(SELECT + fci + ef05()) == Declined(Reason.ALGORITHM_NOT_SUPPORTED)


@pytest.mark.parametrize(
    "text",
    [
        "< 6F168 40F 9000\n",
        FCI + "> 00B2012D40\n< 0110 9000\n> 00B2012D00\n< 0110 9000\n",
        FCI + ef05(expires="20261399").replace("9000\n", "9000\n> 00B2012D00\n< 0110 9000\n"),
    ],
    ids=["FCI", "EF05 cut short", "no date"],
)
def test_data_that_do_not_fit_decline_the_card(text: str) -> None:
    assert outcome(SELECT + text) == Declined(Reason.CARD_DATA_MALFORMED)


def test_a_card_identification_code_that_is_none_is_told_from_other_bad_data() -> None:
    file = ef05(region="ABCDEF")

    declined = outcome(SELECT + FCI + file + file.replace("2D40", "2D00"))

    assert declined == Declined(Reason.IDENTIFICATION_MALFORMED)


def test_a_card_is_recognised_without_a_psam_by_what_it_says_of_itself() -> None:
    _, connection = replay(ATR + SELECT + FCI + ef05() + "> 0020000000\n< 63C3\n")

    card = recognise(SocialSecurityCard(connection), Policy(), lambda: NOON)

    assert isinstance(card, RecognisedCard)
    assert (card.number, card.identification, card.tries_left) == (
        "D2143569X",
        "370900D15600000500000001B6233D35",
        3,
    )


def test_a_card_of_another_city_is_told_so_without_a_psam_too() -> None:
    _, connection = replay(ATR + SELECT + FCI + ef05())

    declined = recognise(SocialSecurityCard(connection), Policy(accepted_regions=("110000",)), lambda: NOON)

    assert declined == Declined(Reason.CARD_OF_OTHER_CITY, region="370900")


def test_a_card_with_another_answer_to_reset_is_declined() -> None:
    _, connection = replay("# ATR 3B00\n" + SELECT + FCI + ef05())

    declined = identify(SocialSecurityCard(connection), Psam(connection), Policy(), lambda: NOON, pattern)

    assert declined == Declined(Reason.CARD_DATA_MALFORMED)


def test_a_genuine_card_is_identified_and_its_holder_known(tmp_path: Path) -> None:
    card = Desk.at(tmp_path).identified(pin=None)

    assert (card.number, card.cardholder.name, card.tries_left) == ("D2143569X", "张三", 3)
    assert card.identification.startswith("370900D15600000500000002")


def test_the_psam_is_told_the_first_byte_of_the_card_identification_code(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    lines: list[str] = []
    desk.psam = Psam(completing(traced(LoopbackConnection(desk.psam_chip), lines.append)))

    desk.identified(pin=None)

    assert "> BFEC00000137" in lines


def test_the_holders_number_and_full_name_are_in_no_repr(tmp_path: Path) -> None:
    card = Desk.at(tmp_path).identified(pin=None)

    assert "张三" not in repr(card)
    assert "370900199001010010" not in repr(card)


def test_a_copy_without_the_key_is_not_authentic_and_its_holder_is_not_read(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    link: list[Faulty] = []

    def copy(inner: Connection) -> Connection:
        link.append(Faulty(inner, INTERNAL_AUTHENTICATE, answers("0000000000000000 9000")))
        return link[0]

    declined = identify(desk.insert(copy), desk.psam, desk.policy, desk.clock, pattern)

    assert declined == Declined(Reason.NOT_AUTHENTIC)
    assert link[0].sent[-1] == INTERNAL_AUTHENTICATE


def test_the_expired_test_card_passes_where_the_setting_lets_it(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.clock.now = datetime(2033, 1, 1)

    first = identify(desk.insert(), desk.psam, Policy(), desk.clock, pattern)
    second = identify(desk.insert(), desk.psam, Policy(accept_expired=True), desk.clock, pattern)

    assert isinstance(first, Declined)
    assert first.reason is Reason.EXPIRED
    assert isinstance(second, IdentifiedCard)


@pytest.mark.parametrize(
    ("sw", "reason"),
    [("6A88", Reason.PSAM_KEY_MISSING), ("6985", Reason.PSAM_TROUBLE), ("6A80", Reason.PSAM_KEY_LEVEL)],
)
def test_trouble_with_the_psam_is_named_as_such(sw: str, reason: Reason) -> None:
    psam = Psam(completing(Refusing(LoopbackConnection(new_psam()), b"\xbf\xde", sw)))
    card = SocialSecurityCard(completing(LoopbackConnection(new_card())))

    declined = identify(card, psam, Policy(), lambda: NOON, pattern)

    assert isinstance(declined, Declined)
    assert (declined.reason, str(declined.sw)) == (reason, sw)


def test_a_psam_that_went_away_is_no_fault_of_the_card() -> None:
    gone = Faulty(LoopbackConnection(new_psam()), DELIVERY_SESSION_KEY, never_arrives(LinkReason.READER_GONE))
    card = SocialSecurityCard(completing(LoopbackConnection(new_card())))

    declined = identify(card, Psam(completing(gone)), Policy(), lambda: NOON, pattern)

    assert isinstance(declined, Declined)
    assert (declined.reason, declined.link) == (Reason.PSAM_TROUBLE, LinkReason.READER_GONE)


def test_a_user_card_in_the_psams_slot_is_psam_trouble() -> None:
    card = SocialSecurityCard(completing(LoopbackConnection(new_card())))
    other = Psam(completing(LoopbackConnection(new_card())))

    declined = identify(card, other, Policy(), lambda: NOON, pattern)

    assert isinstance(declined, Declined)
    assert declined.reason is Reason.PSAM_TROUBLE


def test_a_card_that_is_taken_away_breaks_the_link(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    taken = desk.insert(
        lambda inner: Faulty(inner, INTERNAL_AUTHENTICATE, never_arrives(LinkReason.CARD_REMOVED))
    )

    with pytest.raises(CardRemoved):
        identify(taken, desk.psam, desk.policy, desk.clock, pattern)
