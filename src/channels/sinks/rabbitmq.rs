//! An exchange of RabbitMQ: each event a message, structured as JSON, that outlives a restart of the broker.
//!
//! An event is taken when the broker confirms it. Of those about the same thing the next one is published only
//! then, so their order stands whatever breaks; what is offered again may come twice, by the same `message_id`.
//! An event that no queue is bound for comes back, and is refused unless `mandatory` says otherwise: whoever is
//! to hear of it may only be late.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind, PublisherConfirm};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{CONTENT_TYPE, Sink};
use crate::amqp::{self, Access, Certificates, Trouble, in_time};
use crate::domain::handover::Taking;
use crate::domain::outgoing::Parcel;

/// How long the broker has to confirm what was published.
const CONFIRM_WITHIN: Duration = Duration::from_secs(20);

/// What every type of event begins with.
const PREFIX: &str = "io.foghorn.";

/// Settings of a RabbitMQ sink.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RabbitSinkSettings {
    /// `amqp://user@host:port/vhost`, or `amqps://` for TLS.
    #[serde(deserialize_with = "amqp::address")]
    pub url: SecretString,
    /// The password, if it is not in the address.
    #[serde(deserialize_with = "amqp::secret")]
    pub password: Option<SecretString>,
    /// Certificates.
    pub tls: Certificates,
    /// The exchange to publish to.
    pub exchange: String,
    /// Whether it is made if it is not there.
    pub declare: bool,
    /// Whether somebody has to be bound for an event.
    pub mandatory: bool,
}

impl Default for RabbitSinkSettings {
    fn default() -> Self {
        Self {
            url: SecretString::default(),
            password: None,
            tls: Certificates::default(),
            exchange: amqp::EXCHANGE.to_owned(),
            declare: true,
            mandatory: true,
        }
    }
}

impl RabbitSinkSettings {
    fn access(&self) -> Access {
        Access {
            url: self.url.expose_secret().to_owned(),
            password: self.password.clone(),
            tls: self.tls.clone(),
        }
    }

    /// Everything that cannot be, by key.
    pub fn objections(&self) -> Vec<(&'static str, &'static str)> {
        let mut objections = self.access().objections();
        if !amqp::is_name(&self.exchange) {
            objections.push(("exchange", "a name has 1 to 255 bytes"));
        }
        objections
    }
}

/// A sink that publishes to an exchange. The connection is made when there is something to say.
pub struct RabbitSink {
    settings: Arc<RabbitSinkSettings>,
    link: Mutex<Option<Link>>,
}

/// A channel on which everything is confirmed.
struct Link {
    #[expect(dead_code, reason = "held: without it there is no channel")]
    connection: Connection,
    channel: Channel,
}

impl RabbitSink {
    /// A sink of these settings.
    pub fn new(settings: Arc<RabbitSinkSettings>) -> Self {
        Self { settings, link: Mutex::new(None) }
    }

    async fn link(&self) -> Result<Link, Trouble> {
        let connection = self.settings.access().connect().await?;
        let channel = in_time(connection.create_channel()).await?;
        if self.settings.declare {
            let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let (exchange, kind) = (self.settings.exchange.as_str().into(), ExchangeKind::Topic);
            in_time(channel.exchange_declare(exchange, kind, durable, FieldTable::default())).await?;
        }
        in_time(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Link { connection, channel })
    }

    /// Publishes these, no two of which are about the same thing, and waits for what the broker says.
    async fn wave(&self, channel: &Channel, parcels: &[Parcel]) -> Vec<Taking> {
        let confirmed = async {
            let mut on_the_way = Vec::with_capacity(parcels.len());
            for parcel in parcels {
                on_the_way.push(self.published(channel, parcel).await);
            }
            join_all(on_the_way.into_iter().map(told)).await
        };
        let late =
            || Taking::Away(format!("nothing is confirmed within {} s", CONFIRM_WITHIN.as_secs()), None);
        timeout(CONFIRM_WITHIN, confirmed).await.unwrap_or_else(|_| vec![late()])
    }

    async fn published(&self, channel: &Channel, parcel: &Parcel) -> lapin::Result<PublisherConfirm> {
        let outgoing = &parcel.outgoing;
        let options =
            BasicPublishOptions { mandatory: self.settings.mandatory, ..BasicPublishOptions::default() };
        let seconds = u64::try_from(parcel.created_at.as_second()).unwrap_or_default();
        let properties = BasicProperties::default()
            .with_content_type(CONTENT_TYPE.into())
            // On disk, where the queue is.
            .with_delivery_mode(2)
            .with_message_id(short(&outgoing.id).into())
            .with_type(short(&outgoing.kind).into())
            .with_timestamp(seconds)
            .with_app_id("foghorn".into());
        let (exchange, key) = (self.settings.exchange.as_str().into(), routing_key(&outgoing.kind));
        let (key, payload) = (short(&key).into(), outgoing.payload.as_bytes());
        channel.basic_publish(exchange, key, options, payload, properties).await
    }
}

