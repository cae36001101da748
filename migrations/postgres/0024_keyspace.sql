-- Where a dedup key counts: everywhere (''), or in the source of this name alone. What is there already is
-- found by everybody, as before, and by its own source.
ALTER TABLE incident ADD COLUMN keyspace TEXT COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX incident_newest;
CREATE INDEX incident_newest ON incident (dedup_key, keyspace, number);
-- Each member runs out by itself, so far all of a group did together.
ALTER TABLE member ADD COLUMN keyspace TEXT COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN expires_at BIGINT;
UPDATE member SET expires_at =
    (SELECT due_at FROM timer WHERE timer.incident = member.incident AND kind = 'expiry')
WHERE status = 'wrong';
ALTER TABLE member DROP CONSTRAINT member_pkey, ADD PRIMARY KEY (incident, dedup_key, keyspace);
DROP INDEX member_newest;
CREATE INDEX member_newest ON member (dedup_key, keyspace, incident);
