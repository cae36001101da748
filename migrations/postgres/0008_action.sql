-- People act on incidents and policies have steps: who did what, when the next step is due, and why
-- people were told.

ALTER TABLE incident ADD COLUMN acknowledged_by TEXT;
ALTER TABLE incident ADD COLUMN resolved_by TEXT;
ALTER TABLE incident ADD COLUMN assignee TEXT;
ALTER TABLE incident ADD COLUMN snoozed_until BIGINT;
-- Whether it makes sense to call for somebody: what waits is canceled where it does not.
ALTER TABLE incident ADD COLUMN calls TEXT NOT NULL DEFAULT 'on' CHECK (calls IN ('on', 'off'));
-- The next step of its policy.
ALTER TABLE incident ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN called_at BIGINT;
UPDATE incident SET calls = 'off' WHERE status = 'resolved';
UPDATE incident SET called_at = opened_at WHERE policy IS NOT NULL;

-- What is to be looked at later: one of each kind for an incident. Fired in the transaction that looks
-- at the incident again.
CREATE TABLE timer (
    incident BIGINT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('step', 'ack_timeout', 'snooze', 'auto_resolve')),
    due_at   BIGINT NOT NULL,
    PRIMARY KEY (incident, kind)
);
CREATE INDEX timer_due ON timer (due_at);

-- Empty event: a person did it, or time. step_taken: JSON.
ALTER TABLE timeline DROP CONSTRAINT timeline_kind_check;
ALTER TABLE timeline ADD CONSTRAINT timeline_kind_check
    CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored', 'unacknowledged',
                    'snoozed', 'woken', 'escalated', 'exhausted', 'edited', 'noted'));
ALTER TABLE timeline ALTER COLUMN event DROP NOT NULL;
ALTER TABLE timeline ADD COLUMN who TEXT;
ALTER TABLE timeline ADD COLUMN via TEXT CHECK (via IN ('api', 'cli', 'web', 'link', 'sms', 'chat', 'timer'));
ALTER TABLE timeline ADD COLUMN step_taken TEXT;

ALTER TABLE notification ALTER COLUMN event DROP NOT NULL;
ALTER TABLE notification DROP CONSTRAINT notification_kind_check;
ALTER TABLE notification ADD CONSTRAINT notification_kind_check
    CHECK (kind IN ('opened', 'reopened', 'escalated', 'updated', 'acknowledged', 'resolved', 'direct'));
ALTER TABLE delivery DROP CONSTRAINT delivery_kind_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_kind_check
    CHECK (kind IN ('opened', 'reopened', 'escalated', 'updated', 'acknowledged', 'resolved', 'direct'));
