-- When the last life of a node ended in order; empty while it lives, and after an end without a
-- word. What ran before this was known is not suspected of anything.
ALTER TABLE node ADD COLUMN ended_at INTEGER;
UPDATE node SET ended_at = started_at;

-- Records that are being tried one at a time after an end without a word. ends counts the lives
-- that ended over a record, the one that tries it now included until it is settled.
CREATE TABLE trial (
    source   TEXT NOT NULL,
    position TEXT NOT NULL,
    ends     INTEGER NOT NULL,
    node     TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    PRIMARY KEY (source, position)
) STRICT, WITHOUT ROWID;
