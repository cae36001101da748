//! What a database says of itself, and what that means: weather is waited for, what cannot be written
//! is somebody's fault.

use foghorn::domain::acceptance::Decision;
use foghorn::domain::incident::Transition;
use foghorn::store::StoreError;
use foghorn::store::batch::AcceptResult;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::database::Database;
use crate::support::said::{NOW, batch, open};
use crate::support::services::require;
use crate::support::stores::opened;

/// Disk full, out of memory, too many connections, shutting down, starting, I/O error, serialization,
/// deadlock, read-only standby, a privilege that was taken away.
const WEATHER: [&str; 10] =
    ["53100", "53200", "53300", "57P01", "57P03", "58030", "40001", "40P01", "25006", "42501"];
/// A text that does not fit, a row that breaks a constraint, a statement that is none, corruption.
const FAULTS: [&str; 4] = ["22021", "23514", "42601", "XX001"];

#[tokio::test]
async fn a_server_in_trouble_is_weather_and_a_batch_that_cannot_be_is_not() {
    if !require("postgres") {
        return;
    }
    let database = Database::create().await;
    let store = opened(&database.url).await;
    let mut server = PgConnection::connect(&database.url).await.unwrap();
    let lease = store.lease(&"node-a".into(), NOW).await.unwrap();
    let mut batch = batch(&lease);
    batch.accepts.push(open(1).accept());
    for code in WEATHER.into_iter().chain(FAULTS) {
        let trouble = format!(
            "CREATE OR REPLACE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
             CREATE OR REPLACE TRIGGER trouble BEFORE INSERT ON event EXECUTE FUNCTION trouble()"
        );
        server.execute(AssertSqlSafe(trouble)).await.unwrap();
        let error = store.commit(&batch).await.unwrap_err();
        let weather = matches!(error, StoreError::Unavailable(_));
        assert!(weather || matches!(error, StoreError::Corrupt(_)), "{code}: {error:?}");
        assert_eq!(weather, WEATHER.contains(&code), "{code}: {error:?}");
    }
    server.execute("DROP TRIGGER trouble ON event").await.unwrap();
    let committed = store.commit(&batch).await.unwrap();
    let opened = AcceptResult::Decided(Decision::Routed(Transition::Opened));
    assert_eq!(committed.accepted[0].result, opened, "nothing of it was written before");
}
