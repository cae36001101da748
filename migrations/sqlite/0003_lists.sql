-- What needs somebody: few among many, newest first. severity is there for counting.
CREATE INDEX incident_unresolved ON incident (number, status, severity)
    WHERE status IN ('open', 'acknowledged');
-- One event, and events newest first. Ids grow, so an event is written at the end.
CREATE INDEX event_id ON event (id);
