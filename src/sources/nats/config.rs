//! `[sources.NAME]` with `type = "nats"`.

use std::fmt;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::formats::Format;
use crate::sources::SourceError;
use crate::sources::settings::{Objection, Start, Tls, duration, secret, shown};

/// How long a connection may take to come about, and a server to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a silent server is asked whether it is still there.
const PING: Duration = Duration::from_secs(10);

/// Settings of a source that reads JetStream.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsSettings {
    /// `nats://` or `tls://`, with host and port; the others of a cluster are learned.
    pub servers: Vec<String>,
    /// The user.
    pub username: String,
    /// The user's password.
    #[serde(deserialize_with = "secret")]
    pub password: Option<SecretString>,
    /// A token, in place of user and password.
    #[serde(deserialize_with = "secret")]
    pub token: Option<SecretString>,
    /// Encryption, beyond what `tls://` says.
    pub tls: Tls,
    /// The stream.
    pub stream: String,
    /// What of it to read; each gets a consumer of its own. Nothing means everything.
    pub subjects: Vec<String>,
    /// The durable consumer.
    pub consumer: String,
    /// Whether the consumer is made if it is not there.
    pub declare: bool,
    /// What the records are.
    pub format: Format,
    /// Where a consumer begins that is made.
    pub start: Start,
    /// How long a consumer that is made waits for an acknowledgement; what we hold is prolonged.
    #[serde(deserialize_with = "duration")]
    pub ack_wait: Duration,
    /// Most messages read and not yet stored, per subject; each 16 KiB of one count as one more.
    pub max_in_flight: usize,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            username: String::new(),
            password: None,
            token: None,
            tls: Tls::default(),
            stream: String::new(),
            subjects: Vec::new(),
            consumer: "foghorn".to_owned(),
            declare: true,
            format: Format::default(),
            start: Start::default(),
            ack_wait: Duration::from_secs(30),
            max_in_flight: 2_048,
        }
    }
}

impl fmt::Debug for NatsSettings {
    /// Without the passwords that addresses may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("servers", &self.address())
            .field("username", &self.username)
            .field("password", &self.password)
            .field("token", &self.token)
            .field("tls", &self.tls)
            .field("stream", &self.stream)
            .field("subjects", &self.subjects)
            .field("consumer", &self.consumer)
            .field("declare", &self.declare)
            .field("format", &self.format)
            .field("start", &self.start)
            .field("ack_wait", &self.ack_wait)
            .field("max_in_flight", &self.max_in_flight)
            .finish()
    }
}

/// What is read of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The durable consumer.
    pub consumer: String,
    /// Its subject; `None` means everything, or what the consumer says itself.
    pub subject: Option<String>,
}

impl NatsSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        let is_server = |text: &String| {
            (text.starts_with("nats://") || text.starts_with("tls://")) && text.parse::<ServerAddr>().is_ok()
        };
        if self.servers.is_empty() || !self.servers.iter().all(is_server) {
            objections.push(Objection::to("servers", "write each as nats://host:4222, or tls://host:4222"));
        }
        if self.token.is_some() && (self.password.is_some() || !self.username.is_empty()) {
            objections.push(Objection::to("token", "stands in place of username and password"));
        }
        if self.password.is_some() == self.username.is_empty() && self.token.is_none() {
            objections.push(Objection::to("password", "username and password go together"));
        }
        objections.extend(self.tls.objection());
        if !is_name(&self.stream) {
            objections.push(Objection::to("stream", "a stream's name has no spaces, dots, stars or slashes"));
        }
        if !is_name(&self.consumer) {
            objections
                .push(Objection::to("consumer", "a consumer's name has no spaces, dots, stars or slashes"));
        }
        if !self.declare && !self.subjects.is_empty() {
            objections.push(Objection::to(
                "subjects",
                "belong to a consumer that is made; one that is there has subjects of its own",
            ));
        }
        let mut consumers: Vec<String> = self.reaches().into_iter().map(|reach| reach.consumer).collect();
        consumers.sort_unstable();
        if consumers.windows(2).any(|pair| pair[0] == pair[1]) {
            objections.push(Objection::to("subjects", "each subject is read once"));
        }
        if self.subjects.iter().any(|subject| !is_subject(subject)) {
            objections
                .push(Objection::to("subjects", "write them such as alerts.>, alerts.*.prod or alerts.db"));
        }
        if self.max_in_flight == 0 {
            objections.push(Objection::to("max_in_flight", "must be at least 1"));
        }
        objections
    }

    /// Which consumers read what. Servers before 2.10 give a consumer one subject, so each subject has its own.
    pub fn reaches(&self) -> Vec<Reach> {
        if self.subjects.is_empty() {
            return vec![Reach { consumer: self.consumer.clone(), subject: None }];
        }
        let reach = |subject: &String| {
            let plain: String = subject
                .chars()
                .map(|letter| match letter {
                    '.' => '_',
                    '*' => '+',
                    '>' => '~',
                    other => other,
                })
                .collect();
            Reach { consumer: format!("{}-{plain}", self.consumer), subject: Some(subject.clone()) }
        };
        self.subjects.iter().map(reach).collect()
    }

    /// How to connect; nobody is called yet.
    pub(super) fn options(&self) -> Result<(Vec<ServerAddr>, ConnectOptions), SourceError> {
        let servers: Result<Vec<ServerAddr>, _> = self.servers.iter().map(|server| server.parse()).collect();
        let servers = servers.map_err(|error: std::io::Error| SourceError::Refused(error.to_string()))?;
        let mut options = ConnectOptions::new()
            .name("foghorn")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(PING);
        if let Some(password) = &self.password {
            options = options.user_and_password(self.username.clone(), password.expose_secret().to_owned());
        }
        if let Some(token) = &self.token {
            options = options.token(token.expose_secret().to_owned());
        }
        if self.tls.names_a_file() {
            options = options.require_tls(true);
        }
        if self.tls.authorities()?.is_some() {
            options = options.add_root_certificates(self.tls.ca_file.clone());
        }
        if self.tls.own()?.is_some() {
            options = options.add_client_certificate(self.tls.cert_file.clone(), self.tls.key_file.clone());
        }
        Ok((servers, options))
    }

    /// Where it is, without secrets.
    pub fn address(&self) -> String {
        self.servers.iter().map(|server| shown(server)).collect::<Vec<_>>().join(", ")
    }
}

