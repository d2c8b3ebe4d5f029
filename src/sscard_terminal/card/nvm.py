"""Non-volatile memory with transactions: all of a change or none of it, whenever the power goes.

Not here: the layout of the bytes (image) and the medium (memory).

A commit writes one journal record into the slot of its sequence number and waits for one barrier; from then on it
counts. Only then are the pages written in place, without waiting: the next commit uses the other slot, and its barrier
makes these pages durable before this slot is used again. Power-up waits for a barrier, since a record may so far stand
in a page cache only and no page may outlive its record; it replays the whole records, oldest first, and waits again.

Source: reliability.md, "Card memory"; docs/decisions/0003.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import image
from .image import PAGE, PAYLOAD, Header, ImageError, JournalRecord
from .memory import ByteStore


class MemoryFailure(Exception):
    """The medium refused a write. Whether the change counts, the next power-on tells; until then the chip answers 6581."""


class Nvm:
    """Named objects of fixed length over a ByteStore.

    Raises:
        ImageError: the store holds no image, another format, or damage; nothing is changed then.
    """

    def __init__(self, store: ByteStore, *, writable: bool = True) -> None:
        self._store = store
        raw = store.read_all()
        self._header = Header.parse(raw)
        image.check_seal(raw[image.SEAL_AT : image.SLOTS_AT], raw[image.SLOTS_AT :])
        records = _journal_records(raw)
        self._sequence = records[-1].sequence if records else 0
        pages = self._recovered_pages(raw, records)
        self._mirror = bytearray(b"".join(page[:PAYLOAD] for page in pages))
        self._objects = self._locate()
        self._undo: dict[int, bytes] | None = None
        self._failed = False
        if writable:
            self._make_durable(raw, pages)

    def _recovered_pages(self, raw: bytes, records: list[JournalRecord]) -> list[bytes]:
        pages = [raw[at : at + PAGE] for at in range(image.PAGES_AT, self._header.total, PAGE)]
        for record in records:
            for number, payload in record.pages.items():
                pages[number] = image.build_page(number, payload, record.sequence)
        for number, page in enumerate(pages):
            sequence = image.page_sequence(number, page)
            if sequence is None:
                raise ImageError(f"it is damaged in page {number}")
            if sequence > self._sequence:
                raise ImageError("it is damaged in its journal")
        return pages

    def _make_durable(self, raw: bytes, pages: list[bytes]) -> None:
        """First what the pages rest on, then the pages; and nothing torn may stay that a later torn write could complete.

        A torn record loses its mark before its bytes, since zeros alone could complete one that lacks its end.
        """
        store, torn_slots = self._store, _torn_slots(raw)
        if raw[image.SEAL_AT : image.SLOTS_AT] != image.OPEN_SEAL:
            store.write(image.SEAL_AT, image.OPEN_SEAL)
        for at in torn_slots:
            store.write(at, bytes(len(image.SLOT_MAGIC)))
        store.barrier()
        stale = [
            number for number, page in enumerate(pages) if not raw.startswith(page, self._page_at(number))
        ]
        for number in stale:
            store.write(self._page_at(number), pages[number])
        for at in torn_slots:
            store.write(at, bytes(image.SLOT_SIZE))
        if stale or torn_slots:
            store.barrier()

    def _locate(self) -> dict[str, tuple[int, int]]:
        lengths = image.parse_directory(bytes(self._mirror[: self._header.directory_length]))
        at = image.pages_for(self._header.directory_length) * PAYLOAD
        located = {}
        for name, length in lengths.items():
            located[name] = (at, length)
            at += image.pages_for(length) * PAYLOAD
        return located

    @staticmethod
    def _page_at(number: int) -> int:
        return image.PAGES_AT + number * PAGE

    def __contains__(self, name: str) -> bool:
        return name in self._objects

    def names(self) -> tuple[str, ...]:
        return tuple(self._objects)

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of an object; all of it without `length`."""
        start, size = self._objects[name]
        end = size if length is None else min(offset + length, size)
        return bytes(self._mirror[start + offset : start + end])

    def length(self, name: str) -> int:
        return self._objects[name][1]

    def write(self, name: str, data: bytes, offset: int = 0) -> None:
        """Change bytes of an object inside `transaction`.

        Raises:
            ValueError: outside a transaction, or past the object's end (both are our mistakes).
        """
        start, size = self._objects[name]
        if self._undo is None or offset + len(data) > size:
            raise ValueError(f"write to {name} outside a transaction or past its end")
        begin, end = start + offset, start + offset + len(data)
        for number in range(begin // PAYLOAD, -(-end // PAYLOAD)):
            if number not in self._undo:
                self._undo[number] = bytes(self._mirror[number * PAYLOAD : (number + 1) * PAYLOAD])
        self._mirror[begin:end] = data

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together when the block ends, with one barrier; none when it raises.

        Raises:
            MemoryFailure: the medium refused, now or before.
        """
        if self._undo is not None:
            raise ValueError("a transaction is open already")
        if self._failed:
            raise MemoryFailure("the card's memory failed before")
        self._undo = {}
        try:
            yield
            self._commit(self._undo)
        except BaseException:
            for number, payload in self._undo.items():
                self._mirror[number * PAYLOAD : (number + 1) * PAYLOAD] = payload
            raise
        finally:
            self._undo = None

    def _commit(self, before: dict[int, bytes]) -> None:
        mirror = self._mirror
        now = ((number, bytes(mirror[number * PAYLOAD : (number + 1) * PAYLOAD])) for number in before)
        changed = {number: payload for number, payload in now if payload != before[number]}
        if not changed:
            return
        if len(changed) > image.MAX_PAGES_A_COMMIT:
            raise ValueError(f"{len(changed)} pages do not fit one commit")
        sequence = self._sequence + 1
        slot_at = image.SLOTS_AT + sequence % image.SLOT_COUNT * image.SLOT_SIZE
        self._failed = True  # until the medium has taken all of it
        try:
            self._store.write(slot_at, JournalRecord(sequence, changed).build())
            self._store.barrier()
            self._sequence = sequence
            for number, payload in changed.items():
                self._store.write(self._page_at(number), image.build_page(number, payload, sequence))
        except OSError as error:
            raise MemoryFailure("the card's memory could not be written") from error
        self._failed = False

    def close(self) -> None:
        """Seal the image: from now on any change to its bytes is noticed.

        The seal's last byte comes alone: torn before it, a seal cannot be mistaken for a whole one with one bit off. After a
        failure there is no seal: what could not be synced may still be read back, and be gone tomorrow.
        """
        if not self._failed:
            self._store.barrier()
            seal = image.seal_of(self._store.read_all()[image.SLOTS_AT :])
            self._store.write(image.SEAL_AT, seal[:-1])
            self._store.barrier()
            self._store.write(image.SLOTS_AT - 1, seal[-1:])
            self._store.barrier()
        self._store.close()


def _slots(raw: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(image.SLOTS_AT, image.PAGES_AT, image.SLOT_SIZE):
        yield at, raw[at : at + image.SLOT_SIZE]


def _journal_records(raw: bytes) -> list[JournalRecord]:
    found = (JournalRecord.parse(slot) for _, slot in _slots(raw))
    return sorted((record for record in found if record), key=lambda record: record.sequence)


def _torn_slots(raw: bytes) -> list[int]:
    """Where the slots lie that hold neither a whole record nor nothing."""
    return [at for at, slot in _slots(raw) if any(slot) and JournalRecord.parse(slot) is None]
