-- expiry: an alert that its sender says lasts until then, and does not say again.
CREATE TABLE timer_anew (
    incident INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('step', 'ack_timeout', 'snooze', 'auto_resolve', 'expiry')),
    due_at   INTEGER NOT NULL,
    PRIMARY KEY (incident, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO timer_anew SELECT incident, kind, due_at FROM timer;
DROP TABLE timer;
ALTER TABLE timer_anew RENAME TO timer;
CREATE INDEX timer_due ON timer (due_at);
