"""iVerifyPIN, iChangePIN, iReloadPIN, iUnblockPIN: PINs keyed at a page or pad, by the PSAM or an HSM."""

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.driver.place import Interface, PinWish
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.outcomes import Reason
from sscard_terminal.terminal.pin_service_journal import PinServiceEventKind, PinServiceJournal
from tests.driver.doubles import FIRST_PINS, HSM, Bench
from tests.terminal.doubles import Faulty, another_card, answer_lost, never_arrives

NEW = "246810"
RELOAD, UNBLOCK = bytes.fromhex("84240001"), bytes.fromhex("84240000")


def locked(bench: Bench) -> None:
    for _ in range(3):
        bench.accepts_pin("999999")
    assert bench.tries_left() == 0


# Verify -----------------------------------------------------------------------------------------------


def test_the_right_pin_is_success_without_data(any_bench: Bench) -> None:
    assert any_bench.done("iVerifyPIN", iType=3) == ""
    assert any_bench.holder.wishes == [PinWish.CURRENT]
    assert any_bench.holder.tries_seen == [3]


def test_a_wrong_pin_tells_the_tries_left_and_the_third_locks(bench: Bench) -> None:
    bench.holder.pins = ["999999"] * 3

    results = [bench.call("iVerifyPIN", iType=3) for _ in range(4)]

    assert [result.code for result in results] == [-51, -51, -52, -52]
    assert results[0].out == "PIN 校验失败，剩余次数 2 次"
    assert results[3].out == "PIN 锁定"
    assert len(bench.holder.wishes) == 3


@pytest.mark.parametrize(
    ("reason", "code", "out"),
    [
        (Reason.CANCELLED, -31, "用户取消密码输入"),
        (Reason.PIN_ENTRY_TIMED_OUT, -32, "密码输入操作超时"),
        (Reason.PIN_WRONG_LENGTH, -33, "输入密码长度错"),
    ],
)
def test_a_pin_that_was_not_keyed_costs_no_try(bench: Bench, reason: Reason, code: int, out: str) -> None:
    bench.holder.pins = [reason]

    result = bench.call("iVerifyPIN", iType=3)

    assert (result.code, result.out) == (code, out)
    assert bench.tries_left() == 3


def test_pins_are_wiped_when_the_function_is_done(bench: Bench) -> None:
    bench.call("iVerifyPIN", iType=3)
    bench.holder.pins = [FIRST_PINS["gen2-32k"], NEW, NEW]
    bench.call("iChangePIN", iType=3)

    assert all(len(pin) == 0 for pin in bench.holder.given)
    assert len(bench.holder.given) == 4


def test_where_nothing_is_there_to_key_a_pin_at_the_command_is_not_known(bench: Bench) -> None:
    bench.has_page = False

    assert bench.renewed().call("iVerifyPIN", iType=3).code == -13


def test_nothing_is_held_while_the_holder_keys(bench: Bench) -> None:
    seen: list[int] = []
    bench.holder.meanwhile = lambda: seen.append(bench.open_now)

    bench.done("iVerifyPIN", iType=3)

    assert seen == [0]


def test_another_card_put_in_meanwhile_gets_no_pin(bench: Bench) -> None:
    def swap() -> None:
        bench.chip = another_card()

    bench.holder.meanwhile = swap

    result = bench.call("iVerifyPIN", iType=3)

    assert result.code == -22
    assert bench.tries_left() == 3


# Change -----------------------------------------------------------------------------------------------


def test_old_new_and_new_again_are_asked_for(any_bench: Bench) -> None:
    any_bench.holder.pins = [FIRST_PINS[any_bench.profile], NEW, NEW]

    assert any_bench.done("iChangePIN", iType=3) == ""

    assert any_bench.holder.wishes == [PinWish.OLD, PinWish.NEW, PinWish.REPEAT]
    assert any_bench.accepts_pin(NEW)


@pytest.mark.parametrize(
    ("pins", "code", "tries"),
    [
        (["123456", NEW, "246811"], -34, 3),
        (["123456", "12345"], -33, 3),
        (["123456", "1234567"], -33, 3),
        (["123456", "123456"], -36, 3),
        (["123456", "1234"], -33, 3),
        (["999999", NEW, NEW], -51, 2),
        (["123456", Reason.CANCELLED], -31, 3),
        (["123456", NEW, Reason.PIN_ENTRY_TIMED_OUT], -32, 3),
        ([Reason.CANCELLED], -31, 3),
    ],
)
def test_a_new_pin_that_may_not_be_one_is_refused(
    bench: Bench, pins: list[str | Reason], code: int, tries: int
) -> None:
    bench.holder.pins = list(pins)

    assert bench.call("iChangePIN", iType=3).code == code
    assert bench.tries_left() == tries
    assert bench.accepts_pin("123456")


