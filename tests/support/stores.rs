//! Each kind of store, empty, at a place of its own, and able to be opened again.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use foghorn::domain::Timestamp;
use foghorn::domain::delivery::Lease;
use foghorn::store::Store;
use foghorn::store::batch::{Batch, Committed};
use foghorn::store::memory::MemoryStore;
use foghorn::store::open::{StoreSettings, open};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::said::{NOW, batch, rules};

/// The server that tests use, as its first user.
pub(crate) const POSTGRES: &str = "postgres://postgres@127.0.0.1:5432";

/// The database that laws are held in, each in a schema of its own: a database for each law would
/// cost a checkpoint for each.
const LAWS: &str = "foghorn_laws";

fn schema_url(schema: &str) -> String {
    format!("{POSTGRES}/{LAWS}?options[search_path]={schema}")
}

enum Place {
    Memory(MemoryStore),
    Sqlite(TempDir),
    Postgres(String),
}

/// A store under test.
pub(crate) struct Subject {
    pub(crate) store: Arc<dyn Store>,
    place: Place,
}

impl Subject {
    pub(crate) fn memory() -> Self {
        let store = MemoryStore::default();
        Self { store: Arc::new(store.clone()), place: Place::Memory(store) }
    }

    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(&sqlite_url(&directory)).await;
        Self { store, place: Place::Sqlite(directory) }
    }

    pub(crate) async fn postgres() -> Self {
        let name = format!("foghorn_test_{:016x}", fastrand::u64(..));
        static LAID: OnceCell<()> = OnceCell::const_new();
        LAID.get_or_init(|| async {
            // Another test process may have made it, or be making it.
            let mut server = PgConnection::connect(&format!("{POSTGRES}/postgres")).await.unwrap();
            let _ = server.execute(AssertSqlSafe(format!("CREATE DATABASE {LAWS}"))).await;
        })
        .await;
        admin(LAWS, format!("CREATE SCHEMA {name}")).await;
        let store = opened(&schema_url(&name)).await;
        Self { store, place: Place::Postgres(name) }
    }

    /// The same database, opened by another node.
    pub(crate) async fn second(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::Postgres(name) => opened(&schema_url(name)).await,
            Place::Memory(_) | Place::Sqlite(_) => panic!("one node only"),
        }
    }

    /// Closes the store and opens it again, as a new process would.
    pub(crate) async fn reopen(&mut self) {
        self.store = Arc::new(MemoryStore::default());
        self.store = match &self.place {
            Place::Memory(store) => Arc::new(store.clone()),
            Place::Sqlite(directory) => opened(&sqlite_url(directory)).await,
            Place::Postgres(name) => opened(&schema_url(name)).await,
        };
    }

    pub(crate) async fn lease(&self) -> Lease {
        self.store.lease(&"node-a".into(), NOW).await.unwrap()
    }

    /// Commits a batch of `lease` at [`NOW`].
    pub(crate) async fn commit(&self, lease: &Lease, fill: impl FnOnce(&mut Batch)) -> Committed {
        self.commit_at(lease, NOW, fill).await
    }

    pub(crate) async fn commit_at(
        &self,
        lease: &Lease,
        now: Timestamp,
        fill: impl FnOnce(&mut Batch),
    ) -> Committed {
        let mut batch = Batch::empty(lease.clone(), now, rules());
        fill(&mut batch);
        self.store.commit(&batch).await.unwrap()
    }

    /// The same batch once more.
    pub(crate) fn batch(&self, lease: &Lease, fill: impl FnOnce(&mut Batch)) -> Batch {
        let mut batch = batch(lease);
        fill(&mut batch);
        batch
    }
}

fn sqlite_url(directory: &TempDir) -> String {
    let path: PathBuf = directory.path().join("foghorn.db");
    format!("sqlite://{}", path.display())
}

/// The store at `url`.
pub(crate) async fn opened(url: &str) -> Arc<dyn Store> {
    let settings = StoreSettings { url: url.to_owned(), max_connections: 3, ..StoreSettings::default() };
    open(&settings).await.unwrap()
}

/// Runs a statement in a database of the server.
pub(crate) async fn admin(database: &str, sql: String) {
    let mut connection = PgConnection::connect(&format!("{POSTGRES}/{database}")).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Holds a law on a store and takes the store away again, also if the law is broken.
pub(crate) async fn hold<F: Future<Output = ()> + Send + 'static>(subject: Subject, law: fn(Subject) -> F) {
    let schema = match &subject.place {
        Place::Postgres(name) => Some(name.clone()),
        Place::Memory(_) | Place::Sqlite(_) => None,
    };
    let held = tokio::spawn(law(subject)).await;
    if let Some(name) = schema {
        admin(LAWS, format!("DROP SCHEMA {name} CASCADE")).await;
    }
    if let Err(broken) = held {
        std::panic::resume_unwind(broken.into_panic());
    }
}
