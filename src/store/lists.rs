//! Lists of both SQL stores, newest first, a page at a time.
//!
//! A page never costs more than a stretch of the list: where a query has to look at rows that may
//! not fit, it looks at the next [`STRETCH`] of them and gives what it found, with a cursor to go on.
//! So a page may be short, or empty, and not be the last.

use super::conditions::{Columns, conditions};
use super::incident_rows::{IncidentRow, incident_columns};
use super::reading::{Ask, Dialect, Fetch, Value, counted, cursor, limit, nothing, only};
use super::rows::{CountedRow, IdRow, NumberRow, Readable, column, number, read_all};
use super::view_rows::{DeadLetterRow, DeliveryRow, EventRow, ReasonRow, SeverityRow};
use super::views::{
    Count, DeadLetterRef, DeadLetterView, DeliveryView, EventView, IncidentCount, IncidentView,
    LettersByReason, Page,
};
use super::{Paging, StoreError};
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId};
use crate::domain::incident::IncidentStatus;
use crate::domain::query::{
    DeadLetterQuery, DeliveryField, DeliveryQuery, EventQuery, IncidentField, IncidentQuery, LetterQuery,
    Query,
};

/// How many rows are looked at for one page.
pub(super) const STRETCH: u64 = 20_000;
/// How many rows are looked at for a count.
const COUNTED_STRETCH: u64 = 200_000;
/// Nothing is counted beyond this.
pub(super) const MOST_COUNTED: u64 = 10_000;

const UNRESOLVED: &str = "i.status IN ('open', 'acknowledged')";

/// A way through a table, newest first.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// What stands after FROM.
    table: &'static str,
    /// What identifies a row and orders the list.
    key: &'static str,
    /// What the index of this way holds.
    only: Option<&'static str>,
    /// What is not shown though it lies on the way.
    hidden: Option<&'static str>,
    /// Whether the way can be long.
    length: Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

impl Way {
    const EVENTS: Self =
        Self { table: "event AS e", key: "e.id", only: None, hidden: None, length: Length::Long };
    const LETTERS: Self =
        Self { table: "dead_letter AS l", key: "l.id", only: None, hidden: None, length: Length::Long };

    fn of_incidents(query: &IncidentQuery, dialect: Dialect) -> Self {
        let all = IncidentStatus::ALL.map(IncidentStatus::as_str);
        let words = query.words(IncidentField::Status, &all);
        let over = IncidentStatus::Resolved.as_str();
        let length = Length::Long;
        match (words.is_some_and(|words| !words.contains(&over)), dialect) {
            (false, _) => {
                let hidden = Some("i.deleted_at IS NOT NULL");
                Self { table: "incident AS i", key: "i.number", only: None, hidden, length }
            }
            (true, Dialect::Sqlite) => Self {
                table: "incident AS i INDEXED BY incident_unresolved",
                key: "i.number",
                only: Some(UNRESOLVED),
                hidden: None,
                length,
            },
            (true, Dialect::Postgres) => {
                let (table, key) = ("incident AS i", "i.number");
                Self { table, key, only: Some(UNRESOLVED), hidden: None, length }
            }
        }
    }

    fn of_deliveries(query: &DeliveryQuery, dialect: Dialect) -> Self {
        let all = DeliveryState::ALL.map(DeliveryState::as_str);
        let dead = query.words(DeliveryField::State, &all) == Some(vec![DeliveryState::Dead.as_str()]);
        let (key, table) = ("d.id", "delivery AS d");
        if query.number(DeliveryField::Incident).is_some() {
            let table = match dialect {
                Dialect::Sqlite => "delivery AS d INDEXED BY delivery_incident",
                Dialect::Postgres => table,
            };
            let only = Some("d.incident IS NOT NULL");
            return Self { table, key, only, hidden: None, length: Length::Short };
        }
        if dead && query.words(DeliveryField::Letter, &["open", "settled"]) == Some(vec!["open"]) {
            let table = match dialect {
                Dialect::Sqlite => "delivery AS d INDEXED BY delivery_dead_letter",
                Dialect::Postgres => table,
            };
            let only = Some("d.state = 'dead' AND d.settled_at IS NULL");
            return Self { table, key, only, hidden: None, length: Length::Long };
        }
        if dead {
            let table = match dialect {
                Dialect::Sqlite => "delivery AS d INDEXED BY delivery_dead",
                Dialect::Postgres => table,
            };
            return Self { table, key, only: Some("d.state = 'dead'"), hidden: None, length: Length::Long };
        }
        Self { table, key, only: None, hidden: None, length: Length::Long }
    }

