//! The statements of the write path. One statement for each table and batch: `$1` and so on are
//! JSON arrays of arrays, built in [`super::params`] in the order that is read here.
//!
//! What is only written has numbers of its own, so that it can go along with other texts in one
//! crossing to SQLite's thread: `$1` node, `$2` epoch, `$3` now, `$4` endings, `$5` events, `$6`
//! incidents, `$7` timeline, `$8` notifications, `$9` deliveries, `$10` the bytes of the events, `$11`
//! timers.
//!
//! `$n`, not `?n`: where a text holds several statements, sqlx binds `?n` by counting and is lost
//! when a statement leaves one out.

use crate::store::incident_rows::incident_columns;
use crate::store::rows::candidate_columns;

pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Begins. `$1` node.
pub(super) const EPOCH: &str = "BEGIN IMMEDIATE; SELECT epoch AS value FROM node WHERE name = $1";

/// `$1` [delivery, attempt], `$2` node, `$3` epoch.
pub(super) const IN_HAND: &str = "
SELECT d.id FROM jsonb_each($1) AS j CROSS JOIN delivery AS d ON d.id = j.value ->> 0
WHERE d.attempts = j.value ->> 1 AND d.state = 'sending' AND d.owner = $2 AND d.lease_epoch = $3";

/// The unary plus keeps the planner off the index of what is in hand: it would walk that index and
/// read the whole list again for each row of it.
pub(super) const END: &str = "
UPDATE attempt SET
    ended_at = e.value ->> 2, took_ms = e.value ->> 3, outcome = e.value ->> 4, code = e.value ->> 5,
    detail = e.value ->> 6, provider_id = e.value ->> 7
FROM jsonb_each($4) AS e CROSS JOIN delivery AS d ON d.id = e.value ->> 0
WHERE attempt.delivery = e.value ->> 0 AND attempt.number = e.value ->> 1 AND attempt.outcome IS NULL
  AND d.attempts = e.value ->> 1 AND +d.state = 'sending' AND +d.owner = $1 AND +d.lease_epoch = $2;

UPDATE delivery SET
    state = CASE
        WHEN e.value ->> 8 = 'retrying' AND kind IN ('opened', 'reopened', 'escalated', 'updated') AND delivery.even_if_over = 0
             AND (SELECT calls FROM incident WHERE number = delivery.incident) = 'off'
        THEN 'canceled' ELSE e.value ->> 8 END,
    due_at = coalesce(e.value ->> 9, due_at),
    held = held + (e.value ->> 10),
    crashes = crashes + (e.value ->> 11),
    dead_reason = e.value ->> 12,
    channel = coalesce(e.value ->> 13, channel),
    last_outcome = e.value ->> 4,
    updated_at = $3
FROM jsonb_each($4) AS e
WHERE delivery.id = e.value ->> 0 AND attempts = e.value ->> 1 AND +state = 'sending'
  AND +owner = $1 AND +lease_epoch = $2;";

