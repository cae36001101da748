//! What several scenarios need: one file for each fixture.

pub(crate) mod absent_store;
pub(crate) mod http;
pub(crate) mod jobs;
pub(crate) mod scripted_channel;
pub(crate) mod smtp_sink;
pub(crate) mod universe;
pub(crate) mod watched_store;
