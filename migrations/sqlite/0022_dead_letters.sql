-- Dead letters and why they are dead, without a look at each row: everything that is asked when they are counted.
DROP INDEX delivery_dead_letter;
CREATE INDEX delivery_dead_letter ON delivery (id, state, settled_at, channel, dead_reason, updated_at)
    WHERE state = 'dead' AND settled_at IS NULL;
