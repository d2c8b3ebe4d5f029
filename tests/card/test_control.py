"""Faults ordered by their verbs: the words, and what then happens to card and link, in process and over pcscd."""

import string
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.card.control.control import CannotObey, Control, Obstacle, Standing
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.overheard import Overheard
from sscard_terminal.card.control.slots import VpcdSlot
from sscard_terminal.card.control.verbs import (
    CutAnswer,
    Eject,
    Insert,
    Mute,
    ResetByOther,
    Swap,
    Tear,
    Verb,
    VerbError,
    parse_verb,
)
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import TakenOut, Vpicc
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import LinkError, LinkReason, NoCard, NotSent
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import card_image
from tests.torture import oracle
from tests.torture.counterpart import DF04, Counterpart, chip_on, look_at_card

PROFILE = "gen2-32k"
PIN, WRONG = "123456", "999999"
SPENT, TIME, OPENING = (1234, 2000, 8000), "20120601120000", 100_000
QUERY_TRIES = CommandApdu.parse(bytes.fromhex("0020000000"))
SEEN_WITHIN_S = 5.0

# The words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("eject", Eject()),
        ("insert", Insert()),
        ("insert zhang-san", Insert("zhang-san")),
        ('insert "my cards/a b.card"', Insert("my cards/a b.card")),
        ("swap 李四", Swap("李四")),
        ("mute for 3 s", Mute(3000)),
        ("mute for 0.25 s", Mute(250)),
        ("mute for 1.005 s", Mute(1005)),
        ("cut answer after 0 bytes", CutAnswer(0)),
        ("cut answer after 1 byte", CutAnswer(1)),
        ("tear after-write 3", Tear(3)),
        ("reset-by-other", ResetByOther()),
        ("  mute   for 3600\ts ", Mute(3_600_000)),
    ],
)
def test_a_verb_is_read_and_written_the_same(text: str, verb: Verb) -> None:
    assert parse_verb(text) == verb
    assert parse_verb(str(verb)) == verb


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, '"eject" or'),
        ("explode", 1, '"eject" or'),
        ("Eject", 1, '"eject" or'),
        ('"eject"', 1, '"eject" or'),
        ("eject now", 7, "nothing more"),
        ("swap", 5, "name"),
        ('swap ""', 6, "name"),
        ('swap "a', 6, "name"),
        ("swap a b", 8, "nothing more"),
        ("insert \x1b[2J", 8, "name"),
        ("mute", 5, '"for"'),
        ("mute for", 9, "seconds"),
        ("mute for 0 s", 10, "seconds"),
        ("mute for -1 s", 10, "seconds"),
        ("mute for 3601 s", 10, "seconds"),
        ("mute for 1.0005 s", 10, "seconds"),
        ("mute for 1e3 s", 10, "seconds"),
        ("mute for ３ s", 10, "seconds"),
        ("mute for 3", 11, '"s"'),
        ("mute for 3 minutes", 12, '"s"'),
        ("cut answer after 65539 bytes", 18, "whole number"),
        ("cut answer after -1 bytes", 18, "whole number"),
        ("cut answer after 3 words", 20, '"bytes"'),
        ("tear after write 3", 6, '"after-write"'),
        ("tear after-write x", 18, "whole number"),
        ("tear after-write 1000001", 18, "whole number"),
    ],
)
def test_what_is_no_verb_is_refused_with_its_column_and_what_was_expected(
    text: str, column: int, expected: str
) -> None:
    with pytest.raises(VerbError) as refused:
        parse_verb(text)

    assert refused.value.column == column
    assert expected in refused.value.expected


@given(st.text(max_size=80) | st.text(string.ascii_lowercase + string.digits + ' "-.', max_size=60))
def test_any_text_is_a_verb_or_an_error_with_a_column(text: str) -> None:
    try:
        verb = parse_verb(text)
    except VerbError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse_verb(str(verb)) == verb


# A card in this process ---------------------------------------------------------------------------------


def new_faulty(store: RamStore | None = None) -> FaultyCard:
    return FaultyCard(store or RamStore(card_image(PROFILE, OPENING)), partial(chip_on, profile_name=PROFILE))


class Bench:
    """Two cards and one slot in this process."""

    def __init__(self) -> None:
        self.cards = {"one": new_faulty(), "two": new_faulty()}
        self.slot = LoopbackSlot()
        self.control = Control(self.slot, self.cards.get, "one", self.slot.reset_by_other)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.control.obey(parse_verb(text))

    def standing(self) -> Standing:
        return self.control.standing


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.say("insert")
    return made


