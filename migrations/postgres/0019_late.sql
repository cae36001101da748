-- When a source says that things happened: what comes too late changes nothing.
ALTER TABLE incident ADD COLUMN began_at BIGINT;
ALTER TABLE incident ADD COLUMN newest_at BIGINT;

-- Ends that came before their beginnings.
CREATE TABLE tombstone (
    dedup_key  TEXT NOT NULL,
    source     TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (dedup_key, source)
);
CREATE INDEX tombstone_expires ON tombstone (expires_at);

ALTER TABLE timeline DROP CONSTRAINT timeline_kind_check;
ALTER TABLE timeline ADD CONSTRAINT timeline_kind_check
    CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored', 'unacknowledged',
                    'snoozed', 'woken', 'escalated', 'exhausted', 'edited', 'noted', 'late'));
