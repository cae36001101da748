//! One connection's life: pull while records are wanted, acknowledge what is stored, prolong what is held.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{self, Batch};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::{self, AckKind, Message};
use async_nats::{Client, Event, ServerError, Subject};
use futures::{FutureExt, StreamExt};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::config::{NatsSettings, Reach};
use super::{trouble, unreadable};
use crate::domain::event::Position;
use crate::sources::handover::{Handover, Portion};
use crate::sources::settings::Start;
use crate::sources::{Record, SourceError};

/// How long a pull waits for something new.
const EXPIRES: Duration = Duration::from_secs(1);
/// How often the lag is asked for.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// What nobody looked at when the source closes is handed out again after this.
const GIVEN_BACK: Duration = Duration::from_secs(1);
/// What a consumer says that does not say it.
const SHORTEST_ACK_WAIT: Duration = Duration::from_millis(10);
/// How long a server waits for an acknowledgement if the consumer does not say.
const USUAL_ACK_WAIT: Duration = Duration::from_secs(30);
/// The server's time to take the last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is read, and how to get there.
pub(super) struct Reading {
    pub(super) settings: Arc<NatsSettings>,
    pub(super) stream: Arc<str>,
    pub(super) reach: Reach,
}

/// What outlives a connection.
pub(super) struct Held {
    /// Given and not acknowledged, each with where its newest delivery is answered.
    replies: HashMap<Arc<str>, Subject>,
    portion: Portion,
    /// Where a consumer begins that is not there.
    begin: DeliverPolicy,
    /// When the consumer was made that handed these out, as the server writes it.
    made: Option<i128>,
    traffic: Traffic,
}

/// What was on the connection when it was spoken on last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traffic {
    Quiet,
    /// Messages were asked for.
    Pulling,
}

impl Held {
    pub(super) fn nothing(settings: &NatsSettings) -> Self {
        Self {
            replies: HashMap::new(),
            portion: Portion::of(settings.max_in_flight),
            begin: match settings.start {
                Start::Earliest => DeliverPolicy::All,
                Start::Latest => DeliverPolicy::New,
            },
            made: None,
            traffic: Traffic::Quiet,
        }
    }
}

/// What the client tells beside answers.
#[derive(Default)]
pub(super) struct Events {
    /// The connection is lost.
    lost: Notify,
    /// What the server complained about last.
    complaint: Mutex<Option<String>>,
}

impl Events {
    fn hear(&self, event: &Event) {
        match event {
            Event::Disconnected | Event::Closed => self.lost.notify_one(),
            Event::ServerError(ServerError::Other(words)) => {
                *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.clone());
            }
            _ => {}
        }
    }

    /// Whoever is not allowed to ask is not answered; the server says why beside it.
    pub(super) fn explain(&self, error: SourceError) -> SourceError {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, complaint) {
            (SourceError::Lost(_), Some(words)) if words.to_lowercase().contains("permissions violation") => {
                SourceError::Refused(format!("not allowed: {words}"))
            }
            (SourceError::Lost(why), Some(words)) => SourceError::Lost(format!("{why}: {words}")),
            (error, _) => error,
        }
    }
}

/// A connection that works.
pub(super) struct Session<'a> {
    reading: &'a Reading,
    held: &'a mut Held,
    handover: &'a Handover,
    client: Client,
    events: Arc<Events>,
    consumer: Consumer<pull::Config>,
}

impl<'a> Session<'a> {
    /// Connects, and makes the consumer if it is not there.
    pub(super) async fn open(
        reading: &'a Reading,
        held: &'a mut Held,
        handover: &'a Handover,
    ) -> Result<Self, SourceError> {
        let (client, events) = connect(&reading.settings).await?;
        let consumer = consumer(reading, held.begin, &client).await.map_err(|error| events.explain(error))?;
        // One that is gone later begins at the beginning: the store knows what it has.
        held.begin = DeliverPolicy::All;
        let made = Some(consumer.cached_info().created.unix_timestamp_nanos());
        if std::mem::replace(&mut held.made, made) != made {
            // An answer says a message's number, and of another consumer's messages this one knows nothing: they
            // come again if they are still there, and others have their numbers if the stream was made anew.
            held.replies.clear();
        }
        Ok(Self { reading, held, handover, client, events, consumer })
    }

