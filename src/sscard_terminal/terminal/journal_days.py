"""The part of the journal that is not sales: days opened and closed with their sums, and who was shown what in full.

Not here: when a day may be opened or closed (day.py).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from .day_records import CareKind, DayEvent, DayEventKind, Disclosure, HourSum, Sum
from .journal_schema import MOVED_APPLICATION_ID, STATE
from .journal_store import JournalStore

STATE_AT = STATE.replace(
    "events.voucher = debits.voucher", "events.voucher = debits.voucher AND (?3 IS NULL OR events.id <= ?3)"
)
"""Where a debit stood when event ?3 was the newest; NULL: where it stands now."""


class DayJournal(JournalStore):
    """A journal's days and disclosures."""

    def record_day(
        self, kind: DayEventKind, at: datetime, operator: str, despite: str = "", supervisor: str = ""
    ) -> None:
        """Open or close the day, durably, behind the newest sale and event there are.

        `despite`: why over open sales, and `supervisor` who answers for it.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE).
        """
        with self.writing() as database:
            database.execute(
                "INSERT INTO days (kind, at, after_voucher, after_event, operator, despite, supervisor) VALUES"
                " (?, ?, (SELECT coalesce(max(voucher), 0) FROM debits),"
                " (SELECT coalesce(max(id), 0) FROM events), ?, ?, ?)",
                (kind, at.isoformat(), operator, despite, supervisor),
            )

    def newest_day_events(self) -> tuple[DayEvent, ...]:
        """How the newest day was opened and (if it is) closed; empty where none ever was."""
        with self.reading() as database:
            rows = database.execute(
                "SELECT *, (SELECT count(*) FROM days WHERE kind = 'opened') AS day FROM days"
                " WHERE id >= (SELECT max(id) FROM days WHERE kind = 'opened') ORDER BY id"
            ).fetchall()
        return tuple(_day_event_of(row) for row in rows)

    def is_day_open(self) -> bool:
        """Whether a day was opened and not yet closed."""
        events = self.newest_day_events()
        return bool(events) and events[-1].kind is DayEventKind.OPENED

    def record_care(
        self,
        kind: CareKind,
        at: datetime,
        *,
        operator: str = "",
        supervisor: str = "",
        despite: str = "",
        missing: int = 0,
    ) -> None:
        """What was done to the journal itself, durably, behind the newest sale and day there are.

        `missing`: how many sales of the PSAM are not in it, at most; `despite`: why it was done all the same.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE).
        """
        with self.writing() as database:
            _insert_care(database, kind, at, missing, operator, supervisor, despite)

    def retire(self, at: datetime, operator: str, supervisor: str) -> None:
        """From now on this file is refused (MOVED), by this program and by older ones; then it is closed.

        The mark goes into the header itself, past the log, so that it is seen before anything is opened.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE); it is as good as before.
        """
        with self.reading() as database:
            database.execute("PRAGMA journal_mode = DELETE")
        with self.writing() as database:
            _insert_care(database, CareKind.MOVED, at, 0, operator, supervisor, "")
            database.execute(f"PRAGMA application_id = {MOVED_APPLICATION_ID}")
        self.close()

    def newest_moment(self) -> datetime | None:
        """The time of the newest entry: a sale, a day's opening or closing; None where there is none.

        What stands before a word that the clock is right (CLOCK_CONFIRMED) does not count, that word does.
        """
        with self.reading() as database:
            word = database.execute(
                "SELECT at, after_voucher, after_day FROM care WHERE kind = ? ORDER BY id DESC LIMIT 1",
                (CareKind.CLOCK_CONFIRMED,),
            ).fetchone()
            at, voucher, day = word or ("", 0, 0)
            times = database.execute(
                "SELECT time FROM debits WHERE voucher = (SELECT max(voucher) FROM debits) AND voucher > ?"
                " UNION ALL SELECT at FROM days WHERE id = (SELECT max(id) FROM days) AND id > ?",
                (voucher, day),
            ).fetchall()
        moments = [datetime.fromisoformat(text) for text in (at, *(row[0] for row in times)) if text]
        return max(moments, default=None)

    def sums(self, opened: DayEvent, closed: DayEvent | None = None) -> tuple[Sum, ...]:
        """The sales between two day events (or since the first), by operator, kind and state as it was at the second (or
        is now); behind them the voids and refunds asked for in that time, by operator."""
        vouchers = (opened.after_voucher, closed and closed.after_voucher, _newest_event_at(closed))
        events = (opened.after_event, closed and closed.after_event)
        with self.reading() as database:
            sales = database.execute(
                f"SELECT operator, kind, {STATE_AT} AS state, count(*), sum(account), sum(self_paid), sum(pooled)"
                " FROM debits WHERE voucher > ?1 AND (?2 IS NULL OR voucher <= ?2)"
                " GROUP BY operator, kind, state ORDER BY operator, kind, state",
                vouchers,
            ).fetchall()
            requests = database.execute(
                "SELECT operator, kind, 'requested', count(*), sum(amount), 0, 0 FROM events"
                " WHERE kind IN ('void-requested', 'refund-requested')"
                " AND id > ?1 AND (?2 IS NULL OR id <= ?2) GROUP BY operator, kind ORDER BY operator, kind",
                events,
            ).fetchall()
        return tuple(Sum(*row) for row in (*sales, *requests))

    def settled_since(self, opened: DayEvent, closed: DayEvent) -> tuple[Sum, ...]:
        """The sales of a closed day that were to be verified at its close and are not any more, by operator, kind and
        state as it is now."""
        newest = _newest_event_at(closed)
        with self.reading() as database:
            if newest is None or database.execute("SELECT max(id) FROM events").fetchone()[0] == newest:
                return ()
            rows = database.execute(
                f"SELECT operator, kind, {STATE} AS state, count(*), sum(account), sum(self_paid), sum(pooled)"
                f" FROM debits WHERE voucher > ?1 AND voucher <= ?2 AND {STATE_AT} = 'open' AND {STATE} <> 'open'"
                " GROUP BY operator, kind, state ORDER BY operator, kind, state",
                (opened.after_voucher, closed.after_voucher, newest),
            ).fetchall()
        return tuple(Sum(*row) for row in rows)

    def sums_by_hour(self, opened: DayEvent, closed: DayEvent | None = None) -> tuple[HourSum, ...]:
        """The charged sales between two day events (or since the first), by the hour of their time, earliest first."""
        vouchers = (opened.after_voucher, closed and closed.after_voucher)
        with self.reading() as database:
            rows = database.execute(
                "SELECT substr(time, 1, 13) AS hour, count(*), sum(account) FROM debits"
                f" WHERE voucher > ?1 AND (?2 IS NULL OR voucher <= ?2) AND {STATE} = 'charged'"
                " GROUP BY hour ORDER BY hour",
                vouchers,
            ).fetchall()
        return tuple(HourSum(datetime.fromisoformat(hour), count, account) for hour, count, account in rows)

    def record_disclosure(self, at: datetime, operator: str, supervisor: str, identification: str) -> None:
        """That somebody was shown a card's data in full: `identification` is the card's, 32 hex digits.

        Source: counter.md screen rule 4.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE); nothing may be shown then.
        """
        with self.writing() as database:
            database.execute(
                "INSERT INTO disclosures (at, operator, supervisor, identification) VALUES (?, ?, ?, ?)",
                (at.isoformat(), operator, supervisor, identification),
            )

    def disclosures(self) -> tuple[Disclosure, ...]:
        """Every showing in full, oldest first."""
        with self.reading() as database:
            rows = database.execute("SELECT * FROM disclosures ORDER BY id").fetchall()
        return tuple(
            Disclosure(
                at=datetime.fromisoformat(row["at"]),
                operator=row["operator"],
                supervisor=row["supervisor"],
                identification=row["identification"],
            )
            for row in rows
        )


def _insert_care(
    database: sqlite3.Connection,
    kind: CareKind,
    at: datetime,
    missing: int,
    operator: str,
    supervisor: str,
    despite: str,
) -> None:
    database.execute(
        "INSERT INTO care (kind, at, after_voucher, after_day, missing, operator, supervisor, despite) VALUES"
        " (?, ?, (SELECT coalesce(max(voucher), 0) FROM debits),"
        " (SELECT coalesce(max(id), 0) FROM days), ?, ?, ?, ?)",
        (kind, at.isoformat(), missing, operator, supervisor, despite),
    )


def _newest_event_at(closed: DayEvent | None) -> int | None:
    """Days of before this was kept have none, and are told as they stand now."""
    return None if closed is None else closed.after_event or None


def _day_event_of(row: sqlite3.Row) -> DayEvent:
    return DayEvent(
        day=row["day"],
        kind=DayEventKind(row["kind"]),
        at=datetime.fromisoformat(row["at"]),
        after_voucher=row["after_voucher"],
        operator=row["operator"],
        despite=row["despite"],
        supervisor=row["supervisor"],
        after_event=row["after_event"],
    )
