//! Members of a group had one moment for all of them; from the schema on that gives each its own, each has
//! that one, and keys that are stored already are everybody's.

use sqlx::{Connection, Executor, PgConnection, Row, SqliteConnection};

use crate::support::database::Database;
use crate::support::services::require;

const BEFORE: i64 = 23;
const AFTER: i64 = 24;

const ROWS: &str = "
INSERT INTO timer (incident, kind, due_at) VALUES (1, 'expiry', 777), (2, 'step', 888);
INSERT INTO member (incident, dedup_key, source, status, began_at, newest_at) VALUES
    (1, 'wrong', 'prometheus', 'wrong', 5, 6), (1, 'over', 'prometheus', 'over', NULL, NULL),
    (2, 'wrong', 'kafka', 'wrong', NULL, NULL)";
const ASKED: &str =
    "SELECT dedup_key, keyspace, expires_at, newest_at FROM member ORDER BY incident, dedup_key";

type Line = (String, String, Option<i64>, Option<i64>);

fn lines<R: Row>(rows: Vec<R>) -> Vec<Line>
where
    usize: sqlx::ColumnIndex<R>,
    String: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Option<i64>: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn expected() -> Vec<Line> {
    let shared = String::new;
    vec![
        ("over".to_owned(), shared(), None, None),
        ("wrong".to_owned(), shared(), Some(777), Some(6)),
        ("wrong".to_owned(), shared(), None, None),
    ]
}

#[tokio::test]
async fn on_sqlite() {
    let mut file = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    migrations.run_to(BEFORE, &mut file).await.unwrap();
    file.execute(ROWS).await.unwrap();
    migrations.run_to(AFTER, &mut file).await.unwrap();
    assert_eq!(lines(sqlx::query(ASKED).fetch_all(&mut file).await.unwrap()), expected());
}

#[tokio::test]
async fn on_postgres() {
    if !require("postgres") {
        return;
    }
    let database = Database::create().await;
    let mut server = PgConnection::connect(&database.url).await.unwrap();
    let migrations = sqlx::migrate!("migrations/postgres");
    migrations.run_to(BEFORE, &mut server).await.unwrap();
    server.execute(ROWS).await.unwrap();
    migrations.run_to(AFTER, &mut server).await.unwrap();
    assert_eq!(lines(sqlx::query(ASKED).fetch_all(&mut server).await.unwrap()), expected());
}
