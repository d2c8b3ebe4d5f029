"""Every rule of terminal.md, "Answer to reset": one ATR that keeps it beside one that breaks it, as literal bytes."""

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.reader.completing import completing
from sscard_terminal.terminal.atr_rules import RULES, AtrRule, broken_rule
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.identification import identify
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from tests.cards import new_psam
from tests.terminal.doubles import NOON, pattern, replay

ACCEPTED = {
    "direct convention, nothing else": "3B00",
    "inverse convention": "3F00",
    "a card of the second generation": "3B6D0000008154313286603709 00000002",
    "TA1 01": "3B1001",
    "TA1 11": "3B1011",
    "TA1, D = 2": "3B1012",
    "TA1, D = 4": "3B1013",
    "TA1 with F = 512 and D = 16, to be negotiated": "3B1095",
    "TA1 with D reserved, to be negotiated": "3B1010",
    "TA1, D = 4, in specific mode": "3B9013 10 00",
    "TB1 with a programming voltage": "3B2025",
    "no TB1 and no TC1": "3B021122",
    "TC1 FF": "3B40FF",
    "TC1 05": "3B4005",
    "TD1 T=0": "3B8000",
    "TD1 T=1": "3B800181",
    "TD1 with every group behind it": "3B80F1 01250A 01 5E",
    "TA2 T=0 in specific mode": "3B801000",
    "TA2 T=1 that cannot change": "3B80118110",
    "TB2": "3B802099",
    "TC2 0A": "3B80400A",
    "TD2 T=1": "3B80800101",
    "TD2 T=15": "3B80801F03 1C",
    "TA3 missing": "3B80808101 80",
    "TA3 missing behind T=15": "3B80800F 0F",
    "TA3, TB3, TC3": "3B8081 71 FE45 00 CB",
    "TA3 as T=1 has it": "3B8080 11 00 11",
    "TA3 behind T=15: clock stop, classes A and B": "3B80801FC3 DC",
    "TA3 behind T=15: classes A, B and C": "3B80801F07 18",
    "T=1 with a fitting TCK": "3B80800101",
    "fifteen historical bytes": "3B0F" + "00" * 15,
}

REFUSED = {
    "TS 03": (AtrRule.TS, "0300"),
    "TS 00": (AtrRule.TS, "00"),
    "nothing at all": (AtrRule.FORM, ""),
    "TS alone": (AtrRule.FORM, "3B"),
    "interface bytes cut short": (AtrRule.FORM, "3BF011"),
    "historical bytes cut short": (AtrRule.FORM, "3B0211"),
    "two bytes too many": (AtrRule.FORM, "3B000000"),
    "longer than 33 bytes": (AtrRule.FORM, "3B" + "00" * 33),
    "TA1 with F = 512 in specific mode": (AtrRule.TA1, "3B9091 10 00"),
    "TA1 with D = 8 in specific mode": (AtrRule.TA1, "3B9014 10 00"),
    "TA1 with D reserved in specific mode": (AtrRule.TA1, "3B9010 10 00"),
    "TD1 T=14": (AtrRule.TD1, "3B800E8E"),
    "TD1 T=15": (AtrRule.TD1, "3B800F8F"),
    "TA2 with implicit parameters": (AtrRule.TA2, "3B801010"),
    "TA2 with T=14": (AtrRule.TA2, "3B80100E"),
    "TC2 0B": (AtrRule.TC2, "3B80400B"),
    "TC2 10, the ten that was printed": (AtrRule.TC2, "3B804010"),
    "TD2 T=0": (AtrRule.TD2, "3B808000"),
    "TD2 T=14": (AtrRule.TD2, "3B80800E0E"),
    "TA3 behind T=15 names no class": (AtrRule.TA3, "3B80801F00 1F"),
    "TA3 behind T=15 names class C alone": (AtrRule.TA3, "3B80801F04 1B"),
    "TA3 behind T=15, all ones": (AtrRule.TA3, "3B80801FFF E0"),
    "TCK with T=0 only": (AtrRule.TCK, "3B0000"),
    "TCK with T=0 only, named by TD1": (AtrRule.TCK, "3B800080"),
    "TCK that does not fit": (AtrRule.TCK, "3B800182"),
    "T=1 without TCK": (AtrRule.TCK, "3B8001"),
    "T=0 and T=1 without TCK": (AtrRule.TCK, "3B808001"),
    "T=0 and T=15 without TCK": (AtrRule.TCK, "3B80801F03"),
    "T=1 cut short by its TCK": (AtrRule.TCK, "3B820111 22"),
}


@pytest.mark.parametrize("atr", ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_must_be_accepted_breaks_no_rule(atr: str) -> None:
    assert broken_rule(bytes.fromhex(atr)) is None


@pytest.mark.parametrize(("rule", "atr"), REFUSED.values(), ids=list(REFUSED))
def test_what_must_be_refused_breaks_the_rule_of_its_byte(rule: AtrRule, atr: str) -> None:
    assert broken_rule(bytes.fromhex(atr)) is rule


def test_every_rule_is_broken_by_some_atr() -> None:
    assert {rule for rule, _ in REFUSED.values()} == set(AtrRule)
    assert {rule.name for rule in RULES} == set(AtrRule) - {AtrRule.FORM, AtrRule.TS}


@pytest.mark.parametrize("ta1", range(256))
def test_ta1_is_a_wish_while_it_is_negotiable_and_kept_out_of_the_way(ta1: int) -> None:
    assert broken_rule(bytes((0x3B, 0x10, ta1))) is None


@pytest.mark.parametrize("ta1", range(256))
def test_ta1_in_specific_mode_takes_f_372_with_d_1_2_and_4_and_nothing_else(ta1: int) -> None:
    accepted = {0x01, 0x02, 0x03, 0x11, 0x12, 0x13}

    assert (broken_rule(bytes((0x3B, 0x90, ta1, 0x10, 0x00))) is None) is (ta1 in accepted)


def test_a_card_with_a_refused_atr_is_declined_before_any_command() -> None:
    played, connection = replay("# ATR 3B9095 10 00\n")
    psam = Psam(completing(LoopbackConnection(new_psam())))

    declined = identify(SocialSecurityCard(connection), psam, Policy(), lambda: NOON, pattern)

    assert declined == Declined(Reason.ANSWER_TO_RESET_REFUSED, rule="TA1")
    played.assert_finished()
