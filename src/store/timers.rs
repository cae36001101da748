//! Which timers are due, for whoever has them fired. What firing means is decided on what the
//! transaction finds, not on what was read here.

use sqlx::FromRow;

use super::StoreError;
use super::incident_rows::{IncidentRow, incident_columns};
use super::reading::{Ask, Fetch, only};
use super::rows::{NumberRow, Readable, TimerRow, column, read_all, time};
use crate::domain::Timestamp;
use crate::domain::incident::Incident;
use crate::domain::timer::Timer;

macro_rules! timer_columns {
    () => {
        "t.incident AS timer_incident, t.kind AS timer_kind, t.due_at AS timer_due_at"
    };
}

#[derive(Debug, FromRow)]
struct DueRow {
    #[sqlx(flatten)]
    timer: TimerRow,
    #[sqlx(flatten)]
    incident: IncidentRow,
}

impl Readable for DueRow {
    type Value = (Timer, Incident);

    fn read(self) -> Result<Self::Value, StoreError> {
        Ok((self.timer.read()?, self.incident.read()?))
    }
}

pub(super) async fn due_timers(
    source: &impl Fetch,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(Timer, Incident)>, StoreError> {
    let columns = concat!("SELECT ", timer_columns!(), ", ", incident_columns!());
    let ask = Ask::new(columns)
        .push(" FROM timer AS t JOIN incident AS i ON i.number = t.incident WHERE t.due_at <= ")
        .number(now.as_millisecond())
        .push(" ORDER BY t.due_at LIMIT ")
        .number(column(limit as u64));
    let rows: Vec<DueRow> = source.fetch(ask).await?;
    read_all(rows)
}

pub(super) async fn next_timer(source: &impl Fetch) -> Result<Option<Timestamp>, StoreError> {
    let rows: Vec<NumberRow> = source.fetch(Ask::new("SELECT min(due_at) AS value FROM timer")).await?;
    only(rows).map(time).transpose()
}

pub(super) async fn timers(source: &impl Fetch, number: u64) -> Result<Vec<Timer>, StoreError> {
    let ask = Ask::new(concat!("SELECT ", timer_columns!(), " FROM timer AS t WHERE t.incident = "));
    let rows: Vec<TimerRow> = source.fetch(ask.number(column(number)).push(" ORDER BY t.due_at")).await?;
    read_all(rows)
}
