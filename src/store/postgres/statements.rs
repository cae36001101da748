//! The statements of the write path. One statement for each table and batch: each `$n` that is
//! a list is one column.

use crate::store::incident_rows::incident_columns;
use crate::store::rows::candidate_columns;

/// One node at a time numbers incidents and decides.
pub(super) const ACCEPTING: i64 = 0x666f_6768_6f72_6e01;

/// Also waits for a commit of this node that was not heard of. `$1` node.
pub(super) const EPOCH: &str = "SELECT epoch AS value FROM node WHERE name = $1 FOR NO KEY UPDATE";

/// Also waits for the other nodes' accepts to end. `$1` node, `$2` [`ACCEPTING`].
pub(super) const EPOCH_AND_LOCK: &str =
    "SELECT epoch AS value, pg_advisory_xact_lock($2) FROM node WHERE name = $1 FOR NO KEY UPDATE";

/// `$1` deliveries, `$2` attempts, `$3` node, `$4` epoch.
pub(super) const IN_HAND: &str = "
SELECT d.id FROM unnest($1::text[], $2::bigint[]) AS j (id, attempt) JOIN delivery AS d ON d.id = j.id
WHERE d.attempts = j.attempt AND d.state || '' = 'sending' AND d.owner || '' = $3 AND d.lease_epoch = $4";

/// `|| ''` keeps the planner off the index of what is in hand: it would walk that index and read the
/// whole list again for each row of it, 1,000 × 4,000 times in a busy batch.
///
/// Both tables are read as they were before: neither change hides a row from the other. `$1` to `$13`
/// delivery, attempt, at, took_ms, outcome, code, detail, provider_id, state, due_at, held, crashes,
/// dead_reason; `$14` node, `$15` epoch, `$16` now; `$17` the channel it goes on over.
pub(super) const END: &str = "
WITH ending AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                         $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[],
                         $13::text[], $17::text[])
    AS e (id, number, at, took_ms, outcome, code, detail, provider_id, state, due_at, held, crashes,
          dead_reason, moved_to)
), ended AS (
    UPDATE attempt SET ended_at = e.at, took_ms = e.took_ms, outcome = e.outcome, code = e.code,
        detail = e.detail, provider_id = e.provider_id
    FROM ending AS e JOIN delivery AS d ON d.id = e.id
    WHERE attempt.delivery = e.id AND attempt.number = e.number AND attempt.outcome IS NULL
      AND d.attempts = e.number AND d.state || '' = 'sending' AND d.owner || '' = $14
      AND d.lease_epoch = $15
)
UPDATE delivery SET
    state = CASE
        WHEN e.state = 'retrying' AND delivery.kind IN ('opened', 'reopened', 'escalated', 'updated') AND delivery.even_if_over = 0
             AND (SELECT calls FROM incident WHERE number = delivery.incident) = 'off'
        THEN 'canceled' ELSE e.state END,
    due_at = coalesce(e.due_at, delivery.due_at),
    held = delivery.held + e.held,
    crashes = delivery.crashes + e.crashes,
    dead_reason = e.dead_reason,
    channel = coalesce(e.moved_to, delivery.channel),
    last_outcome = e.outcome,
    updated_at = $16
FROM ending AS e
WHERE delivery.id = e.id AND delivery.attempts = e.number AND delivery.state || '' = 'sending'
  AND delivery.owner || '' = $14 AND delivery.lease_epoch = $15";

/// After the lock, so that it sees what the other nodes have accepted. The row at -1 is none of
/// an event: it has the highest incident number. `$1` sources, `$2` positions; `$3` places, `$4` sources,
/// `$5` producer's ids.
pub(super) const SEEN_AND_LAST_NUMBER: &str = "
SELECT k.place - 1 AS place, e.id AS event, e.incident, NULL::bytea AS raw
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (source, position, place)
JOIN event AS e ON e.source = k.source AND e.position = k.position
UNION ALL
SELECT k.place, e.id, e.incident, e.raw
FROM unnest($3::bigint[], $4::text[], $5::text[]) AS k (place, source, producer_id)
JOIN event AS e ON e.source = k.source AND e.producer_id = k.producer_id
UNION ALL
SELECT -1, '', (SELECT max(number) FROM incident), NULL";

