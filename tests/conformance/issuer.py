"""The three synthetic cards and the PSAM of card.md §10, and what whoever holds their keys can say to them.

Not here: what a card ought to answer (the tests). What is known of the cards stands here as the document prints it, not
as the product's descriptions have it; root keys follow §6.10 and §10 B1, only the ciphers are the product's, which
published vectors anchor (tests/cardspec/test_vectors.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.profile_text import parse_profile
from sscard_terminal.cardspec.records import AmountFile
from tests.cards import KEYS, PERSON_TEXT, Dice

F1, F2 = bytes.fromhex("3337303030307368"), bytes.fromhex("3337303930307378")
"""Province and city of Tai'an (card.md §6.1)."""
TERMINAL = "370900000001"
ORIGINAL = bytes.fromhex("A0A1A2A3A4A5A6A7")
CONSECUTIVE = {
    "IRK": 0x10, "STK": 0x20, "UKSSSE": 0x30, "PUK": 0x40, "DLK": 0x50, "DPK": 0x60, "DTK": 0x70, "RK1DF04": 0x80,
    "DSK": 0x90, "RKSSSE": 0xA0, "BK": 0xB0, "LKDF04": 0xC0, "STKDF04": 0xD0, "UK1DF04": 0xE0, "UK2DF04": 0xF0,
}  # fmt: skip
"""First of sixteen consecutive bytes (card.md §6.10, §10 B1)."""


def root_key(name: str) -> bytes:
    if name in CONSECUTIVE:
        return bytes(range(CONSECUTIVE[name], CONSECUTIVE[name] + 16))
    return hashlib.sha256(f"sscard test key {name}".encode("ascii")).digest()[:16]


@dataclass(frozen=True)
class Generation:
    """One of the three cards, as card.md §1.10 and §10 (last table) have it."""

    name: str
    number: int
    suite: CipherSuite
    serial: str
    pin: str
    stk_length: int
    log_records: int
    algorithm: str
    """The byte in an INITIALIZE answer (§9.23)."""

    @property
    def f3(self) -> bytes:
        return bytes.fromhex("86603709" + self.serial)

    def key(self, name: str) -> bytes:
        """The card's own key: down through province, city and card (§6.1)."""
        root = root_key(name)
        key = root[: self.stk_length] if name.startswith("STK") else root
        for factor in (F1, F2, self.f3):
            key = self.suite.diversify(key, factor)
        return key


GEN1 = Generation("gen1-16k", 1, TRIPLE_DES, "00000001", "1234", 8, 10, "00")
GEN2 = Generation("gen2-32k", 2, TRIPLE_DES, "00000002", "123456", 8, 30, "00")
GEN3 = Generation("gen3", 3, SM4, "00000003", "123456", 16, 30, "03")
GENERATIONS = (GEN1, GEN2, GEN3)
VECTOR3 = replace(GEN3, serial="00000001")
"""A gen3 card with the serial that the vectors of §6.10 are computed for; gen1 has it anyway."""

each_generation = pytest.mark.parametrize("gen", GENERATIONS, ids=lambda gen: gen.name)
from_2_0 = pytest.mark.parametrize("gen", GENERATIONS[1:], ids=lambda gen: gen.name)
each_suite = pytest.mark.parametrize("gen", [GEN1, VECTOR3], ids=["3DES", "SM4"])
"""The two cards the vectors of §6.10 fit: card factor 8660370900000001."""

SSSE, MF = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00A40000023F00"
AID = "D156000005"
DF_NUMBER = {"DF01": "00", "DF02": "01", "DF03": "02", "DF04": "03", "DF07": "04"}
EXTERNAL_KEYS = {
    "UKSSSE": ("SSSE", "04"), "BK": ("SSSE", "05"), "PUK": ("SSSE", "06"), "RKSSSE": ("SSSE", "0A"),
    "UK1DF01": ("DF01", "83"), "UK2DF01": ("DF01", "84"), "UK3DF01": ("DF01", "85"), "UK4DF01": ("DF01", "86"),
    "UK5DF01": ("DF01", "87"), "RK1DF01": ("DF01", "88"), "UK6DF01": ("DF01", "89"), "UK7DF01": ("DF01", "8A"),
    "UK8DF01": ("DF01", "8B"), "UK9DF01": ("DF01", "8C"), "UKADF01": ("DF01", "8D"), "UKBDF01": ("DF01", "8E"),
    "UK1DF02": ("DF02", "83"), "UK2DF02": ("DF02", "84"), "UK3DF02": ("DF02", "85"), "UK4DF02": ("DF02", "86"),
    "UK5DF02": ("DF02", "87"), "RK1DF02": ("DF02", "88"), "UK6DF02": ("DF02", "89"),
    "LKDF03": ("DF03", "83"), "RK1DF03": ("DF03", "84"), "RK2DF03": ("DF03", "85"), "UK1DF03": ("DF03", "86"),
    "UK2DF03": ("DF03", "87"), "UK3DF03": ("DF03", "88"), "UK4DF03": ("DF03", "89"), "UK5DF03": ("DF03", "8A"),
    "UK6DF03": ("DF03", "8B"), "UK7DF03": ("DF03", "8C"), "UK8DF03": ("DF03", "8D"),
    "LKDF04": ("DF04", "83"), "RK1DF04": ("DF04", "84"), "UK1DF04": ("DF04", "85"), "UK2DF04": ("DF04", "86"),
    "DSK": ("DF04", "87"),
}  # fmt: skip
"""Where it lies, and P2 of 0082 (card.md §1.9, §10 B27)."""
MESSAGE_KEYS = {"SSSE": "STK", "DF01": "STKDF01", "DF02": "STKDF02", "DF03": "STKDF03", "DF04": "STKDF04"}


