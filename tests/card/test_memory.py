"""The file behind a card: created whole, locked, changed in place, synced once a commit."""

from pathlib import Path

import pytest

from sscard_terminal.card.image import build_image
from sscard_terminal.card.memory import FileStore, ImageInUse, create_whole
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
