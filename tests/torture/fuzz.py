"""Random and mutated APDUs at a chip: always an answer, never a secret, and money moves by valid commands alone.

Not here: broken media (enumeration). Everything follows from a seed.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError
from tests.cards import KEYS, NEW_CARD, PERSON_TEXT
from tests.torture.counterpart import (
    DF04,
    EXTERNAL_KEYS,
    FACTORS,
    SSSE,
    TERMINAL,
    Counterpart,
    profile_and_applets,
    psam_in_des,
)

MARKED_PIN = "9182736450918273"
"""Sixteen digits, so that no chance puts them into an answer."""
OPENING = 1_000_000
A_LIFE = 250
"""APDUs until a fresh chip is taken: fuzzing locks PINs and keys soon."""
CARDS = ("gen1-16k", "gen2-32k", "gen3")
PSAM = "psam-national"
CARD_SEEDS = tuple(
    bytes.fromhex(text)
    for text in (
        SSSE, DF04, "00A4020002EF08", "00A40000023F00", "00B2012C12", "00B201441C", "00B2014500", "00B0870010",
        "00DC0134030A0139", "04DC023407030A013900000000", "00D687000411223344", "0084000008", "0084000004",
        f"0020000008{MARKED_PIN}", "0020000000", "0020000003123456", f"805E01000C{MARKED_PIN}FF654321",
        "00820006100011223344556677A0A1A2A3A4A5A6A7", "0088000010B0B1B2B3B4B5B6B7C0C1C2C3C4C5C6C7",
        "842400000400000000", "842400010C000000000000000000000000", "841E00010400000000", "841600000400000000",
        f"B02800010B0100000001{TERMINAL}", f"B02801011301000000010000000100000001{TERMINAL}",
        "B02A00000B2012060112000000000000", "B02C01000F00000001201206011200000000000000", "B026000104", "B026000206",
        "B02E0032020000", "B02E0031020000", "B056010002", "B0560000020701", "00C0000000", "00C0000010", "8050000000",
    )
)  # fmt: skip
PSAM_SEEDS = tuple(
    bytes.fromhex(text)
    for text in (
        SSSE, "00A40000023F00", "00A4000002DF01", "00A404000F7378332E73682EC9E7BBE1B1A3D5CF", "00B0960006", "00B0990004",
        "0084000008", "BFEC00000137", f"BFDE670820{FACTORS.hex()}B0B1B2B3B4B5B6B7", f"BFDE681020{FACTORS.hex()}0011223344556677",
        f"BFDE680920{FACTORS.hex()}8899AABBCCDDEEFF", "80FA000008C0C1C2C3C4C5C6C7", "80FA0500180000000000000000842400010C000000800000000000",
        "80FA0700100000000000000000842400010C000000", "80FA010008842400010C000000", "807200000400000000", "00C0000008",
        f"8070010034AABBCCDD0000000004D2000007D000001F4032202601051015300100{FACTORS.hex()}", "84D40011",
    )
)  # fmt: skip


class Broken(AssertionError):
    """A chip broke a rule; the text holds seed, place and command, and is meant for us: test keys only."""


def _card_image(profile_name: str) -> bytes:
    profile, _ = profile_and_applets(profile_name)
    held = replace(NEW_CARD, cia=Fen(OPENING))
    person = parse_person(PERSON_TEXT, profile_name)
    return personalise(profile, person, KEYS, fresh_objects(held), Pin(MARKED_PIN))


def _psam_image() -> bytes:
    return issue_psam(profile_and_applets(PSAM)[0], PsamFacts(), KEYS)


@contextmanager
def recorded_texts() -> Iterator[set[str]]:
    """The texts of all refusals and format errors raised inside the chip, and of everything logged meanwhile."""
    texts: set[str] = set()
    log = logging.Handler(logging.DEBUG)
    log.emit = lambda record: texts.add(record.getMessage())  # type: ignore[method-assign]

    def recording(original: Any) -> Any:
        def init(self: Any, *arguments: Any) -> None:
            original(self, *arguments)
            texts.add(str(self))

        return init

    with (
        patch.object(FormatError, "__init__", recording(FormatError.__init__)),
        patch.object(Refusal, "__init__", recording(Refusal.__init__)),
    ):
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(log)
        try:
            yield texts
        finally:
            root.removeHandler(log)
            root.setLevel(level)


class Fuzzer:
    """Fuzzes chips of one description; `answers` counts the status words."""

    def __init__(self, profile_name: str, seed: int) -> None:
        self.profile_name = profile_name
        self.seed = seed
        self.answers: Counter[str] = Counter()
        self.texts: set[str] = set()
        self.moved = 0
        self._dice = random.Random(f"{profile_name} {seed}")
        self._image = _psam_image() if profile_name == PSAM else _card_image(profile_name)
        self._seeds = PSAM_SEEDS if profile_name == PSAM else CARD_SEEDS
        self._valid: tuple[bytes, int] | None = None
        self._done = 0
        self._new_chip()

    def _new_chip(self) -> None:
        profile, applets = profile_and_applets(self.profile_name)
        rules = replace(profile.rules, answers_at_once=self._dice.random() < 0.3)
        self._nvm = Nvm(RamStore(self._image))
        self.chip = Chip(replace(profile, rules=rules), applets, self._nvm, self._dice.randbytes)
        self._end = Counterpart(self.chip, self.profile_name)
        keys = [self._nvm.read(name, 1) for name in self._nvm.names() if name.startswith("key/")]
        self.secrets = (*keys, bytes.fromhex(MARKED_PIN), MARKED_PIN.encode())
        self._balance, self._counters = OPENING, 0
        self._sequences = self._sequence()
        self._pin = b"" if self.profile_name == PSAM else self._nvm.read("pin", 2)
        if self.profile_name == PSAM:
            psam_in_des(self.chip)
        elif self._dice.random() < 0.8:
            self._log_in()

    def _log_in(self) -> None:
        """PIN and medical application, sometimes with every right that keys give."""
        shows_keys = self._dice.random() < 0.4
        for text in (SSSE, f"0020000008{MARKED_PIN}"):
            self._end.fetch(text)
        for place in ("SSSE", "DF04"):
            self._end.fetch(SSSE if place == "SSSE" else DF04)
            for key, number in EXTERNAL_KEYS.items():
                if shows_keys and (number >= 0x80) == (place == "DF04"):
                    self._end.authenticate(key)

    def run(self, count: int) -> None:
        """So many APDUs, each checked, and then every text that was written meanwhile."""
        with recorded_texts() as texts:
            for number in range(count):
                if number % A_LIFE == A_LIFE - 1:
                    self._new_chip()
                self._send(self._next())
        self.texts |= texts
        for text in texts:
            if self.shows_secret(text.encode()) or any(
                secret.hex() in text.lower() for secret in self.secrets
            ):
                raise Broken(f"{self.profile_name}, seed {self.seed}: a text shows a secret")

    # -- what is sent

    def _next(self) -> bytes:
        self._valid = None
        choice = self._dice.random()
        if choice < 0.15:
            return self._dice.randbytes(self._dice.randrange(0, 300 if choice < 0.01 else 40))
        if choice < 0.2 and self.profile_name != PSAM:
            return self._valid_transaction()
        seed = self._dice.choice(self._seeds)
        return seed if choice < 0.4 else self._mutated(seed)

    def _valid_transaction(self) -> bytes:
        """A debit or a credit with right MACs, sometimes spoiled in one bit."""
        spent, time = (self._dice.randrange(1, 100), 1, 1), "20120601120000"
        if self._dice.random() < 0.5:
            challenge = self._end.initialize_purchase(spent)
            command, change = self._end.debit_command(challenge, spent, time), -spent[0]
        else:
            challenge = self._end.initialize_load(spent[0])
            command, change = self._end.credit_command(challenge, spent[0], time), spent[0]
        raw = bytes.fromhex(command)
        if challenge.endswith("9000"):
            self._valid = raw, change
        return self._mutated(raw) if self._dice.random() < 0.5 else raw

    def _mutated(self, seed: bytes) -> bytes:
        raw = bytearray(seed)
        for _ in range(self._dice.choice((1, 1, 1, 2, 4))):
            place = self._dice.randrange(len(raw) + 1)
            match self._dice.choice((0, 1, 2, 2, 2, 3, 3, 3, 4, 5, 6)):
                case 0:
                    del raw[place:]
                case 1:
                    raw += self._dice.randbytes(self._dice.choice((1, 1, 2, 30)))
                case 2 if place < len(raw):
                    raw[place] ^= 1 << self._dice.randrange(8)
                case 3 if place < len(raw):
                    raw[place] = self._dice.choice((0x00, 0xFF, 0x7F, 0x80, self._dice.randrange(256)))
                case 4 if len(raw) > 4:
                    raw[4] = self._dice.randrange(256)
                case 5 if len(raw) > 4:
                    raw[4:5] = bytes((0, 0, raw[4]))  # the extended form
                case 6:
                    del raw[place : place + 1]
        carries_pin = bytes.fromhex(MARKED_PIN) in raw
        return seed if carries_pin and raw[1] not in (0x20, 0x5E) else bytes(raw)  # or a file would hold it

    # -- what must hold

    def _send(self, raw: bytes) -> None:
        self._done += 1
        answer = self.chip.respond(raw)
        self.answers[answer[-2:].hex().upper()] += 1
        if len(answer) < 2:
            self._broken("gives no status word", raw)
        if self.shows_secret(answer):
            self._broken("shows a secret", raw)
        if self.profile_name == PSAM:
            self._check_sequence(raw, answer)
        else:
            self._check_money(raw, answer)
            self._check_pin(raw, answer)

    def shows_secret(self, text: bytes) -> bool:
        return len(text) >= 8 and any(secret in text for secret in self.secrets)

    def _check_money(self, raw: bytes, answer: bytes) -> None:
        held = self._nvm.read("DF04/amounts", 0, 8)
        balance, counters = (
            int.from_bytes(held[4:], "big"),
            int.from_bytes(held[:2]) + int.from_bytes(held[2:4]),
        )
        if balance == self._balance and counters == self._counters:
            return
        command, change = self._valid or (b"", 0)
        # Lc may stand in its long form; no MAC covers the first two bytes of a debit's sequence (card.md §4.4).
        covered = command[7 if command[1:2] == b"\x2c" else 5 :]
        was_valid = command and raw[:4] == command[:4] and covered in raw
        if not was_valid or balance != self._balance + change or counters != self._counters + 1:
            self._broken("moves money without a valid command", raw)
        if answer[-2] not in (0x90, 0x61):
            self._broken("moves money and says it did not", raw)
        self.moved += 1
        self._balance, self._counters = balance, counters

    def _check_pin(self, raw: bytes, answer: bytes) -> None:
        pin = self._nvm.read("pin", 2)
        if pin != self._pin:
            knew_it = raw[:2] == b"\x80\x5e" and self._pin.rstrip(b"\xff") in raw and answer == b"\x90\x00"
            if not knew_it:
                self._broken("changes the PIN for somebody who did not know it", raw)
            self._pin = pin

    def _sequence(self) -> bytes:
        return b"".join(self._nvm.read(name) for name in self._nvm.names() if name.endswith("/0019"))

    def _check_sequence(self, raw: bytes, answer: bytes) -> None:
        now = self._sequence()
        if now != self._sequences:
            if raw[:2] != b"\x80\x70" or answer[-2] not in (0x90, 0x61):
                self._broken("counts a purchase that is none", raw)
            self.moved += 1
            self._sequences = now

    def _broken(self, what: str, raw: bytes) -> None:
        raise Broken(f"{self.profile_name}, seed {self.seed}, APDU {self._done}: {raw.hex().upper()} {what}")
