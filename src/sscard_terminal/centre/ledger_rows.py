"""An authorised load as a row of the ledger's table `loads`, and back.

Not here: the tables (ledger_schema.py) and what is written when (window_host.py).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from sscard_terminal.cardspec.issuing import CardReference, LoadOutcome, LoadRequest
from sscard_terminal.cardspec.money import Fen


@dataclass(frozen=True, slots=True)
class AuthorisedLoad:
    """A load the centre has authorised: what was asked, the time under MAC2, what is known to have become of it."""

    asked: LoadRequest
    host_time: datetime
    outcome: LoadOutcome


def row_of_load(asked: LoadRequest, host_time: datetime) -> dict[str, str | int | bytes | None]:
    """Column by column, in the names of the table `loads`."""
    return {
        "request": asked.request,
        "identification": asked.card.identification,
        "card_number": asked.card.number,
        "historical": asked.card.historical,
        "algorithm": asked.card.algorithm,
        "terminal": asked.terminal,
        "time": asked.time.isoformat(),
        "amount": asked.amount,
        "key_index": asked.key_index,
        "balance": asked.balance,
        "counter": asked.counter,
        "random": asked.random,
        "mac1": asked.mac1,
        "credit": asked.credit,
        "operator": asked.operator,
        "host_time": host_time.isoformat(),
    }


def load_of(row: sqlite3.Row, outcome: LoadOutcome) -> AuthorisedLoad:
    card = CardReference(row["identification"], row["card_number"], row["historical"], row["algorithm"])
    asked = LoadRequest(
        request=row["request"],
        card=card,
        terminal=row["terminal"],
        time=datetime.fromisoformat(row["time"]),
        amount=Fen(row["amount"]),
        key_index=row["key_index"],
        balance=Fen(row["balance"]),
        counter=row["counter"],
        random=row["random"],
        mac1=row["mac1"],
        credit=row["credit"],
        operator=row["operator"],
    )
    return AuthorisedLoad(asked, datetime.fromisoformat(row["host_time"]), outcome)
