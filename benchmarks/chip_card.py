"""A real chip of this project in the virtual reader, its memory in RAM, its person invented. Usage: PORT."""

import os
import sys
from pathlib import Path

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import AmountFile

FIXTURES = Path(__file__).parents[1] / "fixtures"
GENERATION = "gen2-32k"


def chip() -> Chip:
    profile = load_profile(GENERATION)
    person = parse_person((FIXTURES / "cards/zhang-san.toml").read_text("utf-8"), GENERATION)
    keys = KeySet.parse((FIXTURES / "keys/test.toml").read_text("utf-8"))
    account = AmountFile(0, 0, Fen(10_000), Fen(0), Fen(0), bytes.fromhex("2012"), bytes.fromhex("0101"))
    image = personalise(profile, person, keys, fresh_objects(account))
    return Chip(profile, load_applets(profile), Nvm(RamStore(image)), os.urandom)


if __name__ == "__main__":
    Vpicc(chip(), int(sys.argv[1])).serve()
