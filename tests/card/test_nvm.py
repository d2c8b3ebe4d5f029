"""Transactions over torn, lost and reordered writes, and images that are damaged."""

import contextlib
from collections.abc import Iterator

import pytest
from pytest_mock import MockerFixture

from sscard_terminal.card import image
from sscard_terminal.card.image import ImageError, JournalRecord, build_image
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import MemoryFailure, Nvm
from tests.torture.stores import Barrier, Medium, Write, crashes, settled

OBJECTS = {"a": b"x" * 100, "empty": b"", "c": b"0123456789"}


class PowerCut(BaseException):
    """The power went away; nothing above may catch it."""


class CutStore(RamStore):
    """Loses power at its n-th write, of which only `kept` bytes arrive."""

    def __init__(self, content: bytes, writes: int, kept: int) -> None:
        super().__init__(content)
        self._left = writes
        self._kept = kept

    def write(self, address: int, data: bytes) -> None:
        self._left -= 1
        if self._left < 0:
            super().write(address, data[: self._kept])
            raise PowerCut
        super().write(address, data)


class BrokenStore(RamStore):
    """A medium that refuses every write once it is told to."""

    broken = False

    def write(self, address: int, data: bytes) -> None:
        if self.broken:
            raise OSError("no room")
        super().write(address, data)


def opened(content: bytes) -> Nvm:
    return Nvm(RamStore(content))


def change(nvm: Nvm, letter: bytes) -> None:
    with nvm.transaction():
        nvm.write("a", letter * 100)
        nvm.write("c", letter * 10)


def test_a_new_image_holds_its_objects() -> None:
    nvm = opened(build_image(OBJECTS))

    assert {name: nvm.read(name) for name in nvm.names()} == OBJECTS


def test_what_was_committed_is_there_at_the_next_power_on() -> None:
    store = RamStore(build_image(OBJECTS))
    change(Nvm(store), b"n")

    again = opened(store.read_all())

    assert (again.read("a"), again.read("c")) == (b"n" * 100, b"n" * 10)


def test_an_exception_inside_a_transaction_changes_nothing() -> None:
    store = RamStore(build_image(OBJECTS))
    nvm = Nvm(store)

    with pytest.raises(KeyError), nvm.transaction():
        nvm.write("c", b"changed")
        raise KeyError

    assert nvm.read("c") == OBJECTS["c"]
    assert opened(store.read_all()).read("c") == OBJECTS["c"]


def test_after_a_failure_the_memory_takes_no_change_and_puts_no_seal_over_what_may_be_lost() -> None:
    """The record may count or not; only the next power-on can tell. What failed to sync may yet be read back."""
    store = BrokenStore(build_image(OBJECTS))
    nvm = Nvm(store)
    store.broken = True
    with pytest.raises(MemoryFailure):
        change(nvm, b"n")
    store.broken = False

    with pytest.raises(MemoryFailure, match=r"^the card's memory failed before$"):
        change(nvm, b"m")
    nvm.close()

    assert store.read_all()[image.SEAL_AT : image.SLOTS_AT] == image.OPEN_SEAL


def test_writes_outside_a_transaction_or_past_the_end_are_our_mistake() -> None:
    nvm = opened(build_image(OBJECTS))

    with pytest.raises(ValueError, match=r"^write to c outside a transaction or past its end$"):
        nvm.write("c", b"1")
    with pytest.raises(ValueError, match=r"^write to c outside .* past its end$"), nvm.transaction():
        nvm.write("c", b"1", 10)
    with (
        pytest.raises(ValueError, match=r"^a transaction is open already$"),
        nvm.transaction(),
        nvm.transaction(),
    ):
        pass


def test_a_refusing_medium_is_a_memory_failure_and_undoes_the_change() -> None:
    store = BrokenStore(build_image(OBJECTS))
    nvm = Nvm(store)
    store.broken = True

    with pytest.raises(MemoryFailure, match=r"^the card's memory could not be written$"):
        change(nvm, b"n")

    assert nvm.read("a") == OBJECTS["a"]


def cuts() -> Iterator[tuple[int, int]]:
    for write in range(6):
        for kept in (0, 1, 30, 63, 64, 127, 10_000):
            yield write, kept


@pytest.mark.parametrize(("write", "kept"), list(cuts()))
def test_a_cut_at_any_write_leaves_all_of_the_change_or_none(write: int, kept: int) -> None:
    before = RamStore(build_image(OBJECTS))
    change(Nvm(before), b"o")
    store = CutStore(before.read_all(), write, kept)

    with contextlib.suppress(PowerCut):
        change(Nvm(store), b"n")
    again = opened(store.read_all())

    assert (again.read("a"), again.read("c")) in ((b"o" * 100, b"o" * 10), (b"n" * 100, b"n" * 10))


