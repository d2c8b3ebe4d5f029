-- The tables as version 1 of the journal made them; kept word for word, so that an upgrade is tried on the real thing.

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
PRAGMA application_id = 1397967409;
PRAGMA user_version = 1;
COMMIT;
