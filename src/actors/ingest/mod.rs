//! An ingest actor: one for each topic, and one for each HTTP source.
//!
//! ```text
//! source ─► Polled ─► read ─► router ─► … ─► Settled ─► offset ledger ─► source commits
//!                        └──► dlq ─────► … ─► Settled
//! ```
//!
//! A record is held from the moment it is read until it is on stable storage, as an event or as a
//! dead letter, or is let go by a rule that says so; only then may its offset be committed (I1, I11), and whatever a restarted peer lost
//! is said again from what is held. A record of several events is taken apart, each part is an event or a
//! dead letter by itself, and the record is settled with the last of them. What is held is bounded by credits: the reader pauses the source
//! when they run out, and goes on polling so that the membership is kept.

mod assignment;
mod cautious;
mod counting;
mod in_hand;
mod reader;
mod requests;
mod submitted;
mod told;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::born::Born;
use super::credits::Credits;
use crate::catalogue::Code;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::way::{Flow, Way};
use crate::feed::Feed;
use crate::formats::Words;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::{IngestMessage, Intake, Settled, SettledAs, Submitted};
use crate::messages::post::{Post, tell};
use crate::messages::router::RouterMessage;
use crate::messages::{IngestKey, Peers};
use crate::sources::{Record, Source};
use crate::telemetry::actor::ActorLife;
use crate::telemetry::health::{Condition, Health};
use assignment::{Assignment, Safe};
use cautious::Care;
use in_hand::{InHand, Item, Released};
use requests::Requests;

/// Reads one topic, or takes requests.
#[derive(Debug, Clone, Copy)]
pub struct Ingest;

/// What an ingest actor is given.
#[derive(Clone)]
pub struct IngestArguments {
    /// Which one it is.
    pub key: IngestKey,
    /// Where its records come from.
    pub intake: Intake,
    /// The turn of the one record that is tried at a time, if the last life ended without a word.
    pub caution: Option<Arc<Semaphore>>,
    /// How records are read.
    pub words: Arc<Words>,
    /// The time.
    pub clock: Clock,
    /// Where to say how the source is.
    pub health: Health,
    /// Who hears of what is let go. Of what is kept, its writer tells.
    pub feed: Feed,
}

impl std::fmt::Debug for IngestArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IngestArguments").field("key", &self.key).finish_non_exhaustive()
    }
}

/// What an ingest actor works with.
pub struct IngestState {
    life: ActorLife,
    myself: Post<IngestMessage>,
    arguments: IngestArguments,
    peers: Arc<Peers>,
    link: Link,
    /// How long to wait before the next try to connect.
    patience: Duration,
    credits: Arc<Credits>,
    flow: watch::Sender<Flow>,
    held: InHand,
    care: Care,
    assignment: Assignment,
    requests: Requests,
    drained: Option<RpcReplyPort<()>>,
}

/// The way to the source.
enum Link {
    /// None needed, or none yet.
    Apart,
    /// Somebody reads.
    Reading(Arc<dyn Source>, JoinHandle<()>),
    /// No more.
    Closed,
}

/// The first wait before connecting again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A source may take this long to commit and leave.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

impl Actor for Ingest {
    type Msg = IngestMessage;
    type State = IngestState;
    type Arguments = Born<IngestArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<IngestMessage>,
        Born { life, with: arguments }: Born<IngestArguments>,
    ) -> Result<IngestState, ActorProcessingErr> {
        let mut state = IngestState {
            myself: Post::new(myself, life.clone()),
            life,
            credits: Arc::new(Credits::new(arguments.intake.max_in_flight)),
            flow: watch::Sender::default(),
            care: Care::of(&arguments),
            arguments,
            peers: Arc::default(),
            link: Link::Apart,
            patience: FIRST_WAIT,
            held: InHand::default(),
            assignment: Assignment::default(),
            requests: Requests::default(),
            drained: None,
        };
        if state.arguments.intake.connect.is_none() {
            // Requests come as they please: there is nothing to connect.
            state.arguments.intake.metrics.up(None, true);
        }
        state.on_review();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<IngestMessage>,
        message: IngestMessage,
        state: &mut IngestState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async {
            state.on_message(message);
            state.finish_drain().await;
        })
        .await;
        Ok(())
    }
}

impl IngestState {
    fn on_message(&mut self, message: IngestMessage) {
        match message {
            IngestMessage::Polled(polled) => self.on_polled(polled),
            IngestMessage::SourceLost(why) => self.on_source_lost(why),
            IngestMessage::Connect => self.on_connect(),
            IngestMessage::Submit { items, traceparent, source, called, reply } => {
                let said = submitted::Said { traceparent, called, source };
                self.on_submit(&items, &said, reply);
            }
            IngestMessage::Replay { items, reply } => self.on_replay(&items, reply),
            IngestMessage::Settled(settled) => self.on_settled(settled),
            IngestMessage::Trial(news) => self.on_trial(news),
            IngestMessage::Words(words) => self.arguments.words = words,
            IngestMessage::Introduce(peers) => self.on_introduce(peers),
            IngestMessage::Drain(reply) => self.on_drain(reply),
        }
    }

    fn on_connect(&mut self) {
        let (Link::Apart, Some(connect)) = (&self.link, &self.arguments.intake.connect) else {
            return;
        };
        match connect() {
            Ok(source) => {
                let reader = reader::start(
                    Arc::clone(&source),
                    self.myself.clone(),
                    Arc::clone(&self.credits),
                    self.flow.subscribe(),
                );
                self.link = Link::Reading(source, reader);
            }
            Err(error) => self.on_source_lost(error.to_string()),
        }
    }

