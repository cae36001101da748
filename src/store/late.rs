//! Ends that came before their beginnings, kept for as long as the beginning may still come.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::rows::{Readable, time};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Known};
use crate::domain::dedup::DedupKey;
use crate::domain::event::{Body, EventStatus};
use crate::domain::late::Tombstone;
use crate::domain::names::SourceName;

/// What an open transaction can do about them.
#[async_trait]
pub(super) trait Tombstones: Send {
    /// Which of these dedup keys of these sources ended already, and when.
    async fn tombstones(
        &mut self,
        now: Timestamp,
        keys: &[(&str, &SourceName)],
    ) -> Result<Vec<KnownEnd>, StoreError>;

    /// Keeps these, and forgets those whose time is over.
    async fn bury(&mut self, now: Timestamp, tombstones: &[Tombstone]) -> Result<(), StoreError>;
}

/// What ended: its dedup key and source, and when.
pub(super) type KnownEnd = ((String, SourceName), Timestamp);

/// Looks up what ended of that which these events begin. Nobody is asked unless a source says when things happened.
pub(super) async fn look_up<L: Tombstones>(
    ledger: &mut L,
    now: Timestamp,
    fresh: &[Accept],
    known: &mut Known,
) -> Result<(), StoreError> {
    let keys: Vec<(&str, &SourceName)> = fresh
        .iter()
        .filter_map(|accept| match &accept.event.body {
            Body::Incident(body) if body.status == EventStatus::Open && body.occurred_at.is_some() => {
                let source = &accept.event.source;
                let is_new = !known.newest.contains_key(&DedupKey::of(body, source));
                is_new.then_some((body.dedup_key.as_str(), source))
            }
            _ => None,
        })
        .collect();
    if !keys.is_empty() {
        known.tombstones.extend(ledger.tombstones(now, &keys).await?);
    }
    Ok(())
}

#[derive(Debug, FromRow)]
pub(super) struct TombstoneRow {
    dedup_key: String,
    source: String,
    ended_at: i64,
}

impl Readable for TombstoneRow {
    type Value = KnownEnd;

    fn read(self) -> Result<KnownEnd, StoreError> {
        Ok(((self.dedup_key, self.source.into()), time(self.ended_at)?))
    }
}
