//! What several scenarios need: one file for each fixture.

pub(crate) mod absent_store;
pub(crate) mod http;
pub(crate) mod scripted_channel;
pub(crate) mod universe;
pub(crate) mod watched_store;