    fn on_source_lost(&mut self, why: String) {
        if let Link::Closed = self.link {
            return;
        }
        self.link = Link::Apart;
        // A new assignment gives the records again; what is in flight settles without a ledger.
        self.assignment = Assignment::default();
        self.credits.give_back(self.care.forget());
        self.arguments.intake.metrics.reconnected();
        let key = &self.arguments.key;
        tracing::error!(code = %Code::SourceLost, source = %key.source, topic = key.topic.as_deref(), why, "source lost; connecting again");
        self.arguments.intake.metrics.up(key.topic.as_deref(), false);
        self.arguments.health.source(&key.source, key.topic.as_deref(), Condition::Down(why));
        self.myself.actor().send_after(self.patience, || IngestMessage::Connect);
        self.patience = (self.patience * 2).min(LONGEST_WAIT);
    }

    fn on_records(&mut self, records: &[Record]) {
        let now = self.arguments.clock.now();
        self.arguments.intake.metrics.received(records.len(), now);
        let mut read = Vec::with_capacity(records.len());
        for record in records {
            self.assignment.take(&record.position);
            if self.held.contains(&record.position) || self.care.holds(&record.position) {
                // Given again after a rebalance while the first copy is still on its way.
                self.credits.give_back(reader::weight(record));
                continue;
            }
            if !self.care.set_aside(record) {
                read.extend(self.read(record, now));
            }
        }
        self.hold_and_send(read);
        self.go_on();
    }

    /// What a record is. From now on its parts hold the credits that it held as a whole.
    fn read(&self, record: &Record, now: Timestamp) -> Vec<Item> {
        let items = reader::read(&self.arguments, record, now);
        self.credits.take(items.iter().map(Item::weight).sum());
        self.credits.give_back(reader::weight(record));
        items
    }

    fn hold_and_send(&mut self, items: Vec<Item>) {
        self.life.credits_taken(items.len());
        self.send(items.iter().cloned());
        let settled: Vec<Settled> = items.iter().filter_map(Item::settled_by_itself).collect();
        for item in items {
            self.held.hold(item);
        }
        if !settled.is_empty() {
            // Behind what is being done now, as every other answer.
            self.myself.tell(IngestMessage::Settled(settled));
        }
    }

    fn send(&self, items: impl Iterator<Item = Item>) {
        let (mut events, mut letters) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Event(event) => events.push(event),
                Item::Letter(letter) => letters.push(letter),
                Item::Ignored { .. } => {}
            }
        }
        if !events.is_empty() {
            let from = self.myself.clone();
            tell(self.peers.router.as_ref(), RouterMessage::Route { events, from });
        }
        if !letters.is_empty() {
            let from = self.myself.clone();
            tell(self.peers.dlq.as_ref(), DlqMessage::Quarantine { letters, from });
        }
    }

    fn on_settled(&mut self, settled: Vec<Settled>) {
        let mut safe = Safe::default();
        let (mut released, mut weight) = (0, 0);
        for Settled { position, as_what } in settled {
            let Some(Released { item, record }) = self.held.release(&position) else {
                continue;
            };
            self.count(&item, &as_what);
            released += 1;
            weight += item.weight();
            let Some(record) = record else {
                continue;
            };
            self.care.settled(&record, &as_what);
            self.assignment.settle(&record, &as_what, &mut safe);
            self.requests.settle(&record, || match as_what {
                SettledAs::Event(accepted) => Submitted::Accepted(accepted),
                SettledAs::DeadLetter(why) => Submitted::DeadLetter(why),
                SettledAs::Ignored(rule) => Submitted::Ignored(rule),
            });
        }
        self.credits.give_back(weight);
        self.life.credits_returned(released);
        if let Link::Reading(source, _) = &self.link {
            safe.tell(&**source);
        }
        self.finish_revoking();
        self.go_on();
    }

    fn finish_revoking(&mut self) {
        if let Link::Reading(source, _) = &self.link
            && self.assignment.give_up()
        {
            source.revoked();
        }
    }

    fn on_introduce(&mut self, peers: Arc<Peers>) {
        let changed = self.peers.lives() != peers.lives();
        self.peers = peers;
        let flow = Way::Source(self.arguments.key.source.clone()).flow(&self.peers.paused);
        if self.flow.send_replace(flow) != flow {
            let key = &self.arguments.key;
            tracing::info!(source = %key.source, topic = key.topic.as_deref(), ?flow, "source flows differently");
        }
        if changed {
            self.ask();
            self.send(self.held.in_order());
            if let Link::Apart = self.link {
                self.myself.tell(IngestMessage::Connect);
            }
        }
    }

    fn on_drain(&mut self, reply: RpcReplyPort<()>) {
        match &self.link {
            Link::Reading(source, _) => source.pause(),
            Link::Apart | Link::Closed => {}
        }
        self.care.forget();
        self.drained = Some(reply);
    }

    async fn finish_drain(&mut self) {
        if self.drained.is_none() || !self.held.is_empty() {
            return;
        }
        if let Link::Reading(source, reader) = std::mem::replace(&mut self.link, Link::Closed) {
            reader.abort();
            source.close(CLOSE_DEADLINE).await;
        }
        if let Some(reply) = self.drained.take() {
            drop(reply.send(()));
        }
    }
}

impl Drop for IngestState {
    fn drop(&mut self) {
        if let Link::Reading(_, reader) = &self.link {
            reader.abort();
        }
    }
}
