//! Which ways are paused: rows, so that a restart or another node does not open what somebody shut.

use async_trait::async_trait;

use super::StoreError;
use super::reading::{Ask, Fetch};
use super::rows::{corrupt, read_all};
use super::view_rows::PausedRow;
use crate::domain::Timestamp;
use crate::domain::names::ChannelName;
use crate::domain::way::{FlowChange, Paused, Way};

/// What an open transaction can do about ways.
#[async_trait]
pub(super) trait Flows: Send {
    /// Writes down which ways are paused and which are not any more.
    async fn flow(&mut self, now: Timestamp, changes: &[FlowChange]) -> Result<(), StoreError>;

    /// Deliveries of a channel that nobody sends over any more expire when it is too late for them.
    async fn expire(&mut self, now: Timestamp, channel: &ChannelName) -> Result<(), StoreError>;
}

/// `$1` kind, `$2` name, `$3` now. Who paused it first is right about since when.
pub(super) const PAUSE: &str = "INSERT INTO pause (kind, name, since) VALUES ($1, $2, $3) \
     ON CONFLICT (kind, name) DO NOTHING";

/// `$1` kind, `$2` name.
pub(super) const RESUME: &str = "DELETE FROM pause WHERE kind = $1 AND name = $2";

/// `$1` channel, `$2` now.
pub(super) const EXPIRE: &str = "UPDATE delivery SET state = 'expired', updated_at = $2 \
     WHERE channel = $1 AND state IN ('pending', 'retrying') AND expires_at <= $2";

/// What is paused.
pub(super) async fn paused(source: &impl Fetch) -> Result<Paused, StoreError> {
    let rows: Vec<PausedRow> = source.fetch(Ask::new("SELECT kind, name FROM pause")).await?;
    Ok(read_all(rows)?.into_iter().collect())
}

/// The way of a row.
pub(super) fn way(kind: &str, name: &str) -> Result<Way, StoreError> {
    Way::named(kind, name).ok_or_else(|| corrupt(format!("a {kind} cannot be paused")))
}
