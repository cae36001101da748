-- Where a dedup key counts: everywhere (''), or in the source of this name alone. What is there already is
-- found by everybody, as before, and by its own source.
ALTER TABLE incident ADD COLUMN keyspace TEXT NOT NULL DEFAULT '';
DROP INDEX incident_newest;
CREATE INDEX incident_newest ON incident (dedup_key, keyspace, number);
-- Each member runs out by itself, so far all of a group did together.
CREATE TABLE member_anew (
    incident   INTEGER NOT NULL,
    dedup_key  TEXT NOT NULL,
    keyspace   TEXT NOT NULL,
    source     TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('wrong', 'over')),
    began_at   INTEGER,
    newest_at  INTEGER,
    expires_at INTEGER,
    PRIMARY KEY (incident, dedup_key, keyspace)
) STRICT, WITHOUT ROWID;
INSERT INTO member_anew
SELECT incident, dedup_key, '', source, status, began_at, newest_at,
       iif(status = 'wrong', (SELECT due_at FROM timer WHERE timer.incident = member.incident AND kind = 'expiry'), NULL)
FROM member;
DROP TABLE member;
ALTER TABLE member_anew RENAME TO member;
CREATE INDEX member_newest ON member (dedup_key, keyspace, incident);
