//! A real database for each test, taken away when the test ends, also if it fails.

use std::future::Future;
use std::sync::Arc;

use foghorn::store::Store;
use foghorn::store::open::{StoreSettings, open};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::services;

/// The server, as its first user.
const POSTGRES: &str = "postgres://postgres@127.0.0.1:5432";

/// Holds a law on SQLite.
pub(crate) async fn on_sqlite<F>(law: impl FnOnce(Arc<dyn Store>) -> F)
where
    F: Future<Output = ()>,
{
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    law(opened(format!("sqlite://{}", path.display())).await).await;
}

/// Holds a law on PostgreSQL, if there is one.
pub(crate) async fn on_postgres<F>(law: impl FnOnce(Arc<dyn Store>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    if !services::require("postgres") {
        return;
    }
    let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
    admin(format!("CREATE DATABASE {name}")).await;
    let store = opened(format!("{POSTGRES}/{name}")).await;
    let held = tokio::spawn(law(store)).await;
    admin(format!("DROP DATABASE {name} WITH (FORCE)")).await;
    if let Err(broken) = held {
        std::panic::resume_unwind(broken.into_panic());
    }
}

async fn opened(url: String) -> Arc<dyn Store> {
    open(&StoreSettings { url, max_connections: 4, ..StoreSettings::default() }).await.unwrap()
}

async fn admin(sql: String) {
    let mut server = PgConnection::connect(&format!("{POSTGRES}/postgres")).await.unwrap();
    server.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Each law as one test for each database.
macro_rules! on_each_database {
    ($($law:ident)*) => {$(
        mod $law {
            use crate::support::databases::{on_postgres, on_sqlite};

            #[tokio::test]
            async fn sqlite() {
                on_sqlite(super::$law).await;
            }

            #[tokio::test]
            async fn postgres() {
                on_postgres(super::$law).await;
            }
        }
    )*};
}
pub(crate) use on_each_database;
