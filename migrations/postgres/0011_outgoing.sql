-- What is told to other systems, one row for each of them: written with the change that it tells of, and
-- gone when they took it.
CREATE TABLE outgoing (
    number     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink       TEXT COLLATE "C" NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    -- Events about the same thing go out in their order.
    about      TEXT COLLATE "C" NOT NULL,
    payload    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    -- How often it was refused.
    attempts   BIGINT NOT NULL
);
CREATE UNIQUE INDEX outgoing_once ON outgoing (sink, event);
CREATE INDEX outgoing_waiting ON outgoing (sink, number);
CREATE INDEX outgoing_refused ON outgoing (sink, about, number) WHERE attempts > 0;

-- Which node hands over to a sink, and until when: one at a time, so that the order stands.
CREATE TABLE outgoing_turn (
    sink       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node       TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL
);
