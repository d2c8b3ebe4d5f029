"""What the journal says, in the plain words of the books.

Not here: what it ought to say (books).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.bcd import bcd_of_time
from sscard_terminal.reader.completing import completing
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import EventKind, JournalEntry
from sscard_terminal.terminal.outcomes import Sale
from sscard_terminal.terminal.recovery import Evidence

from .chips import chip_from

Entry = dict[str, Any]
Names = Mapping[tuple[str, str], str]
"""Card identification code and card number → the name of that card in the books."""


def names_of(cards: Mapping[str, bytes], profile_name: str) -> Names:
    """Each card asked whose it is."""
    return {_whose(image, profile_name): name for name, image in cards.items()}


@cache
def _whose(image: bytes, profile_name: str) -> tuple[str, str]:
    card = SocialSecurityCard(completing(LoopbackConnection(chip_from(image, profile_name))))
    card.enter_ssse()
    issuer = card.issuer_data()
    return str(issuer.identification), issuer.card_number


def body_of(sale: Sale) -> str:
    """The data of its DEBIT: sequence, time, MAC1, in hex."""
    return (sale.sequence + bcd_of_time(sale.time) + sale.mac1).hex().upper()


def entries_of(journal: Journal, names: Names) -> tuple[Entry, ...]:
    return tuple(_entry_of(entry, names) for entry in journal.entries())


def _entry_of(entry: JournalEntry, names: Names) -> Entry:
    sale, amounts = entry.sale, entry.sale.amounts
    return {
        "card": names.get((sale.identification, sale.card_number), "unknown"),
        "body": body_of(sale),
        "counter": sale.counter,
        "spent": (amounts.account, amounts.self_paid, amounts.pooled),
        "state": str(entry.state),
        "tac": (entry.tac or b"").hex().upper(),
        "confirmed": any(
            event.kind is EventKind.CONFIRMED or event.detail == Evidence.PSAM_ACCEPTED_MAC2
            for event in entry.events
        ),
    }
