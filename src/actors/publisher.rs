//! A publisher hands events out to one sink: it takes its turn, offers what waits, and has struck out
//! what the sink took. What it holds is a copy of rows; a sink that is away costs nobody else anything.
//!
//! ```text
//! idle ──Due, Look──▶ asking ──Parcels──▶ offering ──Offered──▶ asking (what was taken is struck out) …
//!   ▲                   │ nothing waits, another node has the turn, or the sink is away
//!   └───────────────────┘
//! ```

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use super::born::Born;
use crate::channels::sinks::{LONGEST_HANDING, Sink};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::handover::{Handed, Taking, judge};
use crate::domain::names::SinkName;
use crate::domain::outgoing::Parcel;
use crate::domain::retry::doubled;
use crate::domain::retry::later;
use crate::messages::Peers;
use crate::messages::post::{Post, tell};
use crate::messages::publisher::PublisherMessage;
use crate::messages::status::StatusMessage;
use crate::store::Store;
use crate::store::batch::Turn;
use crate::telemetry::actor::ActorLife;
use crate::telemetry::events_out::SinkMetrics;
use crate::telemetry::labels::HandedOver;

/// Hands out.
#[derive(Debug, Clone, Copy)]
pub struct Publisher;

/// What a publisher is given.
#[derive(Clone)]
pub struct PublisherArguments {
    /// `[events_out.NAME]`
    pub name: SinkName,
    /// To whom.
    pub sink: Arc<dyn Sink>,
    /// Where the rows are.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
}

/// What a publisher works with.
pub struct PublisherState {
    life: ActorLife,
    myself: Post<PublisherMessage>,
    arguments: PublisherArguments,
    metrics: SinkMetrics,
    peers: Arc<Peers>,
    stage: Stage,
    /// The sink is away: how often it was in a row, and until when it is left alone.
    away: Option<(u32, Instant)>,
    /// There was nothing to take although something waits: who only looks does not ask again before.
    quiet_until: Instant,
}

/// Where it stands.
#[derive(Debug)]
enum Stage {
    Idle,
    /// Said to the status actor, and to be said again should that one be another by then.
    Asking(Turn),
    /// With the sink.
    Offering(Vec<Parcel>),
}

/// Something that nobody told of waits this long at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many are offered together.
const TOGETHER: usize = 500;
/// So long new ones are begun.
const BEGIN_WITHIN: Duration = Duration::from_secs(20);
/// A turn is over when nothing of it can be on the way any more.
const TURN: Duration = Duration::from_secs(90);
const _: () = assert!(BEGIN_WITHIN.as_secs() + LONGEST_HANDING.as_secs() < TURN.as_secs());
/// See [`PublisherState::quiet_until`]: each turn is a commit.
const QUIET: Duration = Duration::from_secs(5);
/// The first wait for a sink that is away; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Actor for Publisher {
    type Msg = PublisherMessage;
    type State = PublisherState;
    type Arguments = Born<PublisherArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<PublisherMessage>,
        Born { life, with: arguments }: Born<PublisherArguments>,
    ) -> Result<PublisherState, ActorProcessingErr> {
        myself.send_interval(LOOK_EVERY, || PublisherMessage::Look);
        Ok(PublisherState {
            myself: Post::new(myself, life.clone()),
            life,
            metrics: SinkMetrics::of(&arguments.name),
            arguments,
            peers: Arc::default(),
            stage: Stage::Idle,
            away: None,
            quiet_until: Instant::now(),
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<PublisherMessage>,
        message: PublisherMessage,
        state: &mut PublisherState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async {
            match message {
                PublisherMessage::Due => state.go_on(),
                PublisherMessage::Look => state.on_look().await,
                PublisherMessage::Parcels(parcels) => state.on_parcels(parcels),
                PublisherMessage::Offered(takings) => state.on_offered(&takings),
                PublisherMessage::Introduce(peers) => state.on_introduced(peers),
            }
        })
        .await;
        Ok(())
    }
}

impl PublisherState {
    /// A store that does not answer is the status actor's business: here it only means no news.
    async fn on_look(&mut self) {
        let PublisherArguments { store, name, clock, .. } = &self.arguments;
        let Ok((waiting, oldest)) = store.outgoing(name).await else { return };
        let now = clock.now();
        let age = oldest.map(|oldest| Duration::try_from(now.duration_since(oldest)).unwrap_or_default());
        self.metrics.waiting(waiting, age.unwrap_or_default());
        if waiting > 0 && Instant::now() >= self.quiet_until {
            self.go_on();
        }
    }

