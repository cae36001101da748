-- Tables of the configuration that the API owns. version is the number of the change that wrote the
-- row, counted for all rows together, so that the highest one says whether anything changed. A row
-- that was taken away stays without a document: its number must not come back.
CREATE TABLE record (
    section    TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    document   TEXT COLLATE "C",
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (section, name)
);
CREATE UNIQUE INDEX record_version ON record (version);
