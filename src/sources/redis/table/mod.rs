//! The table of the hybrid: which rows wait, what they say, and that they are done.

mod past;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row};

pub use self::past::past_of_table;
use crate::domain::event::Position;
use crate::sources::called::called;
use crate::sources::settings::{Objection, duration, secret, shown};
use crate::sources::{Record, SourceError};

/// How long the database may take to let us in.
const CONNECT: Duration = Duration::from_secs(5);
/// More rows than this are not counted.
const MOST_COUNTED: u32 = 100_000;
/// Most bytes taken of one row: no event is that large.
const RECORD_BYTES: usize = 16 << 20;

/// `table` of a source with `mode = "hybrid"`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableSettings {
    /// `postgres://`, with user, host and database.
    pub url: String,
    /// The password, unless it stands in the address.
    #[serde(deserialize_with = "secret")]
    pub password: Option<SecretString>,
    /// The table, with its schema if it is not on the user's search path.
    pub name: String,
    /// The column that a row is known by.
    pub id: String,
    /// The column that is the record; empty means the whole row, as an object.
    pub payload: String,
    /// The column that says how far a row is.
    pub status: String,
    /// What it says of a row that waits.
    pub pending: String,
    /// What it says of a row that is stored.
    pub done: String,
    /// The column that says which row is older.
    pub order_by: String,
    /// How often is looked whether a hint was missed.
    #[serde(deserialize_with = "duration")]
    pub poll_every: Duration,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            password: None,
            name: "incidents".to_owned(),
            id: "id".to_owned(),
            payload: String::new(),
            status: "notification_status".to_owned(),
            pending: "pending".to_owned(),
            done: "sent".to_owned(),
            order_by: "created_at".to_owned(),
            poll_every: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for TableSettings {
    /// Without the password that the address may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSettings")
            .field("url", &shown(&self.url))
            .field("name", &self.name)
            .field("id", &self.id)
            .field("payload", &self.payload)
            .field("status", &self.status)
            .field("pending", &self.pending)
            .field("done", &self.done)
            .field("order_by", &self.order_by)
            .field("poll_every", &self.poll_every)
            .finish_non_exhaustive()
    }
}

impl TableSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        if !self.url.starts_with("postgres") || self.url.parse::<PgConnectOptions>().is_err() {
            objections.push(Objection::to("table.url", "write it as postgres://user@host/database"));
        }
        let columns =
            [("table.id", &self.id), ("table.status", &self.status), ("table.order_by", &self.order_by)];
        for (key, name) in columns.into_iter().chain([("table.name", &self.name)]) {
            if name.trim().is_empty() {
                objections.push(Objection::to(key, "must not be empty"));
            }
        }
        if self.pending == self.done {
            objections.push(Objection::to("table.done", "must differ from pending"));
        }
        objections
    }

    /// Where it is, without secrets.
    pub(super) fn address(&self) -> String {
        shown(&self.url)
    }
}

/// Where a row is to be found: its id, and what says how old it is, which tells it from a row of the same id in a
/// table that was made anew.
#[derive(Debug, Clone)]
pub(super) struct Place {
    id: String,
    moment: Option<String>,
}

/// A table that answers.
pub(super) struct Table {
    pool: PgPool,
    name: Arc<str>,
    waiting: String,
    finish: String,
    count: String,
}

impl Table {
    /// Connects, and sees whether table and columns are there.
    pub(super) async fn open(settings: &TableSettings) -> Result<Self, SourceError> {
        let pool = connected(settings, &[]).await?;
        let Columns { table, id_type, record, .. } = Columns::of(&pool, settings).await?;
        let (id, status) = (quoted(&settings.id), quoted(&settings.status));
        let (pending, done) = (literal(&settings.pending), literal(&settings.done));
        let order = quoted(&settings.order_by);
        Ok(Self {
            pool,
            name: settings.name.as_str().into(),
            waiting: format!(
                "SELECT id, moment, substring(record FROM 1 FOR {RECORD_BYTES}), octet_length(record) \
                 FROM (SELECT waiting.{id}::text, waiting.{order}::text, {record} FROM {table} AS waiting \
                 WHERE waiting.{status} = {pending} AND waiting.{id} <> ALL ($1::text[]::{id_type}[]) \
                 ORDER BY waiting.{order} LIMIT $2) AS oldest (id, moment, record)"
            ),
            // A row of the same id in a table that was made anew is another one.
            finish: format!(
                "UPDATE {table} AS row SET {status} = {done} \
                 FROM unnest($1::text[]::{id_type}[], $2::text[]) AS stored (id, moment) \
                 WHERE row.{id} = stored.id AND row.{order}::text IS NOT DISTINCT FROM stored.moment \
                 AND row.{status} = {pending}"
            ),
            count: format!(
                "SELECT count(*) FROM \
                 (SELECT 1 FROM {table} WHERE {status} = {pending} LIMIT {MOST_COUNTED}) AS waiting"
            ),
        })
    }

