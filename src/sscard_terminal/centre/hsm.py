"""The bureau's HSM in software: it holds the root keys and answers with what only their holder can compute.

Pure: no file, no clock, no memory of what it was asked. Not here: who may ask for what (window_host.py). No key and no
PIN appears in a repr or an error text.
Source: card.md §3, §4.3, §6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.bcd import bcd_of_digits, bcd_of_time
from sscard_terminal.cardspec.ciphers import CipherSuite, equal, suite_named
from sscard_terminal.cardspec.commands.security import ReloadPin, UnblockPin
from sscard_terminal.cardspec.issuing import CardReference, LoadRequest, PinCommand
from sscard_terminal.cardspec.keys import (
    DES_KEY_LENGTH,
    KEY_LENGTH,
    DiversificationFactors,
    KeySet,
    diversified,
    root_of_length,
)
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError

LOAD_KEYS = {1: "DLK"}
"""The load keys by key index; the test roots have group 1 only. Source: card.md §1.9, §10 B2."""
TERMINAL_BYTES = 6
NO_MAC = bytes(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseQuestion:
    """A purchase the card has opened, by its `random` (4 bytes) and purchase `counter`; `terminal` 12 digits, `sequence`
    4 bytes."""

    card: CardReference
    random: bytes
    counter: int
    amounts: PurchaseAmounts
    terminal: str
    sequence: bytes
    time: datetime


@dataclass(frozen=True, slots=True)
class SoftwareHsm:
    """Every method derives the card's own key from a root key, and may raise FormatError where it holds none."""

    _roots: KeySet = field(repr=False)

    # Loads ----------------------------------------------------------------------------------------------

    def accepts_mac1(self, asked: LoadRequest) -> bool:
        """Whether this card made MAC1 over its balance and the amount. Source: card.md §4.3 step 3."""
        suite, key = self._load_session(asked)
        terminal = bcd_of_digits(asked.terminal, TERMINAL_BYTES)
        wanted = transaction.load_mac1(suite, key, asked.balance, asked.amount, terminal)
        return equal(wanted, asked.mac1)

    def mac2(self, asked: LoadRequest, host_time: datetime) -> bytes:
        """What makes the card credit the amount, 4 bytes. Source: card.md §4.3 step 4."""
        suite, key = self._load_session(asked)
        terminal = bcd_of_digits(asked.terminal, TERMINAL_BYTES)
        return transaction.load_mac2(suite, key, asked.amount, terminal, bcd_of_time(host_time))

    def accepts_load_tac(self, asked: LoadRequest, host_time: datetime, tac: bytes) -> bool:
        """Whether the card says it was credited by exactly this load. Source: card.md §4.3 step 7, §9.8, §9.9."""
        suite, dtk = self._key(asked.card, "DTK")
        after, terminal = Fen(asked.balance + asked.amount), bcd_of_digits(asked.terminal, TERMINAL_BYTES)
        time = bcd_of_time(host_time)
        return equal(
            transaction.load_tac(suite, dtk, after, asked.counter, asked.amount, terminal, time), tac
        )

    def _load_session(self, asked: LoadRequest) -> tuple[CipherSuite, bytes]:
        if asked.key_index not in LOAD_KEYS:
            raise FormatError(f"there is no load key of index {asked.key_index}")
        suite, dlk = self._key(asked.card, LOAD_KEYS[asked.key_index])
        return suite, transaction.load_session_key(suite, dlk, asked.random, asked.counter)

    # Purchases without a PSAM ---------------------------------------------------------------------------

    def purchase_mac1(self, asked: PurchaseQuestion) -> bytes:
        """What makes the card debit itself, 4 bytes. Source: card.md §4.4 step 5, §4.8."""
        suite, key = self._purchase_session(asked)
        terminal = bcd_of_digits(asked.terminal, TERMINAL_BYTES)
        return transaction.purchase_mac1(suite, key, asked.amounts.build(), terminal, bcd_of_time(asked.time))

    def accepts_purchase_mac2(self, asked: PurchaseQuestion, mac2: bytes) -> bool:
        """Whether the card proves that it did. Source: card.md §4.4 step 8."""
        suite, key = self._purchase_session(asked)
        return equal(transaction.purchase_mac2(suite, key, asked.amounts.build()), mac2)

    def _purchase_session(self, asked: PurchaseQuestion) -> tuple[CipherSuite, bytes]:
        suite, dpk = self._key(asked.card, "DPK")
        return suite, transaction.purchase_session_key(
            suite, dpk, asked.random, asked.counter, asked.sequence
        )

    # The PIN --------------------------------------------------------------------------------------------

    def accepts_internal_authentication(
        self, card: CardReference, factor: bytes, original: bytes, answer: bytes
    ) -> bool:
        """Whether the answer is that of this card's IRK. Source: card.md §6.6, "Internal"."""
        return equal(self.internal_authentication_data(card, factor, original), answer)

    def internal_authentication_data(self, card: CardReference, factor: bytes, original: bytes) -> bytes:
        """What this card's IRK answers, 8 bytes. Source: card.md §6.6, "Internal"."""
        suite, irk = self._key(card, "IRK")
        return suite.authentication_data(suite.session_key(irk, factor), original)

    def external_authentication_data(
        self, card: CardReference, challenge: bytes, information: bytes, key: str = "PUK"
    ) -> bytes:
        """8 bytes that show the card its key of that name, over its newest challenge; PUK opens the PIN commands.

        Source: card.md §6.6, "External".
        """
        suite, known = self._key(card, key)
        return suite.authentication_data(suite.session_key(known, challenge), information)

    def unblock_command(self, card: CardReference, challenge: bytes) -> PinCommand:
        """The MAC of PIN UNBLOCK over a fresh challenge. Source: card.md §3, §6.3."""
        suite, session_key = self._message_session(card, challenge)
        return PinCommand(_message_mac(suite, session_key, UnblockPin(NO_MAC).to_apdu()))

    def reload_command(self, card: CardReference, challenge: bytes, pin: Pin) -> PinCommand:
        """The encrypted new PIN and the MAC of PIN RELOAD over a fresh challenge. Source: card.md §3, §6.3, §6.5."""
        suite, session_key = self._message_session(card, challenge)
        cryptogram = suite.encrypt_data(session_key, pin.to_bcd())
        mac = _message_mac(suite, session_key, ReloadPin(cryptogram, NO_MAC).to_apdu())
        return PinCommand(mac, cryptogram)

    def _message_session(self, card: CardReference, challenge: bytes) -> tuple[CipherSuite, bytes]:
        suite, stk = self._key(card, "STK")
        return suite, suite.session_key(stk, challenge)

    # ----------------------------------------------------------------------------------------------------

    def _key(self, card: CardReference, name: str) -> tuple[CipherSuite, bytes]:
        """The card's cipher suite and its key of that name; STK is a single DES key on 3DES cards (card.md §9.19)."""
        suite = suite_named(card.algorithm)
        is_short = name == "STK" and suite.block == DES_KEY_LENGTH
        root = root_of_length(self._roots[name], DES_KEY_LENGTH if is_short else KEY_LENGTH)
        return suite, diversified(suite, root, DiversificationFactors.of(card.region, card.historical))


def _message_mac(suite: CipherSuite, session_key: bytes, command: CommandApdu) -> bytes:
    """Over header, Lc (the MAC's 4 bytes counted in) and the data before the MAC. Source: card.md §6.3 item 2."""
    header = command.header + bytes((len(command.data),))
    return suite.mac(session_key, header + command.data[: -len(NO_MAC)])
