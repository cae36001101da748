//! A PostgreSQL database of its own for a test, gone with this value.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const SERVER: &str = "postgres://postgres@127.0.0.1:5432";

pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let name = format!("foghorn_process_{}_{:x}", std::process::id(), fastrand::u32(..));
        run(format!("CREATE DATABASE {name}")).await.unwrap();
        Self { url: format!("{SERVER}/{name}"), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: a test's runtime cannot be blocked from within.
        let dropping = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(drop_it))
        });
        // What is left over is only a name that nobody uses again.
        drop(dropping.join());
    }
}

async fn run(statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&format!("{SERVER}/postgres")).await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}
