//! What a source has to tell, besides its end.

use super::{FIRST_WAIT, IngestState};
use crate::catalogue::Code;
use crate::sources::Polled;
use crate::telemetry::health::Condition;

impl IngestState {
    pub(super) fn on_polled(&mut self, polled: Polled) {
        let (source, topic) = (&self.arguments.key.source, self.arguments.key.topic.as_deref());
        match polled {
            Polled::Records(records) => self.on_records(&records),
            Polled::Revoking(partitions) => {
                self.assignment.revoke(partitions);
                self.finish_revoking();
            }
            Polled::Lag(records) => {
                self.arguments.intake.metrics.lag(topic, records);
                self.arguments.health.lag(source, topic, records);
                self.care.lag(records);
            }
            Polled::Unreadable(why) => {
                self.arguments.intake.metrics.unreadable();
                let before = self.arguments.health.source(source, topic, Condition::Degraded(why.clone()));
                if before != Condition::Degraded(why.clone()) {
                    tracing::error!(code = %Code::RecordsUnreadable, %source, topic, why, "records cannot be read");
                }
            }
            Polled::Gone(gone) => {
                let partition = gone.partition;
                let (wanted, oldest, records) = (gone.wanted, gone.oldest, gone.records());
                tracing::warn!(code = %Code::RecordsGone, %source, topic, partition, wanted, oldest, gone = records, "the next record is not there any more; going on with the oldest one");
                self.arguments.intake.metrics.gone(records);
                if gone.starts_again() {
                    self.assignment.start_again(&gone.topic, partition);
                }
            }
            Polled::Missing { stream, ids } => {
                let (gone, first) = (ids.len() as u64, ids.first());
                tracing::warn!(code = %Code::RecordsGone, %source, topic, %stream, gone, first = first.map(|id| &**id), "messages are not kept any more that were never stored; going on without them");
                self.arguments.intake.metrics.gone(gone);
            }
            Polled::Degraded(why) => {
                tracing::warn!(code = %Code::BrokerAway, %source, topic, why, "source is slower than it should be");
                self.arguments.health.source(source, topic, Condition::Degraded(why));
            }
            Polled::Up => {
                self.patience = FIRST_WAIT;
                self.arguments.intake.metrics.up(topic, true);
                self.arguments.health.source(source, topic, Condition::Up);
                tracing::info!(%source, topic, "source is up");
            }
            Polled::Down(why) => {
                tracing::warn!(code = %Code::BrokerAway, %source, topic, why, "source is down");
                self.arguments.intake.metrics.up(topic, false);
                self.arguments.health.source(source, topic, Condition::Down(why));
            }
        }
    }
}
