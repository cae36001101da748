//! One session with the broker: it lays out what is to be there, reads ahead and answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, ErrorKind, ExchangeKind};
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use super::RabbitSettings;
use super::deliveries::Deliveries;
use super::message;
use crate::amqp::{self, Trouble, in_time, judge};
use crate::sources::handover::Handover;
use crate::sources::{MOST_RECORDS, Record};

/// How often the queue is asked for its depth. Asking is also how a silent end is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most payload bytes given at once, give or take the last message.
const BYTES: usize = 4 << 20;

/// One connection, with one channel.
pub(super) struct Link<'a> {
    settings: &'a RabbitSettings,
    connection: Arc<Connection>,
    channel: Channel,
    queue: Arc<str>,
    consumer: Option<Consumer>,
    /// What came and was not given yet.
    ahead: VecDeque<Record>,
    deliveries: Deliveries,
}

impl Drop for Link<'_> {
    /// A consumer keeps its connection open, and with it whatever came and is not answered, until somebody
    /// says that it is over.
    fn drop(&mut self) {
        let connection = Arc::clone(&self.connection);
        if let Ok(runtime) = Handle::try_current() {
            // One that is over already says so, which is fine.
            runtime.spawn(async move { drop(in_time(close(&connection)).await) });
        }
    }
}

async fn close(connection: &Connection) -> lapin::Result<()> {
    connection.close(200, "OK".into()).await
}

impl<'a> Link<'a> {
    pub(super) async fn open(settings: &'a RabbitSettings, queue: &Arc<str>) -> Result<Self, Trouble> {
        let connection = Arc::new(settings.access().connect().await?);
        let channel = in_time(connection.create_channel()).await?;
        let link = Self {
            settings,
            connection,
            channel,
            queue: Arc::clone(queue),
            consumer: None,
            ahead: VecDeque::new(),
            deliveries: Deliveries::default(),
        };
        link.lay_out().await?;
        in_time(link.channel.basic_qos(settings.prefetch(), BasicQosOptions::default())).await?;
        Ok(link)
    }

