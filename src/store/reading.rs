//! The read side of both SQL stores: single rows for people, and what lists are made of. The statements
//! are the same in both, so they are written once; a store only runs them ([`Fetch`]).

use std::collections::HashMap;
use std::fmt::Write;

use async_trait::async_trait;

use super::incident_rows::{IncidentRow, incident_columns};
use super::rows::{NumberRow, Row, column, number, read_all, time};
use super::trial::DIED;
use super::view_rows::{
    AttemptRow, BacklogRow, CountRow, DeadLetterRow, DeliveryRow, EventRow, KeptRow, TimelineRow,
};
use super::views::{
    AttemptView, Backlog, DeadLetterView, DeliveryCounts, DeliveryView, EventView, IncidentView, Kept, Page,
    TimelineView,
};
use super::{Paging, StoreError};
use crate::domain::Timestamp;
use crate::domain::dedup::DedupKey;
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::names::{ChannelName, NodeName};

/// A question with its values. `$1` means the first one in both databases.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// A value of a question.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

impl Ask {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    pub(super) fn push(mut self, sql: &str) -> Self {
        self.sql.push_str(sql);
        self
    }

    pub(super) fn value(mut self, value: Value) -> Self {
        self.values.push(value);
        let _ = write!(self.sql, "${}", self.values.len());
        self
    }

    pub(super) fn number(self, value: i64) -> Self {
        self.value(Value::Number(value))
    }

    pub(super) fn text(self, value: impl ToString) -> Self {
        self.value(Value::Text(value.to_string()))
    }

    /// What `write` says of each of these, with `separator` between them.
    pub(super) fn each<T>(
        self,
        all: impl IntoIterator<Item = T>,
        separator: &str,
        write: impl Fn(Self, T) -> Self,
    ) -> Self {
        all.into_iter()
            .enumerate()
            .fold(self, |ask, (index, one)| write(if index == 0 { ask } else { ask.push(separator) }, one))
    }

    /// `1, 2, 3`, bound.
    pub(super) fn among<T: ToString>(self, texts: &[T]) -> Self {
        self.each(texts, ", ", |ask, text| ask.text(text.to_string()))
    }

    /// The same of numbers.
    pub(super) fn among_numbers(self, numbers: impl IntoIterator<Item = u64>) -> Self {
        self.each(numbers, ", ", |ask, number| ask.number(column(number)))
    }

    /// Words of our own enums, literally, so that a partial index can be used.
    pub(super) fn words(mut self, words: impl Iterator<Item = &'static str>) -> Self {
        for (index, word) in words.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let _ = write!(self.sql, "{separator}'{word}'");
        }
        self
    }
}

/// Whose SQL it is, where it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Runs questions.
#[async_trait]
pub(super) trait Fetch: Sync {
    /// Where the databases differ.
    const DIALECT: Dialect;

    async fn fetch<T: Row>(&self, ask: Ask) -> Result<Vec<T>, StoreError>;
}

pub(super) fn limit(paging: &Paging) -> usize {
    paging.limit.clamp(1, MAX_PAGE)
}

/// The longest page.
pub(super) const MAX_PAGE: usize = 200;

/// The page of these, of which one more than the limit was asked for.
pub(super) fn page<T>(mut data: Vec<T>, paging: &Paging, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = data.len() > limit(paging);
    data.truncate(limit(paging));
    let next_cursor = data.last().filter(|_| more).map(cursor);
    Page { data, next_cursor }
}

pub(super) fn nothing<T>() -> Page<T> {
    Page { data: Vec::new(), next_cursor: None }
}

/// The cursor as what it was made from: `None` at the start of a list, `Some(None)` if it was
/// not made by us, which is the end of any list.
pub(super) fn cursor<T: std::str::FromStr>(paging: &Paging) -> Option<Option<T>> {
    paging.before.as_ref().map(|text| text.parse().ok())
}

pub(super) async fn incident(source: &impl Fetch, number: u64) -> Result<Option<IncidentView>, StoreError> {
    let ask = Ask::new(concat!("SELECT ", incident_columns!(), " FROM incident AS i WHERE i.number = "));
    let ask = ask.number(column(number)).push(" AND i.deleted_at IS NULL");
    let rows: Vec<IncidentRow> = source.fetch(ask).await?;
    Ok(counted(source, read_all(rows)?).await?.pop())
}

pub(super) async fn incident_number(source: &impl Fetch, id: IncidentId) -> Result<Option<u64>, StoreError> {
    let ask = Ask::new("SELECT number AS value FROM incident WHERE id = ").text(id);
    let ask = ask.push(" AND deleted_at IS NULL");
    only(source.fetch::<NumberRow>(ask).await?).map(number).transpose()
}

