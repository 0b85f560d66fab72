-- Entries, in order, never changed: `text` is canonical JSON, `hash` the SHA-256 over the hash before and the text.
CREATE TABLE ledger (
    seq  INTEGER PRIMARY KEY,
    text TEXT    NOT NULL,
    hash BLOB    NOT NULL
);

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'entries are not changed'); END;
CREATE TRIGGER ledger_is_not_shortened BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'entries are not removed'); END;

-- What follows from the entries, to find them by.
CREATE TABLE ledger_accounts (
    account TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;

CREATE TABLE ledger_reservations (
    id    TEXT    PRIMARY KEY,
    hold  INTEGER NOT NULL,
    ended INTEGER
) WITHOUT ROWID;

-- Names that callers gave to requests, so that one sent twice is done once.
CREATE TABLE ledger_names (
    owner TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) WITHOUT ROWID;

-- What operators decided (JSON).
CREATE TABLE limits (
    subject TEXT PRIMARY KEY,
    limits  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE prices (
    of    TEXT PRIMARY KEY,
    price TEXT NOT NULL
) WITHOUT ROWID;
