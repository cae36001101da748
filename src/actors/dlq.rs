//! The DLQ actor: every delivery that ran out and every record that is no event passes through
//! here, once it is decided and before it is written, so that there is one place that counts,
//! logs and replays them.
//!
//! It holds nothing: the pool and the ingest actor hold what they sent until the store has it.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::born::Born;
use crate::catalogue::Code;
use crate::domain::delivery::DeadReason;
use crate::messages::Peers;
use crate::messages::dlq::DlqMessage;
use crate::messages::post::tell;
use crate::messages::status::StatusMessage;
use crate::store::batch::{Attempted, Next, Quarantined};
use crate::telemetry::actor::ActorLife;

/// Looks after dead letters.
#[derive(Debug, Clone, Copy)]
pub struct Dlq;

/// What the DLQ actor works with.
pub struct DlqState {
    life: ActorLife,
    peers: Arc<Peers>,
}

impl Actor for Dlq {
    type Msg = DlqMessage;
    type State = DlqState;
    type Arguments = Born<()>;

    async fn pre_start(
        &self,
        _myself: ActorRef<DlqMessage>,
        born: Born<()>,
    ) -> Result<DlqState, ActorProcessingErr> {
        Ok(DlqState { life: born.life, peers: Arc::default() })
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
            DlqMessage::Retry { ids, reply } => tell(status, StatusMessage::Replay { ids, reply }),
            DlqMessage::Introduce(introduced) => self.peers = introduced,
        }
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