def test_a_commit_counts_as_soon_as_its_journal_record_is_whole() -> None:
    store = CutStore(
        build_image(OBJECTS), writes=2, kept=0
    )  # unseal, journal record; then the pages are lost

    with pytest.raises(PowerCut):
        change(Nvm(store), b"n")

    assert opened(store.read_all()).read("a") == b"n" * 100


def test_a_killed_process_and_then_a_power_cut_lose_no_record_behind_its_pages() -> None:
    """The record stood in the page cache alone; its page was written at power-on and outlived it."""
    store = Medium(build_image(OBJECTS))
    change(Nvm(store), b"n")
    record_written = store.events.index(Barrier(), 2)
    durable, pending = settled(store.content, store.events[:record_written])
    after_kill = Medium(durable, pending)

    assert Nvm(after_kill).read("c") == b"n" * 10
    for _, raw in crashes(after_kill.content, after_kill.events, after_kill.carried):
        assert opened(raw).read("c") in (b"n" * 10, OBJECTS["c"])


@pytest.mark.parametrize("lacking", [slice(0, 1), slice(0, 8), slice(15, 16), slice(71, 72)])
def test_a_torn_record_is_wiped_mark_first_so_that_no_later_write_can_complete_it(lacking: slice) -> None:
    """One that lacked its first byte waited for the next record; torn after that byte, it made the old one count."""
    store = Medium(build_image(OBJECTS))
    nvm = Nvm(store)
    with nvm.transaction():
        nvm.write("c", b"n" * 10)
    slot_at = image.SLOTS_AT + image.SLOT_SIZE
    torn = bytearray(Medium(build_image(OBJECTS), store.events[:2]).read_all())
    torn[slot_at : slot_at + 72] = store.events[2].data  # type: ignore[union-attr]
    torn[slot_at + lacking.start : slot_at + lacking.stop] = bytes(lacking.stop - lacking.start)

    after = Medium(bytes(torn))
    assert Nvm(after).read("c") == OBJECTS["c"]

    assert after.events == [
        Write(slot_at, bytes(2)),
        Barrier(),
        Write(slot_at, bytes(image.SLOT_SIZE)),
        Barrier(),
    ]


def test_a_closed_image_notices_every_flipped_bit() -> None:
    sealed = build_image(OBJECTS)
    unnoticed = []

    for position in range(0, len(sealed), 7):
        for bit in (0, 7):
            flipped = bytearray(sealed)
            flipped[position] ^= 1 << bit
            try:
                Nvm(RamStore(bytes(flipped)), writable=False)
                unnoticed.append((position, bit))
            except ImageError:
                pass

    assert unnoticed == []


def test_closing_seals_what_the_session_changed() -> None:
    store = RamStore(build_image(OBJECTS))
    nvm = Nvm(store)
    change(nvm, b"n")
    nvm.close()

    assert Nvm(RamStore(store.read_all()), writable=False).read("c") == b"n" * 10
    damaged = bytearray(store.read_all())
    damaged[-40] ^= 1
    with pytest.raises(ImageError, match="damaged"):
        opened(bytes(damaged))


def test_a_seal_torn_at_power_on_is_wiped_and_cannot_be_completed_by_the_next_one() -> None:
    """Its rest was left standing once; a closing seal torn after its first byte then made the old one whole."""
    sealed = bytearray(build_image(OBJECTS))
    sealed[image.SEAL_AT] = 0
    store = RamStore(bytes(sealed))

    Nvm(store)

    assert store.read_all()[image.SEAL_AT : image.SLOTS_AT] == image.OPEN_SEAL


@pytest.mark.parametrize("last_byte", range(256))
def test_a_closing_seal_torn_before_its_last_byte_is_no_damage_whatever_stands_there(last_byte: int) -> None:
    """One bit off a whole seal means damage; an erased cell read so by chance must not."""
    medium = Medium(build_image(OBJECTS))
    Nvm(medium).close()
    first = medium.events.index(Barrier(), 3)
    durable, (seal,) = settled(medium.content, medium.events[:first])

    torn = bytearray(durable)
    torn[seal.address : seal.address + len(seal.data)] = seal.data[:-1] + bytes((last_byte,))

    assert opened(bytes(torn)).read("c") == OBJECTS["c"]


def test_a_damaged_page_of_an_image_in_use_is_named() -> None:
    store = RamStore(build_image(OBJECTS))
    Nvm(store)
    damaged = bytearray(store.read_all())
    damaged[-40] ^= 1

    with pytest.raises(ImageError, match=r"^it is damaged in page 3$"):
        opened(bytes(damaged))


