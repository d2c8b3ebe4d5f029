"""One table of a TOML description, read entry by entry; what is wrong is named by part and entry.

Not here: what the entries mean (profile, personalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sscard_terminal.iso7816.errors import FormatError

_MISSING: Any = object()
T = TypeVar("T")


class Entry:
    """A table whose entries are taken one by one; `finish` refuses what nobody asked for."""

    def __init__(self, where: str, values: dict[str, Any]) -> None:
        self._where = where
        self._values = values
        self._taken: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._values

    def finish(self) -> None:
        """
        Raises:
            FormatError: an entry that is not known.
        """
        unknown = sorted(set(self._values) - self._taken)
        if unknown:
            raise FormatError(f"{self._where}: unknown entry {unknown[0]!r}")

    def _take(self, name: str, kind: type[T], default: Any, wanted: str) -> T:
        self._taken.add(name)
        value = self._values.get(name, default)
        if value is _MISSING:
            raise FormatError(f"{self._where}: {name} is missing")
        if value is not default and (
            not isinstance(value, kind) or (kind is int and isinstance(value, bool))
        ):
            raise FormatError(f"{self._where}: {name} must be {wanted}")
        return value  # type: ignore[no-any-return]

    def text(self, name: str, default: Any = _MISSING) -> Any:
        return self._take(name, str, default, "a text")

    def number(self, name: str, default: Any = _MISSING) -> int:
        value = self._take(name, int, default, "a whole number, 0 or more")
        if value < 0:
            raise FormatError(f"{self._where}: {name} must be a whole number, 0 or more")
        return value

    def numbers(self, name: str, default: Sequence[int]) -> Sequence[int]:
        value = self._take(name, list, default, "a list of numbers")
        if not all(isinstance(item, int) for item in value):
            raise FormatError(f"{self._where}: {name} must be a list of numbers")
        return value

    def texts(self, name: str, default: Any = _MISSING) -> tuple[str, ...]:
        value: Sequence[Any] = self._take(name, list, default, "a list of texts")
        if not all(isinstance(item, str) for item in value):
            raise FormatError(f"{self._where}: {name} must be a list of texts")
        return tuple(value)

    def choice(self, name: str, allowed: Sequence[str]) -> Any:
        value = self.text(name)
        if value not in allowed:
            raise FormatError(f"{self._where}: {name} is {value!r}, allowed are {', '.join(allowed)}")
        return value

    def hex(self, name: str, default: Any = _MISSING) -> bytes:
        value = self.text(name, default)
        if value is default:
            return value  # type: ignore[no-any-return]
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise FormatError(f"{self._where}: {name} must be hex digits, two a byte") from None

    def fid(self, name: str) -> int:
        value = self.hex(name)
        if len(value) != 2:
            raise FormatError(f"{self._where}: {name} must be four hex digits")
        return int.from_bytes(value, "big")

    def rule(self, name: str, default: Any) -> Any:
        """A ruling: true/false, a list of texts, or a status word as four hex digits, as its default is."""
        match default:
            case bool():
                return self._take(name, bool, default, "true or false")
            case tuple():
                return self.texts(name)
        return self.fid(name)

    def table(self, name: str) -> Entry:
        value = self._take(name, dict, _MISSING, "a table")
        return Entry(f"{self._where} [{name}]", value)

    def tables(self, name: str) -> list[Entry]:
        value: list[Any] = self._take(name, list, [], "a list of tables")
        if not all(isinstance(item, dict) for item in value):
            raise FormatError(f"{self._where}: {name} must be a list of tables")
        return [Entry(f"{self._where} {name} {_label(item, i)}", item) for i, item in enumerate(value, 1)]


def _label(item: dict[str, Any], position: int) -> str:
    parts = [str(item[key]) for key in ("df", "name", "tag") if key in item]
    return "/".join(parts) or f"number {position}"
