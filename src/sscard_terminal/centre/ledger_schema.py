"""The tables of the window's ledger, and the three questions that are asked over several of them.

Not here: what is written when (window_host.py). Money is integer fen; nothing is ever changed or deleted.
"""

from __future__ import annotations

APPLICATION_ID = 0x53534C31
"""ASCII "SSL1". Our choice."""

_TABLES = """
CREATE TABLE deposits (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    identification TEXT    NOT NULL,  -- card identification code, 32 hex digits
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 4294967295),
    at             TEXT    NOT NULL
);
CREATE TABLE credits (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    identification TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 4294967295),
    reference      TEXT    NOT NULL,
    at             TEXT    NOT NULL
);
CREATE TABLE loads (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    request        TEXT    NOT NULL UNIQUE,
    identification TEXT    NOT NULL,
    card_number    TEXT    NOT NULL,
    historical     BLOB    NOT NULL,  -- 13 bytes of the ATR
    algorithm      TEXT    NOT NULL,
    terminal       TEXT    NOT NULL,  -- 12 digits
    time           TEXT    NOT NULL,  -- the terminal's
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 4294967295),
    key_index      INTEGER NOT NULL,
    balance        INTEGER NOT NULL,  -- before the load, under MAC1
    counter        INTEGER NOT NULL,  -- before the load
    random         BLOB    NOT NULL,
    mac1           BLOB    NOT NULL,
    credit         TEXT    NOT NULL,  -- the refund, '' for the account's money
    operator       TEXT    NOT NULL,
    host_time      TEXT    NOT NULL   -- under MAC2
);
CREATE TABLE load_outcomes (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    request  TEXT NOT NULL,           -- of no load where it was called off before it was heard of
    outcome  TEXT NOT NULL CHECK (outcome IN ('credited', 'not-credited')),
    evidence TEXT NOT NULL,
    tac      BLOB,
    at       TEXT NOT NULL
);
CREATE TABLE permissions (
    request        TEXT PRIMARY KEY,
    identification TEXT NOT NULL,
    service        TEXT NOT NULL,
    terminal       TEXT NOT NULL,
    sighted_by     TEXT NOT NULL,
    sighted_at     TEXT NOT NULL,
    at             TEXT NOT NULL
);
CREATE TABLE permission_uses (
    request TEXT PRIMARY KEY REFERENCES permissions (request),
    at      TEXT NOT NULL
);
CREATE TABLE flags (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    identification TEXT NOT NULL,
    request        TEXT NOT NULL,
    kind           TEXT NOT NULL,
    at             TEXT NOT NULL
);
CREATE INDEX loads_by_card ON loads (identification);
CREATE INDEX outcomes_by_request ON load_outcomes (request);
"""

_LOSSES = """
CREATE TABLE IF NOT EXISTS losses (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request    TEXT NOT NULL UNIQUE,
    number     TEXT NOT NULL,          -- the card's, or the holder's social security number
    change     TEXT NOT NULL CHECK (change IN ('reported', 'lifted')),
    place      TEXT NOT NULL,
    sighted_by TEXT NOT NULL,
    sighted_at TEXT NOT NULL,
    at         TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS losses_by_number ON losses (number);
"""


def _stay(*tables: str) -> str:
    return "".join(
        f"""
CREATE TRIGGER IF NOT EXISTS {table}_stay BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS {table}_remain BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
        for table in tables
    )


_STAY = _stay("deposits", "credits", "loads", "load_outcomes", "permissions", "permission_uses", "flags")

SCHEMA = f"BEGIN EXCLUSIVE;{_TABLES}{_STAY}PRAGMA application_id = {APPLICATION_ID};\nCOMMIT;"

LOSSES = f"BEGIN EXCLUSIVE;{_LOSSES}{_stay('losses')}COMMIT;"
"""Came later: a ledger made before has it from now on."""

STANDING = "SELECT outcome FROM load_outcomes WHERE request = :request ORDER BY id DESC LIMIT 1"
"""The newest entry counts."""

_OUTCOME = """coalesce((SELECT outcome FROM load_outcomes WHERE request = loads.request
    ORDER BY id DESC LIMIT 1), 'unknown')"""

AVAILABLE = f"""SELECT
    (SELECT coalesce(sum(amount), 0) FROM deposits WHERE identification = :card)
    - (SELECT coalesce(sum(amount), 0) FROM loads
        WHERE identification = :card AND credit = '' AND {_OUTCOME} <> 'not-credited')"""
"""Deposits less what loads took, or may have taken."""

PENDING = f"""SELECT id, amount, reference,
    EXISTS (SELECT 1 FROM loads WHERE credit = credits.id AND {_OUTCOME} = 'unknown') AS in_doubt
    FROM credits WHERE identification = :card
    AND NOT EXISTS (SELECT 1 FROM loads WHERE credit = credits.id AND {_OUTCOME} = 'credited')
    ORDER BY number"""
"""Refunds no load has brought onto the card for certain."""