def test_a_card_comes_goes_and_is_swapped_and_keeps_what_it_holds(bench: Bench) -> None:
    first = bench.slot.open()
    first.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{WRONG}")))

    bench.say("swap two")
    tries_of_second = bench.slot.open().transmit(QUERY_TRIES).sw
    bench.say("eject")
    empty = bench.standing()
    bench.say("insert one")

    assert tries_of_second == 0x63C3
    assert empty == Standing("two", is_in=False)
    assert bench.slot.open().transmit(QUERY_TRIES).sw == 0x63C2
    assert bench.standing() == Standing("one", is_in=True)


@pytest.mark.parametrize(
    ("before", "verb", "obstacle"),
    [
        ("", "insert", Obstacle.CARD_IS_IN),
        ("", "swap three", Obstacle.NO_SUCH_CARD),
        ("eject", "eject", Obstacle.NO_CARD),
        ("eject", "swap two", Obstacle.NO_CARD),
        ("eject", "mute for 1 s", Obstacle.NO_CARD),
        ("eject", "tear after-write 0", Obstacle.NO_CARD),
        ("eject", "reset-by-other", Obstacle.NO_CARD),
        ("eject", "insert three", Obstacle.NO_SUCH_CARD),
    ],
)
def test_a_verb_that_does_not_fit_is_refused_and_changes_nothing(
    bench: Bench, before: str, verb: str, obstacle: Obstacle
) -> None:
    if before:
        bench.say(before)
    standing = bench.standing()

    with pytest.raises(CannotObey) as refused:
        bench.say(verb)

    assert refused.value.obstacle is obstacle
    assert bench.standing() == standing


def test_without_another_program_nobody_resets() -> None:
    slot = LoopbackSlot()
    control = Control(slot, {"one": new_faulty()}.get, "one")
    control.obey(Insert())

    with pytest.raises(CannotObey) as refused:
        control.obey(ResetByOther())

    assert refused.value.obstacle is Obstacle.NO_OTHER


def test_a_pulled_card_breaks_its_link_and_is_a_stranger_when_it_comes_back(bench: Bench) -> None:
    link = bench.slot.open()
    link.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{PIN}")))

    bench.say("eject")

    with pytest.raises(LinkError) as broken:
        link.transmit(QUERY_TRIES)
    with pytest.raises(NotSent):
        link.transmit(QUERY_TRIES)
    with pytest.raises(NoCard):
        bench.slot.open()
    assert broken.value.reason is LinkReason.CARD_REMOVED
    bench.say("insert")
    change = bench.slot.open().transmit(CommandApdu.parse(bytes.fromhex("B026000104")))
    assert not change.sw.is_success


def test_a_reset_by_another_program_is_told_at_the_next_command(bench: Bench) -> None:
    link = bench.slot.open()

    bench.say("reset-by-other")

    with pytest.raises(LinkError) as broken:
        link.transmit(QUERY_TRIES)
    assert broken.value.reason is LinkReason.CARD_RESET
    assert bench.slot.open().transmit(QUERY_TRIES).sw == 0x63C3


def test_a_mute_card_obeys_and_answers_late(bench: Bench) -> None:
    link = bench.slot.open()
    bench.say("mute for 0.15 s")
    asked_at = time.monotonic()

    answer = link.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{WRONG}")))

    assert time.monotonic() - asked_at >= 0.1
    assert answer.sw == 0x63C2
    assert bench.standing().ordered == ()


def test_a_mute_card_that_is_pulled_has_obeyed_and_never_answers(bench: Bench) -> None:
    link = bench.slot.open()
    bench.say("mute for 60 s")
    threading.Timer(0.05, bench.say, ["eject"]).start()
    asked_at = time.monotonic()

    with pytest.raises(LinkError) as broken:
        link.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{WRONG}")))

    assert time.monotonic() - asked_at < 5
    assert broken.value.reason is LinkReason.EMPTY_ANSWER
    bench.say("insert")
    assert bench.slot.open().transmit(QUERY_TRIES).sw == 0x63C2


@pytest.mark.parametrize(
    ("arrived", "reason"), [(0, LinkReason.EMPTY_ANSWER), (1, LinkReason.CUT_ANSWER), (2, None), (9, None)]
)
def test_a_cut_answer_arrives_in_part_and_the_card_is_out(
    bench: Bench, arrived: int, reason: LinkReason | None
) -> None:
    link = bench.slot.open()
    challenge = CommandApdu.parse(bytes.fromhex("0084000008"))
    bench.say(f"cut answer after {arrived} bytes")

    try:
        answer = link.transmit(challenge).build()
    except LinkError as error:
        assert error.reason is reason
    else:
        assert len(answer) == arrived
    assert not bench.slot.is_filled
    assert bench.standing().ordered == ()