/// No longer than a name may be.
fn short(text: &str) -> &str {
    let mut end = text.len().min(amqp::LONGEST_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What is published under which key: as the notification services do whose exchange it is, and the rest alike.
fn routing_key(kind: &str) -> String {
    let kind = kind.strip_prefix(PREFIX).unwrap_or(kind);
    match kind.strip_prefix("preferences.") {
        Some(change) => format!("notification.preferences_{change}"),
        None => kind.to_owned(),
    }
}

async fn told(sent: lapin::Result<PublisherConfirm>) -> Taking {
    let confirmed = match sent {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(Confirmation::Ack(None)) => Taking::Taken,
        Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned))) => {
            let key = &returned.delivery.routing_key;
            Taking::Refused(format!("{} ({key}): no queue is bound for it", returned.reply_text))
        }
        Ok(Confirmation::Nack(None)) => Taking::Refused("the broker could not keep it".to_owned()),
        Ok(Confirmation::NotRequested) => Taking::Away("the broker confirms nothing".to_owned(), None),
        Err(error) => away(amqp::judge(&error)),
    }
}

/// Nothing is said of one event: whoever has to mend it, it holds all of them up.
fn away(trouble: Trouble) -> Taking {
    let (Trouble::Away(why) | Trouble::Refused(why)) = trouble;
    Taking::Away(why, None)
}

/// The first parcels that may be on the way together.
fn together(parcels: &[Parcel]) -> usize {
    let mut about = HashSet::new();
    parcels.iter().take_while(|parcel| about.insert(parcel.outgoing.about.as_str())).count()
}

#[async_trait]
impl Sink for RabbitSink {
    async fn publish(&self, parcels: &[Parcel], until: Instant) -> Vec<Taking> {
        let mut kept = self.link.lock().await;
        // Taken out, so that a publication that is given up takes its channel along.
        let link = match kept.take().filter(|link| link.channel.status().connected()) {
            Some(link) => link,
            None => match self.link().await {
                Ok(link) => link,
                Err(trouble) => return vec![away(trouble)],
            },
        };
        let mut takings: Vec<Taking> = Vec::with_capacity(parcels.len());
        while takings.len() < parcels.len() && Instant::now() < until {
            let rest = &parcels[takings.len()..];
            let wave = &rest[..together(rest)];
            takings.extend(self.wave(&link.channel, wave).await);
            let held = |taking: &Taking| !matches!(taking, Taking::Taken);
            if takings.iter().any(held) {
                // What comes after it may be about the same thing.
                break;
            }
        }
        if !takings.iter().any(|taking| matches!(taking, Taking::Away(..))) {
            *kept = Some(link);
        }
        takings
    }

    async fn probe(&self, _within: Duration) -> Result<String, String> {
        let exchange = &self.settings.exchange;
        let asked = async {
            let connection = self.settings.access().connect().await?;
            amqp::has_exchange(&connection, exchange).await
        };
        match asked.await {
            Ok(true) => Ok(format!("exchange {exchange}")),
            Ok(false) if self.settings.declare => {
                Ok(format!("exchange {exchange} is not there yet; serve makes it"))
            }
            Ok(false) => Err(format!("exchange: there is no exchange \"{exchange}\"")),
            Err(Trouble::Away(why)) => Err(format!("connection: {why}")),
            Err(Trouble::Refused(why)) => Err(format!("broker: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::outgoing::Outgoing;

    #[test]
    fn an_event_goes_under_the_key_that_others_use_for_it() {
        let table = [
            ("io.foghorn.notification.sent", "notification.sent"),
            ("io.foghorn.notification.failed", "notification.failed"),
            ("io.foghorn.preferences.created", "notification.preferences_created"),
            ("io.foghorn.preferences.updated", "notification.preferences_updated"),
            ("io.foghorn.incident.opened", "incident.opened"),
        ];
        for (kind, key) in table {
            assert_eq!(routing_key(kind), key);
        }
    }

    #[test]
    fn of_what_is_about_the_same_thing_only_one_is_on_the_way() {
        let parcel = |about: &str| {
            let outgoing = Outgoing {
                sink: "bus".into(),
                id: "1".to_owned(),
                kind: "k".to_owned(),
                about: about.to_owned(),
                payload: "{}".to_owned(),
            };
            Parcel { number: 1, outgoing, created_at: Timestamp::UNIX_EPOCH, attempts: 0 }
        };
        let parcels = ["a", "b", "a", "c"].map(parcel);
        assert_eq!((together(&parcels), together(&parcels[1..]), together(&[])), (2, 3, 0));
    }

    #[test]
    fn every_objection_is_told_and_no_secret() {
        let settings: RabbitSinkSettings =
            toml::from_str("url = 'http://canary@x'\nexchange = ''\npassword = 'canary'").expect("settings");
        let keys: Vec<_> = settings.objections().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["url", "exchange"]);
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
