"""The journal's tables, and the marks by which a journal is told from any other file before it is opened.

Not here: what is written when (journal.py).
"""

from __future__ import annotations

SQLITE_MAGIC = b"SQLite format 3\x00"
HEADER_LENGTH = 100
PAGE_SIZE_OFFSET = 16
PAGE_COUNT_OFFSET = 28
USER_VERSION_OFFSET = 60
APPLICATION_ID_OFFSET = 68
"""Where a database file's header holds them, 4 bytes each but the page size of 2, in which 1 stands for the largest. Source: sqlite.org/fileformat2.html §1.3."""

LARGEST_PAGE = 65_536
APPLICATION_ID = 0x53534A31
"""ASCII "SSJ1". Our choice."""
TRAINING_APPLICATION_ID = 0x53534A54
"""ASCII "SSJT": a journal of training sales. Our choice."""
MOVED_APPLICATION_ID = 0x53534A4D
"""ASCII "SSJM": a journal that has moved to another PC. A program that knows of no moves takes it for none at all."""
SCHEMA_VERSION = 3
"""Raised with every change of the tables; an older program refuses a newer journal."""

NOT_UNCHARGED = """NOT EXISTS (SELECT 1 FROM events INDEXED BY ends_uncharged WHERE events.voucher = debits.voucher
    AND kind IN ('refused', 'not-sent', 'settled-not-charged'))"""
"""Which debits have cost the card money, or may have: none of the events that end a sale not charged."""

STATE = """CASE
    WHEN EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher
        AND kind IN ('confirmed', 'settled-charged')) THEN 'charged'
    WHEN EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher
        AND kind IN ('refused', 'not-sent', 'settled-not-charged')) THEN 'not-charged'
    ELSE 'open' END"""
"""Where a debit stands, in the words of journal.SaleState."""

# Money is integer fen. Nothing is ever changed or deleted, and a sale ends once: the database itself says so, so that
# no later programme can forget it; nor is more asked back than the account paid, and a request has one answer. The
# kinds are those of journal_events.ENDS and REQUESTS.
_VERSION_1 = """
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
"""

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

_ENDS = "('confirmed', 'refused', 'not-sent', 'settled-charged', 'settled-not-charged')"

# Which sales are open is kept beside them, so that a start does not look through a million that are not; what is asked
# of one card is answered by its events all the same, and the check compares the two (journal_check.py).
_OPEN_SALES = f"""
CREATE TABLE open_vouchers (voucher INTEGER PRIMARY KEY);
INSERT INTO open_vouchers SELECT voucher FROM debits WHERE NOT EXISTS (
    SELECT 1 FROM events WHERE events.voucher = debits.voucher AND kind IN {_ENDS});
CREATE TRIGGER a_sale_begins AFTER INSERT ON debits BEGIN
    INSERT INTO open_vouchers VALUES (new.voucher); END;
CREATE TRIGGER a_sale_ends AFTER INSERT ON events WHEN new.kind IN {_ENDS} BEGIN
    DELETE FROM open_vouchers WHERE voucher = new.voucher; END;
DROP INDEX events_by_sale;
CREATE INDEX events_by_sale ON events (voucher, kind);  -- the kind too: totals are made of it alone
CREATE INDEX ends_uncharged ON events (voucher) WHERE kind IN ('refused', 'not-sent', 'settled-not-charged');
DROP INDEX debits_by_time;
CREATE INDEX debits_by_time ON debits (time, account);  -- the account too: what was paid today is a sum of it
"""

