-- What an incident stands for, where that is more than one thing.
CREATE TABLE member (
    incident  INTEGER NOT NULL,
    dedup_key TEXT NOT NULL,
    source    TEXT NOT NULL,
    status    TEXT NOT NULL CHECK (status IN ('wrong', 'over')),
    began_at  INTEGER,
    newest_at INTEGER,
    PRIMARY KEY (incident, dedup_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_newest ON member (dedup_key, incident);
