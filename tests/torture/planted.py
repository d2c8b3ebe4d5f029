"""Bugs planted into the card's memory, one at a time: each a way in which cards, boot loaders and databases have failed.

Not here: the hunt for them (test_planted_bugs). A bug replaces one function or constant of the product and is gone
again at the end of the `with` block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sscard_applets.medical_account import account, transactions
from sscard_applets.psam import purchase as sam_purchase
from sscard_terminal.card import image, nvm, retry_counter, secure_messaging
from sscard_terminal.card.image import JournalRecord
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.records import CyclicFile
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.card.retry_counter import PinStore
from sscard_terminal.card.secure_messaging import Security
from sscard_terminal.iso7816 import status

PAYLOAD = image.PAYLOAD
ONE_ENTRY = image._SLOT_HEAD.size + image._ENTRY_HEAD.size + PAYLOAD


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """What is wrong, where it shows, and the replacements: (owner, name, replacement)."""

    name: str
    scenario: str
    replacements: tuple[tuple[Any, str, Any], ...]
    behind: str = ""
    """The kind of first fault behind which a second one finds it; only to find it sooner."""

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, replacement in self.replacements:
                stack.enter_context(patch.object(owner, name, replacement))
            yield


# -- the commit, step by step, for bugs in its order


def _commit_with(*order: str, slot_of: Callable[[int], int] = lambda sequence: sequence % 2) -> Any:
    def commit(self: Any, before: dict[int, bytes]) -> None:
        content = {
            number: bytes(self._mirror[number * PAYLOAD : (number + 1) * PAYLOAD]) for number in before
        }
        changed = {number: payload for number, payload in content.items() if payload != before[number]}
        if not changed:
            return
        self._sequence += 1
        for step in order:
            match step:
                case "record":
                    at = image.SLOTS_AT + slot_of(self._sequence) * image.SLOT_SIZE
                    self._store.write(at, JournalRecord(self._sequence, changed).build())
                case "barrier":
                    self._store.barrier()
                case "pages":
                    for number, payload in changed.items():
                        page = image.build_page(number, payload, self._sequence)
                        self._store.write(self._page_at(number), page)

    return commit


def _make_durable_with(*order: str) -> Any:
    def make_durable(self: Any, raw: bytes, pages: list[bytes]) -> None:
        seal = raw[image.SEAL_AT : image.SLOTS_AT]
        for step in order:
            match step:
                case "unseal":
                    if seal != image.OPEN_SEAL:
                        self._store.write(image.SEAL_AT, image.OPEN_SEAL)
                case "unseal what is whole":
                    if seal == image.seal_of(raw[image.SLOTS_AT :]):
                        self._store.write(image.SEAL_AT, image.OPEN_SEAL)
                case "barrier":
                    self._store.barrier()
                case "pages":
                    for number, page in enumerate(pages):
                        if not raw.startswith(page, self._page_at(number)):
                            self._store.write(self._page_at(number), page)

    return make_durable


def _close_with_one_seal_write_first(self: Any) -> None:
    self._store.write(image.SEAL_AT, image.seal_of(self._store.read_all()[image.SLOTS_AT :]))
    self._store.barrier()


# -- the journal


_parse_record, _build_record = JournalRecord.parse.__func__, JournalRecord.build  # type: ignore[attr-defined]


def _parse_with_any_code(cls: Any, raw: bytes) -> Any:
    """Whatever check code stands there is made right first."""
    magic, count, _ = image._SLOT_HEAD.unpack_from(raw)
    end = image._SLOT_HEAD.size + count * (image._ENTRY_HEAD.size + PAYLOAD)
    if magic != image.SLOT_MAGIC or end + 4 > len(raw):
        return None
    return _parse_record(cls, raw[:end] + image._CRC.pack(image.crc32(raw[:end])))


def _parse_with_code_over_the_head(cls: Any, raw: bytes) -> Any:
    """Only the first entry is checked, as if the code had been computed too early."""
    magic, count, _ = image._SLOT_HEAD.unpack_from(raw)
    end = image._SLOT_HEAD.size + count * (image._ENTRY_HEAD.size + PAYLOAD)
    if magic != image.SLOT_MAGIC or raw[end : end + 4] != image._CRC.pack(image.crc32(raw[:ONE_ENTRY])):
        return None
    return _parse_with_any_code(cls, raw)


def _build_with_code_over_the_head(self: Any) -> bytes:
    whole = _build_record(self)
    return whole[:-4] + image._CRC.pack(image.crc32(whole[:ONE_ENTRY]))


_recovered_pages, _journal_records, _init = Nvm._recovered_pages, nvm._journal_records, Nvm.__init__


def _without_replay(self: Any, raw: bytes, records: list[JournalRecord]) -> list[bytes]:
    return _recovered_pages(self, raw, [])


def _newest_first(raw: bytes) -> list[JournalRecord]:
    """With the newest sequence still known, so that only the order of the replay is wrong."""
    records = _journal_records(raw)
    return [*reversed(records), JournalRecord(records[-1].sequence, {})] if records else []


def _with_sequence_forgotten(self: Any, store: Any, *, writable: bool = True) -> None:
    _init(self, store, writable=writable)
    self._sequence = 0


# -- PIN and keys


def _check(*order: str) -> Any:
    def check(self: Any, offered: bytes) -> None:
        tries, same = self.tries_left, False
        if tries == 0:
            raise Refusal(status.BLOCKED)
        for step in order:
            match step:
                case "compare":
                    stored = self._nvm.read(retry_counter.OBJECT, 2)
                    same = retry_counter.equal(offered.ljust(16, b"\xff"), stored)
                case "count":
                    self._commit_tries(tries - 1)
                case "count when wrong":
                    if not same:
                        self._commit_tries(tries - 1)
                case "count in RAM":
                    at = self._nvm._objects[retry_counter.OBJECT][0]
                    self._nvm._mirror[at] = tries - 1
                case "restore":
                    self._commit_tries(self.maximum)
        if not same:
            raise Refusal(status.tries_left_word(tries - 1))
        self._commit_tries(self.maximum)

    return check


def _store_pin_in_two_commits(self: Any, pin_bytes: bytes) -> None:
    with self._nvm.transaction():
        self._nvm.write(retry_counter.OBJECT, pin_bytes.ljust(16, b"\xff"), 2)
    self._commit_tries(self.maximum)


def _authenticate_before_counting(self: Any, spec: Any, group: int, original: bytes, offered: bytes) -> None:
    stored = secure_messaging.key_object_name(spec.name, group)
    tries = self._nvm.read(stored, 0, 1)[0]
    key = self._suite.session_key(self.key(spec.name, group), self.take_challenge())
    if not secure_messaging.equal(self._suite.authentication_data(key, original), offered):
        self._commit_tries(stored, tries - 1)
        raise Refusal(status.tries_left_word(tries - 1))
    self._commit_tries(stored, spec.tries)
    self._volatile.authenticated.add(spec.name)


# -- money


def _commit_parts(*groups: tuple[str, ...]) -> Any:
    def commit(machine: Any, amounts: Any, record: Any, proof: Any) -> None:
        spec = account.log_file(machine)
        for group in groups:
            with machine.nvm.transaction():
                if "amounts" in group:
                    machine.nvm.write(account.AMOUNTS, amounts.build())
                if "counters" in group:
                    machine.nvm.write(account.AMOUNTS, amounts.build()[:4])
                if "balances" in group:
                    machine.nvm.write(account.AMOUNTS, amounts.build()[4:], 4)
                if "log" in group:
                    machine.files.append_record(spec, record.build(spec.record_length))
                if "proof" in group:
                    machine.nvm.write(account.PROOF, proof.build())

    return commit


_commit_account, _credit = account.commit, transactions.credit


def _answer_before_the_commit(machine: Any, amounts: Any, record: Any, proof: Any) -> None:
    """Written to RAM now; the medium gets it with the next command's commit."""
    changed = machine.nvm._undo = {}
    machine.nvm.write(account.AMOUNTS, amounts.build())
    machine.nvm.write(account.PROOF, proof.build())
    machine.files.append_record(account.log_file(machine), record.build(28))
    machine.nvm._undo = None
    assert changed


