"""The other end of a tortured chip: commands with the right MACs, and a look at everything a chip says about itself.

Not here: what it ought to say (oracle). A look may change the chip (it spends tries): it is for a chip to throw away.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sscard_applets.catalogue import load_applets, load_profile
from sscard_terminal.card.chip import Applet, Chip
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import atr_of
from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.ciphers import CipherSuite, suite_named
from sscard_terminal.cardspec.keys import DiversificationFactors, diversified, root_of_length
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from tests.cards import KEYS, PERSON_TEXT, Dice

SSSE, DF04 = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00A4040006D15600000503"
TERMINAL = "370900000001"
QUERY_TRIES = "0020000000"
ORIGINAL = bytes.fromhex("A0A1A2A3A4A5A6A7")
FACTORS = bytes.fromhex("866037090000000133373039303073783337303030307368")
EXTERNAL_KEYS = {"PUK": 0x06, "UKSSSE": 0x04, "UK1DF04": 0x85, "UK2DF04": 0x86, "DSK": 0x87}


@cache
def profile_and_applets(name: str) -> tuple[CardProfile, tuple[Applet, ...]]:
    profile = load_profile(name)
    return profile, load_applets(profile)


def chip_on(store: ByteStore, profile_name: str) -> Chip:
    """A new chip over a medium: what was in it and its session are gone, only the bytes remain."""
    profile, applets = profile_and_applets(profile_name)
    return Chip(profile, applets, Nvm(store), Dice())


@cache
def card_key(profile_name: str, name: str) -> bytes:
    profile, _ = profile_and_applets(profile_name)
    historical = atr_of(profile, parse_person(PERSON_TEXT, profile_name)).historical
    root = root_of_length(KEYS[name], profile.key(name).length)
    return diversified(suite_of(profile_name), root, DiversificationFactors.of("370900", historical))


def suite_of(profile_name: str) -> CipherSuite:
    return suite_named(profile_and_applets(profile_name)[0].algorithm)


def pin_bytes(pin: str) -> str:
    return pin + "F" * (len(pin) % 2)


def amounts(spent: tuple[int, int, int]) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in spent)


class Counterpart:
    """A terminal (and an issuer) at one chip; `terminal` is its number, 12 digits."""

    def __init__(self, chip: Chip, profile_name: str, terminal: str = TERMINAL) -> None:
        self.chip = chip
        self.profile_name = profile_name
        self.terminal = terminal
        self._suite = suite_of(profile_name)

    def ask(self, text: str) -> str:
        return self.chip.respond(bytes.fromhex(text)).hex().upper()

    def fetch(self, text: str) -> str:
        """With the answer fetched where it waits."""
        answer = self.ask(text)
        waits = len(answer) == 4 and answer.startswith("61")
        return self.ask(f"00C00000{answer[2:4]}") if waits else answer

    def _key(self, name: str) -> bytes:
        return card_key(self.profile_name, name)

    def verify(self, pin: str) -> str:
        body = pin_bytes(pin)
        return self.ask(f"00200000{len(body) // 2:02X}{body}")

    def change_pin(self, old: str, new: str) -> str:
        body = f"{pin_bytes(old)}FF{pin_bytes(new)}"
        return self.ask(f"805E0100{len(body) // 2:02X}{body}")

    def challenge(self) -> bytes:
        """Zeros where the chip refuses one: the command that follows is refused as well."""
        return bytes.fromhex(self.ask("0084000008")[:-4]) or bytes(8)

    def authenticate(self, key: str, right: bool = True) -> str:
        session_key = self._suite.session_key(self._key(key), self.challenge())
        data = self._suite.authentication_data(session_key, ORIGINAL)
        shown = data if right else bytes(byte ^ 0xFF for byte in data)
        return self.ask(f"008200{EXTERNAL_KEYS[key]:02X}10{(shown + ORIGINAL).hex()}")

    def protected(self, header: str, plain: bytes | None = None) -> str:
        session_key = self._suite.session_key(self._key("STK"), self.challenge())
        body = self._suite.encrypt_data(session_key, plain) if plain is not None else b""
        head = bytes.fromhex(header) + bytes((len(body) + 4,))
        return self.ask((head + body + self._suite.mac(session_key, head + body)).hex())

    def reload_pin(self, new: str) -> str:
        return self.protected("84240001", bytes.fromhex(pin_bytes(new)))

    def unblock_pin(self) -> str:
        return self.protected("84240000")

    def initialize_purchase(self, spent: tuple[int, int, int]) -> str:
        return self.fetch(f"B02801011301{amounts(spent).hex()}{self.terminal}")

    def initialize_load(self, amount: int) -> str:
        return self.fetch(f"B02800010B01{amount:08X}{self.terminal}")

    def debit_command(self, challenge: str, spent: tuple[int, int, int], time: str) -> str:
        """MAC1 as a PSAM would make it, with terminal sequence 1."""
        answer, sequence, moment = bytes.fromhex(challenge), bytes.fromhex("00000001"), bytes.fromhex(time)
        counter, suite = int.from_bytes(answer[14:16], "big"), self._suite
        key = transaction.purchase_session_key(suite, self._key("DPK"), answer[18:22], counter, sequence)
        mac1 = transaction.purchase_mac1(suite, key, amounts(spent), bytes.fromhex(self.terminal), moment)
        return f"B02C01000F{(sequence + moment + mac1).hex()}"

    def credit_command(self, challenge: str, amount: int, time: str) -> str:
        """MAC2 as the host would make it."""
        answer, moment, suite = bytes.fromhex(challenge), bytes.fromhex(time), self._suite
        counter = int.from_bytes(answer[4:6], "big")
        key = transaction.load_session_key(suite, self._key("DLK"), answer[8:12], counter)
        mac2 = transaction.load_mac2(suite, key, Fen(amount), bytes.fromhex(self.terminal), moment)
        return f"B02A00000B{(moment + mac2).hex()}"


def look_at_card(
    raw: bytes, profile_name: str, pins: tuple[str, ...], extras: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Everything a card built from these bytes says, by its commands alone. `extras`: keys (their tries) and files."""
    card = Counterpart(chip_on(RamStore(raw), profile_name), profile_name)
    tries = int(card.ask(QUERY_TRIES)[3], 16)
    seen: dict[str, Any] = {"tries": tries, "pin": _pin_of(card, pins)}
    card.fetch(DF04)
    seen["day"] = card.ask("B056010002")[:4]
    purchase, load = card.initialize_purchase((0, 0, 0)), card.initialize_load(0)
    seen |= {
        "balance": int(purchase[:8], 16),
        "self_paid": int(purchase[8:16], 16),
        "pooled": int(purchase[16:24], 16),
        "year": purchase[24:28],
        "purchases": int(purchase[28:32], 16),
        "loads": int(load[8:12], 16),
        "log": _records(card, 0x08, 28),
        "log room": next(spec.record_count for spec in chip_files(profile_name) if spec.key == "DF04/EF08"),
        "proof": _proofs(card, int(load[8:12], 16), int(purchase[28:32], 16)),
    }
    for extra in extras:
        seen[extra] = _tries_of(card, extra) if extra in EXTERNAL_KEYS else _records(card, int(extra[2:], 16))
    return seen


