-- What providers said against addresses. A row for each; taken back, it is gone.
CREATE TABLE suppression (
    channel   TEXT NOT NULL,
    address   TEXT NOT NULL,
    id        TEXT NOT NULL,
    recipient TEXT NOT NULL,
    mark      TEXT NOT NULL CHECK (mark IN ('gone', 'suspect', 'opted_out')),
    strikes   INTEGER NOT NULL,
    code      TEXT NOT NULL,
    detail    TEXT NOT NULL,
    delivery  TEXT NOT NULL,
    since     INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;
