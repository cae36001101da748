-- When a source says that things happened: what comes too late changes nothing.
ALTER TABLE incident ADD COLUMN began_at INTEGER;
ALTER TABLE incident ADD COLUMN newest_at INTEGER;

-- Ends that came before their beginnings.
CREATE TABLE tombstone (
    dedup_key  TEXT NOT NULL,
    source     TEXT NOT NULL,
    ended_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (dedup_key, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_expires ON tombstone (expires_at);

-- Words that a CHECK did not know need the table anew.
CREATE TABLE timeline_anew (
    incident   INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL
               CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'resolved', 'ignored',
                               'unacknowledged', 'snoozed', 'woken', 'escalated', 'exhausted', 'edited',
                               'noted', 'late')),
    event      TEXT,
    who        TEXT,
    via        TEXT CHECK (via IN ('api', 'cli', 'web', 'link', 'sms', 'chat', 'timer')),
    detail     TEXT NOT NULL,
    step_taken TEXT,
    PRIMARY KEY (incident, version)
) STRICT, WITHOUT ROWID;
INSERT INTO timeline_anew (incident, version, at, kind, event, who, via, detail, step_taken)
SELECT incident, version, at, kind, event, who, via, detail, step_taken FROM timeline;
DROP TABLE timeline;
ALTER TABLE timeline_anew RENAME TO timeline;