def test_the_old_pin_again_is_refused_by_a_code_of_our_own(bench: Bench) -> None:
    bench.holder.pins = ["123456", NEW, NEW]
    bench.done("iChangePIN", iType=3)
    bench.holder.pins = [NEW, NEW, NEW]

    assert bench.call("iChangePIN", iType=3).code == -3004


def test_a_locked_pin_cannot_be_changed_and_nobody_is_asked(bench: Bench) -> None:
    locked(bench)

    assert bench.call("iChangePIN", iType=3).code == -52
    assert bench.holder.wishes == []


# By the PSAM ------------------------------------------------------------------------------------------


def test_a_locked_pin_gets_its_tries_again(any_bench: Bench) -> None:
    info = any_bench.info()
    locked(any_bench)

    assert any_bench.done("iUnblockPIN", iType=3, pCardInfo=info) == ""

    assert any_bench.tries_left() == 3
    assert any_bench.accepts_pin(FIRST_PINS[any_bench.profile])


def test_a_new_pin_is_loaded_and_the_lock_opened(any_bench: Bench) -> None:
    info = any_bench.info()
    locked(any_bench)
    any_bench.holder.pins = [NEW, NEW]

    assert any_bench.done("iReloadPIN", iType=3, pCardInfo=info) == ""

    assert any_bench.accepts_pin(NEW)
    assert any_bench.holder.wishes == [PinWish.NEW, PinWish.REPEAT]


@pytest.mark.parametrize("function", ["iReloadPIN", "iUnblockPIN"])
def test_without_a_psam_the_program_goes_on_with_the_hsm_and_nobody_has_keyed(
    bench: Bench, function: str
) -> None:
    bench.psam_chip = None
    info = bench.info()

    assert bench.call(function, iType=3, pCardInfo=info).code == -2201
    assert bench.holder.wishes == []


def test_the_journal_says_that_it_was_done_and_no_pin(bench: Bench) -> None:
    bench.holder.pins = [NEW, NEW]
    bench.done("iReloadPIN", iType=3, pCardInfo=bench.info())
    bench.done("iUnblockPIN", iType=3, pCardInfo=bench.info())

    entries = PinServiceJournal(bench.journal).entries()

    assert [(str(entry.service), entry.end) for entry in entries] == [
        ("pin-reset", PinServiceEventKind.DONE),
        ("pin-unblock", PinServiceEventKind.DONE),
    ]
    assert entries[0].sighting.by == "SSCardDriver"
    raw = bench.journal.path.read_bytes() + bench.journal.path.with_name("journal.db-wal").read_bytes()
    assert NEW.encode() not in raw


@pytest.mark.parametrize(
    ("fault", "end", "code"),
    [
        (answer_lost(LinkReason.CARD_REMOVED), PinServiceEventKind.LOST, -2),
        (never_arrives(LinkReason.CLOSED), PinServiceEventKind.NOT_DONE, -12),
    ],
)
def test_a_lost_answer_is_told_from_a_command_that_never_left(
    bench: Bench, fault: object, end: PinServiceEventKind, code: int
) -> None:
    info = bench.info()
    bench.link = lambda inner: Faulty(inner, UNBLOCK, fault)  # type: ignore[arg-type]

    assert bench.call("iUnblockPIN", iType=3, pCardInfo=info).code == code
    assert PinServiceJournal(bench.journal).entries()[-1].end is end


# By an HSM --------------------------------------------------------------------------------------------


def puk_for(bench: Bench, asked: str) -> str:
    algorithm, address, factor, original, _ = asked.split("|")
    assert (algorithm in ("01", "03"), address) == (True, "0090")
    raw = HSM.external_authentication_data(bench.known_card, bytes.fromhex(factor), bytes.fromhex(original))
    return raw.hex().upper() + original


def test_an_hsm_reloads_a_locked_pin_in_three_steps(any_bench: Bench) -> None:
    any_bench.psam_chip = None
    info = any_bench.learn()
    locked(any_bench)
    any_bench.holder.pins = [NEW, NEW]

    asked = any_bench.done("iReloadPIN_HSM_Step1", iType=3, pCardInfo=info)
    second = any_bench.call("iReloadPIN_HSM_Step2", pKey=puk_for(any_bench, asked))
    algorithm, address, factor, header, digits, _ = second.out.split("|")
    made = HSM.reload_command(any_bench.known_card, bytes.fromhex(factor), Pin(digits))
    command = header + (made.cryptogram + made.mac).hex().upper()
    third = any_bench.done("iReloadPIN_HSM_Step3", pKey=command)

    is_sm4 = any_bench.profile == "gen3"
    assert (algorithm, address, digits) == ("03" if is_sm4 else "01", "0173", NEW)
    assert header == ("8424000114" if is_sm4 else "842400010C")
    assert len(command) == (50 if is_sm4 else 34)
    assert third == ""
    assert any_bench.accepts_pin(NEW)
    assert any_bench.open_now == 0