fn is_name(name: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || ".*>/\\".contains(letter);
    !name.is_empty() && !name.contains(odd)
}

fn is_subject(subject: &str) -> bool {
    let mut tokens = subject.split('.').peekable();
    while let Some(token) = tokens.next() {
        let wild = token == "*" || (token == ">" && tokens.peek().is_none());
        if !wild && !is_name(&token.replace(['/', '\\'], "_")) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> NatsSettings {
        toml::from_str(text).expect("settings")
    }

    fn keys(text: &str) -> Vec<String> {
        settings(&format!("servers = ['nats://h']\nstream = 'ALERTS'\n{text}"))
            .objections()
            .into_iter()
            .map(|objection| objection.key)
            .collect()
    }

    #[test]
    fn the_least_that_can_be_said_is_servers_and_a_stream() {
        let settings = settings("servers = ['nats://localhost:4222']\nstream = 'ALERTS'");
        assert_eq!(settings.objections(), []);
        assert_eq!(settings.reaches(), [Reach { consumer: "foghorn".to_owned(), subject: None }]);
    }

    #[test]
    fn every_objection_is_told() {
        let told: Vec<_> = settings("consumer = 'a b'\nmax_in_flight = 0").objections();
        let told: Vec<_> = told.iter().map(|objection| objection.key.as_str()).collect();
        assert_eq!(told, ["servers", "stream", "consumer", "max_in_flight"]);
        assert_eq!(keys("username = 'ada'"), ["password"]);
        assert_eq!(keys("password = 'x'"), ["password"]);
        assert_eq!(keys("token = 't'\nusername = 'ada'\npassword = 'x'"), ["token"]);
        assert_eq!(keys("declare = false\nsubjects = ['a']"), ["subjects"]);
        assert_eq!(keys("subjects = ['a', 'a']"), ["subjects"]);
        assert_eq!(keys("subjects = ['a..b']"), ["subjects"]);
        assert_eq!(keys("subjects = ['a.>.b']"), ["subjects"]);
        assert_eq!(keys("subjects = ['a.>', 'b.*.c', 'b']"), [] as [&str; 0]);
    }

    #[test]
    fn each_subject_has_a_consumer_of_its_own() {
        let settings = settings("consumer = 'fog'\nsubjects = ['alerts.>', 'alerts.*', 'alerts']");
        let names: Vec<String> = settings.reaches().into_iter().map(|reach| reach.consumer).collect();
        assert_eq!(names, ["fog-alerts_~", "fog-alerts_+", "fog-alerts"]);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let settings = settings(
            "servers = ['nats://ada:canary@h:1']\npassword = 'canary'\ntoken = 'canary'\nstream = 'S'",
        );
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(settings.address(), "nats://ada@h:1");
    }
}
