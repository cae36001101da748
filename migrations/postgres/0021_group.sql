-- What an incident stands for, where that is more than one thing.
CREATE TABLE member (
    incident  BIGINT NOT NULL,
    dedup_key TEXT COLLATE "C" NOT NULL,
    source    TEXT NOT NULL,
    status    TEXT NOT NULL CHECK (status IN ('wrong', 'over')),
    began_at  BIGINT,
    newest_at BIGINT,
    PRIMARY KEY (incident, dedup_key)
);
CREATE INDEX member_newest ON member (dedup_key, incident);
