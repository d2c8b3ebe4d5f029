"""Tells setuptools which packages there are, in both folders; it is no build script, see pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages("src"),
        "sscard_applets",
        # The invented people and test keys, and card.md as scripts: needed wherever it is installed.
        *("sscard_fixtures", "sscard_fixtures.cards", "sscard_fixtures.keys", "sscard_fixtures.conformance"),
        *(f"sscard_applets.{name}" for name in find_packages("applets")),
    ]
)
