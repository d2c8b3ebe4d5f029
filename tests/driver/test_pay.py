"""iDoDebit and iReadDebitRecord: the record-keeping debit, once, through the journal; literal bytes of card.md §6.10."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import CardReference
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.centre.hsm import PurchaseQuestion
from sscard_terminal.driver.codes import TO_BE_VERIFIED
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.cards import Dice, card_image, chip_of
from tests.driver.doubles import HSM, Bench
from tests.terminal.doubles import (
    DEBIT,
    Desk,
    Fault,
    Faulty,
    another_card,
    answer_lost,
    answers,
    cut_after,
    fill_the_disk,
    never_arrives,
)

PAY = "300.00|250.00|20260105101500|"
SUMS = "00007530000061A8"
INITIALIZE = bytes.fromhex("B0280101")


def pay(bench: Bench, pay_info: str = PAY) -> str:
    return bench.done("iDoDebit", iType=3, pCardInfo=bench.info(), pPayInfo=pay_info)


def code_of(bench: Bench, pay_info: str = PAY) -> int:
    return bench.call("iDoDebit", iType=3, pCardInfo=bench.info(), pPayInfo=pay_info).code


def recorded(bench: Bench) -> list[SaleState]:
    return [entry.state for entry in bench.journal.entries()]


def spy(bench: Bench) -> list[bytes]:
    """Every command of the card's from now on, whole."""
    seen: list[bytes] = []

    class Spying(Faulty):
        def transmit(self, command: CommandApdu) -> ResponseApdu:
            seen.append(command.build())
            return super().transmit(command)

    bench.link = Spying
    return seen


# What goes to the card --------------------------------------------------------------------------------


