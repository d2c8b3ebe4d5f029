"""Tells setuptools which packages there are, in both folders; it is no build script, see pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages("src"),
        "sscard_applets",
        "sscard_fixtures",
        *(f"sscard_applets.{name}" for name in find_packages("applets")),
    ]
)
