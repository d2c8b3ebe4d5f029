"""CREATE KEY and CHANGE KEY: how an issuer fills a PSAM, under the environment's master key MK.

Not here: keys put in at personalisation (issue).
Source: card.md §5.5; P9 §7.1.2, §7.1.3, §9.5, §9.6. That knowing MK is all the permission needed is inferred: P9 only
says the "rewriting attribute" of the key must hold.
"""

from __future__ import annotations

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.card.secure_messaging import key_object
from sscard_terminal.cardspec import layouts
from sscard_terminal.cardspec.ciphers import CipherSuite, equal
from sscard_terminal.cardspec.commands.psam import WriteKey
from sscard_terminal.cardspec.profile import PsamKeySpec
from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.errors import FormatError

from . import environment
from .environment import MASTER_KEY

KEY_FILES = (0x11, 0x12, 0x13)
"""National, province, city (card.md §5.1)."""
CHALLENGE_LENGTH = 4


def write_key(machine: Machine, command: WriteKey) -> bytes:
    """Order: environment 6985, file 6A82, challenge 6984, MAC 6988, data 6A80, place 6A88 or 6A84."""
    suite, home = environment.suite_of(machine), environment.current_environment(machine)
    if command.key_file not in KEY_FILES:
        raise Refusal(status.FILE_NOT_FOUND)
    master = environment.stored_key(machine, environment.named_key(machine, home, MASTER_KEY))
    challenge, machine.volatile.challenge = machine.volatile.challenge, None
    if challenge is None or len(challenge) > suite.block:
        raise Refusal(status.CHALLENGE_INVALID)
    apdu = command.to_apdu()
    covered = apdu.header + bytes((len(apdu.data),)) + command.cryptogram
    if not equal(suite.direct_mac(master, covered, challenge), command.mac):
        raise Refusal(status.MAC_WRONG)
    spec, key = _decrypted(machine, suite, home, master, command)
    with machine.nvm.transaction():
        machine.nvm.write(environment.psam_key_name(spec), key_object(key, None))
    return b""


def _decrypted(
    machine: Machine, suite: CipherSuite, home: str, master: bytes, command: WriteKey
) -> tuple[PsamKeySpec, bytes]:
    """
    Raises:
        Refusal: 6A80 wrong padding, record, algorithm or key length; 6A84 no place for such a key;
            6A88 a change of a key that is not there; 6985 a creation of one that is.
    """
    layout = layouts.PSAM_KEY_CHANGE if command.change else layouts.PSAM_KEY_RECORD
    try:
        fields = layouts.parse(layout, suite.decrypt_data(master, command.cryptogram), "the key record")
    except FormatError:
        raise Refusal(status.WRONG_DATA) from None
    if not command.change and fields.algorithm != suite.algorithm_id:
        raise Refusal(status.WRONG_DATA)
    spec = environment.find_key(machine, home, fields.usage, fields.id)
    if spec is None:
        raise Refusal(status.REFERENCE_NOT_FOUND if command.change else status.FILE_FULL)
    if len(fields.key) != spec.length:
        raise Refusal(status.WRONG_DATA)
    if environment.is_present(machine, spec) is not command.change:
        raise Refusal(status.REFERENCE_NOT_FOUND if command.change else status.CONDITIONS_NOT_SATISFIED)
    return spec, fields.key
