//! Opens the store that a URL names, or says why not.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

pub use super::OpenError;
use super::Store;
use super::memory::MemoryStore;
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;

/// `[store]`
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite:///path/to/foghorn.db`, `postgres://user@host/database` or `memory:`.
    pub url: String,
    /// Of the database's user; wins over one in the URL.
    pub password: Option<SecretString>,
    /// At most this many connections to PostgreSQL.
    pub max_connections: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { url: "sqlite:///var/lib/foghorn/foghorn.db".to_owned(), password: None, max_connections: 10 }
    }
}

/// Opens the store, makes it if there is none, and brings its schema up to date.
///
/// # Errors
/// See [`OpenError`]; nothing is changed then.
pub async fn open(settings: &StoreSettings) -> Result<Arc<dyn Store>, OpenError> {
    let url = settings.url.as_str();
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::default())),
        Some(("sqlite", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') || path.contains('?') {
                return Err(OpenError::Url(url.to_owned()));
            }
            Ok(Arc::new(SqliteStore::open(Path::new(path)).await?))
        }
        Some(("postgres" | "postgresql", _)) => {
            let password = settings.password.as_ref();
            let store = PostgresStore::open(url, password, settings.max_connections).await?;
            Ok(Arc::new(store))
        }
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