    /// ` FROM … WHERE …`: what comes before the cursor on this way.
    fn before(self, ask: Ask, before: Value) -> Ask {
        let ask =
            ask.push(" FROM ").push(self.table).push(" WHERE ").push(self.key).push(" < ").value(before);
        let ask = match self.only {
            Some(only) => ask.push(" AND ").push(only),
            None => ask,
        };
        match self.hidden {
            Some(hidden) => ask.push(" AND NOT (").push(hidden).push(")"),
            None => ask,
        }
    }

    fn newest_first(self, ask: Ask) -> Ask {
        ask.push(" ORDER BY ").push(self.key).push(" DESC LIMIT ")
    }

    /// The last row of the stretch that begins before `before`; `None` if the list ends in it.
    async fn floor(
        self,
        source: &impl Fetch,
        before: Value,
        stretch: u64,
    ) -> Result<Option<Value>, StoreError> {
        if self.key == "i.number" && self.only.is_none() {
            // Numbers have no gaps to speak of, so nothing has to be walked to know where it ends.
            let newest = match before {
                Value::Number(i64::MAX) => {
                    let ask = Ask::new("SELECT max(number) + 1 AS value FROM incident");
                    only(source.fetch::<NumberRow>(ask).await?).unwrap_or(0)
                }
                Value::Number(number) => number,
                Value::Text(_) => 0,
            };
            return Ok(Some(newest - column(stretch)).filter(|floor| *floor > 1).map(Value::Number));
        }
        let asked = match before {
            Value::Number(_) => Ask::new("SELECT ").push(self.key).push(" AS value"),
            Value::Text(_) => Ask::new("SELECT ").push(self.key).push(" AS id"),
        };
        let is_number = matches!(before, Value::Number(_));
        let ask = self.newest_first(self.before(asked, before)).push("1 OFFSET ").number(column(stretch - 1));
        if is_number {
            Ok(only(source.fetch::<NumberRow>(ask).await?).map(Value::Number))
        } else {
            let rows: Vec<IdRow> = source.fetch(ask).await?;
            Ok(rows.into_iter().next().map(|row| Value::Text(row.id)))
        }
    }
}

/// A part of a list.
struct Part<T> {
    rows: Vec<T>,
    /// Where to go on, if the rows are not the last and do not say it themselves.
    floor: Option<Value>,
    limit: usize,
}

impl<T> Part<T> {
    fn page(self, key: impl Fn(&T) -> String) -> Page<T> {
        let Self { rows: mut data, floor, limit } = self;
        let more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = match (more, floor) {
            (true, _) => data.last().map(key),
            (false, Some(Value::Number(number))) => Some(number.to_string()),
            (false, Some(Value::Text(id))) => Some(id),
            (false, None) => None,
        };
        Page { data, next_cursor }
    }
}

/// The next part of the list on this way.
async fn part<F: Columns, R: Readable, S: Fetch>(
    source: &S,
    columns: &str,
    way: Way,
    query: &Query<F>,
    before: Value,
    limit: usize,
) -> Result<Part<R::Value>, StoreError> {
    let passes_over = !query.terms().is_empty() || way.hidden.is_some();
    let looks = way.length == Length::Long && passes_over;
    let floor = if looks { way.floor(source, before.clone(), STRETCH).await? } else { None };
    let ask =
        asked(way.before(Ask::new("SELECT ").push(columns), before), way, query, floor.clone(), S::DIALECT);
    let rows: Vec<R> = source.fetch(ask.number(column(limit as u64 + 1))).await?;
    Ok(Part { rows: read_all(rows)?, floor, limit })
}

