//! What scenarios share: one fixture a file.

pub mod scripted_channel;
pub mod universe;
pub mod watched_store;