    /// Until the source is closed, or something goes wrong.
    pub(super) async fn run(mut self) -> Result<(), SourceError> {
        if self.held.traffic == Traffic::Pulling {
            self.give_unreadable().await?;
        }
        let (mut lag, mut prolong) = (every(LAG_EVERY), every(self.ack_wait() / 3));
        let mut batch: Option<Batch> = None;
        let events = Arc::clone(&self.events);
        loop {
            // Whoever closes said before what is stored.
            let closing = self.handover.is_closing();
            self.acknowledge().await?;
            if closing {
                return self.leave(batch).await;
            }
            if batch.is_none() && self.handover.wants_records() {
                batch = Some(self.pull().await?);
                self.held.traffic = Traffic::Pulling;
            }
            let next = async {
                match batch.as_mut() {
                    Some(batch) => batch.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = next => match message {
                    Some(Ok(message)) => self.gather(message, batch.as_mut())?,
                    Some(Err(error)) => return Err(SourceError::Lost(trouble::in_words(&error))),
                    None => {
                        batch = None;
                        self.held.traffic = Traffic::Quiet;
                    }
                },
                () = self.handover.stirred() => {}
                () = events.lost.notified() => {
                    return Err(SourceError::Lost("the connection is lost".to_owned()));
                }
                _ = prolong.tick() => self.prolong().await?,
                _ = lag.tick() => self.tell_lag().await?,
            }
        }
    }

    async fn pull(&self) -> Result<Batch, SourceError> {
        let pull = self.consumer.batch().max_messages(self.held.portion.count()).expires(EXPIRES);
        pull.messages().await.map_err(|error| SourceError::Lost(trouble::in_words(&error)))
    }

    /// The connection broke while messages were on their way: perhaps over one of them.
    async fn give_unreadable(&mut self) -> Result<(), SourceError> {
        let info = self.consumer.get_info().await;
        let info = info.map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
        let found = unreadable::among_handed_out(&self.client, &self.reading.stream, &info).await?;
        let mut records = Vec::new();
        for (id, reply, record) in found {
            if self.held.replies.insert(id, reply).is_none() {
                records.push(record);
            }
        }
        self.handover.give(records);
        Ok(())
    }

    /// Gives what lies ready behind `first`, so that a burst is one wake-up.
    fn gather(&mut self, first: Message, mut batch: Option<&mut Batch>) -> Result<(), SourceError> {
        let mut records = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next.take() {
            records.extend(self.fresh(message)?);
            // An error or the end will be there at the next turn, too.
            next =
                batch.as_mut().and_then(|batch| batch.next().now_or_never()).flatten().and_then(Result::ok);
        }
        self.held.portion.came(&records);
        self.handover.give(records);
        Ok(())
    }

    /// The record of a message that is not in hand yet. Of one that is, the newest delivery counts.
    fn fresh(&mut self, message: Message) -> Result<Option<Record>, SourceError> {
        let info = message.info().map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
        let id = unreadable::called(info.stream_sequence, info.published.unix_timestamp_nanos());
        let Some(reply) = message.reply.clone() else {
            return Ok(None);
        };
        let (message, _) = message.split();
        if self.held.replies.insert(Arc::clone(&id), reply).is_some() {
            return Ok(None);
        }
        Ok(Some(record(&self.reading.stream, id, message)))
    }

    /// Whoever does not hear of it hands the message out again, and is told again.
    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        // Whoever watches the server hears of a message that was ended with `term`.
        let dead = self.handover.dead_letters();
        let dead = dead.into_iter().map(|id| (id, AckKind::Term));
        let stored = self.handover.acknowledged().into_iter().map(|id| (id, AckKind::Ack));
        for (id, kind) in dead.chain(stored) {
            if let Some(reply) = self.held.replies.remove(&id) {
                self.answer(reply, kind).await?;
            }
        }
        Ok(())
    }

    async fn answer(&self, reply: Subject, kind: AckKind) -> Result<(), SourceError> {
        let said = self.client.publish(reply, kind.into()).await;
        said.map_err(|error| SourceError::Lost(trouble::in_words(&error)))
    }

    /// How long the server waits for an acknowledgement.
    fn ack_wait(&self) -> Duration {
        match self.consumer.cached_info().config.ack_wait {
            wait if wait < SHORTEST_ACK_WAIT => USUAL_ACK_WAIT,
            wait => wait,
        }
    }

