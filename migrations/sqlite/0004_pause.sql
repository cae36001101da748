-- Ways in and out that an operator shut. A row for each; opened again, it is gone.
CREATE TABLE pause (
    kind  TEXT NOT NULL CHECK (kind IN ('source', 'channel')),
    name  TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
