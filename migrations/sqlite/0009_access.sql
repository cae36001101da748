-- Who may ask for what. Of a secret there is only its digest.
CREATE TABLE token (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

-- Who did what.
CREATE TABLE audit (
    id         TEXT NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    who        TEXT NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    status     INTEGER NOT NULL,
    request_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests with an Idempotency-Key, and what was answered; for a day. Without a status it still runs.
CREATE TABLE idempotency (
    caller       TEXT NOT NULL,
    key          TEXT NOT NULL,
    claimed_by   TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    begun_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    status       INTEGER,
    content_type TEXT,
    location     TEXT,
    body         BLOB,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
