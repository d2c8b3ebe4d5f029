"""The journal's tables, and the marks by which a journal is told from any other file before it is opened.

Not here: what is written when (journal.py).
"""

from __future__ import annotations

SQLITE_MAGIC = b"SQLite format 3\x00"
HEADER_LENGTH = 100
USER_VERSION_OFFSET = 60
APPLICATION_ID_OFFSET = 68
"""Where a database file's header holds them, 4 bytes each. Source: sqlite.org/fileformat2.html §1.3."""

APPLICATION_ID = 0x53534A31
"""ASCII "SSJ1". Our choice."""
SCHEMA_VERSION = 2
"""Raised with every change of the tables; an older program refuses a newer journal."""

NOT_UNCHARGED = """NOT EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher
    AND kind IN ('refused', 'not-sent', 'settled-not-charged'))"""
"""Which debits have cost the card money, or may have: none of the events that end a sale not charged."""

STATE = """CASE
    WHEN EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher
        AND kind IN ('confirmed', 'settled-charged')) THEN 'charged'
    WHEN EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher
        AND kind IN ('refused', 'not-sent', 'settled-not-charged')) THEN 'not-charged'
    ELSE 'open' END"""
"""Where a debit stands, in the words of journal.SaleState."""

_DAYS = """
CREATE TABLE days (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL CHECK (kind IN ('opened', 'closed')),
    at            TEXT    NOT NULL,
    after_voucher INTEGER NOT NULL,  -- the newest sale then, 0 for none
    operator      TEXT    NOT NULL,
    despite       TEXT    NOT NULL
);
CREATE TRIGGER days_stay BEFORE UPDATE ON days BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER days_remain BEFORE DELETE ON days BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""

FROM_VERSION_1 = f"BEGIN EXCLUSIVE;{_DAYS}PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
"""Version 1 knew no days; nothing in it changes."""

# Money is integer fen. Nothing is ever changed or deleted, and a sale ends once: the database itself says so, so that
# no later programme can forget it. The kinds are those of journal.ENDS.
SCHEMA = f"""
BEGIN EXCLUSIVE;
CREATE TABLE debits (
    voucher        INTEGER PRIMARY KEY AUTOINCREMENT,
    identification TEXT    NOT NULL,  -- card identification code, 32 hex digits
    card_number    TEXT    NOT NULL,
    account        INTEGER NOT NULL CHECK (account   BETWEEN 0 AND 4294967295),
    self_paid      INTEGER NOT NULL CHECK (self_paid BETWEEN 0 AND 4294967295),
    pooled         INTEGER NOT NULL CHECK (pooled    BETWEEN 0 AND 4294967295),
    counter        INTEGER NOT NULL,  -- purchase counter n, before the debit
    key_index      INTEGER NOT NULL,
    balance_before INTEGER NOT NULL,
    terminal       TEXT    NOT NULL,  -- 12 digits
    sequence       BLOB    NOT NULL,  -- terminal (PSAM) sequence, 4 bytes
    time           TEXT    NOT NULL,  -- as in DEBIT and in the card's log, ISO 8601
    mac1           BLOB    NOT NULL,
    place          TEXT    NOT NULL,
    operator       TEXT    NOT NULL
);
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    voucher INTEGER NOT NULL REFERENCES debits (voucher),
    kind    TEXT    NOT NULL,
    at      TEXT    NOT NULL,
    tac     BLOB,
    mac2    BLOB,
    sw      TEXT,
    detail  TEXT    NOT NULL
);
CREATE INDEX debits_by_card ON debits (identification);
CREATE INDEX debits_by_time ON debits (time);
CREATE INDEX events_by_sale ON events (voucher);
CREATE UNIQUE INDEX a_sale_ends_once ON events (voucher)
    WHERE kind IN ('confirmed', 'refused', 'not-sent', 'settled-charged', 'settled-not-charged');
CREATE VIEW open_debits AS SELECT * FROM debits WHERE NOT EXISTS (
    SELECT 1 FROM events WHERE events.voucher = debits.voucher
        AND kind IN ('confirmed', 'refused', 'not-sent', 'settled-charged', 'settled-not-charged'));
CREATE TRIGGER debits_stay BEFORE UPDATE ON debits BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER debits_remain BEFORE DELETE ON debits BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'append only'); END;
{_DAYS}PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
