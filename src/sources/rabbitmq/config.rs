//! `[sources.NAME]` with `type = "rabbitmq"`.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::amqp::{self, Access, Certificates};
use crate::brokers::Objection;
use crate::formats::Format;

/// Settings of a RabbitMQ source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RabbitSettings {
    /// `amqp://user@host:port/vhost`, or `amqps://` for TLS.
    #[serde(deserialize_with = "amqp::address")]
    pub url: SecretString,
    /// The password, if it is not in the address.
    #[serde(deserialize_with = "amqp::secret")]
    pub password: Option<SecretString>,
    /// Certificates.
    pub tls: Certificates,
    /// Queues to read; each gets a connection of its own.
    pub queues: Vec<String>,
    /// Bound to the queues, if it is named.
    pub exchange: Option<String>,
    /// What is taken from the exchange: patterns of routing keys.
    pub bindings: Vec<String>,
    /// Whether exchange, queues and bindings are made if they are not there.
    pub declare: bool,
    /// What becomes of a message that is a dead letter here.
    pub reject_to_dlx: bool,
    /// What the messages are.
    pub format: Format,
    /// Most messages read and not yet stored, per queue; each 16 KiB of one count as one more.
    pub max_in_flight: usize,
}

impl Default for RabbitSettings {
    fn default() -> Self {
        Self {
            url: SecretString::default(),
            password: None,
            tls: Certificates::default(),
            queues: Vec::new(),
            exchange: None,
            bindings: Vec::new(),
            declare: true,
            reject_to_dlx: false,
            format: Format::default(),
            max_in_flight: 512,
        }
    }
}

impl RabbitSettings {
    /// Where the broker is.
    pub fn access(&self) -> Access {
        Access {
            url: self.url.expose_secret().to_owned(),
            password: self.password.clone(),
            tls: self.tls.clone(),
        }
    }

    /// What is taken from the exchange: everything, unless something is named.
    pub(super) fn bindings(&self) -> impl Iterator<Item = &str> {
        let all = self.bindings.is_empty().then_some("#");
        self.bindings.iter().map(String::as_str).chain(all)
    }

    /// How many messages the broker hands out ahead of an answer.
    pub(super) fn prefetch(&self) -> u16 {
        u16::try_from(self.max_in_flight).unwrap_or(u16::MAX)
    }

    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let access = self.access().objections();
        let mut objections: Vec<_> =
            access.into_iter().map(|(key, detail)| Objection::to(key, detail)).collect();
        let mut object = |key: &str, detail: &str| objections.push(Objection::to(key, detail));
        let no_name = "a name has 1 to 255 bytes";
        if self.queues.is_empty() {
            object("queues", "name at least one queue");
        }
        if !self.queues.iter().all(|queue| amqp::is_name(queue)) {
            object("queues", no_name);
        }
        if self.exchange.as_deref().is_some_and(|exchange| !amqp::is_name(exchange)) {
            object("exchange", no_name);
        }
        if !self.bindings.iter().all(|binding| amqp::is_name(binding)) {
            object("bindings", no_name);
        }
        if !self.bindings.is_empty() && self.exchange.is_none() {
            object("bindings", "are to an exchange: name it");
        }
        if self.max_in_flight == 0 {
            object("max_in_flight", "must be at least 1");
        }
        objections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> RabbitSettings {
        toml::from_str(text).expect("settings")
    }

    #[test]
    fn the_least_that_can_be_said_is_an_address_and_a_queue() {
        let settings = settings("url = 'amqp://rabbit'\nqueues = ['foghorn']");
        assert_eq!(settings.objections(), []);
        assert!(settings.declare && !settings.reject_to_dlx);
        assert_eq!((settings.prefetch(), settings.bindings().collect()), (512, vec!["#"]));
    }

    #[test]
    fn every_objection_is_told() {
        let settings = settings("url = 'rabbit'\nqueues = [' ']\nbindings = ['a', '']\nmax_in_flight = 0");
        let keys: Vec<_> = settings.objections().into_iter().map(|objection| objection.key).collect();
        assert_eq!(keys, ["url", "queues", "bindings", "bindings", "max_in_flight"]);
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = settings("url = 'amqp://ada:canary@rabbit'\npassword = 'canary'\nqueues = ['q']");
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(toml::from_str::<RabbitSettings>("queue = 'q'").is_err());
        assert!(toml::from_str::<RabbitSettings>("tls = { verify = false }").is_err());
    }
}