def test_what_is_ordered_is_told_and_forgotten_with_the_card(bench: Bench) -> None:
    bench.say("cut answer after 7 bytes", "tear after-write 2", "mute for 60 s")
    ordered = bench.standing().ordered

    bench.say("eject", "insert")

    assert ordered[1:] == (CutAnswer(7), Tear(2))
    assert isinstance(ordered[0], Mute)
    assert 0 < ordered[0].duration_ms <= 60_000
    assert bench.standing().ordered == ()


def test_a_watcher_hears_a_card_come_and_go(bench: Bench) -> None:
    threading.Timer(0.05, bench.say, ["eject"]).start()

    assert bench.slot.wait_for_card(0)
    assert bench.slot.wait_for_removal(SEEN_WITHIN_S)
    assert not bench.slot.wait_for_card(0.01)


def test_a_listener_hears_what_went_out_of_the_card(bench: Bench) -> None:
    heard: list[tuple[str, str | None]] = []

    class Ear:
        def powered(self, atr: bytes, *, is_reset: bool) -> None:
            heard.append(("reset" if is_reset else "on", atr.hex()[:2]))

        def answered(self, command: bytes, answer: bytes | None) -> None:
            heard.append((command.hex(), None if answer is None else answer.hex()))

    card = bench.cards["two"]
    overheard = Overheard(card, Ear())
    overheard.power_on()
    overheard.respond(bytes.fromhex("0020000000"))
    overheard.reset()
    card.order(CutAnswer(1))
    with pytest.raises(TakenOut):
        overheard.respond(bytes.fromhex("0020000000"))
    card.order(CutAnswer(0))
    with pytest.raises(TakenOut):
        overheard.respond(bytes.fromhex("0020000000"))

    assert heard == [
        ("on", "3b"),
        ("0020000000", "63c3"),
        ("reset", "3b"),
        ("0020000000", "63"),
        ("0020000000", None),
    ]


# Tears and the card's law -------------------------------------------------------------------------------


def looked_at(store: RamStore) -> oracle.State:
    return look_at_card(store.read_all(), PROFILE, (PIN, WRONG))


def torn_debit(writes: int) -> tuple[RamStore, str | None, tuple[oracle.State, list[oracle.State]]]:
    """A purchase torn after so many writes: the memory, the answer if one came, the states it may be in."""
    store = RamStore(card_image(PROFILE, OPENING))
    card = new_faulty(store)
    before = looked_at(RamStore(store.read_all()))
    end = Counterpart(card, PROFILE)  # type: ignore[arg-type]  # it needs no more of a chip than `respond`
    end.verify(PIN)
    end.fetch(DF04)
    command = end.debit_command(end.initialize_purchase(SPENT), SPENT, TIME)
    card.order(Tear(writes))
    try:
        answer = end.fetch(command)
    except TakenOut:
        with pytest.raises(TakenOut):
            end.ask("0020000000")
        card.power_off()
        card.power_on()
        answer = None
    path, _ = oracle.purchase(before, SPENT, end.terminal, TIME, answer[:16] if answer else "")
    return store, answer, (before, path)


def test_wherever_a_debit_is_torn_the_card_keeps_the_law() -> None:
    balances = []
    for writes in range(20):
        store, answer, (before, _) = torn_debit(writes)
        after = looked_at(store)
        balances.append(after["balance"])
        assert after["balance"] in (before["balance"], before["balance"] - SPENT[0])
        assert oracle.keeps_the_law(OPENING, after)
        assert after["purchases"] == (0 if after["balance"] == before["balance"] else 1)
        if answer is not None:
            break

    assert answer is not None, "the debit has more writes than were tried"
    assert balances[0] == OPENING
    assert balances[-1] == OPENING - SPENT[0]
    assert balances == sorted(balances, reverse=True), "once it counts it counts at every later write"
    assert len(balances) > 3


def test_no_torn_guess_is_free_once_it_was_compared() -> None:
    tries = []
    for writes in range(10):
        card = new_faulty()
        card.order(Tear(writes))
        try:
            card.respond(bytes.fromhex(f"0020000003{WRONG}"))
        except TakenOut:
            card.power_on()
        else:
            break
        tries.append(card.respond(bytes.fromhex("0020000000")).hex())

    assert set(tries) <= {"63c3", "63c2"}
    assert tries == sorted(tries, reverse=True)
    assert card.respond(bytes.fromhex("0020000000")).hex() == "63c2"


def test_a_torn_card_is_whole_again_after_any_number_of_tears_at_power_on() -> None:
    store, _, _ = torn_debit(1)
    card = new_faulty(store)

    for _ in range(3):
        card.power_off()
        card.power_on()

    assert oracle.keeps_the_law(OPENING, looked_at(store))


def test_a_card_torn_for_good_is_not_sealed_and_recovers_when_next_used() -> None:
    store = RamStore(card_image(PROFILE, OPENING))
    card = new_faulty(store)
    card.order(Tear(1))
    with pytest.raises(TakenOut):
        card.respond(bytes.fromhex(f"0020000003{WRONG}"))

    card.close()

    assert new_faulty(store).respond(bytes.fromhex("0020000000")).hex() == "63c2"


