-- What is told to other systems, one row for each of them: written with the change that it tells of, and
-- gone when they took it.
CREATE TABLE outgoing (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    sink       TEXT NOT NULL,
    event      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    -- Events about the same thing go out in their order.
    about      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    -- How often it was refused.
    attempts   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX outgoing_once ON outgoing (sink, event);
CREATE INDEX outgoing_waiting ON outgoing (sink, number);
CREATE INDEX outgoing_refused ON outgoing (sink, about, number) WHERE attempts > 0;

-- Which node hands over to a sink, and until when: one at a time, so that the order stands.
CREATE TABLE outgoing_turn (
    sink       TEXT NOT NULL PRIMARY KEY,
    node       TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
