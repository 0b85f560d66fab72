-- A description that the realm was given, and what a person decided about it (JSON).
CREATE TABLE sources (
    id            TEXT    PRIMARY KEY,
    decided       TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Texts of a description: `current` is what capabilities come from, `candidate` what is there now and was not agreed
-- to. Part 0 is the description itself, under the address that relative ones in it are resolved against (empty where
-- there is none); the others are documents that it refers to.
CREATE TABLE descriptions (
    source  TEXT    NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    slot    TEXT    NOT NULL,
    part    INTEGER NOT NULL,
    address TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    PRIMARY KEY (source, slot, part)
);

-- What operations mean, by the SHA-256 of the words that were embedded: signed bytes, a 127th each.
CREATE TABLE meanings (
    model  TEXT NOT NULL,
    text   BLOB NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, text)
) WITHOUT ROWID;

-- Secrets, encrypted; `facts` is what is known about one without opening it (JSON).
CREATE TABLE credentials (
    id     TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    facts  TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

CREATE INDEX credentials_by_source ON credentials (source);