    /// Makes what is to be made and not there. A queue that is there is taken as it is: whoever made it may
    /// have had reasons of his own.
    async fn lay_out(&self) -> Result<(), Trouble> {
        let (settings, channel, queue) = (self.settings, &self.channel, &*self.queue);
        let there = amqp::depth(&self.connection, queue).await?.is_some();
        if !settings.declare {
            let missing = || Trouble::Refused(format!("there is no queue \"{queue}\", and declare is false"));
            return if there { Ok(()) } else { Err(missing()) };
        }
        // The exchange first: should it be refused, no queue is left behind that nobody reads.
        if let Some(exchange) = &settings.exchange {
            let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let (name, kind) = (exchange.as_str().into(), ExchangeKind::Topic);
            in_time(channel.exchange_declare(name, kind, durable, FieldTable::default())).await?;
        }
        if !there {
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            in_time(channel.queue_declare(queue.into(), durable, FieldTable::default())).await?;
        }
        let Some(exchange) = settings.exchange.as_deref() else { return Ok(()) };
        for key in settings.bindings() {
            let options = QueueBindOptions::default();
            let bound =
                channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default());
            in_time(bound).await?;
        }
        Ok(())
    }

    /// Until the source is closed, or something goes wrong.
    pub(super) async fn serve(&mut self, handover: &Handover) -> Result<(), Trouble> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Whoever closes said before what is stored.
            let closing = handover.is_closing();
            self.answer(handover).await?;
            if closing {
                // What is not answered goes back to its queue with the channel.
                return in_time(close(&self.connection)).await;
            }
            if handover.is_paused() {
                self.stop_reading().await?
            } else {
                self.read().await?
            }
            if handover.wants_records() {
                self.give(handover);
            }
            tokio::select! {
                biased;
                () = handover.stirred() => {}
                came = next(&mut self.consumer) => {
                    self.take(came?);
                    self.take_ready()?;
                }
                _ = look.tick() => self.tell_lag(handover).await?,
            }
        }
    }

    /// Says what is stored, of what came on this channel. What came on another one comes again.
    async fn answer(&mut self, handover: &Handover) -> Result<(), Trouble> {
        let dead = if self.settings.reject_to_dlx { handover.dead_letters() } else { Vec::new() };
        let dead = self.deliveries.reject(&dead);
        let stored = self.deliveries.answer(&handover.acknowledged());
        let said = async {
            for tag in dead.rejected {
                self.channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await?;
            }
            if let Some(tag) = stored.up_to {
                self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
            }
            for tag in stored.single.into_iter().chain(dead.kept) {
                self.channel.basic_ack(tag, BasicAckOptions { multiple: false }).await?;
            }
            Ok(())
        };
        in_time(said).await
    }

    async fn read(&mut self) -> Result<(), Trouble> {
        if self.consumer.is_none() {
            let (queue, options) = ((&*self.queue).into(), BasicConsumeOptions::default());
            let consuming = self.channel.basic_consume(queue, "".into(), options, FieldTable::default());
            self.consumer = Some(in_time(consuming).await?);
        }
        Ok(())
    }

    /// The broker sends nothing more; what it sent waits here, no more of it than it hands out ahead.
    async fn stop_reading(&mut self) -> Result<(), Trouble> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        in_time(self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        // Its end is what was asked for.
        let _ = self.take_ready();
        self.consumer = None;
        Ok(())
    }

    fn take(&mut self, delivery: Delivery) {
        let (tag, rounds) = (delivery.delivery_tag, message::rounds(&self.queue, &delivery.properties));
        let (record, id) = message::record(&self.queue, delivery);
        self.deliveries.take(&id, tag, rounds);
        self.ahead.push_back(record);
    }

    /// Everything that has come, so that a burst is one wake-up. The client tells the end of a subscription once, so
    /// whoever comes upon it has to say so.
    fn take_ready(&mut self) -> Result<(), Trouble> {
        while let Some(came) = self.consumer.as_mut().and_then(|consumer| consumer.next().now_or_never()) {
            self.take(delivery(came)?);
        }
        Ok(())
    }

    fn give(&mut self, handover: &Handover) {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let before = bytes;
            bytes += record.payload.as_ref().map_or(0, |payload| payload.len());
            before < BYTES
        };
        let count = self.ahead.iter().take(MOST_RECORDS).take_while(fits).count();
        let records: Vec<Record> = self.ahead.drain(..count).collect();
        handover.give(records);
    }

    /// What waits in the queue, and what came and is not answered.
    async fn tell_lag(&mut self, handover: &Handover) -> Result<(), Trouble> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        // On the channel of the messages: those that came before the answer are there before it.
        let asked = self.channel.queue_declare((&*self.queue).into(), passive, FieldTable::default());
        let found = in_time(asked).await?;
        self.take_ready()?;
        if self.consumer.is_some() && found.consumer_count() == 0 {
            // A queue that is deleted and made anew at the same moment forgets us without a word.
            return Err(Trouble::Away("the broker forgot the subscription".to_owned()));
        }
        handover.lag(u64::from(found.message_count()) + self.deliveries.open());
        Ok(())
    }
}

/// The next message, if somebody reads.
async fn next(consumer: &mut Option<Consumer>) -> Result<Delivery, Trouble> {
    let Some(consumer) = consumer else { return std::future::pending().await };
    delivery(consumer.next().await)
}

/// What a subscription told.
fn delivery(came: Option<lapin::Result<Delivery>>) -> Result<Delivery, Trouble> {
    match came {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(error)) => Err(end(&error)),
        None => Err(Trouble::Away("the broker ended the subscription".to_owned())),
    }
}

/// A message whose own frame cannot be read ends its connection, again and again.
fn end(error: &lapin::Error) -> Trouble {
    match error.kind() {
        ErrorKind::ParsingError(_) => Trouble::Away(format!(
            "the first message of the queue cannot be read ({error}): a name in it may be no text; take it out"
        )),
        _ => judge(error),
    }
}
