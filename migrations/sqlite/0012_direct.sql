-- The deliveries of a direct notification, for whoever takes it back before it is sent.
CREATE INDEX delivery_direct ON delivery (notification) WHERE kind = 'direct';

-- Records that could not become events also go to a topic, where their source names one: since when, and how
-- often a record came back from there.
ALTER TABLE dead_letter ADD COLUMN exported_at INTEGER;
ALTER TABLE dead_letter ADD COLUMN came_back INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dead_letter_here ON dead_letter (source, id) WHERE exported_at IS NULL;