/// The question, but for how many.
fn asked<F: Columns>(
    mut ask: Ask,
    way: Way,
    query: &Query<F>,
    floor: Option<Value>,
    dialect: Dialect,
) -> Ask {
    if let Some(floor) = floor {
        ask = ask.push(" AND ").push(way.key).push(" >= ").value(floor);
    }
    way.newest_first(conditions(ask, query, dialect))
}

/// What SQLite is asked for the first page of a list, to look at its plan.
#[cfg(test)]
pub(super) fn sqlite_texts(text: &str) -> [Option<String>; 4] {
    fn of<F: Columns>(text: &str, way: impl Fn(&Query<F>) -> Way, before: Value) -> Option<String> {
        let query = Query::<F>::parse(text, crate::domain::Timestamp::UNIX_EPOCH).ok()?;
        let way = way(&query);
        let ask = way.before(Ask::new("SELECT *"), before);
        Some(asked(ask, way, &query, None, Dialect::Sqlite).push("51").sql)
    }
    let id = || Value::Text("~".to_owned());
    [
        of(text, |query| Way::of_incidents(query, Dialect::Sqlite), Value::Number(i64::MAX)),
        of(text, |query| Way::of_deliveries(query, Dialect::Sqlite), id()),
        of(text, |_: &LetterQuery| Way::LETTERS, id()),
        of(text, |_: &EventQuery| Way::EVENTS, id()),
    ]
}

/// Where a page of numbers begins; `None` after the end.
fn before_number(paging: &Paging) -> Option<Value> {
    match cursor::<u64>(paging) {
        None => Some(Value::Number(i64::MAX)),
        Some(number) => number.map(|number| Value::Number(column(number))),
    }
}

/// Where a page of ids begins; `None` after the end.
fn before_id<I: std::str::FromStr + ToString>(paging: &Paging) -> Option<Value> {
    match cursor::<I>(paging) {
        // After every id of ours.
        None => Some(Value::Text("~".to_owned())),
        Some(id) => id.map(|id| Value::Text(id.to_string())),
    }
}

pub(super) async fn incidents<S: Fetch>(
    source: &S,
    query: &IncidentQuery,
    paging: &Paging,
) -> Result<Page<IncidentView>, StoreError> {
    let Some(before) = before_number(paging) else { return Ok(nothing()) };
    let way = Way::of_incidents(query, S::DIALECT);
    let found =
        part::<_, IncidentRow, _>(source, incident_columns!(), way, query, before, limit(paging)).await?;
    let page = found.page(|incident| incident.number.to_string());
    Ok(Page { data: counted(source, page.data).await?, next_cursor: page.next_cursor })
}

pub(super) async fn deliveries<S: Fetch>(
    source: &S,
    query: &DeliveryQuery,
    paging: &Paging,
) -> Result<Page<DeliveryView>, StoreError> {
    let Some(before) = before_id::<DeliveryId>(paging) else { return Ok(nothing()) };
    let way = Way::of_deliveries(query, S::DIALECT);
    let columns = super::reading::DELIVERY;
    let found = part::<_, DeliveryRow, _>(source, columns, way, query, before, limit(paging)).await?;
    Ok(found.page(|delivery| delivery.id.to_string()))
}

pub(super) async fn dead_letters<S: Fetch>(
    source: &S,
    query: &LetterQuery,
    paging: &Paging,
) -> Result<Page<DeadLetterView>, StoreError> {
    let Some(before) = before_id::<DeadLetterId>(paging) else { return Ok(nothing()) };
    let columns = [super::reading::DEAD_LETTER, "NULL AS raw"].concat();
    let found =
        part::<_, DeadLetterRow, _>(source, &columns, Way::LETTERS, query, before, limit(paging)).await?;
    Ok(found.page(|letter| letter.id.to_string()))
}

pub(super) async fn events<S: Fetch>(
    source: &S,
    query: &EventQuery,
    paging: &Paging,
) -> Result<Page<EventView>, StoreError> {
    let Some(before) = before_id::<EventId>(paging) else { return Ok(nothing()) };
    let columns = [super::reading::EVENT, "NULL AS raw"].concat();
    let found = part::<_, EventRow, _>(source, &columns, Way::EVENTS, query, before, limit(paging)).await?;
    Ok(found.page(|event| event.id.to_string()))
}