def test_the_new_pin_is_in_no_repr(bench: Bench) -> None:
    info = bench.learn()
    bench.holder.pins = [NEW, NEW]
    asked = bench.done("iReloadPIN_HSM_Step1", iType=3, pCardInfo=info)

    result = bench.call("iReloadPIN_HSM_Step2", pKey=puk_for(bench, asked))

    assert NEW in result.out
    assert NEW not in repr(result) and NEW not in str(result)


def test_an_hsm_unblocks_a_locked_pin_in_three_steps(any_bench: Bench) -> None:
    any_bench.psam_chip = None
    info = any_bench.learn()
    locked(any_bench)

    asked = any_bench.done("iUnblockPIN_HSM_Step1", iType=3, pCardInfo=info)
    second = any_bench.done("iUnblockPIN_HSM_Step2", pKey=puk_for(any_bench, asked))
    _, address, factor, header, empty, _ = second.split("|")
    made = HSM.unblock_command(any_bench.known_card, bytes.fromhex(factor))
    any_bench.done("iUnblockPIN_HSM_Step3", pKey=header + made.mac.hex())

    assert (address, header, empty) == ("0173", "8424000004", "")
    assert any_bench.tries_left() == 3


def test_wrong_puk_data_cost_a_try_of_puk_and_lock_it_at_last(bench: Bench) -> None:
    info = bench.learn()
    codes = []
    for _ in range(4):
        original = bench.done("iUnblockPIN_HSM_Step1", iType=3, pCardInfo=info).split("|")[3]
        codes.append(bench.call("iUnblockPIN_HSM_Step2", pKey="00" * 8 + original).code)

    assert codes == [-25538, -25537, -25536, -27011]


def test_a_wrong_mac_is_refused_and_the_pin_stays_locked(bench: Bench) -> None:
    info = bench.learn()
    locked(bench)
    asked = bench.done("iUnblockPIN_HSM_Step1", iType=3, pCardInfo=info)
    bench.done("iUnblockPIN_HSM_Step2", pKey=puk_for(bench, asked))

    result = bench.call("iUnblockPIN_HSM_Step3", pKey="842400000400000000")

    assert (result.code, result.out) == (-27016, "安全报文数据项不正确、MAC 不正确")
    assert bench.tries_left() == 0
    assert PinServiceJournal(bench.journal).entries()[-1].end is PinServiceEventKind.NOT_DONE


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("842400010400000000", -23),
        ("84240000040000000", -42),
        ("8424000004000000001", -42),
        ("", -42),
        ("84240000040000000G", -41),
        ("B02C01000400000000", -23),
    ],
)
def test_no_other_command_can_be_slipped_through_the_third_step(bench: Bench, key: str, code: int) -> None:
    info = bench.learn()
    asked = bench.done("iUnblockPIN_HSM_Step1", iType=3, pCardInfo=info)
    bench.done("iUnblockPIN_HSM_Step2", pKey=puk_for(bench, asked))
    sent: list[bytes] = []
    bench.link = lambda inner: Faulty(inner, sent=sent)

    assert bench.call("iUnblockPIN_HSM_Step3", pKey=key).code == code
    assert bench.open_now == 0
    assert sent == []


def test_new_pins_that_differ_end_the_second_step(bench: Bench) -> None:
    info = bench.learn()
    bench.holder.pins = [NEW, "135791"]
    asked = bench.done("iReloadPIN_HSM_Step1", iType=3, pCardInfo=info)

    assert bench.call("iReloadPIN_HSM_Step2", pKey=puk_for(bench, asked)).code == -34
    assert bench.call("iReloadPIN_HSM_Step3", pKey="00" * 17).code == -26881
    assert bench.open_now == 0


def test_the_steps_of_reloading_and_unblocking_do_not_mix(bench: Bench) -> None:
    info = bench.learn()
    asked = bench.done("iUnblockPIN_HSM_Step1", iType=3, pCardInfo=info)

    assert bench.call("iReloadPIN_HSM_Step2", pKey=puk_for(bench, asked)).code == -26881


@pytest.mark.parametrize("function", ["iReloadPIN_HSM_Step1", "iUnblockPIN_HSM_Step1", "iReloadPIN"])
def test_another_card_than_pcardinfo_says_is_refused(bench: Bench, function: str) -> None:
    info = bench.info()
    bench.cards[Interface.CONTACT] = another_card()

    assert bench.call(function, iType=3, pCardInfo=info).code == -22
    assert bench.open_now == 0
