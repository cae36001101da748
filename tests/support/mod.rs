//! What several scenarios need: one file for each fixture.

pub(crate) mod absent_store;
pub(crate) mod cluster;
pub(crate) mod database;
pub(crate) mod databases;
pub(crate) mod events;
pub(crate) mod guide;
pub(crate) mod http;
pub(crate) mod jobs;
pub(crate) mod json_schema;
pub(crate) mod kafka_front;
pub(crate) mod load;
pub(crate) mod polling;
pub(crate) mod process;
pub(crate) mod records;
pub(crate) mod said;
pub(crate) mod scripted_channel;
pub(crate) mod services;
pub(crate) mod smtp_sink;
pub(crate) mod stores;
pub(crate) mod tansu;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod universe;
pub(crate) mod watched_store;
pub(crate) mod whole;
