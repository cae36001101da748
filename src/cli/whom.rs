//! Which Foghorn a command asks: the one it is told to, else the one on this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::config;

/// Where a Foghorn is that nobody says anything about.
const USUAL: &str = "http://127.0.0.1:3644";

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    /// Behind this address.
    Url(String),
    /// Behind this unix socket.
    Socket(PathBuf),
}

impl Whom {
    /// `url` (`--url`, else `$FOGHORN_URL`), else the socket of the configuration that is found here
    /// if somebody answers there, else the usual port.
    pub(super) fn of(url: Option<String>, env: &BTreeMap<String, String>) -> Self {
        match url.filter(|url| !url.is_empty()) {
            Some(url) => match url.strip_prefix("unix:") {
                Some(path) => Self::Socket(PathBuf::from(path.strip_prefix("//").unwrap_or(path))),
                None => Self::Url(url.trim_end_matches('/').to_owned()),
            },
            None => config::usual_socket(env)
                .filter(|path| UnixStream::connect(path).is_ok())
                .map_or_else(|| Self::Url(USUAL.to_owned()), Self::Socket),
        }
    }

    /// What paths are put behind. Whoever listens on a socket has no name.
    pub(super) fn base(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Socket(_) => "http://localhost",
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Whom {
        Whom::of(Some(url.to_owned()), &BTreeMap::new())
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        for url in ["unix:/run/f.sock", "unix:///run/f.sock"] {
            assert_eq!(told(url), Whom::Socket("/run/f.sock".into()), "{url}");
        }
        assert_eq!(told("unix:f.sock"), Whom::Socket("f.sock".into()));
        assert_eq!(told("http://h:1/"), Whom::Url("http://h:1".to_owned()));
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_not_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("foghorn.sock");
        let data_dir = folder.path().display().to_string();
        let env = BTreeMap::from([("FOGHORN_SERVER__DATA_DIR".to_owned(), data_dir)]);
        assert_eq!(Whom::of(None, &env), Whom::Url(USUAL.to_owned()));
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        assert_eq!(Whom::of(None, &env), Whom::Socket(path.clone()));
        assert_eq!(Whom::of(Some(String::new()), &env), Whom::Socket(path.clone()));
        drop(listener);
        assert_eq!(Whom::of(None, &env), Whom::Url(USUAL.to_owned()), "the file is still there");
    }
}
