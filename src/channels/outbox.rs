//! The provider that keeps every message inside Foghorn, to be looked at.

/// Messages kept.
#[derive(Debug, Default)]
pub struct Outbox;
