-- What a provider said about a delivery after it had accepted it. The first final word counts.
CREATE TABLE receipt (
    delivery TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind     TEXT COLLATE "C" NOT NULL CHECK (kind IN ('delivered', 'undelivered', 'bounced')),
    code     TEXT COLLATE "C" NOT NULL,
    detail   TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL
);
