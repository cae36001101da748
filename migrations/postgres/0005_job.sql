-- Bulk jobs over dead letters. The row says all: how far it is, and when its next step is due.
-- cursor is the last id taken; empty at the start. holds_at is how many it takes before it waits to
-- be told to go on; 0 if it does not.
CREATE TABLE job (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    action        TEXT NOT NULL CHECK (action IN ('retry', 'discard')),
    filter        TEXT NOT NULL,
    resolved      TEXT NOT NULL CHECK (resolved IN ('skip', 'include')),
    per_minute    BIGINT NOT NULL,
    canary        BIGINT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('running', 'waiting_canary', 'done', 'stopped')),
    matched       BIGINT NOT NULL,
    matched_exact BIGINT NOT NULL,
    skipped       BIGINT NOT NULL,
    taken         BIGINT NOT NULL,
    done          BIGINT NOT NULL,
    holds_at      BIGINT NOT NULL,
    cursor        TEXT COLLATE "C" NOT NULL,
    due_at        BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX job_running ON job (id) WHERE state = 'running';

-- settled_at: since when a dead delivery is no dead letter any more, because it was repeated or
-- discarded. It stays dead. job: which bulk job repeated it; even_if_over: somebody wanted it sent
-- although its incident is over.
ALTER TABLE delivery ADD COLUMN settled_at BIGINT;
ALTER TABLE delivery ADD COLUMN job TEXT COLLATE "C";
ALTER TABLE delivery ADD COLUMN even_if_over BIGINT NOT NULL DEFAULT 0;
UPDATE delivery SET settled_at = updated_at
WHERE state = 'dead' AND id IN (SELECT replay_of FROM delivery WHERE replay_of IS NOT NULL);
CREATE INDEX delivery_dead_letter ON delivery (id, channel) WHERE state = 'dead' AND settled_at IS NULL;
CREATE INDEX delivery_job ON delivery (job, state) WHERE job IS NOT NULL;
