-- Ways in and out that an operator shut. A row for each; opened again, it is gone.
CREATE TABLE pause (
    kind  TEXT COLLATE "C" NOT NULL CHECK (kind IN ('source', 'channel')),
    name  TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);
