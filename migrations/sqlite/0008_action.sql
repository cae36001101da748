-- People act on incidents and policies have steps: who did what, when the next step is due, and why
-- people were told. Words that a CHECK did not know need the table anew.

ALTER TABLE incident ADD COLUMN acknowledged_by TEXT;
ALTER TABLE incident ADD COLUMN resolved_by TEXT;
ALTER TABLE incident ADD COLUMN assignee TEXT;
ALTER TABLE incident ADD COLUMN snoozed_until INTEGER;
-- Whether it makes sense to call for somebody: what waits is canceled where it does not.
ALTER TABLE incident ADD COLUMN calls TEXT NOT NULL DEFAULT 'on' CHECK (calls IN ('on', 'off'));
-- The next step of its policy.
ALTER TABLE incident ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN called_at INTEGER;
UPDATE incident SET calls = 'off' WHERE status = 'resolved';
UPDATE incident SET called_at = opened_at WHERE policy IS NOT NULL;

-- What is to be looked at later: one of each kind for an incident. Fired in the transaction that looks
-- at the incident again.
CREATE TABLE timer (
    incident INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('step', 'ack_timeout', 'snooze', 'auto_resolve')),
    due_at   INTEGER NOT NULL,
    PRIMARY KEY (incident, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due_at);

-- Empty event: a person did it, or time. step_taken: JSON.
CREATE TABLE timeline_anew (
    incident   INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL
               CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored',
                               'unacknowledged', 'snoozed', 'woken', 'escalated', 'exhausted', 'edited',
                               'noted')),
    event      TEXT,
    who        TEXT,
    via        TEXT CHECK (via IN ('api', 'cli', 'web', 'link', 'sms', 'chat', 'timer')),
    detail     TEXT NOT NULL,
    step_taken TEXT,
    PRIMARY KEY (incident, version)
) STRICT, WITHOUT ROWID;
INSERT INTO timeline_anew (incident, version, at, kind, event, detail)
SELECT incident, version, at, kind, event, detail FROM timeline;
DROP TABLE timeline;
ALTER TABLE timeline_anew RENAME TO timeline;

CREATE TABLE notification_anew (
    id         TEXT NOT NULL PRIMARY KEY,
    event      TEXT,
    incident   INTEGER,
    kind       TEXT NOT NULL
               CHECK (kind IN ('opened', 'reopened', 'escalated', 'updated', 'acknowledged', 'resolved', 'direct')),
    created_at INTEGER NOT NULL,
    text       TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO notification_anew (id, event, incident, kind, created_at, text)
SELECT id, event, incident, kind, created_at, text FROM notification;
DROP TABLE notification;
ALTER TABLE notification_anew RENAME TO notification;

CREATE TABLE delivery_anew (
    id           TEXT NOT NULL PRIMARY KEY,
    notification TEXT NOT NULL,
    incident     INTEGER,
    kind         TEXT NOT NULL
                 CHECK (kind IN ('opened', 'reopened', 'escalated', 'updated', 'acknowledged', 'resolved', 'direct')),
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
    replay_of    TEXT,
    settled_at   INTEGER,
    job          TEXT,
    even_if_over INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_anew (id, notification, incident, kind, channel, recipient, address, priority, state, due_at, expires_at,
    created_at, updated_at, attempts, held, crashes, last_outcome, dead_reason, owner, lease_epoch, replay_of,
    settled_at, job, even_if_over)
SELECT id, notification, incident, kind, channel, recipient, address, priority, state, due_at, expires_at,
    created_at, updated_at, attempts, held, crashes, last_outcome, dead_reason, owner, lease_epoch, replay_of,
    settled_at, job, even_if_over
FROM delivery;
DROP TABLE delivery;
ALTER TABLE delivery_anew RENAME TO delivery;
CREATE INDEX delivery_waiting ON delivery (channel, priority, due_at, state)
    WHERE state IN ('pending', 'retrying');
CREATE INDEX delivery_in_hand ON delivery (owner, channel) WHERE state = 'sending';
CREATE INDEX delivery_incident ON delivery (incident) WHERE incident IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (id, channel) WHERE state = 'dead';
CREATE UNIQUE INDEX delivery_replay ON delivery (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX delivery_dead_letter ON delivery (id, channel) WHERE state = 'dead' AND settled_at IS NULL;
CREATE INDEX delivery_job ON delivery (job, state) WHERE job IS NOT NULL;
