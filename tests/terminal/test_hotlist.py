"""The hotlist: both kinds of record, a signature over all of it, and nothing believed of a file that is not whole."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.signatures import public_key_of, signature_of
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.counting import Counting, counting
from sscard_terminal.terminal.hotlist import (
    Hotlist,
    HotlistFault,
    HotlistTrouble,
    install_hotlist,
    read_hotlist,
)
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from tests.terminal.doubles import Desk, pattern

SEED = bytes(range(32))
KEY = public_key_of(SEED)
ISSUED = datetime(2026, 1, 5, 8, 0, 0)
HEAD = f"sscard-hotlist 1\nversion 17\nissued {ISSUED.isoformat()}\n"
CARD = "370900D15600000500000002B6233D35", "D2143569X"


def signed(body: str, seed: bytes = SEED) -> bytes:
    return f"{body}signature {signature_of(body.encode(), seed).hex()}\n".encode()


def listing(*entries: str, head: str = HEAD) -> bytes:
    return signed(head + "".join(f"{entry}\n" for entry in entries))


def read(folder: Path, raw: bytes) -> Hotlist:
    file = folder / "hotlist"
    file.write_bytes(raw)
    return read_hotlist(file, KEY)


def fault_of(folder: Path, raw: bytes) -> HotlistFault:
    with pytest.raises(HotlistTrouble) as trouble:
        read(folder, raw)
    return trouble.value.fault


def test_a_card_is_on_the_list_by_identification_code_and_number_together(tmp_path: Path) -> None:
    hotlist = read(tmp_path, listing(f"card {CARD[0]} {CARD[1]}"))

    assert (hotlist.version, hotlist.issued) == (17, ISSUED)
    assert hotlist.holds(*CARD)
    assert not hotlist.holds(CARD[0], "B00000131")
    assert not hotlist.holds("0" * 32, CARD[1])


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        ("D21434999", False),
        ("D21435003", True),
        ("D2143569X", True),
        ("D21435995", True),
        ("D21436007", False),
        ("E0000000X", True),
        ("E1500000X", True),
        ("E2000000X", True),
        ("E2000001X", False),
        ("00000000X", False),
        ("D214", False),
        ("", False),
    ],
)
def test_a_range_takes_in_both_its_ends(number: str, refused: bool, tmp_path: Path) -> None:
    hotlist = read(
        tmp_path,
        listing("range E1000000 E2000000", "range D2143500 D2143599", "range E0000000 E1000000"),
    )

    assert hotlist.holds("0" * 32, number) is refused


def test_a_wide_range_is_not_hidden_by_a_narrow_one_that_starts_later(tmp_path: Path) -> None:
    hotlist = read(tmp_path, listing("range D0000000 D9999999", "range D1000000 D1000001"))

    assert hotlist.holds(*CARD)


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert not read(tmp_path, listing()).holds(*CARD)


@pytest.mark.parametrize("position", range(len(listing(f"card {CARD[0]} {CARD[1]}"))))
def test_a_list_with_any_byte_changed_is_refused_whole(position: int, tmp_path: Path) -> None:
    raw = bytearray(listing(f"card {CARD[0]} {CARD[1]}"))
    raw[position] ^= 0x01

    assert fault_of(tmp_path, bytes(raw)) in (
        HotlistFault.NOT_A_HOTLIST,
        HotlistFault.NOT_SIGNED,
        HotlistFault.SIGNATURE_WRONG,
    )


@pytest.mark.parametrize("length", range(0, len(listing()), 7))
def test_a_list_cut_short_anywhere_is_refused(length: int, tmp_path: Path) -> None:
    assert fault_of(tmp_path, listing()[:length]) in (HotlistFault.NOT_A_HOTLIST, HotlistFault.NOT_SIGNED)


def test_a_list_signed_by_somebody_else_is_refused(tmp_path: Path) -> None:
    assert fault_of(tmp_path, signed(HEAD, bytes(32))) is HotlistFault.SIGNATURE_WRONG


def test_entries_behind_the_signature_are_refused(tmp_path: Path) -> None:
    raw = listing() + f"card {CARD[0]} {CARD[1]}\n".encode()

    assert fault_of(tmp_path, raw) is HotlistFault.NOT_SIGNED


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("sscard-hotlist 1\n", 2),
        ("sscard-hotlist 1\nversion x\n", 2),
        ("sscard-hotlist 1\nversion 1\nissued yesterday\n", 3),
        ("sscard-hotlist 1\nversion 1\nissued 2026-13-05T08:00:00\n", 3),
        (HEAD + "card D2143569X\n", 4),
        (HEAD + "range D2143599 D2143500\n", 4),
        (HEAD + "range D2143500 D2143599\n\n", 5),
        (HEAD + "person 张三\n", 4),
    ],
)
def test_a_signed_line_that_cannot_be_understood_refuses_the_list_and_is_named(
    body: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(HotlistTrouble) as trouble:
        read(tmp_path, signed(body))

    assert (trouble.value.fault, trouble.value.line) == (HotlistFault.MALFORMED, line)


@pytest.mark.parametrize(
    ("now", "current"),
    [
        (ISSUED, True),
        (ISSUED + timedelta(days=3), True),
        (ISSUED + timedelta(days=3, seconds=1), False),
        (ISSUED - timedelta(days=1), True),
        (ISSUED - timedelta(days=1, seconds=1), False),
    ],
)
def test_a_list_is_current_up_to_its_age_and_not_before_its_time(now: datetime, current: bool) -> None:
    assert Hotlist(1, ISSUED, frozenset(), ()).is_current(now, timedelta(days=3)) is current


def test_only_a_newer_list_takes_the_place_of_the_one_in_use(tmp_path: Path) -> None:
    in_use, update = tmp_path / "in-use", tmp_path / "update"
    update.write_bytes(listing(f"card {CARD[0]} {CARD[1]}"))
    install_hotlist(update, in_use, KEY)
    update.write_bytes(listing())

    with pytest.raises(HotlistTrouble) as trouble:
        install_hotlist(update, in_use, KEY)

    assert trouble.value.fault is HotlistFault.NOT_NEWER
    assert read_hotlist(in_use, KEY).holds(*CARD)


def test_a_newer_list_takes_entries_off_and_a_damaged_one_makes_room_for_any(tmp_path: Path) -> None:
    in_use, update = tmp_path / "in-use", tmp_path / "update"
    in_use.write_bytes(b"half a li")
    update.write_bytes(listing(head=HEAD.replace("17", "18")))

    assert install_hotlist(update, in_use, KEY).version == 18
    assert in_use.read_bytes() == update.read_bytes()


def test_an_unsigned_update_leaves_the_list_in_use_as_it_is(tmp_path: Path) -> None:
    in_use, update = tmp_path / "in-use", tmp_path / "update"
    in_use.write_bytes(listing())
    update.write_bytes(HEAD.replace("17", "18").encode())

    with pytest.raises(HotlistTrouble):
        install_hotlist(update, in_use, KEY)

    assert in_use.read_bytes() == listing()
    assert not in_use.with_name("in-use.new").exists()


@pytest.mark.parametrize("kind", ["card", "range"])
def test_a_card_on_the_hotlist_is_declined_when_its_number_is_read_and_asked_nothing_more(
    kind: str, tmp_path: Path
) -> None:
    desk = Desk.at(tmp_path)
    known = desk.identified(pin=None)
    cards = {(known.identification, known.number)} if kind == "card" else set()
    ranges = () if kind == "card" else ((known.number[:8], known.number[:8]),)
    policy = Policy(hotlist=Hotlist(1, ISSUED, frozenset(cards), ranges))
    links: list[Counting] = []

    def counted(inner: Connection) -> Connection:
        links.append(counting(inner))
        return links[-1]

    declined = identify(desk.insert(counted), desk.psam, policy, desk.clock, pattern)

    assert declined == Declined(Reason.CARD_ON_HOTLIST)
    assert links[0].counts.apdus <= 3


def test_a_card_beside_the_hotlist_is_served(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    policy = Policy(hotlist=Hotlist(1, ISSUED, frozenset({CARD}), (("B0000000", "B9999999"),)))

    assert isinstance(identify(desk.insert(), desk.psam, policy, desk.clock, pattern), IdentifiedCard)


def test_a_hotlist_tells_no_card_in_its_repr() -> None:
    policy = Policy(hotlist=Hotlist(1, ISSUED, frozenset({CARD}), ()))

    assert CARD[1] not in repr(policy)
