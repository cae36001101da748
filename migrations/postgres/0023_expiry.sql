-- expiry: an alert that its sender says lasts until then, and does not say again.
ALTER TABLE timer DROP CONSTRAINT timer_kind_check;
ALTER TABLE timer ADD CONSTRAINT timer_kind_check
    CHECK (kind IN ('step', 'ack_timeout', 'snooze', 'auto_resolve', 'expiry'));