def chip_files(profile_name: str) -> Any:
    return profile_and_applets(profile_name)[0].files


def _pin_of(card: Counterpart, pins: tuple[str, ...]) -> str:
    """The one of `pins` that opens the card; a locked card is unblocked first, by the issuer."""
    card.fetch(SSSE)
    for pin in pins:
        if card.ask(QUERY_TRIES) == "63C0":
            card.authenticate("PUK")
            card.unblock_pin()
        if card.verify(pin) == "9000":
            return pin
    return "none of them"


def _records(card: Counterpart, sfi: int, length: int = 0) -> list[str]:
    found = []
    for number in range(1, 256):
        command = f"00B2{number:02X}{sfi << 3 | 4:02X}"
        answer = card.ask(f"{command}{length:02X}")
        if not length and answer.startswith("6C"):
            answer = card.ask(f"{command}{answer[2:]}")
        if not answer.endswith("9000"):
            break
        found.append(answer[:-4])
    return found


def _proofs(card: Counterpart, loads: int, purchases: int) -> list[str]:
    """Every proof the card gives for its newest and its next transactions of either kind."""
    found = []
    for kind, counter in (("31", loads), ("32", purchases)):
        for number in (counter - 1, counter):
            if 0 <= number <= 0xFFFF:
                answer = card.fetch(f"B02E00{kind}02{number:04X}")
                if answer.endswith("9000"):
                    found.append(f"{kind} {number:04X} {answer[:-4]}")
    return found


def _tries_of(card: Counterpart, key: str) -> int:
    """One wrong authentication tells."""
    if not EXTERNAL_KEYS[key] & 0x80:
        card.fetch(SSSE)
    answer = card.authenticate(key, right=False)
    return 0 if answer == "6983" else int(answer[3], 16) + 1


def look_at_psam(raw: bytes) -> dict[str, Any]:
    """The sequence number, as it is read and as the next purchase will use it."""
    sam = psam_in_des(chip_on(RamStore(raw), "psam-national"))
    read = int(sam.ask("00B0990004")[:8], 16)
    used = int(sam_purchase(sam)[:8], 16)
    return {"sequence": read} if used == read + 1 else {"sequence": read, "used": used}


def psam_in_des(chip: Chip) -> Counterpart:
    sam = Counterpart(chip, "psam-national")
    for text in ("00A40000023F00", "00A4000002DF01", "BFEC00000137"):
        sam.fetch(text)
    return sam


def sam_purchase(sam: Counterpart) -> str:
    """80 70 for a purchase of one fen with counter 0."""
    body = (
        bytes.fromhex("AABBCCDD0000") + amounts((1, 0, 0)) + bytes.fromhex("32202601051015300100") + FACTORS
    )
    return sam.fetch(f"80700100{len(body):02X}{body.hex()}")
