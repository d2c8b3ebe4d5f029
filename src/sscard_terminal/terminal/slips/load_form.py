"""The slip of a load (圈存): what the centre has put onto the card at the service window.

Not here: the load itself (load.py) and how it is kept (load_journal.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.iso7816.status import Language

from ..client import MEDICAL_ACCOUNT
from ..load_records import LoadEntry, LoadState
from .contents import Slip
from .forms import VOUCHER_DIGITS, Fact, Form, filled_in, moment


@dataclass(frozen=True, slots=True)
class _LoadHere:
    """A load of the journal, and the place as the configuration names it."""

    entry: LoadEntry
    place: str


def slip_of_load(
    entry: LoadEntry, place: str, language: Language, *, reprint: bool = False, training: bool = False
) -> Slip:
    """The slip of a load as it stands now: 已入账, 待核实 or 未入账; balance and TAC on the first alone."""
    return filled_in(LOAD, _LoadHere(entry, place), language, reprint=reprint, training=training)


def _if_credited(fact: Fact[LoadEntry]) -> Fact[_LoadHere]:
    return lambda here: fact(here.entry) if here.entry.state is LoadState.CREDITED else ""


LOAD: Form[_LoadHere] = Form(
    title="title.load",
    state=lambda here: f"loaded.{here.entry.state}",
    facts=(
        ("place", lambda here: here.place),
        ("terminal", lambda here: here.entry.load.terminal),
        ("operator", lambda here: here.entry.load.operator),
        ("load-number", lambda here: f"{here.entry.load.number:0{VOUCHER_DIGITS}d}"),
        ("card", lambda here: masked_number(here.entry.load.card_number)),
        ("aid", lambda here: str(MEDICAL_ACCOUNT)),
        ("time", lambda here: moment(here.entry.load.time)),
        ("request-id", lambda here: here.entry.load.request),
        ("tac", _if_credited(lambda entry: (entry.tac or b"").hex().upper())),
    ),
    amounts=(
        ("loaded", lambda here: yuan_of_fen(here.entry.load.amount)),
        ("balance", _if_credited(lambda entry: yuan_of_fen(entry.load.balance_after))),
    ),
    advice=lambda here: "advice.open-load" if here.entry.state is LoadState.OPEN else "",
    is_signed=lambda here: here.entry.state is not LoadState.NOT_CREDITED,
)
