//! A worker: one attempt at a time. It may die freely; the pool judges that like any other end.

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::{Instant, timeout};

use crate::actors::born::Born;
use crate::channels::LONGEST_ATTEMPT;
use crate::domain::fault::{Failure, Fault, Outcome};
use crate::messages::delivery::{DeliveryMessage, WorkerMessage};
use crate::messages::post::Post;

/// Makes attempts.
#[derive(Debug, Clone, Copy)]
pub struct Worker;

/// What a worker is given.
pub struct WorkerArguments {
    /// Its place in the pool.
    pub place: usize,
    /// Who waits for it.
    pub pool: Post<DeliveryMessage>,
}

impl Actor for Worker {
    type Msg = WorkerMessage;
    type State = Born<WorkerArguments>;
    type Arguments = Born<WorkerArguments>;

    async fn pre_start(
        &self,
        _myself: ActorRef<WorkerMessage>,
        born: Born<WorkerArguments>,
    ) -> Result<Born<WorkerArguments>, ActorProcessingErr> {
        Ok(born)
    }

    async fn handle(
        &self,
        _myself: ActorRef<WorkerMessage>,
        WorkerMessage::Attempt(job, channel): WorkerMessage,
        Born { life, with }: &mut Born<WorkerArguments>,
    ) -> Result<(), ActorProcessingErr> {
        life.handling(async {
            let begun = Instant::now();
            let outcome = timeout(LONGEST_ATTEMPT, channel.send(&job)).await.unwrap_or_else(|_| gave_up());
            let took = begun.elapsed();
            with.pool.tell(DeliveryMessage::Attempted { worker: with.place, id: job.id, outcome, took });
        })
        .await;
        Ok(())
    }
}

/// The channel did not keep its own timeout, so nobody knows how far it came.
fn gave_up() -> Outcome {
    Outcome::Failed(Failure {
        fault: Fault::Unknown,
        code: "timeout".to_owned(),
        detail: format!("given up after {} s", LONGEST_ATTEMPT.as_secs()),
    })
}
