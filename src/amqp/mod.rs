//! How a broker that speaks AMQP 0-9-1, such as RabbitMQ, is reached and signed in to, and what its refusals
//! mean: the same for who reads and who writes.
//!
//! A connection is not mended here. Whoever has one sees it break, and makes another one when it suits.
//! Between the client and the broker is a sieve, because a message can be wrong in a way that the client does not
//! survive.

mod frames;
mod sieve;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use url::{Host, Url};

/// How long a broker has for one answer, such as to a login.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection that says nothing for twice as long is gone. Brokers propose a minute.
const HEARTBEAT_S: u16 = 10;

/// Longest name of an exchange, a queue or a routing key, in bytes.
pub const LONGEST_NAME: usize = 255;

/// The exchange of notification services whose events Foghorn takes over.
pub const EXCHANGE: &str = "notification.events";

/// Where a broker is, and as whom it is spoken to.
#[derive(Clone, Default)]
pub struct Access {
    /// `amqp://user@host:port/vhost`, or `amqps://` for TLS.
    pub url: String,
    /// The password, if it is not in the address.
    pub password: Option<SecretString>,
    /// Certificates.
    pub tls: Certificates,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("at", &self.shown()).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// Files for TLS.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// Certificates to trust, beside the machine's; empty means none.
    pub ca_file: PathBuf,
    /// Our own certificate, if the broker asks for one.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// A file, if one is named.
fn named(file: &Path) -> Option<&Path> {
    (!file.as_os_str().is_empty()).then_some(file)
}

/// Why a broker does not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or not now.
    Away(String),
    /// Somebody has to change something: a right, a name, a password.
    Refused(String),
}

/// Reads an address that may hold a password out of a settings table.
///
/// # Errors
/// If it is no text.
pub fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// Reads a secret out of a settings table.
///
/// # Errors
/// If it is no text.
pub fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?.into()))
}

impl Access {
    /// What cannot be, by key.
    pub fn objections(&self) -> Vec<(&'static str, &'static str)> {
        let mut objections = Vec::new();
        let scheme = Url::parse(&self.url).ok().map(|url| url.scheme().to_owned());
        if self.url.trim().is_empty() {
            objections.push(("url", "name the broker, such as \"amqp://foghorn@rabbit:5672/\""));
        } else if !matches!(scheme.as_deref(), Some("amqp" | "amqps")) || self.uri().is_err() {
            objections.push(("url", "is no address of a broker: amqp://user@host:5672/vhost, or amqps://"));
        }
        let (cert, key) = (named(&self.tls.cert_file), named(&self.tls.key_file));
        if cert.is_some() != key.is_some() {
            objections.push(("tls", "cert_file and key_file go together"));
        }
        let plain = scheme.as_deref() == Some("amqp");
        if plain && (named(&self.tls.ca_file).is_some() || cert.is_some()) {
            objections.push(("tls", "certificates are for amqps://"));
        }
        objections
    }

    /// The broker without its secrets, to be shown.
    pub fn shown(&self) -> String {
        match self.uri() {
            Ok(uri) => format!("{}:{}", uri.authority.host, uri.authority.port),
            Err(_) => "a broker without an address".to_owned(),
        }
    }

