"""A pytest plugin: virtual cards, PSAM, terminal and PC/SC reader as fixtures (docs/pytest-plugin.md).

`plugin.py` is what pytest loads, always, so it imports nothing of ours; all else is imported by the fixtures that need it.
"""
