"""Files: SELECT, and reading and writing of records and bytes under the access rules.

Not here: the parsing of commands (cardspec) and their order (dispatch).
Source: card.md §1.4, §2.2, §10 B18–B32.
"""

from __future__ import annotations

from sscard_terminal.cardspec.commands.basic import RecordMode, Select, SelectBy
from sscard_terminal.cardspec.profile import CardProfile, DfSpec, FileSpec, Structure
from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.identifiers import MASTER_FILE

from .nvm import Nvm
from .records import CyclicFile, LinearFile
from .refusal import Refusal
from .secure_messaging import Security
from .volatile import Volatile


class FileSystem:
    """The card's files over its memory, seen from the session's current DF and EF."""

    def __init__(self, profile: CardProfile, nvm: Nvm, volatile: Volatile, security: Security) -> None:
        self._profile = profile
        self._nvm = nvm
        self._volatile = volatile
        self._security = security
        self._by_sfi = {(spec.df, spec.sfi): spec for spec in profile.files if spec.sfi}
        self._by_fid = {(spec.df, spec.fid): spec for spec in profile.files}
        self._by_key = {spec.key: spec for spec in profile.files}

    def named(self, key: str) -> FileSpec:
        """A file by "DF/NAME", for an applet that knows its own."""
        return self._by_key[key]

    # -- SELECT

    def find(self, command: Select) -> DfSpec | FileSpec:
        """What SELECT means, without selecting it.

        Raises:
            Refusal: 6A82.
        """
        match command.by:
            case SelectBy.NAME:
                return self._named(command.target, command.next_instance)
            case SelectBy.CHILD_EF:
                return self._ef(int.from_bytes(command.target, "big"))
            case SelectBy.FILE_ID:
                return self._by_file_id(
                    int.from_bytes(command.target, "big") if command.target else MASTER_FILE
                )
            case SelectBy.PATH_FROM_MF:
                return self._by_path(self._profile.dfs[0], command.target)
            case SelectBy.PATH_FROM_CURRENT:
                return self._by_path(self._volatile.current_df, command.target)

    def select(self, found: DfSpec | FileSpec) -> None:
        """Make it current. A DF ends the challenge and what its application held (card.md §10 B8, B9)."""
        volatile = self._volatile
        volatile.record_pointer = 0
        if isinstance(found, FileSpec):
            home = self._profile.df(found.df)
            if home is not volatile.current_df:
                self._enter(home)
            volatile.current_ef = found
        else:
            self._enter(found)

    def _enter(self, df: DfSpec) -> None:
        volatile = self._volatile
        volatile.current_df, volatile.current_ef = df, None
        volatile.challenge, volatile.application = None, None
        self._security.drop_application_keys()

    def _named(self, name: bytes, next_instance: bool) -> DfSpec:
        """Full or partial names: the nearest application, then in tree order; "next" goes on in tree order.

        Source: card.md §10 B24; nearest first because each PSAM environment has its own DF01 (B40).
        """
        if next_instance:
            matching = [df for df in self._profile.dfs if df.aid.startswith(name)]
            current = self._volatile.current_df
            matching = matching[matching.index(current) + 1 :] if current in matching else matching
        else:
            matching = [df for df in self._nearest_first() if df.aid.startswith(name)]
        if not matching:
            raise Refusal(status.FILE_NOT_FOUND)
        return matching[0]

    def _nearest_first(self) -> list[DfSpec]:
        """The current DF's own DFs, then those beside it, and so on upwards; then all others in tree order."""
        dfs = self._profile.dfs
        place: str | None = self._volatile.current_df.name
        found = [df for df in dfs if df.parent == place]
        while place is not None:
            place = self._profile.df(place).parent
            found += [df for df in dfs if df.parent == place]
        return found + [df for df in dfs if df not in found]

    def _by_file_id(self, fid: int) -> DfSpec | FileSpec:
        """A DF or, as most tools ask it, an EF of the current DF (card.md §9.34)."""
        ef = self._by_fid.get((self._volatile.current_df.name, fid))
        if ef is not None:
            return ef
        found = next((df for df in self._nearest_first() if df.fid == fid), None)
        if found is None:
            raise Refusal(status.FILE_NOT_FOUND)
        return found

    def _by_path(self, start: DfSpec, path: bytes) -> DfSpec | FileSpec:
        """File identifiers one below the other; a leading 3F00 is allowed from the MF. Source: ISO/IEC 7816-4 §7.4.

        Raises:
            Refusal: 6A82.
        """
        found: DfSpec | FileSpec = start
        for at in range(0, len(path), 2):
            fid = int.from_bytes(path[at : at + 2], "big")
            if fid != MASTER_FILE or at:
                found = self._below(found, fid)
        return found

    def _below(self, found: DfSpec | FileSpec, fid: int) -> DfSpec | FileSpec:
        child: DfSpec | FileSpec | None = None
        if isinstance(found, DfSpec):
            dfs = (df for df in self._profile.dfs if (df.parent, df.fid) == (found.name, fid))
            child = next(dfs, None) or self._by_fid.get((found.name, fid))
        if child is None:
            raise Refusal(status.FILE_NOT_FOUND)
        return child

    def _ef(self, fid: int) -> FileSpec:
        found = self._by_fid.get((self._volatile.current_df.name, fid))
        if found is None:
            raise Refusal(status.FILE_NOT_FOUND)
        return found

    # -- the file a command means

    def target(self, sfi: int | None, *structures: Structure) -> FileSpec:
        """The EF named by SFI (which becomes current) or the current EF (SFI 0 or None).

        Raises:
            Refusal: 6A82 no such SFI, 6986 no current EF, 6981 another structure.
        """
        if sfi:
            found = self._by_sfi.get((self._volatile.current_df.name, sfi))
            if found is None:
                raise Refusal(status.FILE_NOT_FOUND)
        else:
            found = self._volatile.current_ef
            if found is None:
                raise Refusal(status.NO_CURRENT_EF)
        if found.structure not in structures:
            raise Refusal(status.WRONG_FILE_TYPE)
        return found

    def make_current(self, spec: FileSpec) -> None:
        if self._volatile.current_ef is not spec:
            self._volatile.current_ef, self._volatile.record_pointer = spec, 0

    def records(self, spec: FileSpec) -> LinearFile | CyclicFile:
        """The record view of a file."""
        return CyclicFile(spec, self._nvm) if spec.structure == "cyclic" else LinearFile(spec, self._nvm)

    # -- reading

    def read_records(self, spec: FileSpec, reference: int, mode: RecordMode) -> tuple[bytes, int]:
        """One record, or several in a row, and the record pointer after it.

        Raises:
            Refusal: 6A83.
        """
        records, pointer = self.records(spec), self._volatile.record_pointer
        last = len(records)
        match mode:
            case RecordMode.NUMBER:
                return records.read(reference), pointer
            case RecordMode.NUMBER_TO_LAST:
                return self._several(records, range(reference, last + 1), reference), pointer
            case RecordMode.LAST_TO_NUMBER:
                return self._several(records, range(last, reference - 1, -1), reference), pointer
        number = self.number_of(records, reference, mode)
        return records.read(number), number

    @staticmethod
    def _several(records: LinearFile | CyclicFile, numbers: range, reference: int) -> bytes:
        if not 1 <= reference <= len(records):
            raise Refusal(status.RECORD_NOT_FOUND)
        return b"".join(map(records.read, numbers))

    def number_of(self, records: LinearFile | CyclicFile, reference: int, mode: RecordMode) -> int:
        """The number itself, or that of the first, last, next or previous record with this identifier.

        "Next" without a current record is the first, "previous" the last. Source: card.md §10 B18, B19.

        Raises:
            Refusal: 6A83, no record of that identifier there.
        """
        if mode is RecordMode.NUMBER:
            return reference
        numbers = records.with_identifier(reference)
        pointer = self._volatile.record_pointer
        if mode is RecordMode.NEXT_WITH_ID:
            numbers = [number for number in numbers if number > pointer]
        elif mode is RecordMode.PREVIOUS_WITH_ID and pointer:
            numbers = [number for number in numbers if number < pointer]
        if not numbers:
            raise Refusal(status.RECORD_NOT_FOUND)
        return numbers[-1 if mode in (RecordMode.LAST_WITH_ID, RecordMode.PREVIOUS_WITH_ID) else 0]

    def read_binary(self, spec: FileSpec, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`.

        Raises:
            Refusal: 6B00 the offset lies outside, 6Cxx fewer bytes are left (256 means what is left; card.md §10 B20).
        """
        left = spec.size - offset
        if left <= 0:
            raise Refusal(status.WRONG_OFFSET)
        if length > left and length != 256:
            raise Refusal(status.exact_ne_word(min(left, 256)))
        return self._nvm.read(spec.key, offset, length)

    # -- writing

    def append_record(self, spec: FileSpec, data: bytes) -> None:
        """Add a record to a cyclic file, inside the caller's transaction."""
        CyclicFile(spec, self._nvm).append(data)

    def update_binary(self, spec: FileSpec, offset: int, data: bytes) -> None:
        """
        Raises:
            Refusal: 6B00, the data would pass the end of the file.
        """
        if offset + len(data) > spec.size:
            raise Refusal(status.WRONG_OFFSET)
        with self._nvm.transaction():
            self._nvm.write(spec.key, data, offset)
