"""The file behind a card: created whole, locked, changed in place, synced once a commit."""

import errno
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from sscard_terminal.card.image import build_image
from sscard_terminal.card.memory import FileStore, ImageInUse, RamStore, create_whole
from sscard_terminal.card.nvm import Nvm

CONTENT = build_image({"a": bytes(100)})


class CountingStore(FileStore):
    barriers = 0

    def barrier(self) -> None:
        self.barriers += 1
        super().barrier()


def test_a_new_image_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "card.img"

    create_whole(path, CONTENT)

    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"something of somebody's")

    with pytest.raises(FileExistsError):
        create_whole(path, CONTENT)

    assert path.read_bytes() == b"something of somebody's"
    assert list(tmp_path.iterdir()) == [path]


def test_one_process_has_an_image_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    create_whole(path, CONTENT)
    first = FileStore(path)

    with pytest.raises(ImageInUse):
        FileStore(path)
    first.close()

    FileStore(path).close()


def test_a_commit_costs_one_barrier(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    create_whole(path, CONTENT)
    store = CountingStore(path)
    nvm = Nvm(store)
    store.barriers = 0

    with nvm.transaction():
        nvm.write("a", b"1" * 100)

    assert store.barriers == 1
    nvm.close()
    assert Nvm(FileStore(path)).read("a") == b"1" * 100


def test_a_transaction_that_changes_nothing_costs_no_barrier(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    create_whole(path, CONTENT)
    store = CountingStore(path)
    nvm = Nvm(store)
    store.barriers = 0

    with nvm.transaction():
        nvm.write("a", bytes(100))

    assert store.barriers == 0


def test_a_store_in_ram_keeps_what_it_was_given_and_hands_out_copies() -> None:
    content = bytearray(b"0123456789")
    store = RamStore(content)

    store.write(3, b"xyz")
    store.barrier()
    store.close()

    assert store.read_all() == b"012xyz6789"
    assert content == b"0123456789"


def test_a_file_is_changed_where_it_was_written_and_stays_as_long(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"0123456789")
    store = FileStore(path)

    store.write(3, b"xyz")
    store.write(9, b"!")
    store.barrier()

    assert store.read_all() == path.read_bytes() == b"012xyz678!"
    store.close()


def test_a_file_that_takes_only_a_part_of_a_write_has_failed(tmp_path: Path, mocker: MockerFixture) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(bytes(100))
    store = FileStore(path)
    mocker.patch("os.pwrite", return_value=2)

    with pytest.raises(OSError, match=r"^the image file took only a part of a write$"):
        store.write(0, b"123")
    store.close()


def test_a_barrier_syncs_the_file(tmp_path: Path, mocker: MockerFixture) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(bytes(100))
    store = FileStore(path)
    sync = mocker.patch("os.fdatasync")

    store.barrier()

    (descriptor,) = sync.call_args.args
    assert os.fstat(descriptor).st_ino == path.stat().st_ino
    store.close()


def test_readers_share_an_image_and_keep_a_writer_out(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"content")
    first, second = FileStore(path, writable=False), FileStore(path, writable=False)

    with pytest.raises(ImageInUse):
        FileStore(path)
    with pytest.raises(OSError):
        first.write(0, b"x")
    assert first.read_all() == second.read_all() == b"content"
    first.close()
    second.close()

    FileStore(path).close()


def test_a_writer_keeps_readers_out_and_says_which_file_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"content")
    store = FileStore(path)
    open_before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(ImageInUse) as refused:
        FileStore(path, writable=False)

    assert (refused.value.errno, refused.value.filename) == (errno.EWOULDBLOCK, str(path))
    assert refused.value.strerror == "another process has this image"
    assert len(os.listdir("/proc/self/fd")) == open_before
    store.close()
    assert len(os.listdir("/proc/self/fd")) == open_before - 1


def test_a_new_image_is_synced_before_it_gets_its_name_and_its_folder_after(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    path = tmp_path / "card.img"
    synced: list[tuple[int, bool]] = []

    def sync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, path.exists()))
        assert len(synced) > 1 or os.fstat(descriptor).st_size == len(CONTENT)

    mocker.patch("os.fsync", side_effect=sync)
    open_before = len(os.listdir("/proc/self/fd"))

    create_whole(path, CONTENT)

    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_draft_that_cannot_be_linked_is_taken_away(tmp_path: Path) -> None:
    def refusing(draft: Path, path: Path) -> None:
        assert draft.name == f".card.img.{os.getpid()}.new"
        assert draft.read_bytes() == CONTENT
        assert draft.stat().st_mode & 0o777 == 0o600
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        create_whole(tmp_path / "card.img", CONTENT, link=refusing)

    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_cannot_even_be_begun_says_why(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch("builtins.open", side_effect=PermissionError("no rights"))

    with pytest.raises(PermissionError, match=r"^no rights$"):
        create_whole(tmp_path / "card.img", CONTENT)