/// The number of the newest incident of a key of a keyspace. A source's own word reaches what the source
/// began while its keys were shared, too.
macro_rules! newest_of {
    ($keyspace:literal, $key:literal) => {
        concat!(
            "max(
    coalesce((SELECT max(number) FROM incident WHERE dedup_key = ",
            $key,
            " AND keyspace = ",
            $keyspace,
            "), 0),
    coalesce((SELECT max(incident) FROM member WHERE dedup_key = ",
            $key,
            " AND keyspace = ",
            $keyspace,
            "), 0),
    iif(",
            $keyspace,
            " = '', 0, max(
        coalesce((SELECT max(number) FROM incident WHERE dedup_key = ",
            $key,
            " AND keyspace = '' AND source = ",
            $keyspace,
            "), 0),
        coalesce((SELECT max(incident) FROM member WHERE dedup_key = ",
            $key,
            " AND keyspace = '' AND source = ",
            $keyspace,
            "), 0))))"
        )
    };
}

/// Begins, and asks for the epoch, what is seen, the newest incidents and the last number. `$1` node, `$2` [source, position], `$3` [place, source, producer_id], `$4` [keyspace, dedup key].
pub(super) const STANDING: &str = concat!(
    "BEGIN IMMEDIATE;

SELECT epoch AS value FROM node WHERE name = $1;

SELECT k.key AS place, e.id AS event, e.incident, NULL AS raw
FROM jsonb_each($2) AS k
CROSS JOIN event AS e ON e.source = k.value ->> 0 AND e.position = k.value ->> 1
UNION ALL
SELECT k.value ->> 0, e.id, e.incident, e.raw
FROM jsonb_each($3) AS k
CROSS JOIN event AS e ON e.source = k.value ->> 1 AND e.producer_id = k.value ->> 2;

SELECT k.key AS place, ",
    incident_columns!(),
    " FROM jsonb_each($4) AS k
CROSS JOIN incident AS i ON i.number = ",
    newest_of!("k.value ->> 0", "k.value ->> 1"),
    ";

SELECT max(number) AS value FROM incident;"
);

/// `$1` [incident, start of the episode].
pub(super) const TOLD: &str = "
SELECT DISTINCT d.incident, d.channel, d.recipient, d.address
FROM jsonb_each($1) AS i CROSS JOIN delivery AS d ON d.incident = i.value ->> 0
WHERE d.created_at >= i.value ->> 1 AND d.state IN ('sent', 'sending') AND d.kind IN ('opened', 'reopened', 'escalated', 'updated')";

/// `$1` incidents that are over, `$2` now.
pub(super) const CANCEL: &str = "
UPDATE delivery SET state = 'canceled', updated_at = $2
WHERE incident IN (SELECT value FROM json_each($1))
  AND state IN ('pending', 'retrying') AND kind IN ('opened', 'reopened', 'escalated', 'updated')";

/// `$1` incidents that are deleted, `$2` now.
pub(super) const CANCEL_ALL: &str = "
UPDATE delivery SET state = 'canceled', updated_at = $2
WHERE incident IN (SELECT value FROM json_each($1)) AND state IN ('pending', 'retrying')";

pub(super) const INSERT: &str = "
INSERT INTO event (id, source, position, producer_id, traceparent, received_at, decision, incident, raw)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, coalesce(substr($10, value ->> 8, value ->> 9), x'')
FROM jsonb_each($5);

INSERT INTO incident (number, id, version, dedup_key, status, severity, title, service, description,
    labels, links, source, route, policy, event_count, opened_at, acknowledged_at, resolved_at,
    last_event_at, acknowledged_by, resolved_by, assignee, snoozed_until, calls, round, step, called_at,
    deleted_at, began_at, newest_at, keyspace)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
       value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20,
       value ->> 21, value ->> 22, value ->> 23, value ->> 24, value ->> 25, value ->> 26, value ->> 27,
       value ->> 28, value ->> 29, value ->> 30
FROM jsonb_each($6) WHERE true
ON CONFLICT (number) DO UPDATE SET
    version = excluded.version, status = excluded.status, severity = excluded.severity,
    title = excluded.title, service = excluded.service, description = excluded.description,
    labels = excluded.labels, links = excluded.links, route = excluded.route,
    policy = excluded.policy, event_count = excluded.event_count, opened_at = excluded.opened_at,
    acknowledged_at = excluded.acknowledged_at, resolved_at = excluded.resolved_at,
    last_event_at = excluded.last_event_at, acknowledged_by = excluded.acknowledged_by,
    resolved_by = excluded.resolved_by, assignee = excluded.assignee,
    snoozed_until = excluded.snoozed_until, calls = excluded.calls, round = excluded.round,
    step = excluded.step, called_at = excluded.called_at, deleted_at = excluded.deleted_at,
        began_at = excluded.began_at, newest_at = excluded.newest_at;

INSERT INTO timeline (incident, version, at, kind, event, who, via, detail, step_taken)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 8
FROM jsonb_each($7);

INSERT INTO notification (id, event, incident, kind, created_at, text)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each($8);

INSERT INTO delivery (id, notification, incident, kind, channel, recipient, address, priority, state,
    due_at, expires_at, created_at, updated_at, attempts, held, crashes, owner, lease_epoch, bundle)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 8, value ->> 9, value ->> 10, $3, $3, value ->> 11, 0, 0,
       iif(value ->> 11, $1, NULL), iif(value ->> 11, $2, NULL), value ->> 12
FROM jsonb_each($9);

INSERT INTO attempt (delivery, number, started_at)
SELECT value ->> 0, 1, $3 FROM jsonb_each($9) WHERE value ->> 11;

DELETE FROM timer WHERE (incident, kind) IN
    (SELECT value ->> 0, value ->> 1 FROM jsonb_each($11) WHERE value ->> 2 IS NULL);

INSERT INTO timer (incident, kind, due_at)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each($11) WHERE value ->> 2 IS NOT NULL
ON CONFLICT (incident, kind) DO UPDATE SET due_at = excluded.due_at;";

/// `$1` letters, `$2` now, `$3` their bytes.
pub(super) const QUARANTINE: &str = "
INSERT INTO dead_letter (id, source, position, reason, detail, raw, quarantined_at, came_back)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
       coalesce(substr($3, value ->> 5, value ->> 6), x''), $2, value ->> 7
FROM jsonb_each($1) WHERE true
ON CONFLICT (source, position) DO NOTHING";

/// `$1` [child, dead, job, even if over, channel, recipient, address], `$2` now.
pub(super) const REPLAY: &str = "
INSERT INTO delivery (id, notification, incident, kind, channel, recipient, address, priority, state,
    due_at, expires_at, created_at, updated_at, attempts, held, crashes, replay_of, job,
    even_if_over)
SELECT r.value ->> 0, d.notification, d.incident, d.kind, coalesce(r.value ->> 4, d.channel),
       coalesce(r.value ->> 5, d.recipient), coalesce(r.value ->> 6, d.address), d.priority,
       'pending', $2, $2 + d.expires_at - d.created_at, $2, $2, 0, 0, 0, d.id, r.value ->> 2, r.value ->> 3
FROM jsonb_each($1) AS r CROSS JOIN delivery AS d ON d.id = r.value ->> 1
WHERE d.state = 'dead' AND d.settled_at IS NULL
ON CONFLICT (replay_of) WHERE replay_of IS NOT NULL DO NOTHING
RETURNING id, channel";

/// `$1` node, `$2` channel, `$3` deliveries that are worked on, `$4` state, `$5` dead reason, `$6` now.
pub(super) const ADOPT: &str = "
UPDATE attempt SET outcome = 'unknown', ended_at = $6
FROM (SELECT id, attempts FROM delivery
      WHERE owner = $1 AND channel = $2 AND state = 'sending'
        AND id NOT IN (SELECT value FROM json_each($3))) AS d
WHERE attempt.delivery = d.id AND attempt.number = d.attempts AND attempt.outcome IS NULL;

UPDATE delivery SET state = $4, dead_reason = $5, last_outcome = 'unknown', due_at = $6, updated_at = $6
WHERE owner = $1 AND channel = $2 AND state = 'sending' AND id NOT IN (SELECT value FROM json_each($3));";

/// The heads of the four lanes, in their order. `$1` channel, `$2` now, `$3` limit.
macro_rules! lane {
    ($rank:literal) => {
        concat!(
            "SELECT * FROM (SELECT id, priority, due_at FROM delivery WHERE channel = $1 AND priority = ",
            $rank,
            " AND due_at <= $2 AND state IN ('pending', 'retrying') ORDER BY due_at LIMIT $3)"
        )
    };
}
pub(super) const DUE: &str = concat!(
    "SELECT ",
    candidate_columns!(),
    " FROM (SELECT * FROM (",
    lane!(0),
    " UNION ALL ",
    lane!(1),
    " UNION ALL ",
    lane!(2),
    " UNION ALL ",
    lane!(3),
    ") ORDER BY priority, due_at LIMIT $3) AS head ",
    "CROSS JOIN delivery AS d ON d.id = head.id CROSS JOIN notification AS n ON n.id = d.notification ",
    "ORDER BY head.priority, head.due_at"
);

/// `$1` numbers.
pub(super) const INCIDENTS: &str = concat!(
    "SELECT ",
    incident_columns!(),
    " FROM incident AS i WHERE i.number IN (SELECT value FROM json_each($1))"
);

/// `$1` [incident, kind].
pub(super) const TIMERS: &str = "
SELECT t.incident AS timer_incident, t.kind AS timer_kind, t.due_at AS timer_due_at
FROM jsonb_each($1) AS w CROSS JOIN timer AS t ON t.incident = w.value ->> 0 AND t.kind = w.value ->> 1";

/// `$1` [delivery, state, attempts], `$2` now, `$3` node, `$4` epoch.
pub(super) const TAKE: &str = "
UPDATE delivery SET
    state = t.value ->> 1, attempts = t.value ->> 2, owner = $3, lease_epoch = $4, updated_at = $2
FROM jsonb_each($1) AS t
WHERE delivery.id = t.value ->> 0;

INSERT INTO attempt (delivery, number, started_at)
SELECT value ->> 0, value ->> 2, $2 FROM jsonb_each($1) WHERE value ->> 1 = 'sending';";
