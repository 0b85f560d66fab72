-- People whom the realm knows: did:key, role, and whether they are shut out.
CREATE TABLE people (
    id       TEXT    PRIMARY KEY,
    role     TEXT    NOT NULL,
    banned   INTEGER NOT NULL,
    since_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Sessions, found by the SHA-256 of their token; the token itself is nowhere.
CREATE TABLE sessions (
    id            TEXT    PRIMARY KEY,
    token         BLOB    NOT NULL UNIQUE,
    person        TEXT    NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- API keys, found by the part of them that is no secret; `secret` is the SHA-256 of the whole (it holds 256 random
-- bits, so a slow hash adds nothing), `facts` is what its owner sees (JSON).
CREATE TABLE api_keys (
    id     TEXT PRIMARY KEY,
    owner  TEXT NOT NULL,
    secret BLOB NOT NULL,
    facts  TEXT NOT NULL
) WITHOUT ROWID;

-- Whose a run is: nobody else reads it, stops it or sees its pictures.
ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