    async fn prolong(&self) -> Result<(), SourceError> {
        for reply in self.held.replies.values() {
            self.answer(reply.clone(), AckKind::Progress).await?;
        }
        Ok(())
    }

    async fn tell_lag(&self) -> Result<(), SourceError> {
        let info = self.consumer.get_info().await;
        let info = info.map_err(|error| SourceError::Lost(trouble::in_words(&error)))?;
        self.handover.lag(info.num_pending.saturating_add(info.num_ack_pending as u64));
        Ok(())
    }

    /// What nobody looked at goes back, for others to have it soon.
    async fn leave(mut self, batch: Option<Batch>) -> Result<(), SourceError> {
        // What was sent before the answer is here before it. Should there be none, it comes again by itself.
        let _ = self.consumer.get_info().await;
        let mut back = self.handover.left_over();
        let mut next = batch.and_then(|mut batch| {
            let first = batch.next().now_or_never().flatten();
            first.map(|first| (first, batch))
        });
        while let Some((Ok(message), mut batch)) = next.take() {
            back.extend(self.fresh(message)?);
            let following = batch.next().now_or_never().flatten();
            next = following.map(|following| (following, batch));
        }
        for record in back {
            if let Position::Message { id, .. } = &record.position
                && let Some(reply) = self.held.replies.remove(id)
            {
                self.answer(reply, AckKind::Nak(Some(GIVEN_BACK))).await?;
            }
        }
        // At the end, nobody minds whether the last words were heard: what was not comes again.
        let _ = tokio::time::timeout(LAST_WORDS, self.client.flush()).await;
        Ok(())
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

pub(super) fn record(stream: &Arc<str>, id: Arc<str>, message: async_nats::Message) -> Record {
    let headers = message.headers.iter().flat_map(|headers| headers.iter()).flat_map(|(name, values)| {
        values.iter().map(move |value| (name.to_string(), value.as_str().as_bytes().to_vec()))
    });
    Record {
        position: Position::Message { stream: Arc::clone(stream), id },
        headers: headers.collect(),
        // A server takes no more than 64 MiB, and 1 MiB unless it is told otherwise.
        payload: Some(message.payload[..].into()),
        left_out: 0,
    }
}

/// A client that is connected, and what it hears.
pub(super) async fn connect(settings: &NatsSettings) -> Result<(Client, Arc<Events>), SourceError> {
    let (servers, options) = settings.options()?;
    let events = Arc::new(Events::default());
    let hearing = Arc::clone(&events);
    let options = options.event_callback(move |event| {
        hearing.hear(&event);
        async {}
    });
    match options.connect(servers).await {
        Ok(client) => Ok((client, events)),
        Err(error) => Err(events.explain(trouble::unconnected(&error))),
    }
}

/// The consumer, which is made if it may be.
async fn consumer(
    reading: &Reading,
    begin: DeliverPolicy,
    client: &Client,
) -> Result<Consumer<pull::Config>, SourceError> {
    let (settings, reach) = (&reading.settings, &reading.reach);
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(&settings.stream).await;
    let stream = stream.map_err(|error| trouble::no_stream(&error, &settings.stream))?;
    let found = if settings.declare {
        let wanted = pull::Config {
            durable_name: Some(reach.consumer.clone()),
            deliver_policy: begin,
            ack_policy: AckPolicy::Explicit,
            ack_wait: settings.ack_wait,
            // What is in flight is bounded by what is pulled.
            max_ack_pending: -1,
            filter_subject: reach.subject.clone().unwrap_or_default(),
            ..pull::Config::default()
        };
        stream.get_or_create_consumer(&reach.consumer, wanted).await
    } else {
        context.get_consumer_from_stream(&reach.consumer, &settings.stream).await
    };
    let found = found.map_err(|error| trouble::no_consumer(&error, reach))?;
    let config = &found.cached_info().config;
    if config.ack_policy != AckPolicy::Explicit {
        return Err(SourceError::Refused(format!(
            "the consumer \"{}\" does not wait for each message's acknowledgement: it has to be of ack policy explicit",
            reach.consumer
        )));
    }
    if let Some(subject) = reach.subject.as_ref().filter(|subject| **subject != config.filter_subject) {
        return Err(SourceError::Refused(format!(
            "the consumer \"{}\" reads \"{}\" and not \"{subject}\": remove it, or name another one",
            reach.consumer, config.filter_subject
        )));
    }
    Ok(found)
}
