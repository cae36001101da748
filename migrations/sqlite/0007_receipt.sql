-- What a provider said about a delivery after it had accepted it. The first final word counts.
CREATE TABLE receipt (
    delivery TEXT NOT NULL PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('delivered', 'undelivered', 'bounced')),
    code     TEXT NOT NULL,
    detail   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
