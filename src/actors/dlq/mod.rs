//! The DLQ actor: every delivery that ran out and every record that is no event passes through
//! here, once it is decided and before it is written, so that there is one place that counts,
//! logs and replays them.
//!
//! It holds nothing: the pool and the ingest actor hold what they sent until the store has it.
//!
//! A source may have a letter box, a topic of dead letters: what is in the store goes there, too, and
//! that is written down. A crash in between puts it there twice.
//!
//! It also drives bulk jobs. The row of a job says how far it is and when its next step is due; a
//! message to itself only says when to look. A step names the cursor that it was found from, so one
//! that comes twice, from another life or another node, does nothing.

mod bulk;
mod export;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::born::Born;
use crate::catalogue::Code;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::bulk::{BulkChange, BulkStep};
use crate::domain::delivery::DeadReason;
use crate::messages::Peers;
use crate::messages::dlq::{DlqMessage, Exported};
use crate::messages::post::{Post, tell};
use crate::messages::status::{BulkReply, StatusMessage};
use crate::sources::LetterBoxes;
use crate::store::Store;
use crate::store::batch::{Attempted, Next, Quarantined};
use crate::telemetry::actor::ActorLife;

/// Looks after dead letters.
#[derive(Debug, Clone, Copy)]
pub struct Dlq;

/// What the DLQ actor is given.
#[derive(Clone)]
pub struct DlqArguments {
    /// Where the jobs are.
    pub store: Arc<dyn Store>,
    /// Where the dead letters of sources go, too.
    pub letter_boxes: LetterBoxes,
    /// The time.
    pub clock: Clock,
}

impl std::fmt::Debug for DlqArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DlqArguments").finish_non_exhaustive()
    }
}

/// A job that nobody told this node of, or whose step was lost, waits this long at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// When a job that was just asked for is looked at.
const SOON: Duration = Duration::from_millis(50);

/// How often letters are looked for that belong into a box.
const EXPORT_EVERY: Duration = Duration::from_secs(1);

/// Whether it was said that letters do not get into their boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Told,
}

/// What the DLQ actor works with.
pub struct DlqState {
    life: ActorLife,
    myself: Post<DlqMessage>,
    arguments: DlqArguments,
    /// The newest turn of looking at jobs; timers and answers of earlier ones mean nothing.
    turn: u64,
    /// The newest turn of putting letters into boxes, and whether there is more to do than to wait.
    exporting: (u64, Trouble),
    peers: Arc<Peers>,
}