def test_a_lost_journal_record_behind_newer_pages_is_damage_not_a_tear() -> None:
    store = RamStore(build_image(OBJECTS))
    change(Nvm(store), b"n")
    damaged = bytearray(store.read_all())
    damaged[image.SLOTS_AT + image.SLOT_SIZE + 20] ^= 1

    with pytest.raises(ImageError, match=r"^it is damaged in its journal$"):
        opened(bytes(damaged))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "^it is no card image$"),
        (b"%PDF-1.7" + bytes(200), "^it is no card image$"),
        (build_image(OBJECTS)[:100], "^it is cut short inside its header$"),
        (build_image(OBJECTS)[:-1], "its header says"),
        (
            build_image(OBJECTS)[:8] + b"\x00\x02" + build_image(OBJECTS)[10:],
            "^it has image format 2; this program reads format 1$",
        ),
        (build_image(OBJECTS)[:12] + b"\xff" + build_image(OBJECTS)[13:], "^its header is damaged$"),
    ],
    ids=["empty", "other-file", "cut-in-header", "cut-at-end", "newer-format", "flipped-header"],
)
def test_what_is_no_whole_image_is_named(content: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        opened(content)


def test_an_image_opened_for_reading_only_is_not_changed() -> None:
    store = RamStore(build_image(OBJECTS))

    Nvm(store, writable=False)

    assert store.read_all() == build_image(OBJECTS)


def test_more_pages_than_a_journal_slot_holds_are_our_mistake() -> None:
    nvm = opened(build_image({"big": bytes(image.PAYLOAD * (image.MAX_PAGES_A_COMMIT + 1))}))

    with pytest.raises(ValueError, match=r"^69 pages do not fit one commit$"), nvm.transaction():
        nvm.write("big", b"\x01" * nvm.length("big"))


def test_as_many_pages_as_a_journal_slot_holds_are_one_commit() -> None:
    length = image.PAYLOAD * image.MAX_PAGES_A_COMMIT
    store = RamStore(build_image({"big": bytes(length)}))
    nvm = Nvm(store)

    with nvm.transaction():
        nvm.write("big", b"\x01" * length)

    assert opened(store.read_all()).read("big") == b"\x01" * length


@pytest.mark.parametrize("name", ["a", "middle", "z"])
def test_a_rolled_back_change_leaves_every_other_object_where_it_was(name: str) -> None:
    objects = {"a": b"a" * 100, "middle": b"m" * 113, "z": b"z" * 56}
    store = RamStore(build_image(objects))
    nvm = Nvm(store)

    with pytest.raises(KeyError), nvm.transaction():
        nvm.write(name, b"change", 50)
        nvm.write("middle", b"x" * 113)
        raise KeyError

    assert {name: nvm.read(name) for name in nvm.names()} == objects
    with nvm.transaction():
        nvm.write("z", b"Z" * 56)
    assert opened(store.read_all()).read("z") == b"Z" * 56
    assert opened(store.read_all()).read("middle") == objects["middle"]


def test_a_commit_holds_the_changed_pages_and_no_others() -> None:
    store = Medium(build_image({"a": b"a" * 112, "b": b"b" * 56}))
    nvm = Nvm(store)
    began = len(store.events)

    with nvm.transaction():
        nvm.write("a", b"a" * 55 + b"x" + b"a" * 56)
        nvm.write("b", b"b")
        nvm.write("b", b"", 56)

    record = JournalRecord(1, {1: b"a" * 55 + b"x"}).build()
    assert store.events[began:] == [
        Write(image.SLOTS_AT + image.SLOT_SIZE, record),
        Barrier(),
        Write(image.PAGES_AT + image.PAGE, image.build_page(1, b"a" * 55 + b"x", 1)),
    ]


def test_closing_syncs_seals_and_lets_go_in_this_order(mocker: MockerFixture) -> None:
    store = Medium(build_image(OBJECTS))
    nvm = Nvm(store)
    began = len(store.events)
    let_go = mocker.spy(store, "close")

    nvm.close()

    seal = image.seal_of(store.content[image.SLOTS_AT :])
    assert store.events[began:] == [
        Barrier(),
        Write(image.SEAL_AT, seal[:63]),
        Barrier(),
        Write(image.SEAL_AT + 63, seal[63:]),
        Barrier(),
    ]
    let_go.assert_called_once_with()


def test_a_failed_memory_lets_its_medium_go_too(mocker: MockerFixture) -> None:
    store = BrokenStore(build_image(OBJECTS))
    nvm = Nvm(store)
    store.broken = True
    with pytest.raises(MemoryFailure):
        change(nvm, b"n")
    let_go = mocker.spy(store, "close")

    nvm.close()

    let_go.assert_called_once_with()
