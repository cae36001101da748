//! The few figures that matter out of librdkafka's periodic report.

use std::collections::HashMap;

use serde::Deserialize;

/// One report.
#[derive(Debug, Deserialize)]
pub(super) struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    topics: HashMap<String, Topic>,
    cgrp: Option<Group>,
}

#[derive(Debug, Deserialize)]
struct Broker {
    state: String,
}

#[derive(Debug, Deserialize)]
struct Topic {
    #[serde(default)]
    partitions: HashMap<String, Partition>,
}

#[derive(Debug, Deserialize)]
struct Partition {
    #[serde(default = "unknown")]
    consumer_lag: i64,
    #[serde(default = "unknown")]
    consumer_lag_stored: i64,
    #[serde(default = "unknown")]
    stored_offset: i64,
    #[serde(default = "unknown")]
    committed_offset: i64,
}

#[derive(Debug, Deserialize)]
struct Group {
    state: String,
    join_state: String,
}

fn unknown() -> i64 {
    -1
}

impl Statistics {
    /// The report in librdkafka's JSON.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Some broker is connected.
    pub(super) fn is_connected(&self) -> bool {
        self.brokers.values().any(|broker| broker.state == "UP")
    }

    /// The coordinator is there, and yet nobody is joining the group. Normal for a moment.
    pub(super) fn is_outside_the_group(&self) -> bool {
        self.cgrp.as_ref().is_some_and(|group| group.state == "up" && group.join_state == "init")
    }

    /// Some partition of `topic` has an offset stored that the broker does not have.
    pub(super) fn owes_commits(&self, topic: &str) -> bool {
        let owes = |partition: &Partition| partition.stored_offset > partition.committed_offset;
        self.topics.get(topic).is_some_and(|topic| topic.partitions.values().any(owes))
    }

    /// Records behind the newest, over all partitions of `topic` where it is known.
    pub(super) fn lag(&self, topic: &str) -> Option<u64> {
        self.topics
            .get(topic)?
            .partitions
            .values()
            .filter_map(|partition| {
                u64::try_from(partition.consumer_lag_stored)
                    .or_else(|_| u64::try_from(partition.consumer_lag))
                    .ok()
            })
            .reduce(|sum, lag| sum + lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_found_and_unknown_ones_do_not_count() {
        let report = Statistics::read(
            br#"{"name":"x","brokers":{"b":{"state":"UP","nodeid":1}},"topics":{"t":{"partitions":{
                "0":{"consumer_lag":9,"consumer_lag_stored":4,
                "stored_offset":8,"committed_offset":8},"1":{"consumer_lag":3,"consumer_lag_stored":-1},
                "-1":{"consumer_lag":-1}}}},"cgrp":{"state":"up","join_state":"init"}}"#,
        )
        .expect("a report");
        assert!(report.is_connected());
        assert!(report.is_outside_the_group());
        assert!(!report.owes_commits("t"));
        assert_eq!(report.lag("t"), Some(7));
        assert_eq!(report.lag("other"), None);
    }
}