def test_the_sums_go_to_the_card_with_no_account_part(any_bench: Bench) -> None:
    info = any_bench.info()
    sent = spy(any_bench)

    any_bench.done("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)

    (initialize,) = [raw for raw in sent if raw[:4] == INITIALIZE]
    assert initialize.hex().upper().startswith(f"B02801011301{'00000000'}{SUMS}370900000001")


def test_out_comes_what_settles_the_sale(any_bench: Bench) -> None:
    out = pay(any_bench)

    *fields, tac, end = out.split("|")
    entry = any_bench.journal.last_entry()
    assert entry is not None and entry.tac is not None
    algorithm = "03" if any_bench.profile == "gen3" else "01"
    assert fields == [
        *(algorithm, "00B5", SUMS, "32", "370900000001", entry.sale.sequence.hex().upper()),
        "20260105101500",
    ]
    assert (tac, end) == (entry.tac.hex().upper(), "")


def test_the_chips_money_is_untouched_and_the_journal_has_a_record_keeping_sale(bench: Bench) -> None:
    pay(bench)

    desk = Desk(bench.journal, bench.chip, bench.psam_chip, bench.clock)  # type: ignore[arg-type]
    sale = desk.last_sale()
    assert desk.balance() == 10_000
    assert (sale.kind, sale.amounts) == (
        SaleKind.RECORD_KEEPING,
        PurchaseAmounts(Fen(0), Fen(30_000), Fen(25_000)),
    )
    assert sale.place == "泰山大药房"
    assert sale.request is not None and sale.request.startswith("iDoDebit 370900D156")


def test_the_holder_sees_the_sums_when_the_pin_is_asked_for(bench: Bench) -> None:
    pay(bench)

    assert bench.holder.amounts_seen == [PurchaseAmounts(Fen(0), Fen(30_000), Fen(25_000))]


# With an HSM: literal vectors -------------------------------------------------------------------------


@pytest.fixture
def vector_bench(tmp_path: Path) -> Bench:
    """The card of card.md §6.10: its key factor ends in 00000001, purchase counter 1, random 0A0B0C0D."""
    bench = Bench.at(tmp_path, "gen1-16k", psam=False)
    image = card_image("gen1-16k", purchase_counter=1)
    bench.chip = chip_of(image, Dice("0A0B0C0D"), "gen1-16k")
    bench.clock.now = datetime(2026, 1, 5, 11, 15, 10)
    return bench


INFO_1 = "370900D15600000500000001B6233D35|D2143569X|"
PAY_1 = "300.00|250.00|20260105111500|"


def test_the_driver_debit_has_the_bytes_of_the_vectors(vector_bench: Bench) -> None:
    sent = spy(vector_bench)

    first = vector_bench.done("iDoDebit_HSM_Step1", iType=3, pCardInfo=INFO_1, pPayInfo=PAY_1)
    second = vector_bench.done("iDoDebit_HSM_Step2", pKey="00000001|20260105111500|ACA89482|")

    assert first == f"01|017F|0A0B0C0D|0001|{SUMS}|32|000000000000|20260105111500|"
    assert second == f"5FD5AD1C|01|00B5|{SUMS}|32|000000000000|00000001|20260105111500|30CB86CE|"
    debits = [raw.hex().upper() for raw in sent if raw[:4] == DEBIT]
    assert [raw[:40] for raw in debits] == ["B02C01000F0000000120260105111500ACA89482"]
    assert recorded(vector_bench) == [SaleState.CHARGED]


def test_mac1s_data_begin_with_four_zero_bytes(vector_bench: Bench) -> None:
    """The HSM computes over 00000000 and the two sums; with any other first field the card refuses."""
    first = vector_bench.done("iDoDebit_HSM_Step1", iType=3, pCardInfo=INFO_1, pPayInfo=PAY_1)
    asked = question(
        first, CardReference(INFO_1[:32], "", bytes.fromhex("00815431168660370900000001"), "3DES")
    )

    assert asked.amounts.build().hex().upper() == f"00000000{SUMS}"
    assert HSM.purchase_mac1(asked).hex().upper() == "ACA89482"


def question(first: str, card: CardReference) -> PurchaseQuestion:
    """What the HSM is asked, out of the first step's fields; the sequence is 0000 and the purchase counter."""
    _, _, random, counter, sums, _, terminal, time, _ = first.split("|")
    raw = bytes.fromhex("00000000" + sums)
    return PurchaseQuestion(
        card=card,
        random=bytes.fromhex(random),
        counter=int(counter, 16),
        amounts=PurchaseAmounts.parse(raw),
        terminal=terminal,
        sequence=bytes.fromhex("0000" + counter),
        time=datetime.strptime(time, "%Y%m%d%H%M%S"),
    )


def hsm_steps(bench: Bench, info: str, pay_info: str = PAY) -> tuple[PurchaseQuestion, str]:
    """The first step, and pKey for the second."""
    first = bench.done("iDoDebit_HSM_Step1", iType=3, pCardInfo=info, pPayInfo=pay_info)
    asked = question(first, bench.known_card)
    key = f"{asked.sequence.hex()}|{first.split('|')[7]}|{HSM.purchase_mac1(asked).hex()}|"
    return asked, key


def test_an_hsm_takes_the_psams_place(any_bench: Bench) -> None:
    any_bench.psam_chip = None
    info = any_bench.learn()

    asked, key = hsm_steps(any_bench, info)
    out = any_bench.done("iDoDebit_HSM_Step2", pKey=key)

    mac2, *fields, end = out.split("|")
    assert HSM.accepts_purchase_mac2(asked, bytes.fromhex(mac2))
    assert (len(fields), end) == (8, "")
    assert recorded(any_bench) == [SaleState.CHARGED]
    assert any_bench.open_now == 0


def test_a_wrong_mac1_is_refused_by_the_card_and_the_sale_not_charged(bench: Bench) -> None:
    info = bench.learn()
    _, key = hsm_steps(bench, info)

    result = bench.call("iDoDebit_HSM_Step2", pKey=f"{key[:24]}00000000|")

    assert (result.code, result.out) == (-37634, "MAC 无效")
    assert recorded(bench) == [SaleState.NOT_CHARGED]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", -14),
        ("00000001|20260105101500|", -14),
        ("00000001|20260105101500|ACA89482", -14),
        ("0000001|20260105101500|ACA89482|", -42),
        ("0000000G|20260105101500|ACA89482|", -41),
        ("00000001|20260105101500|ACA8948|", -42),
        ("00000001|20261305101500|ACA89482|", -23),
        ("00000001|2026010510150|ACA89482|", -42),
        ("00000001|20260105101501|ACA89482|", -23),
        ("x" * 200, -42),
    ],
)
def test_a_key_of_another_form_never_reaches_the_card(bench: Bench, key: str, code: int) -> None:
    sent = spy(bench)
    hsm_step = bench.done("iDoDebit_HSM_Step1", iType=3, pCardInfo=bench.info(), pPayInfo=PAY)
    assert hsm_step

    assert bench.call("iDoDebit_HSM_Step2", pKey=key).code == code
    assert not [raw for raw in sent if raw[:4] == DEBIT]
    assert recorded(bench) == []


