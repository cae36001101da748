//! Offsets on their way to the broker.

use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::{COMMIT_EVERY, Membership};

impl Membership {
    /// Commits where partitions start again. An offset that stays past the end would come to lie
    /// inside once the log has grown, and hide what is before it.
    pub(in super::super) fn go_back<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        for (partition, offset) in std::mem::take(&mut self.state().back) {
            let mut offsets = TopicPartitionList::with_capacity(1);
            let committed = offsets
                .add_partition_offset(&self.topic, partition, Offset::Offset(offset))
                .and_then(|()| consumer.commit(&offsets, CommitMode::Async));
            if let Err(error) = committed {
                self.give_up(format!("where partition {partition} starts again is not committed: {error}"));
            }
        }
    }

    /// Stores an offset to be committed, unless it speaks of an assignment that is over.
    pub(in super::super) fn settle<C: ConsumerContext>(
        &self,
        consumer: &impl Consumer<C>,
        partition: i32,
        offset: i64,
    ) {
        let mut state = self.state();
        if !state.owned.get(&partition).is_some_and(|span| span.holds(offset)) {
            tracing::debug!(topic = %self.topic, partition, offset, "settled too late, no longer ours");
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(1);
        let stored = offsets
            .add_partition_offset(&self.topic, partition, Offset::Offset(offset))
            .and_then(|()| consumer.store_offsets(&offsets));
        match stored {
            Ok(()) if state.commit_due.is_none() => {
                state.commit_due = Some(Instant::now() + COMMIT_EVERY);
                self.news.notify_one();
            }
            Ok(()) => {}
            // It was lost a moment ago; the record comes again and changes nothing.
            Err(error) => {
                tracing::debug!(topic = %self.topic, partition, offset, %error, "offset not stored")
            }
        }
    }

    /// Sends what is stored to the broker if it is time.
    pub(in super::super) fn commit_if_due<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        if self.state().commit_due.is_some_and(|due| due <= Instant::now()) {
            self.commit(consumer);
        }
    }

    /// Sends what is stored to the broker and does not wait for the answer: there is none for a
    /// commit of this kind. The next report shows whether it arrived.
    pub(super) fn commit<C: ConsumerContext>(&self, consumer: &impl Consumer<C>) {
        if self.state().commit_due.take().is_none() {
            return;
        }
        if let Err(error) = consumer.commit_consumer_state(CommitMode::Async) {
            tracing::warn!(topic = %self.topic, %error, "offsets not committed");
        }
    }
}
