"""Sales and events as rows of the journal's tables, and back; each row with a check code over all of it.

SQLite finds a page that makes no sense, and not a digit that became another: the code does. Not here: the tables
(journal_schema.py) and what is written when (journal.py).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord

from .journal_events import Event, EventKind
from .outcomes import DebitIntent, Sale, SaleKind

Value = str | int | bytes | None

DEBIT_COLUMNS = (
    *(
        "identification",
        "card_number",
        "account",
        "self_paid",
        "pooled",
        "counter",
        "key_index",
        "balance_before",
    ),
    *("terminal", "sequence", "time", "mac1", "place", "operator", "kind", "request"),
)
EVENT_COLUMNS = (
    *("voucher", "kind", "at", "tac", "mac2", "sw", "detail", "amount", "operator", "supervisor", "answers"),
)
"""What the check code covers, in this order; a column of a later version is covered by a code of its own."""


def crc_of(values: Iterable[Value]) -> int:
    """The check code of a row: CRC-32 over its values, one a line, each behind a letter for its type. Our choice."""
    return zlib.crc32("\n".join(map(_told, values)).encode())


def _told(value: Value) -> str:
    match value:
        case None:
            return "n"
        case bytes():
            return f"x{value.hex()}"
        case int():
            return f"i{int(value)}"
        case _:
            return f"s{value}"


def is_whole(row: sqlite3.Row, columns: tuple[str, ...]) -> bool:
    """False for a row that is not what was written; rows from before version 3 have no code and pass."""
    return row["crc"] is None or row["crc"] == crc_of(row[column] for column in columns)


def row_of_intent(intent: DebitIntent) -> Mapping[str, Value]:
    """Column by column, in the names of the table `debits`."""
    row: dict[str, Value] = {
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
        "kind": str(intent.kind),
        "request": intent.request,
    }
    return {**row, "crc": crc_of(row[column] for column in DEBIT_COLUMNS)}


def row_of_event(voucher: int, event: Event) -> Mapping[str, Value]:
    """Column by column, in the names of the table `events`."""
    row: dict[str, Value] = {
        "voucher": voucher,
        "kind": str(event.kind),
        "at": event.at.isoformat(),
        "tac": event.tac,
        "mac2": event.mac2,
        "sw": None if event.sw is None else str(event.sw),
        "detail": str(event.detail),
        "amount": event.amount,
        "operator": event.operator,
        "supervisor": event.supervisor,
        "answers": event.answers,
    }
    return {**row, "crc": crc_of(row[column] for column in EVENT_COLUMNS)}


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
        request=row["request"],
    )


def event_of(row: sqlite3.Row) -> Event:
    return Event(
        kind=EventKind(row["kind"]),
        at=datetime.fromisoformat(row["at"]),
        tac=row["tac"],
        mac2=row["mac2"],
        sw=None if row["sw"] is None else StatusWord(int(row["sw"], 16)),
        detail=row["detail"],
        amount=None if row["amount"] is None else Fen(row["amount"]),
        operator=row["operator"],
        supervisor=row["supervisor"],
        answers=row["answers"],
        number=row["id"],
    )
