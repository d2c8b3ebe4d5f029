"""A command that travels exactly as it was written, also where it is no command at all.

Not here: sending. A CommandApdu alone writes its length fields in one way; a script may mean another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError


@dataclass(frozen=True, slots=True)
class ExactCommand(CommandApdu):
    """`raw` is what goes out; the other fields tell what can be told of it. The data never show in a repr."""

    raw: bytes = field(default=b"", repr=False)

    def build(self) -> bytes:
        return self.raw

    def __repr__(self) -> str:
        return f"ExactCommand({self.raw[:4].hex().upper()}, {len(self.raw)} bytes)"


def exact(raw: bytes, *, is_secret: bool = False) -> ExactCommand:
    """The command of these bytes; `is_secret`: a trace is to mask its data.

    Where the lengths fit no case, all that follows the fifth byte counts as data, so that it is masked where data are.
    """
    if len(raw) > 5 and len(raw) == raw[4] + 5:  # case 3, most of them; what parse() would find, faster
        return ExactCommand(raw[0], raw[1], raw[2], raw[3], raw[5:], sensitive=is_secret, raw=raw)
    try:
        told = CommandApdu.parse(raw)
    except FormatError:
        cla, ins, p1, p2 = raw[:4].ljust(4, b"\x00")
        return ExactCommand(cla, ins, p1, p2, raw[5:], sensitive=is_secret, raw=raw)
    return ExactCommand(told.cla, told.ins, told.p1, told.p2, told.data, told.ne, is_secret, raw)


def plain(command: ExactCommand) -> CommandApdu:
    """As a command whose Le may be set anew (61xx, 6Cxx), if that writes the same bytes; else as it is."""
    told = CommandApdu(
        command.cla, command.ins, command.p1, command.p2, command.data, command.ne, command.sensitive
    )
    return told if told.build() == command.raw else command
