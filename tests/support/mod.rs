//! What several scenarios need: one fixture per file.

pub(crate) mod jobs;
pub(crate) mod smtp_sink;
