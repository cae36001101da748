-- Since when nobody is shown an incident any more. Its row stays, so that its number is not given again.
ALTER TABLE incident ADD COLUMN deleted_at BIGINT;
-- Programs name incidents by their ids.
CREATE UNIQUE INDEX incident_id ON incident (id);
