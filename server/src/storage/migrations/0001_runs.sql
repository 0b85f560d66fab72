-- A run and its plan; it is over when one of its chunks is the last.
CREATE TABLE runs (
    id            TEXT    PRIMARY KEY,
    plan          TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX runs_by_age ON runs (created_at_ms);

-- What readers of a run are sent, in order; `exchanges` are the requests that were made since the chunk before.
CREATE TABLE chunks (
    run       TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    exchanges TEXT    NOT NULL,
    is_last   INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE UNIQUE INDEX ends ON chunks (run) WHERE is_last = 1;

-- Embeddings that were computed once: little-endian 32-bit floats.
CREATE TABLE vectors (
    model  TEXT NOT NULL,
    text   TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, text)
) WITHOUT ROWID;
