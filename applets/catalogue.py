"""Finds descriptions and applets by name; a new application is a new folder behind an entry point.

Not here: what is in them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable

from sscard_terminal.card.chip import Applet
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.profile_text import parse_profile
from sscard_terminal.iso7816.errors import FormatError

ENTRY_POINTS = "sscard.applets"
"""Each names a function without arguments that gives an Applet."""


def _descriptions() -> Iterator[tuple[str, Traversable]]:
    for folder in files("sscard_applets").iterdir():
        if folder.is_dir():
            for part in folder.iterdir():
                if part.name.endswith(".toml"):
                    yield folder.name, part


def profile_names() -> tuple[str, ...]:
    """The descriptions there are, sorted: "gen2-32k", "psam-national", …"""
    return tuple(sorted(_main_parts()))


@cache
def _main_parts() -> dict[str, tuple[str, str]]:
    """Description name → applet folder and file name of the part with the table [card]."""
    found = {}
    for folder, part in _descriptions():
        document = tomllib.loads(part.read_text(encoding="utf-8"))
        if "card" in document:
            found[str(document["card"]["name"])] = (folder, part.name)
    return found


@cache
def load_profile(name: str) -> CardProfile:
    """The description of that name, all its parts: one file of the same name in each applet's folder.

    Raises:
        FormatError: no such description, or one that is wrong.
    """
    if name not in _main_parts():
        raise FormatError(f"there is no card description {name!r}; there are {', '.join(profile_names())}")
    main_folder, file_name = _main_parts()[name]
    parts = {
        f"{folder}/{part.name}": part.read_text(encoding="utf-8")
        for folder, part in _descriptions()
        if part.name == file_name
    }
    first = f"{main_folder}/{file_name}"
    return parse_profile({first: parts.pop(first), **parts})


def load_applets(profile: CardProfile) -> tuple[Applet, ...]:
    """The applets a description names, in its order.

    Raises:
        FormatError: one is not installed.
    """
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    missing = [name for name in profile.applets if name not in installed]
    if missing:
        raise FormatError(f"{profile.name} needs the applet {missing[0]}, which is not installed")
    return tuple(installed[name].load()() for name in profile.applets)
