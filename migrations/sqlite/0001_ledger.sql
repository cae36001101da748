-- Times are milliseconds since the Unix epoch. Ids are text such as del_01J9X2M4QF…, and sort by
-- the time they were made. The words in each CHECK are those of the enum in src/domain; a test
-- holds the two together. There is no index that no statement needs: each costs every delivery.

-- Who writes: grows with each start of a node. A write with an older epoch is refused.
CREATE TABLE node (
    name       TEXT NOT NULL PRIMARY KEY,
    epoch      INTEGER NOT NULL,
    started_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What came in. The same position, and the same producer's id, is accepted once.
CREATE TABLE event (
    id          TEXT NOT NULL,
    source      TEXT NOT NULL,
    position    TEXT NOT NULL,
    producer_id TEXT,
    traceparent TEXT,
    received_at INTEGER NOT NULL,
    decision    TEXT NOT NULL CHECK (decision IN ('routed', 'no_route', 'direct')),
    incident    INTEGER,
    raw         BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_position ON event (source, position);
CREATE UNIQUE INDEX event_producer_id ON event (source, producer_id) WHERE producer_id IS NOT NULL;

-- What is wrong.
CREATE TABLE incident (
    number          INTEGER NOT NULL PRIMARY KEY,
    id              TEXT NOT NULL,
    version         INTEGER NOT NULL,
    dedup_key       TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    severity        TEXT NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    title           TEXT NOT NULL,
    service         TEXT,
    description     TEXT,
    labels          TEXT NOT NULL,
    links           TEXT NOT NULL,
    source          TEXT NOT NULL,
    route           TEXT,
    policy          TEXT,
    event_count     INTEGER NOT NULL,
    opened_at       INTEGER NOT NULL,
    acknowledged_at INTEGER,
    resolved_at     INTEGER,
    last_event_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX incident_newest ON incident (dedup_key, number);

-- One line for each version of an incident.
CREATE TABLE timeline (
    incident INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL
             CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored')),
    event    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    PRIMARY KEY (incident, version)
) STRICT, WITHOUT ROWID;

-- A decision to tell someone. Only a direct one has words of its own.
CREATE TABLE notification (
    id         TEXT NOT NULL PRIMARY KEY,
    event      TEXT NOT NULL,
    incident   INTEGER,
    kind       TEXT NOT NULL CHECK (kind IN ('opened', 'reopened', 'resolved', 'direct')),
    created_at INTEGER NOT NULL,
    text       TEXT
) STRICT, WITHOUT ROWID;

-- One notification, one recipient, one channel. incident and kind are its notification's, which
-- never change. attempts counts the rows in attempt; held of them do not count towards the limit.
CREATE TABLE delivery (
    id           TEXT NOT NULL PRIMARY KEY,
    notification TEXT NOT NULL,
    incident     INTEGER,
    kind         TEXT NOT NULL CHECK (kind IN ('opened', 'reopened', 'resolved', 'direct')),
    channel      TEXT NOT NULL,
    recipient    TEXT NOT NULL,
    address      TEXT NOT NULL,
    priority     INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    state        TEXT NOT NULL
                 CHECK (state IN ('pending', 'sending', 'retrying', 'sent', 'dead', 'canceled', 'expired')),
    due_at       INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    held         INTEGER NOT NULL,
    crashes      INTEGER NOT NULL,
    last_outcome TEXT,
    dead_reason  TEXT
                 CHECK (dead_reason IN ('rejected', 'exhausted', 'poison', 'unknown', 'channel_removed')),
    owner        TEXT,
    lease_epoch  INTEGER,
    replay_of    TEXT
) STRICT, WITHOUT ROWID;
-- The next to claim: the head of each of a channel's four lanes. state is there for counting.
CREATE INDEX delivery_waiting ON delivery (channel, priority, due_at, state)
    WHERE state IN ('pending', 'retrying');
-- What a node has in hand, or had when it died.
CREATE INDEX delivery_in_hand ON delivery (owner, channel) WHERE state = 'sending';
CREATE INDEX delivery_incident ON delivery (incident) WHERE incident IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (id, channel) WHERE state = 'dead';
CREATE UNIQUE INDEX delivery_replay ON delivery (replay_of) WHERE replay_of IS NOT NULL;

-- One call of a provider. Written before the call; outcome is empty while it runs.
CREATE TABLE attempt (
    delivery    TEXT NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    took_ms     INTEGER,
    outcome     TEXT,
    code        TEXT,
    detail      TEXT,
    provider_id TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- Records that are no events, as they came.
CREATE TABLE dead_letter (
    id             TEXT NOT NULL PRIMARY KEY,
    source         TEXT NOT NULL,
    position       TEXT NOT NULL,
    reason         TEXT NOT NULL
                   CHECK (reason IN ('parse', 'schema', 'too_large', 'unroutable', 'id_conflict', 'poison',
                                     'loop')),
    detail         TEXT NOT NULL,
    quarantined_at INTEGER NOT NULL,
    raw            BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX dead_letter_position ON dead_letter (source, position);