    /// At most `count` rows that wait, the oldest first, and none with an id that is in hand.
    pub(super) async fn waiting(
        &self,
        in_hand: impl Iterator<Item = &Place>,
        count: usize,
    ) -> Result<Vec<(Place, Record)>, SourceError> {
        let in_hand: Vec<&str> = in_hand.map(|place| place.id.as_str()).collect();
        let rows = sqlx::query(AssertSqlSafe(self.waiting.as_str()))
            .bind(in_hand)
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .fetch_all(&self.pool);
        let rows = rows.await.map_err(|error| judge(&error))?;
        let record = |row: &sqlx::postgres::PgRow| {
            let place = Place { id: row.try_get(0)?, moment: row.try_get(1)? };
            let payload: Option<Vec<u8>> = row.try_get(2)?;
            let bytes: Option<i32> = row.try_get(3)?;
            let kept = payload.as_deref().unwrap_or_default();
            let left_out = usize::try_from(bytes.unwrap_or_default()).unwrap_or_default() - kept.len();
            let moment = place.moment.as_deref().unwrap_or_default();
            let id = called(&place.id, [moment.as_bytes(), kept]);
            let position = Position::Message { stream: Arc::clone(&self.name), id };
            let payload = payload.map(Into::into);
            Ok((place, Record { position, payload, left_out, headers: Vec::new() }))
        };
        rows.iter().map(record).collect::<Result<_, sqlx::Error>>().map_err(|error| judge(&error))
    }

    /// These are stored.
    pub(super) async fn finish(&self, places: &[Place]) -> Result<(), SourceError> {
        let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
        let moments: Vec<Option<&str>> = places.iter().map(|place| place.moment.as_deref()).collect();
        let finished = sqlx::query(AssertSqlSafe(self.finish.as_str())).bind(ids).bind(moments);
        finished.execute(&self.pool).await.map(drop).map_err(|error| judge(&error))
    }

    /// How many wait, in hand or not.
    pub(super) async fn count(&self) -> Result<u64, SourceError> {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(self.count.as_str())).fetch_one(&self.pool);
        let count = count.await.map_err(|error| judge(&error))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

/// What was found of the table that the settings name.
struct Columns {
    table: String,
    id_type: String,
    order_type: String,
    /// What makes a record of a row.
    record: String,
}

impl Columns {
    /// Sees whether table and columns are there.
    async fn of(pool: &PgPool, settings: &TableSettings) -> Result<Self, SourceError> {
        let table = qualified(&settings.name);
        let id_type = column_type(pool, &table, &settings.id).await?;
        column_type(pool, &table, &settings.status).await?;
        let order_type = column_type(pool, &table, &settings.order_by).await?;
        let record = match settings.payload.as_str() {
            "" => format!("convert_to((to_jsonb(waiting) - {})::text, 'UTF8')", literal(&settings.status)),
            payload if column_type(pool, &table, payload).await? == "bytea" => quoted(payload),
            payload => format!("convert_to({}::text, 'UTF8')", quoted(payload)),
        };
        Ok(Self { table, id_type, order_type, record })
    }
}

/// A few connections, with these settings of the session.
async fn connected(settings: &TableSettings, session: &[(&str, &str)]) -> Result<PgPool, SourceError> {
    let options: Result<PgConnectOptions, _> = settings.url.parse();
    let options = options.map_err(|error| judge(&error))?.application_name("foghorn");
    let mut options = options.options(session.iter().copied());
    if let Some(password) = &settings.password {
        options = options.password(password.expose_secret());
    }
    let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(CONNECT);
    pool.connect_with(options).await.map_err(|error| judge(&error))
}

async fn column_type(pool: &PgPool, table: &str, column: &str) -> Result<String, SourceError> {
    let found = sqlx::query_scalar::<_, String>(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute \
         WHERE attrelid = $1::text::regclass AND attname = $2 AND NOT attisdropped",
    );
    let found = found.bind(table).bind(column).fetch_optional(pool).await.map_err(|error| judge(&error))?;
    found.ok_or_else(|| SourceError::Refused(format!("the table {table} has no column \"{column}\"")))
}

/// What an error of the database means for the source.
fn judge(error: &sqlx::Error) -> SourceError {
    let words = error.to_string().replace('\n', " ");
    let code = error.as_database_error().and_then(|error| error.code());
    match (error, code.as_deref()) {
        // No such table, column, function or type; not allowed; no such user, password or database.
        (
            _,
            Some("42P01" | "42703" | "42883" | "42704" | "42501" | "28P01" | "28000" | "3D000" | "22P02"),
        ) => SourceError::Refused(words),
        (sqlx::Error::Configuration(_), _) => SourceError::Refused(words),
        (sqlx::Error::Tls(_), _) => SourceError::Refused(format!("no trusted TLS connection: {words}")),
        _ => SourceError::Lost(words),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.table`, each part as it is written.
fn qualified(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words_cannot_break_out() {
        assert_eq!(qualified("ops.in\"cidents"), r#""ops"."in""cidents""#);
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn every_objection_is_told() {
        let keys = |text: &str| -> Vec<String> {
            let settings: TableSettings = toml::from_str(text).expect("settings");
            settings.objections().into_iter().map(|objection| objection.key).collect()
        };
        assert_eq!(keys("url = 'postgres://ada@h/d'"), [] as [&str; 0]);
        assert_eq!(keys("id = ' '\ndone = 'pending'"), ["table.url", "table.id", "table.done"]);
        assert_eq!(keys("url = 'mysql://h'"), ["table.url"]);
    }

    #[test]
    fn a_password_is_never_shown() {
        let settings: TableSettings =
            toml::from_str("url = 'postgres://ada:canary@h/d'\npassword = 'canary'").expect("settings");
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(settings.address(), "postgres://ada@h/d");
    }
}