pub(super) async fn dead_letter_ids<S: Fetch>(
    source: &S,
    query: &DeadLetterQuery,
    paging: &Paging,
) -> Result<Page<DeadLetterRef>, StoreError> {
    let limit = paging.limit.clamp(1, super::MOST_IDS);
    let page = match query {
        DeadLetterQuery::Delivery(query) => {
            let Some(before) = before_id::<DeliveryId>(paging) else { return Ok(nothing()) };
            let way = Way::of_deliveries(query, S::DIALECT);
            part::<_, IdRow, _>(source, "d.id", way, query, before, limit).await?.page(Clone::clone)
        }
        DeadLetterQuery::Event(query) => {
            let Some(before) = before_id::<DeadLetterId>(paging) else { return Ok(nothing()) };
            part::<_, IdRow, _>(source, "l.id", Way::LETTERS, query, before, limit).await?.page(Clone::clone)
        }
    };
    let data = page.data.iter().map(|text| match query {
        DeadLetterQuery::Delivery(_) => super::rows::id(text).map(DeadLetterRef::Delivery),
        DeadLetterQuery::Event(_) => super::rows::id(text).map(DeadLetterRef::Event),
    });
    Ok(Page { data: data.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
}

pub(super) async fn count_dead_letters<S: Fetch>(
    source: &S,
    query: &DeadLetterQuery,
) -> Result<Count, StoreError> {
    match query {
        DeadLetterQuery::Delivery(query) => count(source, Way::of_deliveries(query, S::DIALECT), query).await,
        DeadLetterQuery::Event(query) => count(source, Way::LETTERS, query).await,
    }
}

/// Dead deliveries by why they are dead.
pub(super) async fn letters_by_reason<S: Fetch>(
    source: &S,
    query: &DeliveryQuery,
) -> Result<Vec<LettersByReason>, StoreError> {
    let way = Way::of_deliveries(query, S::DIALECT);
    let all = || Value::Text("~".to_owned());
    let floor = way.floor(source, all(), COUNTED_STRETCH).await?;
    let ask = Ask::new(
        "SELECT reason, count(*) AS count, min(at) AS first, max(at) AS last \
         FROM (SELECT coalesce(d.dead_reason, 'unknown') AS reason, d.updated_at AS at",
    );
    let ask = asked(way.before(ask, all()), way, query, floor, S::DIALECT).number(column(MOST_COUNTED));
    let ask = ask.push(") AS found GROUP BY reason ORDER BY count(*) DESC, reason");
    read_all(source.fetch::<ReasonRow>(ask).await?)
}

async fn count<F: Columns, S: Fetch>(source: &S, way: Way, query: &Query<F>) -> Result<Count, StoreError> {
    let all = || Value::Text("~".to_owned());
    let floor = way.floor(source, all(), COUNTED_STRETCH).await?;
    let mut ask = way.before(Ask::new("SELECT count(*) AS count FROM (SELECT 1 AS one"), all());
    if let Some(floor) = floor.clone() {
        ask = ask.push(" AND ").push(way.key).push(" >= ").value(floor);
    }
    let ask = conditions(ask, query, S::DIALECT).push(" LIMIT ").number(column(MOST_COUNTED + 1));
    let rows: Vec<CountedRow> = source.fetch(ask.push(") AS found")).await?;
    let found = rows.first().map_or(Ok(0), |row| number(row.count))?;
    Ok(Count::of(found, floor.is_none()))
}

/// What is not over, by status and severity. One walk over the index of it.
pub(super) async fn incident_counts<S: Fetch>(source: &S) -> Result<Vec<IncidentCount>, StoreError> {
    let table = match S::DIALECT {
        Dialect::Sqlite => "incident AS i INDEXED BY incident_unresolved",
        Dialect::Postgres => "incident AS i",
    };
    let ask = Ask::new("SELECT i.status, i.severity, count(*) AS count FROM ").push(table);
    let ask = ask.push(" WHERE ").push(UNRESOLVED).push(" GROUP BY i.status, i.severity");
    read_all(source.fetch::<SeverityRow>(ask).await?)
}
