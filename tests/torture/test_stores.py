"""The simulated medium: what survives, what tears, and that no fault is left out."""

from tests.torture.stores import (
    KINDS,
    LOST,
    Barrier,
    Event,
    Fate,
    Fault,
    Medium,
    PowerCut,
    Rest,
    Write,
    arrived,
    crashes,
    faults_at,
    settled,
)

A, B, C = Write(0, b"aaaa"), Write(4, b"bbbb"), Write(8, b"cccc")
BLANK = b"............"


def left_by(*events: Event) -> set[bytes]:
    return {raw for _, raw in crashes(BLANK, events, len(events))}


def test_a_barrier_makes_everything_before_it_durable() -> None:
    assert left_by(A, B, Barrier()) == {b"aaaabbbb...."}


def test_every_subset_of_the_unsynced_writes_may_survive() -> None:
    subsets = {b"aaaabbbb....", b"aaaa........", b"....bbbb....", b"............"}

    assert subsets <= left_by(A, B)


def test_a_torn_write_leaves_its_front_its_back_or_both_over_old_or_erased_bytes() -> None:
    torn = left_by(A)

    assert {b"a.......", b"aa......", b"aaa.....", b"..aa....", b".aaa....", b"a..a...."} <= {
        raw[:8] for raw in torn
    }
    assert {b"a\0\0\0", b"a\xff\xff\xff", b"\0\0\0\0"} <= {raw[:4] for raw in torn}


def test_one_byte_is_there_or_not() -> None:
    assert left_by(Write(0, b"x")) == {b"x...........", BLANK}


def test_every_kind_of_fault_is_tried() -> None:
    kinds = {fault.kind for fault, _ in crashes(BLANK, [A, B, C])}

    assert kinds == set(KINDS)


def test_swapped_means_a_later_write_is_there_and_an_earlier_one_not() -> None:
    kinds = {fault.fates: fault.kind for fault in faults_at(2, [A, B])}

    assert kinds[LOST, arrived(B)] == "swapped"
    assert kinds[arrived(A), LOST] == "lost"
    assert kinds[LOST, LOST] == "all unsynced lost"


def test_the_power_goes_at_the_event_it_was_told() -> None:
    medium = Medium(BLANK, cut=1)
    medium.write(0, b"aaaa")

    try:
        medium.barrier()
    except PowerCut:
        pass
    else:
        raise AssertionError("the power is still there")

    assert medium.after(Fault(1, "", (Fate(1, 0, Rest.ONES),))) == b"a\xff\xff\xff........"
    assert medium.all_unsynced_lost() == BLANK


def test_what_a_killed_process_wrote_is_seen_and_not_durable() -> None:
    durable, pending = settled(BLANK, [A, Barrier(), B])
    medium = Medium(durable, pending)

    assert medium.read_all() == b"aaaabbbb...."
    assert medium.all_unsynced_lost() == b"aaaa........"
    medium.barrier()
    assert medium.all_unsynced_lost() == b"aaaabbbb...."
