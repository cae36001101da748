//! What librdkafka calls. It does so from inside a poll, on a thread of the runtime, so nothing
//! here may wait: what happened is noted in the [`Membership`], and told by the next poll.

use std::sync::Arc;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};

use super::arrival;
use super::config::Start;
use super::membership::{Handover, Membership};
use super::reset::Reset;
use super::statistics::Statistics;

/// The context of one consumer.
pub(super) struct Callbacks {
    pub(super) membership: Arc<Membership>,
    pub(super) start: Start,
}

impl Callbacks {
    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        match self.start {
            Start::Latest if list.count() > 0 => self.membership.arriving(list),
            Start::Latest | Start::Earliest => arrival::take(&self.membership, consumer, list),
        }
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let (topic, partitions) = (self.membership.topic(), arrival::numbers(list));
        tracing::info!(topic, ?partitions, "partitions revoked");
        match self.membership.losing(partitions, consumer.assignment_lost()) {
            Handover::Now => self.membership.unassign(consumer, list),
            Handover::Wait => {
                if let Err(error) = consumer.pause(list) {
                    tracing::debug!(topic, %error, "revoked partitions not paused");
                }
            }
        }
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            _ => self.revoked(consumer, list),
        }
        self.membership.news.notify_one();
    }
}

impl ClientContext for Callbacks {
    fn stats_raw(&self, report: &[u8]) {
        match Statistics::read(report) {
            Some(report) => self.membership.report(&report),
            None => tracing::debug!("librdkafka's report is not readable"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down says nothing of why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.membership.heard(reason);
        }
        tracing::debug!(topic = self.membership.topic(), %error, reason, "librdkafka reports");
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => match Reset::read(message) {
                Some(reset) => self.membership.reset(reset),
                None => tracing::warn!(target: "librdkafka", facility, "{message}"),
            },
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }
}
