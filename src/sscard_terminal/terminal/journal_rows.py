"""A sale as a row of the journal's table `debits`, and back.

Not here: the tables (journal_schema.py) and what is written when (journal.py).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts

from .outcomes import DebitIntent, Sale, SaleKind


def row_of_intent(intent: DebitIntent) -> dict[str, str | int | bytes]:
    """Column by column, in the names of the table `debits`."""
    return {
        "identification": intent.identification,
        "card_number": intent.card_number,
        "account": intent.amounts.account,
        "self_paid": intent.amounts.self_paid,
        "pooled": intent.amounts.pooled,
        "counter": intent.counter,
        "key_index": intent.key_index,
        "balance_before": intent.balance_before,
        "terminal": intent.terminal,
        "sequence": intent.sequence,
        "time": intent.time.isoformat(),
        "mac1": intent.mac1,
        "place": intent.place,
        "operator": intent.operator,
        "kind": intent.kind,
    }


def sale_of(row: sqlite3.Row) -> Sale:
    return Sale(
        voucher=row["voucher"],
        identification=row["identification"],
        card_number=row["card_number"],
        amounts=PurchaseAmounts(Fen(row["account"]), Fen(row["self_paid"]), Fen(row["pooled"])),
        counter=row["counter"],
        key_index=row["key_index"],
        balance_before=Fen(row["balance_before"]),
        terminal=row["terminal"],
        sequence=row["sequence"],
        time=datetime.fromisoformat(row["time"]),
        mac1=row["mac1"],
        place=row["place"],
        operator=row["operator"],
        kind=SaleKind(row["kind"]),
    )
