//! `[sources.NAME]` with `type = "redis"`.

use std::fmt;
use std::time::Duration;

use redis::{Client, ClientTlsConfig, IntoConnectionInfo, RedisError, TlsCertificates};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::table::TableSettings;
use crate::formats::Format;
use crate::sources::SourceError;
use crate::sources::settings::{Objection, Start, Tls, duration, secret, shown};

/// Settings of a source that reads Redis streams.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisSettings {
    /// `redis://` or `rediss://`, with host, port and database.
    pub url: String,
    /// The user, unless the address names one.
    pub username: String,
    /// The password, unless it stands in the address.
    #[serde(deserialize_with = "secret")]
    pub password: Option<SecretString>,
    /// Encryption, beyond what `rediss://` says.
    pub tls: Tls,
    /// What is read.
    pub mode: Mode,
    /// Of the hybrid: where the hints come from.
    pub channel: String,
    /// Of the hybrid: the table.
    pub table: TableSettings,
    /// Streams to read; each gets connections of its own.
    pub streams: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// Our name in the group; empty means the node's.
    pub consumer: String,
    /// What the records are.
    pub format: Format,
    /// Where a group begins that never read.
    pub start: Start,
    /// The field of an entry that holds the record; empty means `payload`, else `data`.
    pub field: String,
    /// What another consumer left alone for so long is ours.
    #[serde(deserialize_with = "duration")]
    pub claim_idle: Duration,
    /// Most records read and not yet stored, per stream; each 16 KiB of one count as one more.
    pub max_in_flight: usize,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Streams, by consumer group.
    #[default]
    Streams,
    /// Rows of a table in PostgreSQL that wait; Redis says when there are new ones.
    Hybrid,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            username: String::new(),
            password: None,
            tls: Tls::default(),
            mode: Mode::default(),
            channel: "notification_jobs".to_owned(),
            table: TableSettings::default(),
            streams: Vec::new(),
            group: "foghorn".to_owned(),
            consumer: String::new(),
            format: Format::default(),
            start: Start::default(),
            field: String::new(),
            claim_idle: Duration::from_secs(60),
            max_in_flight: 2_048,
        }
    }
}

impl fmt::Debug for RedisSettings {
    /// Without the password that the address may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("url", &shown(&self.url))
            .field("username", &self.username)
            .field("password", &self.password)
            .field("tls", &self.tls)
            .field("mode", &self.mode)
            .field("channel", &self.channel)
            .field("table", &self.table)
            .field("streams", &self.streams)
            .field("group", &self.group)
            .field("consumer", &self.consumer)
            .field("format", &self.format)
            .field("start", &self.start)
            .field("field", &self.field)
            .field("claim_idle", &self.claim_idle)
            .field("max_in_flight", &self.max_in_flight)
            .finish()
    }
}

impl RedisSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        match self.url.as_str().into_connection_info() {
            Ok(_) if self.url.starts_with("redis://") || self.url.starts_with("rediss://") => {}
            _ => {
                objections.push(Objection::to("url", "write it as redis://host:6379/0, or rediss:// for TLS"))
            }
        }
        if self.tls.names_a_file() && !self.url.starts_with("rediss://") {
            objections.push(Objection::to("tls", "these files are for rediss:// addresses"));
        }
        objections.extend(self.tls.objection());
        match self.mode {
            Mode::Streams => objections.extend(self.objections_to_streams()),
            Mode::Hybrid => {
                objections.extend(self.table.objections());
                if self.channel.trim().is_empty() {
                    objections.push(Objection::to("channel", "must not be empty"));
                }
                if !self.streams.is_empty() {
                    objections.push(Objection::to("streams", "are read with mode = \"streams\""));
                }
            }
        }
        if self.max_in_flight == 0 {
            objections.push(Objection::to("max_in_flight", "must be at least 1"));
        }
        objections
    }

    fn objections_to_streams(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        if self.streams.is_empty() {
            objections.push(Objection::to("streams", "name at least one stream"));
        }
        if self.streams.iter().any(|stream| stream.trim().is_empty()) {
            objections.push(Objection::to("streams", "a stream has a name"));
        }
        let mut seen = self.streams.clone();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() < self.streams.len() {
            objections.push(Objection::to("streams", "each stream is read once"));
        }
        if self.group.trim().is_empty() {
            objections.push(Objection::to("group", "must not be empty"));
        }
        objections
    }

    /// A client; nobody is called yet.
    pub(super) fn client(&self) -> Result<Client, SourceError> {
        let refused = |error: RedisError| SourceError::Refused(super::trouble::in_words(&error));
        let mut info = self.url.as_str().into_connection_info().map_err(refused)?;
        let mut redis = info.redis_settings().clone();
        if !self.username.is_empty() {
            redis = redis.set_username(&self.username);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password.expose_secret());
        }
        info = info.set_redis_settings(redis);
        if !self.url.starts_with("rediss://") {
            return Client::open(info).map_err(refused);
        }
        let client_tls =
            self.tls.own()?.map(|own| ClientTlsConfig { client_cert: own.chain, client_key: own.key });
        let certificates = TlsCertificates { client_tls, root_cert: self.tls.authorities()? };
        Client::build_with_tls(info, certificates).map_err(refused)
    }

    /// Where it is, without secrets.
    pub fn address(&self) -> String {
        shown(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> RedisSettings {
        toml::from_str(text).expect("settings")
    }

    fn keys(text: &str) -> Vec<String> {
        settings(text).objections().into_iter().map(|objection| objection.key).collect()
    }

    #[test]
    fn the_least_that_can_be_said_is_an_address_and_streams() {
        let settings = settings("url = 'redis://localhost'\nstreams = ['alerts']");
        assert_eq!(settings.objections(), []);
        assert_eq!((settings.group.as_str(), settings.claim_idle), ("foghorn", Duration::from_secs(60)));
    }

    #[test]
    fn every_objection_is_told() {
        assert_eq!(keys("group = ' '\nmax_in_flight = 0"), ["url", "streams", "group", "max_in_flight"]);
        assert_eq!(keys("url = 'http://x'\nstreams = ['a']"), ["url"]);
        assert_eq!(keys("url = 'redis://x'\nstreams = ['a', 'a']"), ["streams"]);
        assert_eq!(keys("url = 'redis://x'\nmode = 'hybrid'\nstreams = ['a']"), ["table.url", "streams"]);
        assert_eq!(keys("url = 'redis://x'\nmode = 'hybrid'\ntable = { url = 'postgres://h/d' }"), [""; 0]);
        assert_eq!(keys("url = 'redis://x'\nstreams = ['a']\ntls = { ca_file = 'x.pem' }"), ["tls"]);
        assert_eq!(keys("url = 'rediss://x'\nstreams = ['a']\ntls = { cert_file = 'x.pem' }"), ["tls"]);
    }

    #[test]
    fn a_password_is_never_shown() {
        let settings = settings("url = 'redis://ada:canary@h:1'\npassword = 'canary'\nstreams = ['a']");
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(settings.address(), "redis://ada@h:1");
        let nameless = RedisSettings { url: "redis://:canary@h".to_owned(), ..settings };
        assert_eq!(nameless.address(), "redis://h");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(toml::from_str::<RedisSettings>("stream = 't'").is_err());
        assert!(toml::from_str::<RedisSettings>("start = 'newest'").is_err());
        assert!(toml::from_str::<RedisSettings>("claim_idle = 30").is_err());
    }
}