def _append_head_first(self: Any, data: bytes) -> None:
    """The head in a commit of its own, then the record."""
    outer, self._nvm._undo = self._nvm._undo, None
    self._newest = (self._newest + 1) % self._spec.record_count
    self._present = min(self._present + 1, self._spec.record_count)
    head = self._newest.to_bytes(2, "big") + self._present.to_bytes(2, "big")
    with self._nvm.transaction():
        self._nvm.write(self._spec.key, head)
    self._nvm._undo = outer
    self._nvm.write(self._spec.key, data, self._place(1))


def _sequence_used_before_it_is_kept(machine: Any, name: str) -> bytes:
    number = int.from_bytes(machine.nvm.read(name), "big") + 1
    machine.nvm._mirror[machine.nvm._objects[name][0] + 3] = number & 0xFF
    return number.to_bytes(4, "big")


PLANTED_BUGS = (
    PlantedBug("no barrier", "DEBIT", ((Nvm, "_commit", _commit_with("record", "pages")),)),
    PlantedBug(
        "barrier after the pages instead of before", "DEBIT",
        ((Nvm, "_commit", _commit_with("record", "pages", "barrier")),),
    ),
    PlantedBug(
        "pages written before the journal record", "DEBIT",
        ((Nvm, "_commit", _commit_with("pages", "barrier", "record", "barrier")),),
    ),
    PlantedBug(
        "one journal slot", "two commits",
        ((Nvm, "_commit", _commit_with("record", "barrier", "pages", slot_of=lambda _: 0)),),
    ),
    PlantedBug(
        "answer before the barrier", "VERIFY wrong",
        ((Nvm, "_commit", _commit_with("barrier", "record", "pages")),),
    ),
    PlantedBug("journal record without a check code", "DEBIT",
        ((JournalRecord, "parse", classmethod(_parse_with_any_code)),)),
    PlantedBug(
        "check code over the first entry only", "DEBIT",
        ((JournalRecord, "parse", classmethod(_parse_with_code_over_the_head)),
         (JournalRecord, "build", _build_with_code_over_the_head)),
    ),
    PlantedBug("recovery replays nothing", "VERIFY wrong", ((Nvm, "_recovered_pages", _without_replay),)),
    PlantedBug("recovery replays the newest first", "CREDIT", ((nvm, "_journal_records", _newest_first),)),
    PlantedBug("sequence forgotten at power-on", "CREDIT", ((Nvm, "__init__", _with_sequence_forgotten),)),
    PlantedBug(
        "unsealed without a barrier", "VERIFY wrong",
        ((Nvm, "_make_durable", _make_durable_with("unseal", "pages")),),
    ),
    PlantedBug(
        "recovered pages before the barrier of their records", "VERIFY wrong",
        ((Nvm, "_make_durable", _make_durable_with("unseal", "pages", "barrier")),),
    ),
    PlantedBug(
        "no barrier behind recovered pages", "two commits",
        ((Nvm, "_make_durable", _make_durable_with("unseal", "barrier", "pages")),), behind="swapped",
    ),
    PlantedBug(
        "torn seal left standing", "VERIFY wrong",
        ((Nvm, "_make_durable", _make_durable_with("unseal what is whole", "barrier", "pages", "barrier")),),
    ),
    PlantedBug("torn record left standing", "two commits", ((nvm, "_torn_slots", lambda raw: []),),
        behind="torn, rest old"),
    PlantedBug("sealed before the barrier", "VERIFY wrong", ((Nvm, "close", _close_with_one_seal_write_first),)),
    PlantedBug("PIN compared before the count", "VERIFY wrong",
        ((PinStore, "check", _check("compare", "count when wrong")),)),
    PlantedBug("count in RAM only", "VERIFY wrong", ((PinStore, "check", _check("count in RAM", "compare")),)),
    PlantedBug("tries given back before the comparison", "VERIFY wrong",
        ((PinStore, "check", _check("count", "restore", "compare")),)),
    PlantedBug("new PIN and its tries in two commits", "RELOAD", ((PinStore, "store", _store_pin_in_two_commits),)),
    PlantedBug(
        "key compared before the count", "EXTERNAL AUTHENTICATE",
        ((Security, "authenticate_external", _authenticate_before_counting),),
    ),
    PlantedBug("log in a commit of its own", "DEBIT",
        ((account, "commit", _commit_parts(("amounts", "proof"), ("log",))),)),
    PlantedBug("proof before the amounts", "DEBIT",
        ((account, "commit", _commit_parts(("proof",), ("amounts", "log"))),)),
    PlantedBug("proof after the amounts", "CREDIT",
        ((account, "commit", _commit_parts(("amounts", "log"), ("proof",))),)),
    PlantedBug("counter in a commit of its own", "DEBIT",
        ((account, "commit", _commit_parts(("counters",), ("balances", "log", "proof"))),)),
    PlantedBug("DEBIT answers before it commits", "DEBIT", ((account, "commit", _answer_before_the_commit),)),
    PlantedBug("head of a cyclic file in a commit of its own", "UPDATE RECORD cyclic",
        ((CyclicFile, "append", _append_head_first),)),
    PlantedBug("PSAM sequence used before it is kept", "80 70 of the PSAM",
        ((sam_purchase, "_next_sequence", _sequence_used_before_it_is_kept),)),
)  # fmt: skip
