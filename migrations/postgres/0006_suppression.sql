-- What providers said against addresses. A row for each; taken back, it is gone.
CREATE TABLE suppression (
    channel   TEXT COLLATE "C" NOT NULL,
    address   TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    mark      TEXT COLLATE "C" NOT NULL CHECK (mark IN ('gone', 'suspect', 'opted_out')),
    strikes   BIGINT NOT NULL,
    code      TEXT COLLATE "C" NOT NULL,
    detail    TEXT COLLATE "C" NOT NULL,
    delivery  TEXT COLLATE "C" NOT NULL,
    since     BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    PRIMARY KEY (channel, address)
);
