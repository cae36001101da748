-- Who may ask for what. Of a secret there is only its digest.
CREATE TABLE token (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL,
    digest       BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    scopes       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT COLLATE "C" NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

-- Who did what.
CREATE TABLE audit (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    target     TEXT COLLATE "C" NOT NULL,
    status     BIGINT NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL
);

-- Requests with an Idempotency-Key, and what was answered; for a day. Without a status it still runs.
CREATE TABLE idempotency (
    caller       TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    claimed_by   TEXT COLLATE "C" NOT NULL,
    fingerprint  TEXT COLLATE "C" NOT NULL,
    begun_at     BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    status       BIGINT,
    content_type TEXT COLLATE "C",
    location     TEXT COLLATE "C",
    body         BYTEA,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
