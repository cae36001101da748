//! Opens the store that a URL names, or says why not.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::Store;
use super::memory::MemoryStore;
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
pub use super::{OpenError, Probed};

/// `[store]`
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite:///path/to/foghorn.db`, `postgres://user@host/database` or `memory:`.
    pub url: String,
    /// Of the database's user; wins over one in the URL.
    pub password: Option<SecretString>,
    /// At most this many connections to PostgreSQL.
    pub max_connections: u32,
    /// What to do about a schema of an older version.
    pub migrate: Migrate,
}

/// Who brings the schema up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migrate {
    /// Whoever opens the store.
    #[default]
    Auto,
    /// Somebody else, before it is opened.
    Manual,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            url: "sqlite:///var/lib/foghorn/foghorn.db".to_owned(),
            password: None,
            max_connections: 10,
            migrate: Migrate::Auto,
        }
    }
}

/// Opens the store, makes it if there is none, and brings its schema up to date.
///
/// # Errors
/// See [`OpenError`]; nothing is changed then.
pub async fn open(settings: &StoreSettings) -> Result<Arc<dyn Store>, OpenError> {
    match place(&settings.url)? {
        Place::Memory => Ok(Arc::new(MemoryStore::default())),
        Place::File(path) => Ok(Arc::new(SqliteStore::open(path, settings.migrate).await?)),
        Place::Server => Ok(Arc::new(PostgresStore::open(settings).await?)),
    }
}

/// Looks at the store that [`open`] would open, and changes nothing: no file is made, no lock taken,
/// no schema touched.
///
/// # Errors
/// Why it could not be opened, as far as that can be seen from outside.
pub async fn probe(settings: &StoreSettings) -> Result<Probed, OpenError> {
    match place(&settings.url)? {
        Place::Memory => Ok(Probed { kind: "memory", schema: None, newest: 0 }),
        Place::File(path) => SqliteStore::probe(path).await,
        Place::Server => PostgresStore::probe(&settings.url, settings.password.as_ref()).await,
    }
}

/// Where a URL says that the store is.
pub(super) enum Place<'a> {
    Memory,
    File(&'a Path),
    Server,
}

pub(super) fn place(url: &str) -> Result<Place<'_>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Place::Memory),
        Some(("sqlite", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') || path.contains('?') {
                return Err(OpenError::Url(url.to_owned()));
            }
            Ok(Place::File(Path::new(path)))
        }
        Some(("postgres" | "postgresql", _)) => Ok(Place::Server),
        _ => Err(OpenError::Url(without_password(url))),
    }
}

/// The URL as it may be printed.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    // The last @ before the path: a password may hold one that was not escaped.
    let Some(at) = rest[..end].rfind('@').or_else(|| rest.rfind('@')) else {
        return url.to_owned();
    };
    let user = rest[..at].split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:***@{}", &rest[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let table = [
            ("postgres://ada:s3cret@db/foghorn", "postgres://ada:***@db/foghorn"),
            ("mysql://ada:s3cr@et@db/foghorn", "mysql://ada:***@db/foghorn"),
            ("mysql://ada:s3/cret@db/foghorn", "mysql://ada:***@db/foghorn"),
            ("postgres://db/foghorn", "postgres://db/foghorn"),
            ("nonsense", "nonsense"),
        ];
        for (url, printed) in table {
            assert_eq!(without_password(url), printed);
        }
    }

    #[tokio::test]
    async fn what_is_no_store_is_said_to_be_none() {
        for url in ["", "foghorn.db", "mysql://x", "sqlite:", "sqlite::memory:", "memory:x"] {
            let settings = StoreSettings { url: url.to_owned(), ..StoreSettings::default() };
            assert!(matches!(open(&settings).await, Err(OpenError::Url(_))), "{url}");
        }
    }
}