def select(df: str) -> str:
    """SELECT by name."""
    return {"SSSE": SSSE, "MF": MF}.get(df) or f"00A4040006{AID}{DF_NUMBER[df]}"


APPLETS = Path(__file__).parents[2] / "applets"


class FailingStore(RamStore):
    """A memory that refuses to be written once `refuses` is set."""

    refuses = False

    def write(self, address: int, data: bytes) -> None:
        if self.refuses:
            raise OSError("worn out")
        super().write(address, data)


@cache
def _described(name: str) -> CardProfile:
    return load_profile(name)


@cache
def with_options(name: str, *options: str) -> CardProfile:
    """The description with its rule `options` set so, as somebody would who edits it."""
    parts = {
        str(path): path.read_text(encoding="utf-8").replace("options = []", f"options = {[*options]}")
        for path in APPLETS.glob(f"*/{name.replace('-', '_')}.toml")
    }
    return parse_profile(parts)


@cache
def _applets(name: str) -> Any:
    return load_applets(_described(name))


@cache
def _image(gen: Generation, profile: CardProfile, amounts: tuple[tuple[str, Any], ...]) -> bytes:
    person = parse_person(PERSON_TEXT, gen.name)
    person = replace(person, card=replace(person.card, serial=gen.serial))
    year = f"{person.card.issued.year}"
    held = AmountFile(0, 0, Fen(0), Fen(0), Fen(0), bytes.fromhex(year), bytes.fromhex("0101"))
    return personalise(profile, person, KEYS, fresh_objects(replace(held, **dict(amounts))))


class Conversation:
    """Hex in, hex out with one chip."""

    chip: Chip

    def ask(self, text: str) -> str:
        return self.chip.respond(bytes.fromhex(text)).hex().upper()

    def fetch(self, text: str) -> str:
        """With the answer fetched where it waits."""
        answer = self.ask(text)
        waits = len(answer) == 4 and answer.startswith("61")
        return self.ask(f"00C00000{answer[2:]}") if waits else answer

    def do(self, text: str) -> str:
        """As `fetch`, and it must succeed; the data without 9000."""
        answer = self.fetch(text)
        assert answer.endswith("9000"), f"{text} → {answer}"
        return answer[:-4]

    def play(self, *texts: str) -> list[str]:
        return [self.fetch(text) for text in texts]

    def reset(self) -> None:
        self.chip.reset()


