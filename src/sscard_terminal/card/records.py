"""Record files in the memory: linear with tag and length, cyclic with the newest first.

Not here: who may touch them (secure_messaging) and which one is meant (filesystem).
Source: card.md §1.4, §2.2, §10 B18, B19, B29–B31.
"""

from __future__ import annotations

from sscard_terminal.cardspec.profile import FileSpec
from sscard_terminal.iso7816 import status

from .nvm import Nvm
from .refusal import Refusal

ANY_IDENTIFIER = 0x00
CYCLIC_HEAD = 4
"""Before the slots of a cyclic file: slot of the newest record 2, records present 2."""


def cyclic_object(spec: FileSpec) -> bytes:
    """A fresh cyclic file: no records. Source: card.md §10 B29."""
    return bytes(CYCLIC_HEAD + spec.capacity)


class LinearFile:
    """Records `tag length value` one behind the other; the identifier is the tag."""

    def __init__(self, spec: FileSpec, nvm: Nvm) -> None:
        self._spec = spec
        self._nvm = nvm
        self._content = nvm.read(spec.key)
        self._starts = _record_starts(self._content)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def read(self, number: int) -> bytes:
        """
        Raises:
            Refusal: 6A83.
        """
        if not 1 <= number <= len(self):
            raise Refusal(status.RECORD_NOT_FOUND)
        return self._content[self._starts[number - 1] : self._starts[number]]

    def with_identifier(self, identifier: int) -> list[int]:
        """The numbers of the records with that tag; 00 means any (P3 §5.3.1)."""
        wanted = (identifier,) if identifier else range(256)
        return [number for number, at in enumerate(self._starts[:-1], 1) if self._content[at] in wanted]

    def update(self, number: int, data: bytes) -> None:
        """
        Raises:
            Refusal: 6A83 no such record, 6A85 another length, 6A80 another tag (card.md §10 B31).
        """
        old = self.read(number)
        if len(data) != len(old) or data[1] != old[1]:
            raise Refusal(status.LC_NOT_TLV)
        if data[0] != old[0]:
            raise Refusal(status.WRONG_DATA)
        with self._nvm.transaction():
            self._nvm.write(self._spec.key, data, self._starts[number - 1])

    def append(self, data: bytes) -> int:
        """Add a record behind the last, inside the caller's transaction; its number.

        Raises:
            Refusal: 6A84, the file has no room for it (most have none: they are made for the records they hold).
        """
        end = self._starts[-1]
        if end + len(data) > len(self._content):
            raise Refusal(status.FILE_FULL)
        self._nvm.write(self._spec.key, data, end)
        return len(self) + 1


def _record_starts(content: bytes) -> list[int]:
    starts = [0]
    while starts[-1] + 2 <= len(content) and content[starts[-1]]:
        starts.append(starts[-1] + 2 + content[starts[-1] + 1])
    return starts


class CyclicFile:
    """Records of one length, raw; number 1 is the newest, a full file overwrites its oldest."""

    def __init__(self, spec: FileSpec, nvm: Nvm) -> None:
        self._spec = spec
        self._nvm = nvm
        head = nvm.read(spec.key, 0, CYCLIC_HEAD)
        self._newest = int.from_bytes(head[:2], "big")
        self._present = int.from_bytes(head[2:], "big")

    def __len__(self) -> int:
        return self._present

    def _place(self, number: int) -> int:
        slot = (self._newest - (number - 1)) % self._spec.record_count
        return CYCLIC_HEAD + slot * self._spec.record_length

    def read(self, number: int) -> bytes:
        """
        Raises:
            Refusal: 6A83.
        """
        if not 1 <= number <= self._present:
            raise Refusal(status.RECORD_NOT_FOUND)
        return self._nvm.read(self._spec.key, self._place(number), self._spec.record_length)

    def with_identifier(self, identifier: int) -> list[int]:
        """Identifier 00 means any record, others none. Source: card.md §10 B19."""
        return list(range(1, self._present + 1)) if identifier == ANY_IDENTIFIER else []

    def update(self, number: int, data: bytes) -> None:
        """
        Raises:
            Refusal: 6A83 no such record, 6A85 another length.
        """
        self.read(number)
        self._check_length(data)
        with self._nvm.transaction():
            self._nvm.write(self._spec.key, data, self._place(number))

    def append(self, data: bytes) -> int:
        """Add a record, inside the caller's transaction; its number, which is 1.

        Raises:
            Refusal: 6A85, another length.
        """
        self._check_length(data)
        self._newest = (self._newest + 1) % self._spec.record_count
        self._present = min(self._present + 1, self._spec.record_count)
        self._nvm.write(self._spec.key, data, self._place(1))
        self._nvm.write(self._spec.key, self._newest.to_bytes(2, "big") + self._present.to_bytes(2, "big"))
        return 1

    def _check_length(self, data: bytes) -> None:
        if len(data) != self._spec.record_length:
            raise Refusal(status.LC_NOT_TLV)