    /// Takes a turn, unless it has one or the sink is left alone.
    fn go_on(&mut self) {
        if matches!(self.stage, Stage::Idle) && self.rest().is_zero() {
            self.ask(Handed::default());
        }
    }

    /// How long the sink is still left alone.
    fn rest(&self) -> Duration {
        self.away.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(Instant::now()))
    }

    /// Has struck out and put off what is in `handed`, and asks for more unless the sink is away.
    fn ask(&mut self, handed: Handed) {
        let turn = Turn {
            sink: self.arguments.name.clone(),
            done: handed.done,
            refused: handed.refused,
            limit: if self.rest().is_zero() { TOGETHER } else { 0 },
            until: later(self.now(), TURN),
        };
        self.say(turn.clone());
        self.stage = Stage::Asking(turn);
    }

    fn say(&self, turn: Turn) {
        let publisher = self.myself.clone();
        tell(self.peers.status.as_ref(), StatusMessage::Turn { turn: Box::new(turn), publisher });
    }

    fn now(&self) -> Timestamp {
        self.arguments.clock.now()
    }

    /// What is not answered is said again to who was not there before.
    fn on_introduced(&mut self, peers: Arc<Peers>) {
        let another = self.peers.lives().status != peers.lives().status;
        self.peers = peers;
        match &self.stage {
            Stage::Asking(turn) if another => self.say(turn.clone()),
            Stage::Idle => self.go_on(),
            _ => {}
        }
    }

    fn on_parcels(&mut self, parcels: Vec<Parcel>) {
        // A second answer to what was said twice: its rows wait.
        if !matches!(self.stage, Stage::Asking(_)) {
            return;
        }
        if parcels.is_empty() {
            self.stage = Stage::Idle;
            if self.away.is_none() {
                self.quiet_until = Instant::now() + QUIET;
            }
            return;
        }
        self.stage = Stage::Offering(parcels.clone());
        let (sink, publisher) = (Arc::clone(&self.arguments.sink), self.myself.clone());
        tokio::spawn(async move {
            let offered = sink.publish(&parcels, Instant::now() + BEGIN_WITHIN);
            let takings = AssertUnwindSafe(offered).catch_unwind().await;
            let died = || vec![Taking::Away("handing over panicked".to_owned(), None)];
            publisher.tell(PublisherMessage::Offered(takings.unwrap_or_else(|_| died())));
        });
    }

    fn on_offered(&mut self, takings: &[Taking]) {
        let Stage::Offering(parcels) = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        let handed = judge(&parcels, takings, self.now());
        self.count(&handed);
        match &handed.away {
            Some((why, wish)) => self.on_away(why, *wish),
            None => self.on_there(),
        }
        if handed.away.is_none() || !handed.done.is_empty() || !handed.refused.is_empty() {
            self.ask(handed);
        }
    }

    fn count(&self, handed: &Handed) {
        self.metrics.handed(HandedOver::Taken, handed.done.len() - handed.given_up);
        self.metrics.handed(HandedOver::Refused, handed.refused.len());
        self.metrics.handed(HandedOver::GivenUp, handed.given_up);
        self.metrics.handed(HandedOver::Away, usize::from(handed.away.is_some()));
        let sink = &self.arguments.name;
        match &handed.why {
            Some(why) if handed.given_up > 0 => {
                tracing::error!(%sink, why, events = handed.given_up, "events out were refused for a day and are given up");
            }
            Some(why) => tracing::warn!(%sink, why, events = handed.refused.len(), "events out are refused"),
            None => {}
        }
    }

    fn on_away(&mut self, why: &str, wish: Option<Duration>) {
        let times = self.away.map_or(0, |(times, _)| times);
        if times == 0 {
            let sink = &self.arguments.name;
            tracing::warn!(%sink, why, "the sink of events out is away; they wait for it");
        }
        let wait = doubled(FIRST_WAIT, times, LONGEST_WAIT).max(wish.unwrap_or_default().min(LONGEST_WAIT));
        self.away = Some((times + 1, Instant::now() + wait));
        self.myself.actor().send_after(wait, || PublisherMessage::Look);
    }

    fn on_there(&mut self) {
        if self.away.take().is_some() {
            tracing::info!(sink = %self.arguments.name, "the sink of events out is back");
        }
    }
}
