"""A card process to be killed: serves one image file to the driver at a port until it dies.

Run: python -m tests.torture.served_card IMAGE PROFILE PORT
"""

import sys
from pathlib import Path

from sscard_applets.catalogue import load_applets, load_profile
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import FileStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.vpicc import Vpicc


def main(image: str, profile_name: str, port: str) -> None:
    profile = load_profile(profile_name)
    chip = Chip(profile, load_applets(profile), Nvm(FileStore(Path(image))))
    Vpicc(chip, int(port)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