def test_a_card_gone_between_the_steps_is_not_charged(bench: Bench) -> None:
    info = bench.learn()
    links: list[Faulty] = []
    bench.link = lambda inner: links.append(Faulty(inner)) or links[-1]  # type: ignore[func-returns-value]
    _, key = hsm_steps(bench, info)
    links[-1].fault, links[-1].header = never_arrives(LinkReason.CLOSED), DEBIT

    assert bench.call("iDoDebit_HSM_Step2", pKey=key).code == -12
    assert recorded(bench) == [SaleState.NOT_CHARGED]


def test_an_answer_lost_in_the_second_step_is_to_be_verified(bench: Bench) -> None:
    info = bench.learn()
    bench.link = lambda inner: Faulty(inner, DEBIT, answer_lost(LinkReason.CARD_REMOVED))
    _, key = hsm_steps(bench, info)

    result = bench.call("iDoDebit_HSM_Step2", pKey=key)

    assert result.code in TO_BE_VERIFIED
    assert "待核实" in result.out
    assert recorded(bench) == [SaleState.OPEN]


def test_a_sale_made_already_is_not_begun_again_by_an_hsm(bench: Bench) -> None:
    info = bench.learn()
    pay(bench)

    result = bench.call("iDoDebit_HSM_Step1", iType=3, pCardInfo=info, pPayInfo=PAY)

    assert result.code == -3025
    assert recorded(bench) == [SaleState.CHARGED]


# Once -------------------------------------------------------------------------------------------------


def test_the_same_sale_again_gets_its_first_outcome_and_nobody_keys_a_pin(bench: Bench) -> None:
    first = pay(bench)
    asked = len(bench.holder.wishes)
    sent = spy(bench)

    assert pay(bench) == first
    assert recorded(bench) == [SaleState.CHARGED]
    assert len(bench.holder.wishes) == asked
    assert not [raw for raw in sent if raw[:4] in (DEBIT, INITIALIZE)]


def test_another_second_or_other_sums_are_another_sale(bench: Bench) -> None:
    for info in (PAY, PAY.replace("500|", "501|"), PAY.replace("250.00", "250.01")):
        pay(bench, info)

    assert recorded(bench) == [SaleState.CHARGED] * 3


@pytest.mark.parametrize("psam_remembers", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        answer_lost(LinkReason.CARD_REMOVED),
        answer_lost(LinkReason.DEADLINE_PASSED),
        cut_after(0),
        cut_after(1),
    ],
)
def test_a_lost_answer_is_to_be_verified_and_the_same_call_again_tells_the_truth(
    bench: Bench, fault: Fault, psam_remembers: bool
) -> None:
    info = bench.info()
    if psam_remembers:
        bench.keep_psam_powered()
    bench.link = lambda inner: Faulty(inner, DEBIT, fault)
    lost = bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)
    bench.link = None

    again = bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)

    assert lost.code in TO_BE_VERIFIED and "请勿再次收款" in lost.out
    assert again.code == 0
    assert again.out.split("|")[2] == SUMS
    assert recorded(bench) == [SaleState.CHARGED]
    assert len(debit_records(bench)) == 1


