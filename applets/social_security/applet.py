"""The SSSE as an applet: the operating system's commands, the PIN's and INTERNAL AUTHENTICATE.

Not here: files and their rights (the TOML beside this) and money (medical_account).
"""

from __future__ import annotations

from collections.abc import Iterable

from sscard_terminal.card.dispatch import Instruction
from sscard_terminal.card.file_commands import PROTECTING, WRITING, reading
from sscard_terminal.cardspec.commands import security
from sscard_terminal.cardspec.profile import CardProfile

from . import identity, pin


class SocialSecurity:
    """What makes a chip a social security card."""

    name = "social_security"

    def instructions(self, profile: CardProfile) -> Iterable[Instruction]:
        return (*reading(profile), *WRITING, *PROTECTING, *PIN_COMMANDS, INTERNAL_AUTHENTICATE)


PIN_COMMANDS = (
    Instruction("VERIFY", 0x00, 0x20, security.verify_from_apdu, pin.verify),
    Instruction("CHANGE PIN", 0x80, 0x5E, security.ChangePin.from_apdu, pin.change),
    Instruction(
        "PIN UNBLOCK, PIN RELOAD", 0x84, 0x24, security.unblock_or_reload_from_apdu, pin.unblock_or_reload
    ),
)

INTERNAL_AUTHENTICATE = Instruction(
    "INTERNAL AUTHENTICATE",
    0x00,
    0x88,
    security.InternalAuthenticate.from_apdu,
    identity.internal_authenticate,
    answer_length=8,
)
