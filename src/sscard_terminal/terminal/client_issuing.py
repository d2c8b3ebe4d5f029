"""The part of the card's client that only the issuer's keys can finish: loads, PIN UNBLOCK, PIN RELOAD.

Not here: whoever holds those keys (issuer_host.py), and the order of commands (load.py, service_window.py).
"""

from __future__ import annotations

from sscard_terminal.cardspec.bcd import bcd_of_digits
from sscard_terminal.cardspec.commands.forms import expect_answer
from sscard_terminal.cardspec.commands.medical import CreditForLoad, InitializeForLoad, LoadChallenge
from sscard_terminal.cardspec.commands.security import ReloadPin, UnblockPin
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import OK
from sscard_terminal.reader.connection import Connection

from .exchange import CardRefused, send

PUK_KEY_ID = 0x06
"""Opens UNBLOCK and RELOAD. Source: card.md §1.9, row PUK."""
TAC_LENGTH = 4


class IssuingCommands:
    """A card behind a connection that completes 61xx and 6Cxx. Raises as `client.SocialSecurityCard` does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def initialize_for_load(self, amount: Fen, terminal: str, key_index: int = 1) -> LoadChallenge:
        """Open a load and fetch what the host needs; `terminal` 12 digits, `key_index` 1..3. Nothing is loaded yet.

        GET BALANCE, PROOF and GET RESPONSE leave the open load; any other command ends it.

        Raises:
            CardRefused: 6982 if the PIN was not verified, 6985 if the balance would overflow, 9402 if the counter is at
                its end, 9403 if the card lacks the key.
            LinkError: the card went away; no money has moved.

        Source: card.md §4.3 steps 1 and 2, §9.30.
        """
        command = InitializeForLoad(key_index, amount, bcd_of_digits(terminal, 6))
        return LoadChallenge.parse(send(self._connection, "INITIALIZE FOR LOAD", command.to_apdu()))

    def credit_for_load(self, command: CreditForLoad) -> bytes:
        """Receive the money; the TAC, 4 bytes. Never to be sent twice.

        Raises:
            CardRefused: the card answered another word than 9000 and nothing else. Which words mean that nothing
                changed, `load_attempt` decides.
            FormatError, LinkError: what the card did is unknown.

        Source: card.md §4.3 steps 5 and 6.
        """
        answer = self._connection.transmit(command.to_apdu())
        if answer.sw == OK:
            return expect_answer(answer.data, TAC_LENGTH, "CREDIT FOR LOAD")
        if answer.data:  # an answer cut off, its last two bytes taken for a status word (pcsc.md §6)
            raise FormatError("CREDIT FOR LOAD: a status word with data before it that is no success")
        raise CardRefused("CREDIT FOR LOAD", answer.sw)

    def unblock_pin(self, mac: bytes) -> None:
        """PIN UNBLOCK: the PIN stays, its tries are full again; over the newest challenge, PUK authenticated before.

        Raises:
            CardRefused: 6982 without PUK, 6984 without challenge, 6985 outside the SSSE, 6988 a wrong MAC.

        Source: card.md §3, row UNBLOCK; §10 B16, B17.
        """
        send(self._connection, "PIN UNBLOCK", UnblockPin(mac).to_apdu())

    def reload_pin(self, cryptogram: bytes, mac: bytes) -> None:
        """PIN RELOAD: a new PIN and full tries; over the newest challenge, PUK authenticated before.

        A lost answer (LinkError) leaves open which PIN the card has; to do it again is right in either case.

        Raises:
            CardRefused: as `unblock_pin`; 6A80 for what does not decrypt to a PIN.

        Source: card.md §3, row RELOAD; §10 B15, B17.
        """
        send(self._connection, "PIN RELOAD", ReloadPin(cryptogram, mac).to_apdu())
