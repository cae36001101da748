//! The task that talks to the broker: it connects, reads ahead, answers, and connects again.

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
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::RabbitSettings;
use super::desk::{Answer, Desk, Wish};
use super::message;
use crate::amqp::{self, Trouble, in_time, judge};
use crate::domain::retry::doubled;
use crate::sources::{MOST_RECORDS, Record, SourceError};

/// How often the queue is asked for its depth. Asking is also how a silent end is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first wait before connecting again; it doubles, and chance takes up to half of it away.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Reads `queue` until it is told to leave, or until somebody has to do something about it.
pub(super) async fn keep(desk: Arc<Desk>, settings: Arc<RabbitSettings>, queue: Arc<str>) {
    let mut failures = 0;
    loop {
        let trouble = match Link::open(&settings, &queue).await {
            Ok(link) => {
                failures = 0;
                desk.up();
                match link.serve(&desk).await {
                    Ok(()) => return,
                    // Whatever the broker said: whether it is for the operator shows when it is asked again.
                    Err(Trouble::Away(why) | Trouble::Refused(why)) => Trouble::Away(why),
                }
            }
            Err(trouble) => trouble,
        };
        match trouble {
            Trouble::Refused(why) => return desk.over(SourceError::Refused(why)),
            Trouble::Away(why) => desk.down(why),
        }
        let wait = doubled(FIRST_WAIT, failures, LONGEST_WAIT);
        failures = failures.saturating_add(1);
        tokio::select! {
            () = sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)) => {}
            () = desk.leaving() => return,
        }
    }
}

/// One connection, with one channel.
struct Link {
    connection: Arc<Connection>,
    channel: Channel,
    queue: Arc<str>,
    consumer: Option<Consumer>,
}

impl Drop for Link {
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

impl Link {
    async fn open(settings: &RabbitSettings, queue: &Arc<str>) -> Result<Self, Trouble> {
        let connection = Arc::new(settings.access().connect().await?);
        let channel = in_time(connection.create_channel()).await?;
        let link = Self { connection, channel, queue: Arc::clone(queue), consumer: None };
        link.lay_out(settings).await?;
        in_time(link.channel.basic_qos(settings.prefetch(), BasicQosOptions::default())).await?;
        Ok(link)
    }

    /// Makes what is to be made and not there. A queue that is there is taken as it is: whoever made it may
    /// have had reasons of his own.
    async fn lay_out(&self, settings: &RabbitSettings) -> Result<(), Trouble> {
        let (channel, queue) = (&self.channel, &*self.queue);
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

    /// Until it is to leave, or breaks.
    async fn serve(mut self, desk: &Desk) -> Result<(), Trouble> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (wish, answers) = desk.wanted();
            for answer in answers {
                self.answer(answer).await?;
            }
            match wish {
                Wish::Read => self.read().await?,
                Wish::Pause => self.pause(desk).await?,
                // What is not answered goes back to its queue with the channel.
                Wish::Leave => return in_time(close(&self.connection)).await,
            }
            tokio::select! {
                biased;
                () = desk.changed() => {}
                came = next(&mut self.consumer) => desk.came(self.gather(came?)),
                _ = look.tick() => {
                    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                    // On the channel of the messages: those that came before the answer are there before it.
                    let asked = self.channel.queue_declare((&*self.queue).into(), passive, FieldTable::default());
                    let found = in_time(asked).await?;
                    self.hand_over(desk);
                    desk.waiting(found.message_count().into());
                }
            }
        }
    }

    async fn answer(&self, answer: Answer) -> Result<(), Trouble> {
        let said = async {
            match answer {
                Answer::Stored(answered) => {
                    if let Some(tag) = answered.up_to {
                        self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
                    }
                    for tag in answered.single {
                        self.channel.basic_ack(tag, BasicAckOptions { multiple: false }).await?;
                    }
                }
                Answer::Dead(tags) => {
                    for tag in tags {
                        self.channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await?;
                    }
                }
            }
            Ok(())
        };
        in_time(said).await
    }

    async fn read(&mut self) -> Result<(), Trouble> {
        if self.consumer.is_none() {
            let options = BasicConsumeOptions::default();
            let queue = (&*self.queue).into();
            let consuming = self.channel.basic_consume(queue, "".into(), options, FieldTable::default());
            self.consumer = Some(in_time(consuming).await?);
        }
        Ok(())
    }

    /// The broker sends nothing more; what it sent waits here, no more of it than it hands out ahead.
    async fn pause(&mut self, desk: &Desk) -> Result<(), Trouble> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        in_time(self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        self.hand_over(desk);
        self.consumer = None;
        Ok(())
    }

    /// Everything that has come.
    fn hand_over(&mut self, desk: &Desk) {
        loop {
            let messages = self.at_hand(Vec::new());
            if messages.is_empty() {
                return;
            }
            desk.came(messages);
        }
    }

    /// `first` and what lies ready behind it, so that a burst is one wake-up.
    fn gather(&mut self, first: Delivery) -> Vec<Message> {
        let first = self.message(first);
        self.at_hand(vec![first])
    }

    fn at_hand(&mut self, mut messages: Vec<Message>) -> Vec<Message> {
        while messages.len() < MOST_RECORDS {
            let ready = self.consumer.as_mut().and_then(|consumer| consumer.next().now_or_never());
            // An end is told once more when it is waited for.
            let Some(Some(Ok(delivery))) = ready else { break };
            messages.push(self.message(delivery));
        }
        messages
    }

    fn message(&self, delivery: Delivery) -> Message {
        let tag = delivery.delivery_tag;
        let (record, id) = message::record(&self.queue, delivery);
        (record, id, tag)
    }
}

/// A record, what it is called, and the tag that it is answered by.
type Message = (Record, Arc<str>, u64);

/// The next message, if somebody reads.
async fn next(consumer: &mut Option<Consumer>) -> Result<Delivery, Trouble> {
    let Some(consumer) = consumer else { return std::future::pending().await };
    match consumer.next().await {
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