def test_a_debit_that_never_arrived_is_settled_not_charged_and_stays_so(bench: Bench) -> None:
    info = bench.info()
    bench.link = lambda inner: Faulty(inner, DEBIT, never_arrives(LinkReason.CARD_REMOVED))
    lost = bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)
    bench.link = None

    again = [bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY).code for _ in range(2)]
    later = bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY.replace("500|", "530|"))

    assert lost.code in TO_BE_VERIFIED
    assert again == [-2, -2]
    assert later.code == 0
    assert recorded(bench) == [SaleState.NOT_CHARGED, SaleState.CHARGED]
    assert len(debit_records(bench)) == 1


def test_an_open_sale_of_this_card_is_settled_before_the_next_is_made(bench: Bench) -> None:
    info = bench.info()
    bench.link = lambda inner: Faulty(inner, DEBIT, answer_lost(LinkReason.CARD_REMOVED))
    bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)
    bench.link = None

    pay(bench, PAY.replace("500|", "545|"))

    assert recorded(bench) == [SaleState.CHARGED, SaleState.CHARGED]


def debit_records(bench: Bench) -> list[str]:
    return bench.done("iReadDebitRecord", iType=3).split("|")[:-1]


# What forbids a sale ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (SaleRules(needs_open_day=True), -3026),
        (SaleRules(approved_until=datetime(2025, 12, 31).date()), -3020),
    ],
)
def test_the_places_rules_are_asked_before_the_pin(bench: Bench, rules: SaleRules, code: int) -> None:
    info = bench.info()
    bench.rules = rules

    result = bench.renewed().call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)

    assert result.code == code and "未扣款" in result.out
    assert bench.holder.wishes == []


def test_the_same_sums_within_minutes_are_taken_for_a_mistake(bench: Bench) -> None:
    bench.rules = SaleRules(repeat_within=timedelta(minutes=10))
    bench.renewed()
    pay(bench)

    assert code_of(bench, PAY.replace("500|", "530|")) == -3025


def test_a_first_pin_may_be_forbidden_to_pay(bench: Bench) -> None:
    info = bench.info()
    bench.policy = Policy(first_pin_may_pay=False)

    result = bench.renewed().call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)

    assert (result.code, result.out) == (-35, "初始密码不能交易")
    assert bench.tries_left() == 3


def test_a_full_disk_lets_no_debit_leave(bench: Bench) -> None:
    info = bench.info()
    sent = spy(bench)
    bench.name = "泰山" * 100_000
    bench.renewed()
    fill_the_disk(bench.journal)

    result = bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY)

    assert result.code == -3030 and "未扣款" in result.out
    assert not [raw for raw in sent if raw[:4] == DEBIT]
    assert debit_records(bench) == []


def test_without_a_psam_the_program_goes_on_with_the_hsm(bench: Bench) -> None:
    bench.psam_chip = None

    assert code_of(bench) == -2201
    assert bench.holder.wishes == []


def test_another_card_is_refused_before_the_pin(bench: Bench) -> None:
    info = bench.info()
    bench.chip = another_card()

    assert bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY).code == -22
    assert bench.holder.wishes == []


@pytest.mark.parametrize(
    ("pay_info", "code"),
    [
        ("", -14),
        ("300.00|250.00|", -14),
        ("300.00|250.00|20260105101500", -14),
        ("300.00|250.00|20260105101500||", -14),
        ("300.00|300.01|20260105101500|", -23),
        ("-1.00|0.00|20260105101500|", -41),
        ("1e3|0.00|20260105101500|", -41),
        ("３００|0.00|20260105101500|", -41),
        ("300.001|0.00|20260105101500|", -42),
        ("|0.00|20260105101500|", -42),
        ("300.|0.00|20260105101500|", -42),
        ("42949672.95|0.00|20260105101500|", -23),
        ("99999999.99|0.00|20260105101500|", -23),
        ("300.00|250.00|20260105|", -42),
        ("300.00|250.00|2026010510150x|", -41),
        ("300.00|250.00|20260230101500|", -23),
        ("300.00|250.00|20260105100000|", -23),
        ("300.00|250.00|20260105101800|", -23),
        ("300.00|250.00|20250105101500|", -23),
        ("0" * 513, -42),
    ],
)
def test_pay_info_of_another_form_or_sense_is_refused(bench: Bench, pay_info: str, code: int) -> None:
    assert code_of(bench, pay_info) == code
    assert recorded(bench) == []
    assert bench.holder.wishes == []


