//! A table in PostgreSQL, and a channel of Redis where new rows are told.

use async_trait::async_trait;
use redis::cmd;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use super::{Bus, Unsettled, name_of_its_own};
use crate::support::bad_records::Row;
use crate::support::front::Front;
use crate::support::services::require;
use crate::support::stores::POSTGRES;

pub(crate) struct Hybrid {
    pub(crate) name: String,
    database: Mutex<PgConnection>,
    redis: redis::aio::MultiplexedConnection,
    front: Front,
    /// The way to Redis.
    pub(crate) hints: Front,
}

impl Drop for Hybrid {
    fn drop(&mut self) {
        let (database, name) = (self.database.get_mut(), &self.name);
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            let dropped = sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE \"{name}\"")));
            let _ = handle.block_on(dropped.execute(database));
        });
    }
}

impl Hybrid {
    /// A row that waits, of which nobody is told.
    pub(crate) async fn insert(&self, payload: &[u8]) {
        self.insert_or_not(Some(payload)).await;
    }

    async fn insert_or_not(&self, payload: Option<&[u8]>) {
        let insert = format!("INSERT INTO \"{}\" (job) VALUES ($1)", self.name);
        let mut database = self.database.lock().await;
        sqlx::query(AssertSqlSafe(insert)).bind(payload).execute(&mut *database).await.unwrap();
    }

    async fn tell(&self) {
        let mut tell = cmd("PUBLISH");
        tell.arg(&self.name).arg("a row");
        tell.exec_async(&mut self.redis.clone()).await.unwrap();
    }

    async fn run(&self, statement: String) {
        let mut database = self.database.lock().await;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *database).await.unwrap();
    }

    /// What `[sources.bus]` says, with this much time between two looks.
    pub(crate) fn looking_every(&self, every: &str) -> String {
        format!(
            "type = \"redis\"\nmode = \"hybrid\"\nurl = \"redis://127.0.0.1:{}\"\nchannel = \"{name}\"\n\
             table = {{ url = \"postgres://postgres@127.0.0.1:{}/postgres\", name = \"{name}\", payload = \"job\", \
             poll_every = \"{every}\" }}\n",
            self.hints.port(),
            self.front.port(),
            name = self.name,
        )
    }
}

#[async_trait]
impl Bus for Hybrid {
    const HANDS_OUT: bool = false;
    const HANDS_OUT_NAMESAKES: bool = false;

    async fn open() -> Option<Self> {
        if !require("redis") || !require("postgres") {
            return None;
        }
        let name = name_of_its_own();
        let mut database = PgConnection::connect(&format!("{POSTGRES}/postgres")).await.unwrap();
        let create = format!(
            "CREATE TABLE \"{name}\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job bytea, \
             notification_status text NOT NULL DEFAULT 'pending', created_at timestamptz NOT NULL DEFAULT now())"
        );
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut database).await.unwrap();
        let redis = redis::Client::open("redis://127.0.0.1:6379").unwrap();
        Some(Self {
            name,
            database: Mutex::new(database),
            redis: redis.get_multiplexed_async_connection().await.unwrap(),
            front: Front::before(5432).await,
            hints: Front::before(6379).await,
        })
    }

    fn source(&self) -> String {
        // What is missed while nobody listens has to come by the next look.
        self.looking_every("1s")
    }

    fn front(&self) -> &Front {
        &self.front
    }

    async fn publish(&self, payload: &[u8]) {
        self.insert(payload).await;
        self.tell().await;
    }

    fn cannot(row: &Row) -> Option<&'static str> {
        (!row.headers.is_empty()).then_some("a row has no headers")
    }

    async fn put(&self, row: &Row) {
        self.insert_or_not(row.payload.as_deref()).await;
        self.tell().await;
    }

    async fn lose(&self, nth: usize) {
        self.run(format!("DELETE FROM \"{}\" WHERE id = {nth}", self.name)).await;
    }

    async fn make_anew(&self) {
        self.run(format!("TRUNCATE \"{}\" RESTART IDENTITY", self.name)).await;
    }

    async fn unsettled(&self) -> Unsettled {
        let count = format!("SELECT count(*) FROM \"{}\" WHERE notification_status = 'pending'", self.name);
        let mut database = self.database.lock().await;
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *database).await.unwrap();
        Unsettled { waiting: usize::try_from(count).unwrap(), taken: 0 }
    }
}
