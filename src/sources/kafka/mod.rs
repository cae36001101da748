//! Kafka-protocol topics.
