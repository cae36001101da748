//! What librdkafka calls. It does so from inside a poll, on a thread of the runtime, so nothing
//! here may wait: what happened is noted in the [`Membership`], and told by the next poll.

use std::sync::Arc;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};

use super::membership::{Handover, Membership};
use super::statistics::Statistics;

/// The context of one consumer.
pub(super) struct Callbacks(pub(super) Arc<Membership>);

impl Callbacks {
    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let (topic, partitions) = (self.0.topic(), numbers(list));
        let protocol = consumer.rebalance_protocol();
        let done = match protocol {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
        };
        if let Err(error) = done {
            let why = format!("assigned partitions could not be taken: {error}");
            self.0.give_up(why);
            return;
        }
        if self.0.took(&partitions, &protocol)
            && let Err(error) = consumer.pause(list)
        {
            tracing::warn!(topic, %error, "new partitions not paused");
        }
        tracing::info!(topic, ?partitions, "partitions assigned");
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let (topic, partitions) = (self.0.topic(), numbers(list));
        tracing::info!(topic, ?partitions, "partitions revoked");
        match self.0.losing(partitions, consumer.assignment_lost()) {
            Handover::Now => self.0.unassign(consumer, list),
            Handover::Wait => {
                if let Err(error) = consumer.pause(list) {
                    tracing::debug!(topic, %error, "revoked partitions not paused");
                }
            }
        }
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    let elements = list.elements();
    elements.iter().map(|element| element.partition()).collect()
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            _ => self.revoked(consumer, list),
        }
        self.0.news.notify_one();
    }
}

impl ClientContext for Callbacks {
    fn stats_raw(&self, report: &[u8]) {
        match Statistics::read(report) {
            Some(report) => self.0.report(&report),
            None => tracing::debug!("librdkafka's report is not readable"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down says nothing of why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.0.heard(reason);
        }
        tracing::debug!(topic = self.0.topic(), %error, reason, "librdkafka reports");
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }
}
