-- How long a message waits for others to the same address, once one has gone there.
ALTER TABLE delivery ADD COLUMN bundle BIGINT;
CREATE INDEX delivery_bundle ON delivery (channel, address) WHERE bundle IS NOT NULL AND state IN ('pending', 'retrying');

-- When one went there.
CREATE TABLE bundle (
    channel TEXT NOT NULL,
    class   TEXT NOT NULL CHECK (class IN ('incident', 'direct')),
    address TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    PRIMARY KEY (channel, class, address)
);