/// The number of the newest incident of a key of a keyspace.
macro_rules! newest_of {
    ($keyspace:literal, $key:literal) => {
        concat!(
            "greatest(
    (SELECT max(number) FROM incident WHERE dedup_key = ",
            $key,
            " AND keyspace = ",
            $keyspace,
            "),
    (SELECT max(incident) FROM member WHERE dedup_key = ",
            $key,
            " AND keyspace = ",
            $keyspace,
            "),
    CASE WHEN ",
            $keyspace,
            " <> '' THEN greatest(
        (SELECT max(number) FROM incident WHERE dedup_key = ",
            $key,
            " AND keyspace = '' AND source = ",
            $keyspace,
            "),
        (SELECT max(incident) FROM member WHERE dedup_key = ",
            $key,
            " AND keyspace = '' AND source = ",
            $keyspace,
            ")) END)"
        )
    };
}

/// `$1` keyspaces, `$2` dedup keys. A source's own word reaches what the source began while its keys were
/// shared, too.
pub(super) const NEWEST: &str = concat!(
    "SELECT k.place - 1 AS place, ",
    incident_columns!(),
    " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (keyspace, dedup_key, place) CROSS JOIN LATERAL ",
    "(SELECT * FROM incident WHERE number = ",
    newest_of!("k.keyspace", "k.dedup_key"),
    " LIMIT 1) AS i"
);

/// `OFFSET 0` keeps the planner from taking all deliveries of all incidents and comparing each with the
/// list. `$1` incidents, `$2` starts of their episodes.
pub(super) const TOLD: &str = "
SELECT DISTINCT d.incident, d.channel, d.recipient, d.address
FROM unnest($1::bigint[], $2::bigint[]) AS i (number, opened_at) CROSS JOIN LATERAL (
    SELECT incident, channel, recipient, address FROM delivery
    WHERE incident = i.number AND created_at >= i.opened_at AND state IN ('sent', 'sending')
      AND kind IN ('opened', 'reopened', 'escalated', 'updated')
    OFFSET 0
) AS d";

/// `$1` incidents that are over, `$2` now.
pub(super) const CANCEL: &str = "
UPDATE delivery SET state = 'canceled', updated_at = $2
WHERE incident = ANY($1::bigint[])
  AND state IN ('pending', 'retrying') AND kind IN ('opened', 'reopened', 'escalated', 'updated')";

/// `$1` incidents that are deleted, `$2` now.
pub(super) const CANCEL_ALL: &str = "
UPDATE delivery SET state = 'canceled', updated_at = $2
WHERE incident = ANY($1::bigint[]) AND state IN ('pending', 'retrying')";

/// Every table in one round trip; none reads what another writes here. `$1` to `$9` events, `$10` to
/// `$36` incidents, `$37` to `$45` timeline, `$46` to `$51` notifications, `$52` to `$63` deliveries;
/// `$64` now, `$65` node, `$66` epoch; `$67` to `$69` timers; `$70` to
/// `$72` are the last columns of incidents, `$73` of deliveries; `$74` keyspaces of
/// incidents.
pub(super) const INSERT: &str = "
WITH events AS (
    INSERT INTO event (id, source, position, producer_id, traceparent, received_at, decision, incident, raw)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::text[], $8::bigint[], $9::bytea[])
), incidents AS (
    INSERT INTO incident (number, id, version, dedup_key, status, severity, title, service, description,
        labels, links, source, route, policy, event_count, opened_at, acknowledged_at, resolved_at,
        last_event_at, acknowledged_by, resolved_by, assignee, snoozed_until, calls, round, step, called_at,
    deleted_at, began_at, newest_at, keyspace)
    SELECT * FROM unnest($10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::text[],
                         $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                         $20::text[], $21::text[], $22::text[], $23::text[], $24::bigint[],
                         $25::bigint[], $26::bigint[], $27::bigint[], $28::bigint[], $29::text[],
                         $30::text[], $31::text[], $32::bigint[], $33::text[], $34::bigint[],
                         $35::bigint[], $36::bigint[], $70::bigint[], $71::bigint[], $72::bigint[],
                         $74::text[])
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
        began_at = excluded.began_at, newest_at = excluded.newest_at
), history AS (
    INSERT INTO timeline (incident, version, at, kind, event, who, via, detail, step_taken)
    SELECT * FROM unnest($37::bigint[], $38::bigint[], $39::bigint[], $40::text[], $41::text[],
                         $42::text[], $43::text[], $44::text[], $45::text[])
), notifications AS (
    INSERT INTO notification (id, event, incident, kind, created_at, text)
    SELECT * FROM unnest($46::text[], $47::text[], $48::bigint[], $49::text[], $50::bigint[],
                         $51::text[])
), timers AS (
    SELECT * FROM unnest($67::bigint[], $68::text[], $69::bigint[]) AS t (incident, kind, due_at)
), disarmed AS (
    DELETE FROM timer USING timers AS t
    WHERE timer.incident = t.incident AND timer.kind = t.kind AND t.due_at IS NULL
), armed AS (
    INSERT INTO timer (incident, kind, due_at) SELECT * FROM timers WHERE due_at IS NOT NULL
    ON CONFLICT (incident, kind) DO UPDATE SET due_at = excluded.due_at
), new AS (
    SELECT * FROM unnest($52::text[], $53::text[], $54::bigint[], $55::text[], $56::text[],
                         $57::text[], $58::text[], $59::smallint[], $60::text[], $61::bigint[],
                         $62::bigint[], $63::bool[], $73::bigint[])
    AS n (id, notification, incident, kind, channel, recipient, address, priority, state, due_at,
          expires_at, starts, bundle)
), begun AS (
    INSERT INTO attempt (delivery, number, started_at) SELECT id, 1, $64 FROM new WHERE starts
)
INSERT INTO delivery (id, notification, incident, kind, channel, recipient, address, priority, state,
    due_at, expires_at, created_at, updated_at, attempts, held, crashes, owner, lease_epoch, bundle)
SELECT id, notification, incident, kind, channel, recipient, address, priority, state, due_at, expires_at,
       $64, $64, starts::int, 0, 0, CASE WHEN starts THEN $65 END,
       CASE WHEN starts THEN $66::bigint END, bundle
FROM new";

/// `$1` to `$6` columns, `$7` now, `$8` how often it came back.
pub(super) const QUARANTINE: &str = "
INSERT INTO dead_letter (id, source, position, reason, detail, raw, came_back, quarantined_at)
SELECT *, $7 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $8::bigint[])
ON CONFLICT (source, position) DO NOTHING";

/// `$1` children, `$2` dead ones, `$3` now, `$4` jobs, `$5` even if over; `$6` channels, `$7` recipients and
/// `$8` addresses where they are other ones.
pub(super) const REPLAY: &str = "
INSERT INTO delivery (id, notification, incident, kind, channel, recipient, address, priority, state,
    due_at, expires_at, created_at, updated_at, attempts, held, crashes, replay_of, job,
    even_if_over)
SELECT r.child, d.notification, d.incident, d.kind, coalesce(r.channel, d.channel),
       coalesce(r.recipient, d.recipient), coalesce(r.address, d.address), d.priority,
       'pending', $3, $3 + d.expires_at - d.created_at, $3, $3, 0, 0, 0, d.id, r.job, r.even_if_over
FROM unnest($1::text[], $2::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[])
    AS r (child, dead, job, even_if_over, channel, recipient, address)
JOIN delivery AS d ON d.id = r.dead
WHERE d.state = 'dead' AND d.settled_at IS NULL
ON CONFLICT (replay_of) WHERE replay_of IS NOT NULL DO NOTHING
RETURNING id, channel";

/// `$1` node, `$2` channel, `$3` deliveries that are worked on, `$4` state, `$5` dead reason, `$6` now.
pub(super) const ADOPT: &str = "
WITH lost AS (
    UPDATE delivery SET state = $4, dead_reason = $5, last_outcome = 'unknown', due_at = $6, updated_at = $6
    WHERE owner = $1 AND channel = $2 AND state = 'sending' AND id <> ALL ($3::text[])
    RETURNING id, attempts
)
UPDATE attempt SET outcome = 'unknown', ended_at = $6 FROM lost
WHERE attempt.delivery = lost.id AND attempt.number = lost.attempts AND attempt.outcome IS NULL";

/// The heads of the four lanes, in their order, without what another node is about to take.
/// `$1` channel, `$2` now, `$3` limit.
pub(super) const DUE: &str = concat!(
    "SELECT ",
    candidate_columns!(),
    " FROM (SELECT head.* FROM (VALUES (0::smallint), (1), (2), (3)) AS lane (rank) CROSS JOIN LATERAL ",
    "(SELECT * FROM delivery WHERE channel = $1 AND priority = lane.rank AND due_at <= $2 ",
    "AND state IN ('pending', 'retrying') ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS head ",
    "ORDER BY head.priority, head.due_at LIMIT $3) AS d ",
    "JOIN notification AS n ON n.id = d.notification ORDER BY d.priority, d.due_at"
);

/// `$1` numbers.
pub(super) const INCIDENTS: &str =
    concat!("SELECT ", incident_columns!(), " FROM incident AS i WHERE i.number = ANY($1::bigint[])");

/// `$1` incidents, `$2` kinds.
pub(super) const TIMERS: &str = "
SELECT t.incident AS timer_incident, t.kind AS timer_kind, t.due_at AS timer_due_at
FROM unnest($1::bigint[], $2::text[]) AS w (incident, kind)
JOIN timer AS t ON t.incident = w.incident AND t.kind = w.kind";

/// `$1` to `$3` delivery, state, attempts; `$4` now, `$5` node, `$6` epoch.
pub(super) const TAKE: &str = "
WITH taken AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t (id, state, attempts)
), begun AS (
    INSERT INTO attempt (delivery, number, started_at)
    SELECT id, attempts, $4 FROM taken WHERE state = 'sending'
)
UPDATE delivery SET state = t.state, attempts = t.attempts, owner = $5, lease_epoch = $6, updated_at = $4
FROM taken AS t
WHERE delivery.id = t.id";
