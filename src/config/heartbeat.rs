//! `[server] heartbeat_url`: who outside is told, again and again, that this process is well.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::Table;

/// `[server] heartbeat_url`, `heartbeat_every`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whom to tell.
    pub url: HeartbeatUrl,
    /// How often.
    pub every: Duration,
}

/// An address with a token in it. Printed without.
#[derive(Clone, PartialEq, Eq)]
pub struct HeartbeatUrl(Url);

impl HeartbeatUrl {
    /// The address of `text`, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    /// The address itself: for whoever asks there, never for logs.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for HeartbeatUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/***", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for HeartbeatUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

pub(super) fn read(server: &Table, report: &mut Report<'_>) -> Option<Heartbeat> {
    let node = server.get("heartbeat_url").filter(|node| !is_bad(node))?;
    let url = node.text().and_then(HeartbeatUrl::parse);
    if url.is_none() {
        let problem = Problem::new(Code::WrongValue, "heartbeat_url is no address of a web server")
            .label("write one such as \"https://hc-ping.com/…\"");
        report.at(&node.place, problem);
    }
    Some(Heartbeat { url: url?, every: server.duration("heartbeat_every").unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_printed_without_what_may_be_a_token() {
        let url = HeartbeatUrl::parse("https://ada:hunter2@example.com/hunter2?key=hunter2").expect("a URL");
        assert_eq!(url.to_string(), "https://example.com/***");
        assert_eq!(format!("{url:?}"), "\"https://example.com/***\"");
    }

    #[test]
    fn only_a_web_server_can_be_asked() {
        for text in ["", "example.com", "mailto:ada@example.com", "unix:/run/x", "file:///etc"] {
            assert_eq!(HeartbeatUrl::parse(text), None, "{text}");
        }
    }
}