impl Actor for Dlq {
    type Msg = DlqMessage;
    type State = DlqState;
    type Arguments = Born<DlqArguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<DlqMessage>,
        Born { life, with: arguments }: Born<DlqArguments>,
    ) -> Result<DlqState, ActorProcessingErr> {
        let myself = Post::new(myself, life.clone());
        Ok(DlqState {
            life,
            myself,
            arguments,
            turn: 0,
            exporting: (0, Trouble::None),
            peers: Arc::default(),
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<DlqMessage>,
        message: DlqMessage,
        state: &mut DlqState,
    ) -> Result<(), ActorProcessingErr> {
        let life = state.life.clone();
        life.handling(async { state.on_message(message) }).await;
        Ok(())
    }
}

impl DlqState {
    fn on_message(&mut self, message: DlqMessage) {
        let status = self.peers.status.as_ref();
        match message {
            DlqMessage::Park { channel, attempted, pool } => {
                log_parked(channel.as_str(), &attempted);
                tell(status, StatusMessage::Attempted { attempted: *attempted, pool });
            }
            DlqMessage::Quarantine { letters, from } => {
                letters.iter().for_each(log_quarantined);
                tell(status, StatusMessage::Quarantine { letters, from });
            }
            DlqMessage::Retry { repeats, reply } => tell(status, StatusMessage::Replay { repeats, reply }),
            DlqMessage::Bulk { change, reply } => {
                tell(status, StatusMessage::Bulk { change, from: BulkReply::Asker(reply) });
                // By then it is written; if not, it is found later.
                self.look_after(SOON);
            }
            DlqMessage::Look(turn) if turn == self.turn => self.look(),
            DlqMessage::Found { turn, steps, next } if turn == self.turn => self.step(steps, next),
            DlqMessage::Look(_) | DlqMessage::Found { .. } => {}
            DlqMessage::Stepped => self.look_after(Duration::ZERO),
            DlqMessage::LetterBoxes(boxes) => {
                self.arguments.letter_boxes = boxes;
                self.export_after(Duration::ZERO);
            }
            DlqMessage::Export(turn) if turn == self.exporting.0 => self.export(),
            DlqMessage::Exported(turn, exported) if turn == self.exporting.0 => self.on_exported(exported),
            DlqMessage::Export(_) | DlqMessage::Exported(..) => {}
            // What else is there is found again.
            DlqMessage::Noted => self.export_after(Duration::ZERO),
            DlqMessage::Introduce(introduced) => {
                self.peers = introduced;
                self.export_after(Duration::ZERO);
                self.look_after(Duration::ZERO);
            }
        }
    }

    /// Looks at jobs after this time, and not at another.
    fn look_after(&mut self, pause: Duration) {
        self.turn += 1;
        let turn = self.turn;
        self.myself.actor().send_after(pause, move || DlqMessage::Look(turn));
    }

    /// Reading may take a while, and dead letters do not wait for it.
    fn look(&self) {
        let (turn, myself) = (self.turn, self.myself.clone());
        let DlqArguments { store, clock, .. } = self.arguments.clone();
        tokio::spawn(async move {
            // A store that does not answer is the status actor's business: here it only means no news.
            let due = bulk::look(&*store, clock.now()).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "bulk jobs cannot be looked at");
                bulk::Due::default()
            });
            myself.tell(DlqMessage::Found { turn, steps: due.steps, next: due.next });
        });
    }

    /// Puts letters into boxes after this time, and not at another.
    fn export_after(&mut self, pause: Duration) {
        self.exporting.0 += 1;
        let turn = self.exporting.0;
        if !self.arguments.letter_boxes.is_empty() {
            self.myself.actor().send_after(pause, move || DlqMessage::Export(turn));
        }
    }

    fn export(&self) {
        let (turn, myself) = (self.exporting.0, self.myself.clone());
        let DlqArguments { store, letter_boxes, .. } = self.arguments.clone();
        tokio::spawn(async move {
            let exported = export::export(&*store, &letter_boxes).await;
            myself.tell(DlqMessage::Exported(turn, exported));
        });
    }

    /// What is in its box is written down, and only then the next are looked for.
    fn on_exported(&mut self, Exported { ids, trouble }: Exported) {
        match (&trouble, self.exporting.1) {
            (Some(why), Trouble::None) => {
                tracing::warn!(%why, "dead letters do not get into their topic; trying on");
                self.exporting.1 = Trouble::Told;
            }
            (None, Trouble::Told) => {
                tracing::info!("dead letters get into their topic again");
                self.exporting.1 = Trouble::None;
            }
            (Some(_), Trouble::Told) | (None, Trouble::None) => {}
        }
        self.export_after(EXPORT_EVERY);
        if !ids.is_empty() {
            let from = self.myself.clone();
            tell(self.peers.status.as_ref(), StatusMessage::Exported { ids, from });
        }
    }

    fn step(&mut self, steps: Vec<BulkStep>, next: Option<Timestamp>) {
        for step in steps {
            let change = Box::new(BulkChange::Step(step));
            let from = BulkReply::Driver(self.myself.clone());
            tell(self.peers.status.as_ref(), StatusMessage::Bulk { change, from });
        }
        let now = self.arguments.clock.now();
        let pause = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        self.look_after(pause.unwrap_or(LOOK_EVERY).min(LOOK_EVERY));
    }
}

fn log_parked(channel: &str, attempted: &Attempted) {
    let code = match attempted.next {
        Next::Dead(DeadReason::Rejected | DeadReason::ChannelRemoved) => Code::DeliveryRefused,
        _ => Code::DeliverySpent,
    };
    tracing::warn!(
        %code,
        delivery = %attempted.id,
        channel,
        attempt = attempted.attempt,
        outcome = attempted.outcome,
        provider_code = attempted.code,
        detail = attempted.detail,
        "delivery is dead"
    );
}

fn log_quarantined(letter: &Quarantined) {
    tracing::warn!(
        code = %Code::RecordRejected,
        dead_letter = %letter.id,
        source = %letter.source,
        position = %letter.position,
        reason = letter.reason.as_str(),
        detail = letter.detail,
        bytes = letter.raw.len(),
        "record is no event"
    );
}