class Card(Conversation):
    """A card of one generation and somebody with all its keys.

    `dice` are the random bytes it will roll, `rules` overrule the description, `profile` replaces it; all other names
    are fields of the amount file (cia, spip, spfp, year, starting_day, load_counter, purchase_counter).
    """

    def __init__(
        self,
        gen: Generation,
        *dice: str,
        rules: dict[str, Any] | None = None,
        profile: CardProfile | None = None,
        image: bytes | None = None,
        **amounts: Any,
    ) -> None:
        self.gen = gen
        profile = profile or _described(gen.name)
        if rules:
            profile = replace(profile, rules=replace(profile.rules, **rules))
        values = {name: Fen(v) if name in ("cia", "spip", "spfp") else v for name, v in amounts.items()}
        self.store = FailingStore(image or _image(gen, profile, tuple(sorted(values.items()))))
        self.chip = Chip(profile, _applets(gen.name), Nvm(self.store), Dice(*dice))

    def select(self, df: str) -> str:
        return self.do(select(df))

    def challenge(self, length: int = 8) -> bytes:
        return bytes.fromhex(self.do(f"00840000{length:02X}"))

    # -- PIN and keys

    def verify(self, pin: str | None = None) -> str:
        body = (pin or self.gen.pin) + "F" * (len(pin or self.gen.pin) % 2)
        return self.ask(f"00200000{len(body) // 2:02X}{body}")

    def authentication(self, key: str, challenge: bytes, key_id: str | None = None) -> str:
        """EXTERNAL AUTHENTICATE with the right data."""
        session_key = self.gen.suite.session_key(self.gen.key(key), challenge)
        data = self.gen.suite.authentication_data(session_key, ORIGINAL) + ORIGINAL
        return f"008200{key_id or EXTERNAL_KEYS[key][1]}10{data.hex()}"

    def authenticate(self, key: str, key_id: str | None = None) -> str:
        return self.ask(self.authentication(key, self.challenge(), key_id))

    def fail_authentication(self, key_id: str) -> str:
        self.challenge()
        return self.ask(f"008200{key_id}10{'00' * 16}")

    def gain(self, *rights: str) -> None:
        """Each of "pin" or a key's name, in the current application."""
        for right in rights:
            answer = self.verify() if right == "pin" else self.authenticate(right)
            assert answer == "9000", f"{right}: {answer}"

    def with_mac(
        self, header: str, data: str = "", *, challenge: bytes | None = None, df: str = "SSSE"
    ) -> str:
        """A secure-messaging command under the STK of `df` and a fresh challenge (or the one given)."""
        session_key = self._message_key(challenge or self.challenge(), df)
        body = bytes.fromhex(data)
        covered = bytes.fromhex(header) + bytes((len(body) + 4,)) + body
        return (covered + self.gen.suite.mac(session_key, covered)).hex()

    def reload(self, plain: str, *, challenge: bytes | None = None) -> str:
        """PIN RELOAD with this PIN block, plain: length, PIN and padding as they are, or a PIN to be framed."""
        challenge = challenge or self.challenge()
        encrypted = self.gen.suite.encrypt_data(self._message_key(challenge), bytes.fromhex(plain))
        return self.with_mac("84240001", encrypted.hex(), challenge=challenge)

    def reload_block(self, block: str) -> str:
        """PIN RELOAD with whole blocks encrypted as they are given."""
        challenge = self.challenge()
        encrypted = self.gen.suite.encrypt(self._message_key(challenge), bytes.fromhex(block))
        return self.with_mac("84240001", encrypted.hex(), challenge=challenge)

    def _message_key(self, challenge: bytes, df: str = "SSSE") -> bytes:
        return self.gen.suite.session_key(self.gen.key(MESSAGE_KEYS[df]), challenge)

    # -- memory

    def reborn(self) -> Card:
        """The same card after its power was cut: only what was written is left."""
        return Card(self.gen, image=self.store.read_all())

    def reborn_as(self, profile: CardProfile) -> Card:
        return Card(self.gen, image=self.store.read_all(), profile=profile)

    def block(self, df: str | None = None) -> None:
        """CARD BLOCK, or APPLICATION BLOCK of `df`; then current are the MF, or `df`."""
        self.reset()
        self.select(df or "SSSE")
        self.gain("BK" if df is None else f"LK{df}")
        header = "84160000" if df is None else "841E0001"
        assert self.ask(self.with_mac(header, df=df or "SSSE")) == "9000"

    # -- money

    def at_account(self) -> Card:
        """PIN given, DF04 current."""
        self.select("SSSE")
        self.gain("pin")
        self.select("DF04")
        return self

    def open_load(self, amount: int = 100) -> str:
        return self.fetch(load_command(amount))

    def open_purchase(self, account: int = 0, self_paid: int = 0, pooled: int = 0) -> str:
        return self.fetch(purchase_command(account, self_paid, pooled))

    def credit_command(self, opened: str, amount: int = 100, time: str = "20260105083000") -> str:
        """What the host answers to INITIALIZE FOR LOAD (card.md §4.3)."""
        suite, raw = self.gen.suite, bytes.fromhex(opened)
        key = suite.session_key(self.gen.key("DLK"), raw[8:12] + raw[4:6] + b"\x80\x00")
        mac2 = suite.mac(key, bytes.fromhex(f"{amount:08X}31{TERMINAL}{time}"))
        return f"B02A00000B{time}{mac2.hex()}"

    def debit_command(
        self, opened: str, spent: str, time: str = "20260105101530", sequence: str = "00000001"
    ) -> str:
        """What the PSAM answers to INITIALIZE FOR PURCHASE (card.md §4.4); `spent` 12 bytes hex."""
        key = self.purchase_key(opened, sequence)
        mac1 = self.gen.suite.mac(key, bytes.fromhex(f"{spent}32{TERMINAL}{time}"))
        return f"B02C01000F{sequence}{time}{mac1.hex()}"

    def purchase_key(self, opened: str, sequence: str = "00000001") -> bytes:
        raw = bytes.fromhex(opened)
        return self.gen.suite.session_key(
            self.gen.key("DPK"), raw[18:22] + raw[14:16] + bytes.fromhex(sequence[-4:])
        )

    def load(self, amount: int = 100, time: str = "20260105083000") -> str:
        return self.fetch(self.credit_command(self.open_load(amount), amount, time))

    def buy(self, account: int = 0, self_paid: int = 0, pooled: int = 0, time: str = "20260105101530") -> str:
        opened = self.open_purchase(account, self_paid, pooled)
        assert opened.endswith("9000"), opened
        return self.fetch(self.debit_command(opened, amounts_of(account, self_paid, pooled), time))

    def balances(self) -> tuple[str, str, str]:
        """CIA, SPIP with its year, SPFP with its year."""
        return self.do("B026000104"), self.do("B026000206"), self.do("B026000306")


