"""Finds descriptions and applets by name; a new application is a new folder behind an entry point.

Not here: what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable

from sscard_terminal.card.chip import Applet
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.profile_text import parse_profile
from sscard_terminal.iso7816.errors import FormatError

ENTRY_POINTS = "sscard.applets"
"""Each names a function without arguments that gives an Applet."""
OURS = {
    "social_security": "sscard_applets.social_security:SocialSecurity",
    "medical_account": "sscard_applets.medical_account:MedicalAccount",
    "psam": "sscard_applets.psam:PurchaseSam",
}
"""The same entry points as pyproject.toml names for us; a test holds both equal."""
SUFFIX = ".toml"


def _descriptions() -> Iterator[tuple[str, Traversable]]:
    for folder in files("sscard_applets").iterdir():
        if folder.is_dir():
            for part in folder.iterdir():
                if part.name.endswith(SUFFIX):
                    yield folder.name, part


def profile_names() -> tuple[str, ...]:
    """The descriptions there are, sorted: "gen2-32k", "psam-national", …; a file is called after its card."""
    names = {part.name.removesuffix(SUFFIX).replace("_", "-") for _, part in _descriptions()}
    return tuple(sorted(names))


@cache
def load_profile(name: str) -> CardProfile:
    """The description of that name, all its parts: one file of the same name in each applet's folder.

    Raises:
        FormatError: no such description, or one that is wrong.
    """
    wanted = name.replace("-", "_") + SUFFIX
    parts = {
        f"{folder}/{part.name}": part.read_text(encoding="utf-8")
        for folder, part in _descriptions()
        if part.name == wanted
    }
    if not parts or name not in profile_names():
        raise FormatError(f"there is no card description {name!r}; there are {', '.join(profile_names())}")
    profile = parse_profile(parts)
    if profile.name != name:
        raise FormatError(f"{wanted} describes the card {profile.name!r}; a file is called after its card")
    return profile


def load_applets(profile: CardProfile) -> tuple[Applet, ...]:
    """The applets a description names, in its order.

    Raises:
        FormatError: one is not installed.
    """
    return tuple(_applet(profile, name) for name in profile.applets)


def _applet(profile: CardProfile, name: str) -> Applet:
    """One of ours, or one that is installed beside us; to ask what is installed takes 30 ms, so that comes second."""
    if name in OURS:
        module, factory = OURS[name].split(":")
        applet: Applet = getattr(import_module(module), factory)()
        return applet
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        found: Applet = point.load()()
        return found
    raise FormatError(f"{profile.name} needs the applet {name}, which is not installed")