/// The number of the newest incident of this key. A source's own word reaches what the source began while
/// its keys were shared, too.
pub(super) async fn incident_of_key(source: &impl Fetch, key: &DedupKey) -> Result<Option<u64>, StoreError> {
    let of = |ask: Ask, select: &str| {
        let ask = ask.push(select).push(" WHERE dedup_key = ").text(&key.text);
        let ask = ask.push(" AND (keyspace = ").text(key.keyspace());
        ask.push(" OR keyspace = '' AND source = ").text(key.keyspace()).push(")")
    };
    let ask = of(Ask::new("SELECT max(number) AS value FROM ("), "SELECT number FROM incident");
    let ask = of(ask.push(" UNION ALL "), "SELECT incident FROM member").push(") AS known");
    only(source.fetch::<NumberRow>(ask).await?).map(number).transpose()
}

/// Incidents with how their deliveries stand.
pub(super) async fn counted(
    source: &impl Fetch,
    found: Vec<Incident>,
) -> Result<Vec<IncidentView>, StoreError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ask = Ask::new("SELECT incident, state, count(*) AS count FROM delivery WHERE incident IN (")
        .among_numbers(found.iter().map(|incident| incident.number));
    let rows: Vec<CountRow> = source.fetch(ask.push(") GROUP BY incident, state")).await?;
    let mut counts: HashMap<u64, DeliveryCounts> = HashMap::new();
    for (incident, state, count) in read_all(rows)? {
        *counts.entry(incident).or_default().of(state) = count;
    }
    let views = found.into_iter().map(|incident| {
        let counts = counts.get(&incident.number).copied().unwrap_or_default();
        IncidentView::of(incident, counts)
    });
    Ok(views.collect())
}

pub(super) async fn timeline(source: &impl Fetch, number: u64) -> Result<Vec<TimelineView>, StoreError> {
    let ask = Ask::new(
        "SELECT at, version, kind, event, who, via, detail, step_taken FROM timeline WHERE incident = ",
    );
    let ask = ask.number(column(number)).push(" ORDER BY version");
    read_all(source.fetch::<TimelineRow>(ask).await?)
}

pub(super) const DELIVERY: &str = "d.id, d.notification, d.incident, d.kind, d.channel, d.recipient, d.address, d.state, \
     d.due_at, d.expires_at, d.created_at, d.updated_at, d.attempts, d.held, d.last_outcome, d.dead_reason, \
     d.replay_of, d.settled_at, d.job";

pub(super) async fn delivery(
    source: &impl Fetch,
    id: DeliveryId,
) -> Result<Option<DeliveryView>, StoreError> {
    let ask = Ask::new("SELECT ").push(DELIVERY).push(" FROM delivery AS d WHERE d.id = ");
    let rows: Vec<DeliveryRow> = source.fetch(ask.text(id)).await?;
    Ok(read_all(rows)?.pop())
}

pub(super) async fn attempts(source: &impl Fetch, id: DeliveryId) -> Result<Vec<AttemptView>, StoreError> {
    let ask = Ask::new(
        "SELECT number, started_at, took_ms, outcome, code, detail, provider_id FROM attempt \
         WHERE delivery = ",
    );
    read_all(source.fetch::<AttemptRow>(ask.text(id).push(" ORDER BY number")).await?)
}

pub(super) const DEAD_LETTER: &str = "l.id, l.source, l.position, l.reason, l.detail, l.quarantined_at, \
     CAST(octet_length(l.raw) AS BIGINT) AS bytes, ";

/// The bytes of the row come last, or NULL.
pub(super) const EVENT: &str = "e.id, e.source, e.position, e.producer_id, e.received_at, e.decision, \
     e.incident, CAST(octet_length(e.raw) AS BIGINT) AS bytes, ";

pub(super) async fn dead_letter(
    source: &impl Fetch,
    id: DeadLetterId,
) -> Result<Option<DeadLetterView>, StoreError> {
    let ask = Ask::new("SELECT ").push(DEAD_LETTER).push("l.raw FROM dead_letter AS l WHERE l.id = ");
    let rows: Vec<DeadLetterRow> = source.fetch(ask.text(id)).await?;
    Ok(read_all(rows)?.pop())
}

