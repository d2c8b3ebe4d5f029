"""What the tests of the reader share: none hands its doubts about a card to the next."""

import pytest

from sscard_terminal.reader import pcsc


@pytest.fixture(autouse=True)
def _no_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers whose last link broke, in another test, are trusted."""
    monkeypatch.setattr(pcsc, "_IN_DOUBT", set())