def amounts_of(*values: int) -> str:
    return "".join(f"{value:08X}" for value in values)


def load_command(amount: int, index: int = 1) -> str:
    return f"B02800010B{index:02X}{amount:08X}{TERMINAL}"


def purchase_command(account: int, self_paid: int = 0, pooled: int = 0, index: int = 1) -> str:
    return f"B028010113{index:02X}{amounts_of(account, self_paid, pooled)}{TERMINAL}"


WRONG_CREDIT, WRONG_DEBIT = "B02A00000B" + "20260105083000" + "00" * 4, "B02C01000F" + "00" * 15
"""Of the right form, with a wrong MAC: 9302 in the state they belong to, 6901 in every other."""


class Psam(Conversation):
    """A PSAM of card.md §10: `level` national, provincial or city, in one of its environments ("": just reset)."""

    FACTORS_DONE: ClassVar = {"national": b"", "provincial": F1, "city": F1 + F2}
    LEVELS: ClassVar = {"national": 3, "provincial": 2, "city": 1}
    ENVIRONMENTS: ClassVar = {
        "DES": ("00A40000023F00", "00A4000002DF01", "BFEC00000137"),
        "SSF33": ("00A404000F7378322E73682EC9E7BBE1B1A3D5CF", "00A4000002DF01"),
        "SM4": ("00A404000F7378332E73682EC9E7BBE1B1A3D5CF", "00A4000002DF01", "BFEC00000137"),
    }

    def __init__(
        self,
        environment: str = "",
        level: str = "national",
        blank: bool = False,
        options: tuple[str, ...] = (),
        **rules: Any,
    ) -> None:
        profile = with_options(f"psam-{level}", *options)
        if rules:
            profile = replace(profile, rules=replace(profile.rules, **rules))
        self.levels = self.LEVELS[level]
        self.suite: CipherSuite = SM4 if environment == "SM4" else TRIPLE_DES
        self.store = FailingStore(_psam_image(profile, self.FACTORS_DONE[level], blank))
        self.chip = Chip(profile, _applets(profile.name), Nvm(self.store), Dice())
        for text in self.ENVIRONMENTS.get(environment, ()):
            self.do(text)

    def factors(self, f3: bytes = GEN1.f3) -> str:
        """Nearest level first (card.md §5.2)."""
        return b"".join((f3, F2, F1)[: self.levels]).hex().upper()

    def deliver(self, kind_and_id: str, seed: str, f3: bytes = GEN1.f3) -> str:
        """BF DE: kind and id as "0710", the levels above it; `seed` filled with 00 to the block."""
        body = self.factors(f3) + seed.ljust(2 * self.suite.block, "0")
        usage = self.levels << 5 | int(kind_and_id[:2], 16)
        return f"BFDE{usage:02X}{kind_and_id[2:]}{len(body) // 2:02X}{body}"

    def purchase(self, f3: bytes = GEN1.f3, version: str = "01", algorithm: str | None = None) -> str:
        """80 70 of card.md §5.4 with this PSAM's number of levels."""
        algorithm = algorithm or f"{0 if self.suite.block == 8 else 3:02X}"
        body = f"{PURCHASE_DATA}{version}{algorithm}{self.factors(f3)}"
        return f"80700100{len(body) // 2:02X}{body}"


PURCHASE_DATA = "AABBCCDD0000000004D2000007D000001F403220260105101530"
"""Random, counter, three amounts, type, time of the example in card.md §5.4."""


@cache
def _psam_image(profile: CardProfile, factors_done: bytes, blank: bool) -> bytes:
    return issue_psam(profile, PsamFacts(), KEYS, factors_done, blank)