@pytest.mark.parametrize(("typed", "sums"), [("0.1|0.1", "0000000A0000000A"), ("5|0", "000001F400000000")])
def test_sums_may_have_fewer_decimals(bench: Bench, typed: str, sums: str) -> None:
    assert pay(bench, f"{typed}|20260105101500|").split("|")[2] == sums


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ("", -14),
        ("370900D15600000500000002|D2143569X|", -42),
        ("G70900D15600000500000002B6233D35|D2143569X|", -41),
        ("370900D15600000500000002B6233D35|D2143569|", -42),
        ("370900D15600000500000002B6233D35|D214356 X|", -41),
        ("370900D15600000500000002B6233D35|D2143569X", -14),
        ("x" * 129, -42),
    ],
)
def test_card_info_of_another_form_is_refused(bench: Bench, info: str, code: int) -> None:
    assert bench.call("iDoDebit", iType=3, pCardInfo=info, pPayInfo=PAY).code == code


# iReadDebitRecord -------------------------------------------------------------------------------------


def test_records_come_newest_first_with_their_sums_in_yuan(bench: Bench) -> None:
    pay(bench)
    pay(bench, "12.34|0.00|20260105101530|")

    assert bench.done("iReadDebitRecord", iType=3) == (
        "0001^370900000001^20260105101530^12.34^0.00^|0000^370900000001^20260105101500^300.00^250.00^|"
    )


def test_a_card_without_debits_has_no_records(any_bench: Bench) -> None:
    assert any_bench.done("iReadDebitRecord", iType=3) == ""


def test_a_sale_that_the_account_paid_shows_its_whole_cost_and_a_load_none(bench: Bench) -> None:
    desk = Desk(bench.journal, bench.chip, bench.psam_chip, bench.clock)  # type: ignore[arg-type]
    desk.sell()

    (record,) = debit_records(bench)

    assert record.split("^")[3:] == ["112.34", "92.34", ""]


def test_a_terminal_number_that_is_none_is_shown_as_it_stands(bench: Bench) -> None:
    raw = "0000" + "32" + "ABCDEF012345" + "20260105101500" + "00000000" + "00000064" + "00000000"
    bench.link = lambda inner: Faulty(inner, bytes.fromhex("00B20144"), answers(raw + "9000"))

    assert bench.done("iReadDebitRecord", iType=3).startswith("0000^ABCDEF012345^20260105101500^1.00^0.00^|")


def test_the_longest_log_fits_its_buffer(bench: Bench) -> None:
    """30 records with the largest sums: 2048 bytes are enough."""
    raw = "FFFF" + "32" + "370900000001" + "20260105101500" + "00000000" + "FFFFFFFF" + "FFFFFFFE" + "9000"
    numbers = iter(range(1, 31))

    def thirty(inner: Connection, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.parse(bytes.fromhex(raw if next(numbers, None) else "6A83"))

    bench.link = lambda inner: Always(inner, b"\x00\xb2", thirty)

    out = bench.done("iReadDebitRecord", iType=3)

    assert out.count("|") == 30
    assert len(out) < 2048


class Always(Faulty):
    """The fault happens to every command of DF04's log."""

    def __init__(
        self, inner: Connection, start: bytes, act: Callable[[Connection, CommandApdu], ResponseApdu]
    ) -> None:
        super().__init__(inner)
        self._start, self._act = start, act

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        is_log = command.header.startswith(self._start) and command.header[3] == 0x44
        return self._act(self.inner, command) if is_log else super().transmit(command)
