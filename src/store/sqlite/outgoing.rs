//! Events out on SQLite.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::SqliteLedger;
use super::params::list;
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::names::ChannelName;
use crate::domain::outgoing::{Outgoing, Parcel};
use crate::store::StoreError;
use crate::store::batch::Turn;
use crate::store::outgoing::{self, Posts};
use crate::store::write::Candidate;

/// `$1` [sink, event, kind, about, payload], `$2` now.
const POST: &str = "
INSERT INTO outgoing (sink, event, kind, about, payload, created_at, due_at, attempts)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, $2, $2, 0
FROM jsonb_each($1) WHERE true
ON CONFLICT (sink, event) DO NOTHING";

/// `$1` numbers.
const STRIKE_OUT: &str = "DELETE FROM outgoing WHERE number IN (SELECT value FROM json_each($1))";

/// `$1` [number, due at].
const PUT_OFF: &str = "
UPDATE outgoing SET attempts = attempts + 1, due_at = r.value ->> 1
FROM jsonb_each($1) AS r WHERE outgoing.number = r.value ->> 0";

#[async_trait]
impl Posts for SqliteLedger<'_> {
    async fn post(&mut self, now: Timestamp, outgoing: &[Outgoing]) -> Result<(), StoreError> {
        let rows = list(outgoing.iter().map(|o| (o.sink.as_str(), &o.id, &o.kind, &o.about, &o.payload)))?;
        self.run(query(POST).bind(rows).bind(now.as_millisecond())).await
    }

    async fn handed(&mut self, turn: &Turn) -> Result<(), StoreError> {
        if !turn.done.is_empty() {
            self.run(query(STRIKE_OUT).bind(list(turn.done.iter())?)).await?;
        }
        if !turn.refused.is_empty() {
            let rows = list(turn.refused.iter().map(|(number, at)| (number, at.as_millisecond())))?;
            self.run(query(PUT_OFF).bind(rows)).await?;
        }
        Ok(())
    }

    async fn hold(&mut self, lease: &Lease, now: Timestamp, turn: &Turn) -> Result<bool, StoreError> {
        outgoing::hold(self, lease, now, turn).await
    }

    async fn parcels(&mut self, now: Timestamp, turn: &Turn) -> Result<Vec<Parcel>, StoreError> {
        outgoing::parcels(self, now, turn).await
    }

    async fn held_by(&mut self, lease: &Lease, channel: &ChannelName) -> Result<Vec<Candidate>, StoreError> {
        outgoing::held_by(self, lease, channel).await
    }
}
