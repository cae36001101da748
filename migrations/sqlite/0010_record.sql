-- Tables of the configuration that the API owns. version is the number of the change that wrote the
-- row, counted for all rows together, so that the highest one says whether anything changed. A row
-- that was taken away stays without a document: its number must not come back.
CREATE TABLE record (
    section    TEXT NOT NULL,
    name       TEXT NOT NULL,
    document   TEXT,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (section, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_version ON record (version);
