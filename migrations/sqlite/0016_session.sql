-- Who is signed in. Of what a browser shows there is only the digest, in hexadecimal digits. A session counts
-- as long as what it was made for: a token of the store, one of the configuration with the digest it had then,
-- or the word of an identity provider, for the scopes of the row.
CREATE TABLE session (
    id           TEXT NOT NULL PRIMARY KEY,
    digest       TEXT NOT NULL CHECK (length(digest) = 64),
    who          TEXT NOT NULL,
    grounds      TEXT NOT NULL CHECK (grounds IN ('token', 'configured', 'provider')),
    grounds_of   TEXT NOT NULL,
    token_digest TEXT,
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX session_digest ON session (digest);
CREATE INDEX session_expiry ON session (expires_at);