pub(super) async fn event(source: &impl Fetch, id: EventId) -> Result<Option<EventView>, StoreError> {
    let ask = Ask::new("SELECT ").push(EVENT).push("e.raw FROM event AS e WHERE e.id = ");
    let rows: Vec<EventRow> = source.fetch(ask.text(id)).await?;
    Ok(read_all(rows)?.pop())
}

pub(super) async fn event_bytes(source: &impl Fetch, id: EventId) -> Result<Option<Kept>, StoreError> {
    let ask = Ask::new("SELECT source, traceparent, raw FROM event WHERE id = ").text(id);
    Ok(read_all(source.fetch::<KeptRow>(ask).await?)?.pop())
}

pub(super) async fn dead_letter_bytes(
    source: &impl Fetch,
    id: DeadLetterId,
) -> Result<Option<Kept>, StoreError> {
    let ask = Ask::new("SELECT source, NULL AS traceparent, raw FROM dead_letter WHERE id = ").text(id);
    Ok(read_all(source.fetch::<KeptRow>(ask).await?)?.pop())
}

pub(super) async fn backlog(source: &impl Fetch) -> Result<Backlog, StoreError> {
    let waits =
        ["state IN ('pending', 'retrying')", "state = 'sending'", "state = 'dead' AND settled_at IS NULL"];
    let ask = Ask::default().each(waits, " UNION ALL ", |ask, states| {
        ask.push("SELECT channel, state, count(*) AS count, min(id) AS oldest FROM delivery WHERE ")
            .push(states)
            .push(" GROUP BY channel, state")
    });
    let lines: Vec<BacklogRow> = source.fetch(ask).await?;
    let letters = Ask::new("SELECT count(*) AS value FROM dead_letter");
    let letters = source.fetch::<NumberRow>(letters).await?;
    Ok(Backlog { deliveries: read_all(lines)?, dead_letters: number(only(letters).unwrap_or(0))? })
}

/// The value of a statement that gives one.
pub(super) fn only(rows: Vec<NumberRow>) -> Option<i64> {
    rows.into_iter().next().and_then(|row| row.value)
}

/// The head of each of a channel's four lanes. `$1` is the channel.
pub(super) const NEXT_DUE: &str = concat!(
    "SELECT min(due_at) AS value FROM (",
    "SELECT min(due_at) AS due_at FROM delivery ",
    "WHERE channel = $1 AND priority = 0 AND state IN ('pending', 'retrying') UNION ALL ",
    "SELECT min(due_at) AS due_at FROM delivery ",
    "WHERE channel = $1 AND priority = 1 AND state IN ('pending', 'retrying') UNION ALL ",
    "SELECT min(due_at) AS due_at FROM delivery ",
    "WHERE channel = $1 AND priority = 2 AND state IN ('pending', 'retrying') UNION ALL ",
    "SELECT min(due_at) AS due_at FROM delivery ",
    "WHERE channel = $1 AND priority = 3 AND state IN ('pending', 'retrying')) AS lanes"
);

pub(super) async fn next_due(
    source: &impl Fetch,
    channel: &ChannelName,
) -> Result<Option<Timestamp>, StoreError> {
    let ask = Ask { sql: NEXT_DUE.to_owned(), values: vec![Value::Text(channel.to_string())] };
    only(source.fetch(ask).await?).map(time).transpose()
}

/// Keeps the key `$1`, made at `$2`, unless there is one; says which there is.
pub(super) const SIGNING_KEY: &str = "INSERT INTO signing_key (name, secret, made_at) VALUES ('links', $1, $2) \
     ON CONFLICT (name) DO UPDATE SET secret = signing_key.secret RETURNING secret AS word";

/// Version of the schema, as the migrations left it.
pub(super) const SCHEMA: &str = "SELECT max(version) AS value FROM _sqlx_migrations";

/// Starts a new life of the node `$1` at `$2`.
pub(super) const LEASE: &str = "INSERT INTO node (name, epoch, started_at) VALUES ($1, 1, $2) \
     ON CONFLICT (name) DO UPDATE SET epoch = node.epoch + 1, started_at = excluded.started_at, \
     ended_at = NULL \
     RETURNING epoch AS value";

/// Did the last life of `node` end without a word?
pub(super) async fn died(source: &impl Fetch, node: &NodeName) -> Result<bool, StoreError> {
    let ask = Ask { sql: DIED.to_owned(), values: vec![Value::Text(node.to_string())] };
    Ok(only(source.fetch(ask).await?).unwrap_or(0) > 0)
}

pub(super) async fn schema(source: &impl Fetch) -> Result<i64, StoreError> {
    Ok(only(source.fetch(Ask::new(SCHEMA)).await?).unwrap_or(0))
}