# Over pcscd ---------------------------------------------------------------------------------------------


@pytest.fixture
def over_pcscd(pcscd: PrivatePcscd, slot: Slot) -> Iterator[tuple[Control, VpcdSlot]]:
    """One of two cards in a virtual reader."""
    cards = {"one": new_faulty(), "two": new_faulty()}
    place = VpcdSlot(lambda card: Vpicc(card, slot.port, open_socket=pcscd.open_socket), pause_s=0.3)
    control = Control(place, cards.get, "one", partial(reset_by_another_program, slot.reader))
    control.obey(Insert())
    assert pcsc.wait_for_card(slot.reader, SEEN_WITHIN_S)
    yield control, place
    control.close()


def reset_by_another_program(reader: str) -> None:
    other = pcsc.open_reader(reader)
    try:
        other.reset()  # type: ignore[attr-defined]
    finally:
        other.close()


@pytest.mark.vpcd
def test_over_pcscd_a_card_is_pulled_put_in_and_swapped(
    over_pcscd: tuple[Control, VpcdSlot], slot: Slot
) -> None:
    control, _ = over_pcscd
    card = pcsc.open_reader(slot.reader)
    card.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{WRONG}")))

    control.obey(Eject())
    went = pcsc.wait_for_removal(slot.reader, SEEN_WITHIN_S)
    with pytest.raises(LinkError):
        card.transmit(QUERY_TRIES)
    card.close()
    control.obey(Insert("two"))
    came = pcsc.wait_for_card(slot.reader, SEEN_WITHIN_S)
    again = pcsc.open_reader(slot.reader)

    assert went
    assert came
    assert again.transmit(QUERY_TRIES).sw == 0x63C3
    again.close()
    assert control.standing == Standing("two", is_in=True)


@pytest.mark.vpcd
def test_over_pcscd_a_mute_card_passes_the_deadline_and_a_pulled_one_ends_the_wait(
    over_pcscd: tuple[Control, VpcdSlot], slot: Slot
) -> None:
    control, _ = over_pcscd
    card = pcsc.open_reader(slot.reader, deadline_s=0.3)
    control.obey(Mute(30_000))

    with pytest.raises(LinkError) as late:
        card.transmit(QUERY_TRIES)
    control.obey(Eject())
    card.close()

    assert late.value.reason is LinkReason.DEADLINE_PASSED
    assert pcsc.wait_for_removal(slot.reader, SEEN_WITHIN_S)


@pytest.mark.vpcd
@pytest.mark.parametrize(("arrived", "reason"), [(0, LinkReason.EMPTY_ANSWER), (4, None)])
def test_over_pcscd_a_cut_answer_is_what_the_reader_makes_of_it(
    over_pcscd: tuple[Control, VpcdSlot], slot: Slot, arrived: int, reason: LinkReason | None
) -> None:
    control, _ = over_pcscd
    card = pcsc.open_reader(slot.reader)
    control.obey(CutAnswer(arrived))

    try:
        answer = card.transmit(CommandApdu.parse(bytes.fromhex("0084000008"))).build()
    except LinkError as error:
        assert error.reason is reason
    else:
        assert len(answer) == arrived
    card.close()
    assert pcsc.wait_for_removal(slot.reader, SEEN_WITHIN_S)
    assert not control.standing.is_in


@pytest.mark.vpcd
def test_over_pcscd_a_torn_card_is_out_and_comes_back_whole(
    over_pcscd: tuple[Control, VpcdSlot], slot: Slot
) -> None:
    control, _ = over_pcscd
    card = pcsc.open_reader(slot.reader)
    control.obey(Tear(1))
    with pytest.raises(LinkError):
        card.transmit(CommandApdu.parse(bytes.fromhex(f"0020000003{WRONG}")))
    card.close()
    assert pcsc.wait_for_removal(slot.reader, SEEN_WITHIN_S)

    control.obey(Insert())

    assert pcsc.wait_for_card(slot.reader, SEEN_WITHIN_S)
    again = pcsc.open_reader(slot.reader)
    assert again.transmit(QUERY_TRIES).sw == 0x63C2
    again.close()


@pytest.mark.vpcd
def test_over_pcscd_another_program_resets_the_card(over_pcscd: tuple[Control, VpcdSlot], slot: Slot) -> None:
    control, _ = over_pcscd
    card = pcsc.open_reader(slot.reader)

    control.obey(ResetByOther())

    with pytest.raises(LinkError) as broken:
        card.transmit(QUERY_TRIES)
    card.close()
    assert broken.value.reason is LinkReason.CARD_RESET
