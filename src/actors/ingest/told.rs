//! What a source has to tell, besides its end.

use super::{FIRST_WAIT, IngestState};
use crate::sources::Polled;
use crate::telemetry::health::Condition;

impl IngestState {
    pub(super) fn on_polled(&mut self, polled: Polled) {
        let source = &self.arguments.key.source;
        match polled {
            Polled::Records(records) => self.on_records(&records),
            Polled::Revoking(partitions) => {
                self.assignment.revoke(partitions);
                self.finish_revoking();
            }
            Polled::Unreadable(why) => {
                self.arguments.metrics.unreadable();
                let before = self.arguments.health.source(source, Condition::Degraded(why.clone()));
                if before != Condition::Degraded(why.clone()) {
                    tracing::error!(%source, why, "records cannot be read");
                }
            }
            Polled::Gone(gone) => {
                let (topic, partition) = (&*gone.topic, gone.partition);
                let (wanted, oldest, records) = (gone.wanted, gone.oldest, gone.records());
                tracing::warn!(%source, topic, partition, wanted, oldest, gone = records, "the next record is not there any more; going on with the oldest one");
                self.arguments.metrics.gone(records);
                if gone.starts_again() {
                    self.assignment.start_again(&gone.topic, partition);
                }
            }
            Polled::Up => {
                self.patience = FIRST_WAIT;
                self.arguments.metrics.up(true);
                self.arguments.health.source(source, Condition::Up);
                tracing::info!(%source, topic = self.arguments.key.topic.as_deref(), "source is up");
            }
            Polled::Down(why) => {
                tracing::warn!(%source, topic = self.arguments.key.topic.as_deref(), why, "source is down");
                self.arguments.metrics.up(false);
                self.arguments.health.source(source, Condition::Down(why));
            }
        }
    }
}
