-- Times are milliseconds since the Unix epoch. Ids are text such as del_01J9X2M4QF…, and sort by
-- the time they were made, byte by byte, hence COLLATE "C". The words in each CHECK are those of
-- the enum in src/domain; a test holds the two together. There is no index that no statement needs:
-- each costs every delivery.

-- Who writes: grows with each start of a node. A write with an older epoch is refused.
CREATE TABLE node (
    name       TEXT NOT NULL PRIMARY KEY,
    epoch      BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

-- What came in. The same position, and the same producer's id, is accepted once.
CREATE TABLE event (
    id          TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    position    TEXT COLLATE "C" NOT NULL,
    producer_id TEXT COLLATE "C",
    traceparent TEXT,
    received_at BIGINT NOT NULL,
    decision    TEXT NOT NULL CHECK (decision IN ('routed', 'no_route', 'direct')),
    incident    BIGINT,
    raw         BYTEA NOT NULL
);
CREATE UNIQUE INDEX event_position ON event (source, position);
CREATE UNIQUE INDEX event_producer_id ON event (source, producer_id) WHERE producer_id IS NOT NULL;

-- What is wrong.
CREATE TABLE incident (
    number          BIGINT NOT NULL PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    dedup_key       TEXT COLLATE "C" NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    severity        TEXT NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    title           TEXT NOT NULL,
    service         TEXT,
    description     TEXT,
    labels          TEXT NOT NULL,
    links           TEXT NOT NULL,
    source          TEXT COLLATE "C" NOT NULL,
    route           TEXT,
    policy          TEXT,
    event_count     BIGINT NOT NULL,
    opened_at       BIGINT NOT NULL,
    acknowledged_at BIGINT,
    resolved_at     BIGINT,
    last_event_at   BIGINT NOT NULL
);
CREATE INDEX incident_newest ON incident (dedup_key, number);

-- One line for each version of an incident.
CREATE TABLE timeline (
    incident BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL
             CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored')),
    event    TEXT COLLATE "C" NOT NULL,
    detail   TEXT NOT NULL,
    PRIMARY KEY (incident, version)
);

-- A decision to tell someone. Only a direct one has words of its own.
CREATE TABLE notification (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    event      TEXT COLLATE "C" NOT NULL,
    incident   BIGINT,
    kind       TEXT NOT NULL CHECK (kind IN ('opened', 'reopened', 'resolved', 'direct')),
    created_at BIGINT NOT NULL,
    text       TEXT
);

-- One notification, one recipient, one channel. incident and kind are its notification's, which
-- never change. attempts counts the rows in attempt; held of them do not count towards the limit.
CREATE TABLE delivery (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    notification TEXT COLLATE "C" NOT NULL,
    incident     BIGINT,
    kind         TEXT NOT NULL CHECK (kind IN ('opened', 'reopened', 'resolved', 'direct')),
    channel      TEXT COLLATE "C" NOT NULL,
    recipient    TEXT NOT NULL,
    address      TEXT NOT NULL,
    priority     SMALLINT NOT NULL CHECK (priority BETWEEN 0 AND 3),
    state        TEXT NOT NULL
                 CHECK (state IN ('pending', 'sending', 'retrying', 'sent', 'dead', 'canceled', 'expired')),
    due_at       BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    held         BIGINT NOT NULL,
    crashes      BIGINT NOT NULL,
    last_outcome TEXT,
    dead_reason  TEXT
                 CHECK (dead_reason IN ('rejected', 'exhausted', 'poison', 'unknown', 'channel_removed')),
    owner        TEXT COLLATE "C",
    lease_epoch  BIGINT,
    replay_of    TEXT COLLATE "C"
);
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
    delivery    TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    took_ms     BIGINT,
    outcome     TEXT,
    code        TEXT,
    detail      TEXT,
    provider_id TEXT,
    PRIMARY KEY (delivery, number)
);

-- Records that are no events, as they came.
CREATE TABLE dead_letter (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source         TEXT COLLATE "C" NOT NULL,
    position       TEXT COLLATE "C" NOT NULL,
    reason         TEXT NOT NULL
                   CHECK (reason IN ('parse', 'schema', 'too_large', 'unroutable', 'id_conflict', 'poison',
                                     'loop')),
    detail         TEXT NOT NULL,
    quarantined_at BIGINT NOT NULL,
    raw            BYTEA NOT NULL
);
CREATE UNIQUE INDEX dead_letter_position ON dead_letter (source, position);
