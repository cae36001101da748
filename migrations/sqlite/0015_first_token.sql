-- Where a token is from. The very first one is made by a node that finds none, and by one node alone.
ALTER TABLE token ADD COLUMN origin TEXT NOT NULL DEFAULT 'api' CHECK (origin IN ('api', 'bootstrap'));
CREATE UNIQUE INDEX token_bootstrap ON token (origin) WHERE origin = 'bootstrap';
