"""What many tests share: a private pcscd per test process, and its slots in turn; no card is made here."""

import itertools
import os
from collections.abc import Iterator

import pytest

from sscard_terminal.reader import pcsc
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

pytest_plugins = ["tests.conformance.report"]
SLOTS = 8
EMPTY_WITHIN_S = 10.0


@pytest.fixture(scope="session")
def pcscd() -> Iterator[PrivatePcscd]:
    """A running pcscd of this test process; PC/SC calls in this process reach it. Not having one is a failure.

    libpcsclite reads its socket's path once, at the first call: so there is one per process, and tests that need
    another reach it from child processes.
    """
    with PrivatePcscd(SLOTS, fast_poll=True) as running:
        os.environ.update(running.environment())
        yield running


@pytest.fixture(scope="session")
def _slots_in_turn(pcscd: PrivatePcscd) -> Iterator[Slot]:
    return itertools.cycle(pcscd.slots)


@pytest.fixture
def slot(_slots_in_turn: Iterator[Slot]) -> Slot:
    """An empty slot; each test gets the next, and the reader has seen that the card of a test before is gone."""
    slot = next(_slots_in_turn)
    assert pcsc.wait_for_removal(slot.reader, EMPTY_WITHIN_S)
    return slot
