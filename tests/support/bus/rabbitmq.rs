//! A queue of RabbitMQ.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::amqp_tap::AmqpTap;
use super::{Bus, Unsettled, name_of_its_own};
use crate::support::bad_records::Row;
use crate::support::front::Front;
use crate::support::services::require;

pub(crate) const PORT: u16 = 5672;

/// Nobody uses it any more.
const EXPIRES_MS: i32 = 120_000;

/// A broker, as anybody else talks to it.
pub(crate) struct Rabbit {
    _connection: Connection,
    pub(crate) channel: Channel,
}

impl Rabbit {
    /// `None` if there is no server; that is said.
    pub(crate) async fn reach() -> Option<Self> {
        if !require("rabbitmq") {
            return None;
        }
        let url = format!("amqp://guest:guest@127.0.0.1:{PORT}/%2f");
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Some(Self { _connection: connection, channel })
    }

    /// A queue that goes by itself when nobody uses it any more.
    pub(crate) async fn declare(&self, queue: &str, more: &[(&str, AMQPValue)]) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-expires".into(), AMQPValue::LongInt(EXPIRES_MS));
        for (name, value) in more {
            arguments.insert((*name).into(), value.clone());
        }
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
    }

    pub(crate) async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        self.channel.queue_bind(queue.into(), exchange.into(), key.into(), options, none).await.unwrap();
    }

    /// Once the broker has it.
    pub(crate) async fn publish(
        &self,
        exchange: &str,
        key: &str,
        payload: &[u8],
        properties: BasicProperties,
    ) {
        let options = BasicPublishOptions::default();
        let sent =
            self.channel.basic_publish(exchange.into(), key.into(), options, payload, properties).await;
        assert!(sent.unwrap().await.unwrap().is_ack());
    }

    /// How many wait; `None` if there is no such queue.
    pub(crate) async fn waiting(&self, queue: &str) -> usize {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        queue.unwrap().message_count() as usize
    }

    /// The next message and the key that it came by, if one is there.
    pub(crate) async fn next(&self, queue: &str) -> Option<(String, BasicProperties, Vec<u8>)> {
        let taken = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap()?;
        let delivery = taken.delivery;
        Some((delivery.routing_key.as_str().to_owned(), delivery.properties, delivery.data))
    }
}

/// A name for a message, as its producer gives it.
pub(crate) fn named(name: &str) -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2).with_message_id(name.into())
}

pub(crate) struct RabbitQueue {
    pub(crate) name: String,
    pub(crate) rabbit: Rabbit,
    /// Since the queue was made.
    published: AtomicUsize,
    /// What the tap had seen done when the queue was made.
    done_before: AtomicUsize,
    tap: AmqpTap,
    front: Front,
}

impl RabbitQueue {
    async fn send(&self, payload: &[u8], properties: BasicProperties) {
        let number = self.published.fetch_add(1, Ordering::SeqCst);
        let properties = properties.with_delivery_mode(2).with_message_id(format!("message-{number}").into());
        self.rabbit.publish("", &self.name, payload, properties).await;
    }
}

#[async_trait]
impl Bus for RabbitQueue {
    const NUMBERS: bool = false;
    const TELLS_TWINS: bool = false;

    async fn open() -> Option<Self> {
        let rabbit = Rabbit::reach().await?;
        let name = name_of_its_own();
        rabbit.declare(&name, &[]).await;
        let tap = AmqpTap::before(PORT).await;
        let front = Front::before(tap.port).await;
        Some(Self {
            name,
            rabbit,
            published: AtomicUsize::new(0),
            done_before: AtomicUsize::new(0),
            tap,
            front,
        })
    }

    fn source(&self) -> String {
        let (port, queue) = (self.front.port(), &self.name);
        format!(
            "type = \"rabbitmq\"\nurl = \"amqp://guest:guest@127.0.0.1:{port}/\"\nqueues = [\"{queue}\"]\n"
        )
    }

    fn front(&self) -> &Front {
        &self.front
    }

    async fn publish(&self, payload: &[u8]) {
        self.send(payload, BasicProperties::default()).await;
    }

    fn cannot(row: &Row) -> Option<&'static str> {
        let twice =
            |(at, (name, _)): (usize, &(String, _))| row.headers[..at].iter().any(|(other, _)| other == name);
        match row {
            Row { payload: None, .. } => Some("a message has bytes, if only none of them"),
            _ if row.headers.iter().enumerate().any(twice) => Some("a table has each name once"),
            _ => None,
        }
    }

    async fn put(&self, row: &Row) {
        let mut table = FieldTable::default();
        let mut properties = BasicProperties::default();
        for (name, value) in &row.headers {
            if name == "content-type" {
                properties = properties.with_content_type(String::from_utf8(value.clone()).unwrap().into());
            } else {
                table.insert(name.as_str().into(), AMQPValue::LongString(value.as_slice().into()));
            }
        }
        self.send(row.payload.as_deref().unwrap(), properties.with_headers(table)).await;
    }

    async fn lose(&self, _nth: usize) {
        unreachable!("a queue has no numbers");
    }

    async fn make_anew(&self) {
        // A broker that is told both in one moment may go on with the old subscription, or with none.
        self.front.cut();
        let gone = self.rabbit.channel.queue_delete(self.name.as_str().into(), Default::default()).await;
        gone.unwrap();
        self.rabbit.declare(&self.name, &[]).await;
        self.published.store(0, Ordering::SeqCst);
        self.done_before.store(self.tap.done(), Ordering::SeqCst);
        self.front.restore();
    }

    async fn unsettled(&self) -> Unsettled {
        let all =
            self.published.load(Ordering::SeqCst) + self.done_before.load(Ordering::SeqCst) - self.tap.done();
        let waiting = self.rabbit.waiting(&self.name).await;
        Unsettled { waiting, taken: all.saturating_sub(waiting) }
    }
}