    fn uri(&self) -> Result<AMQPUri, String> {
        let mut uri: AMQPUri = self.url.parse()?;
        // An address in brackets is not taken by the parser, which goes on with localhost.
        if let Ok(Some(Host::Ipv6(address))) =
            Url::parse(&self.url).map(|url| url.host().map(|h| h.to_owned()))
        {
            uri.authority.host = address.to_string();
        }
        if uri.vhost.is_empty() {
            // `amqp://host/` means the usual one for every other client.
            "/".clone_into(&mut uri.vhost);
        }
        if let Some(password) = &self.password {
            password.expose_secret().clone_into(&mut uri.authority.userinfo.password);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(uri)
    }

    /// Reaches the broker and signs in.
    ///
    /// # Errors
    /// It does not answer in time, or says no.
    pub async fn connect(&self) -> Result<Connection, Trouble> {
        let mut uri = self.uri().map_err(Trouble::Refused)?;
        uri.authority.port = sieve::open(&uri, &self.tls).await?;
        uri.scheme = AMQPScheme::AMQP;
        "127.0.0.1".clone_into(&mut uri.authority.host);
        let properties = ConnectionProperties::default().with_connection_name("foghorn".into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| judge(&error))?;
        let connecting = Connection::connect_uri_with_runtime(uri, properties, runtime);
        in_time(connecting).await
    }
}

/// What the broker answers, if it does so in time.
///
/// # Errors
/// It does not, or says no.
pub async fn in_time<T>(asked: impl Future<Output = lapin::Result<T>>) -> Result<T, Trouble> {
    match timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(judge(&error)),
        Err(_) => Err(Trouble::Away(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
    }
}

/// How many messages wait in a queue; `None` if there is no such queue. Asked on a channel of its own, because
/// a broker ends the channel of who asks for what is not there.
///
/// # Errors
/// The broker does not say.
pub async fn depth(connection: &Connection, queue: &str) -> Result<Option<u32>, Trouble> {
    let channel = in_time(connection.create_channel()).await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
    there(asked).map(|found| found.map(|queue| queue.message_count()))
}

/// Whether there is an exchange of this name. On a channel of its own, as [`depth`].
///
/// # Errors
/// The broker does not say.
pub async fn has_exchange(connection: &Connection, exchange: &str) -> Result<bool, Trouble> {
    let channel = in_time(connection.create_channel()).await?;
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let (kind, none) = (ExchangeKind::Topic, FieldTable::default());
    let asked = channel.exchange_declare(exchange.into(), kind, passive, none).await;
    there(asked).map(|found| found.is_some())
}

fn there<T>(asked: lapin::Result<T>) -> Result<Option<T>, Trouble> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(told)
                if told.kind() == &AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) =>
            {
                Ok(None)
            }
            _ => Err(judge(&error)),
        },
    }
}

/// Whether waiting helps.
pub fn judge(error: &lapin::Error) -> Trouble {
    match error.kind() {
        ErrorKind::ProtocolError(told) => {
            let words = told.get_message().to_string();
            match told.kind() {
                AMQPErrorKind::Soft(
                    AMQPSoftError::ACCESSREFUSED
                    | AMQPSoftError::NOTFOUND
                    | AMQPSoftError::RESOURCELOCKED
                    | AMQPSoftError::PRECONDITIONFAILED,
                )
                | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::INVALIDPATH) => {
                    Trouble::Refused(words)
                }
                _ => Trouble::Away(words),
            }
        }
        ErrorKind::IOError(error) => Trouble::Away(error.to_string()),
        ErrorKind::InvalidProtocolVersion(_) | ErrorKind::AuthProviderError(_) => {
            Trouble::Refused(error.to_string())
        }
        _ => Trouble::Away(error.to_string()),
    }
}

/// Whether a name is one for an exchange, a queue or a routing key.
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= LONGEST_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str) -> Access {
        Access { url: url.to_owned(), ..Access::default() }
    }

    #[test]
    fn an_address_means_what_it_means_to_every_other_client() {
        let table = [
            ("amqp://u:p@rabbit", "rabbit", 5672, "/"),
            ("amqp://u:p@rabbit:5673/", "rabbit", 5673, "/"),
            ("amqps://u:p@rabbit/prod", "rabbit", 5671, "prod"),
            ("amqp://u:p@[2001:db8::1]:5672/%2f", "2001:db8::1", 5672, "/"),
            ("amqp://127.0.0.1", "127.0.0.1", 5672, "/"),
        ];
        for (url, host, port, vhost) in table {
            let uri = access(url).uri().expect(url);
            assert_eq!(
                (uri.authority.host.as_str(), uri.authority.port, uri.vhost.as_str()),
                (host, port, vhost)
            );
            assert_eq!(access(url).objections(), [], "{url}");
        }
    }

    #[test]
    fn a_password_is_used_and_not_shown() {
        let mut access = access("amqp://ada:canary-1@rabbit/");
        assert_eq!(access.uri().expect("an address").authority.userinfo.password, "canary-1");
        access.password = Some("canary-2".into());
        assert_eq!(access.uri().expect("an address").authority.userinfo.password, "canary-2");
        assert!(!format!("{access:?} {}", access.shown()).contains("canary"));
    }

    #[test]
    fn what_is_no_address_is_said() {
        for url in ["", "rabbit:5672", "http://rabbit", "amqp://u:p@rabbit:port/", "amqp://h?heartbeat=x"] {
            let keys: Vec<_> = access(url).objections().into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, ["url"], "{url}");
        }
        let mut plain = access("amqp://rabbit");
        plain.tls.ca_file = "ca.pem".into();
        assert_eq!(plain.objections()[0].0, "tls");
    }
}