_VERSION_3 = """
ALTER TABLE debits ADD COLUMN kind TEXT NOT NULL DEFAULT 'purchase'
    CHECK (kind IN ('purchase', 'record-keeping'));
ALTER TABLE debits ADD COLUMN crc INTEGER;                         -- of the row (journal_rows.py), NULL in older ones
ALTER TABLE events ADD COLUMN crc INTEGER;
ALTER TABLE events ADD COLUMN amount INTEGER;                      -- fen, of a void or refund
ALTER TABLE events ADD COLUMN operator TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN supervisor TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN answers INTEGER REFERENCES events (id);  -- the request it credits or refuses
CREATE UNIQUE INDEX a_request_is_answered_once ON events (answers) WHERE answers IS NOT NULL;
CREATE INDEX requests ON events (id) WHERE kind IN ('void-requested', 'refund-requested');
ALTER TABLE debits ADD COLUMN request TEXT;                        -- by which the program that asked knows the sale
CREATE UNIQUE INDEX a_request_sells_once ON debits (request) WHERE request IS NOT NULL;
CREATE TABLE sale_requests (
    request TEXT PRIMARY KEY,                                      -- the program, a blank, the id it gave
    asked   TEXT NOT NULL,                                         -- what for, so that another sale under it is noticed
    at      TEXT NOT NULL
);
CREATE TABLE sale_answers (
    request TEXT PRIMARY KEY REFERENCES sale_requests (request),
    answer  TEXT NOT NULL,                                         -- why it came to no debit
    at      TEXT NOT NULL
);
CREATE TRIGGER requests_stay_within_what_was_paid BEFORE INSERT ON events
    WHEN NEW.kind IN ('void-requested', 'refund-requested') BEGIN
    SELECT RAISE(ABORT, 'more than the account paid') WHERE NEW.amount > (
        (SELECT account FROM debits WHERE debits.voucher = NEW.voucher)
        - (SELECT coalesce(sum(CASE kind WHEN 'request-refused' THEN -amount ELSE amount END), 0) FROM events
            WHERE events.voucher = NEW.voucher
                AND kind IN ('void-requested', 'refund-requested', 'request-refused')));
END;
ALTER TABLE days ADD COLUMN after_event INTEGER NOT NULL DEFAULT 0;  -- the newest event then, 0 for none
ALTER TABLE days ADD COLUMN supervisor TEXT NOT NULL DEFAULT '';     -- who answers for `despite`
CREATE TABLE disclosures (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             TEXT NOT NULL,
    operator       TEXT NOT NULL,
    supervisor     TEXT NOT NULL,
    identification TEXT NOT NULL  -- whose card was shown in full
);
CREATE TABLE loads (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    identification TEXT    NOT NULL,  -- card identification code, 32 hex digits
    card_number    TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 4294967295),
    counter        INTEGER NOT NULL,  -- load counter, before the load
    key_index      INTEGER NOT NULL,
    balance_before INTEGER NOT NULL,
    terminal       TEXT    NOT NULL,  -- 12 digits
    time           TEXT    NOT NULL,  -- the host's, as in CREDIT FOR LOAD
    mac1           BLOB    NOT NULL,
    mac2           BLOB    NOT NULL,
    request        TEXT    NOT NULL UNIQUE,  -- by which the host knows it
    operator       TEXT    NOT NULL
);
CREATE TABLE load_events (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL REFERENCES loads (number),
    kind   TEXT    NOT NULL,
    at     TEXT    NOT NULL,
    tac    BLOB,
    sw     TEXT,
    detail TEXT    NOT NULL
);
CREATE INDEX loads_by_card ON loads (identification);
CREATE INDEX events_by_load ON load_events (number);
CREATE UNIQUE INDEX a_load_ends_once ON load_events (number)
    WHERE kind IN ('confirmed', 'refused', 'not-sent', 'settled-credited', 'settled-not-credited');
-- What the window asks the issuer's host: a load before the host may have heard of it, and what the host was told at the
-- end; PIN services with who has sighted the document (its number is nowhere).
CREATE TABLE load_requests (
    request        TEXT PRIMARY KEY,
    identification TEXT    NOT NULL,  -- card identification code, 32 hex digits
    amount         INTEGER NOT NULL,
    credit         TEXT    NOT NULL,  -- the refund, '' for the account's money
    operator       TEXT    NOT NULL,
    at             TEXT    NOT NULL
);
CREATE TABLE load_reports (
    request TEXT PRIMARY KEY REFERENCES load_requests (request),
    outcome TEXT NOT NULL,
    answer  TEXT NOT NULL,            -- the host's
    at      TEXT NOT NULL
);
CREATE TABLE pin_services (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    request        TEXT NOT NULL UNIQUE,
    service        TEXT NOT NULL CHECK (service IN ('pin-reset', 'pin-unblock')),
    identification TEXT NOT NULL,
    card_number    TEXT NOT NULL,
    terminal       TEXT NOT NULL,
    sighted_by     TEXT NOT NULL,
    sighted_at     TEXT NOT NULL,
    at             TEXT NOT NULL
);
CREATE TABLE pin_service_events (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL REFERENCES pin_services (number),
    kind   TEXT NOT NULL,
    at     TEXT NOT NULL,
    sw     TEXT,
    detail TEXT NOT NULL
);
CREATE TABLE care (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL,
    at            TEXT    NOT NULL,
    after_voucher INTEGER NOT NULL,  -- the newest sale then, 0 for none
    after_day     INTEGER NOT NULL,  -- the newest row of days then, 0 for none
    missing       INTEGER NOT NULL,  -- how many sales of the PSAM are not in here, at most
    operator      TEXT    NOT NULL,
    supervisor    TEXT    NOT NULL,
    despite       TEXT    NOT NULL
);
CREATE TABLE acknowledgements (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL UNIQUE REFERENCES events (id),  -- the centre has this one and all before it
    at    TEXT    NOT NULL
);
""" + "".join(
    f"""
CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER {table}_remain BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
    for table in (
        "disclosures", "loads", "load_events", "load_requests", "load_reports", "pin_services", "pin_service_events",
        "care", "acknowledgements", "sale_requests", "sale_answers",
    )
)  # fmt: skip

UPGRADES = {1: _DAYS + _VERSION_3 + _OPEN_SALES, 2: _VERSION_3 + _OPEN_SALES}
"""What an older version still lacks. 1 knew no days; 2 no voids, loads, uploads, training. Nothing in them changes."""


def upgrade(version: int) -> str:
    """The script that brings a journal of an older version up to this one, all of it or nothing."""
    return f"BEGIN EXCLUSIVE;{UPGRADES[version]}PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"


def creation(application_id: int) -> str:
    """The script that makes an empty file a journal, all of it or nothing."""
    marks = f"PRAGMA application_id = {application_id};\nPRAGMA user_version = {SCHEMA_VERSION};\n"
    return f"BEGIN EXCLUSIVE;{_VERSION_1}{_DAYS}{_VERSION_3}{_OPEN_SALES}{marks}COMMIT;"
