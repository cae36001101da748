//! Events out on PostgreSQL.

use async_trait::async_trait;
use sqlx::query;

use super::ledger::{PostgresLedger, each};
use crate::domain::Timestamp;
use crate::domain::delivery::Lease;
use crate::domain::names::ChannelName;
use crate::domain::outgoing::{Outgoing, Parcel};
use crate::store::StoreError;
use crate::store::batch::Turn;
use crate::store::outgoing::{self, Posts};
use crate::store::write::Candidate;

/// `$1` sinks, `$2` events, `$3` kinds, `$4` what they are about, `$5` payloads, `$6` now.
const POST: &str = "
INSERT INTO outgoing (sink, event, kind, about, payload, created_at, due_at, attempts)
SELECT o.sink, o.event, o.kind, o.about, o.payload, $6, $6, 0
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
     AS o (sink, event, kind, about, payload, place)
ORDER BY o.place
ON CONFLICT (sink, event) DO NOTHING";

/// `$1` numbers.
const STRIKE_OUT: &str = "DELETE FROM outgoing WHERE number = ANY($1::bigint[])";

/// `$1` numbers, `$2` due at.
const PUT_OFF: &str = "
UPDATE outgoing SET attempts = outgoing.attempts + 1, due_at = r.due_at
FROM unnest($1::bigint[], $2::bigint[]) AS r (number, due_at) WHERE outgoing.number = r.number";

#[async_trait]
impl Posts for PostgresLedger {
    async fn post(&mut self, now: Timestamp, outgoing: &[Outgoing]) -> Result<(), StoreError> {
        let post = query(POST)
            .bind(each(outgoing, |o| o.sink.as_str()))
            .bind(each(outgoing, |o| o.id.as_str()))
            .bind(each(outgoing, |o| o.kind.as_str()))
            .bind(each(outgoing, |o| o.about.as_str()))
            .bind(each(outgoing, |o| o.payload.as_str()))
            .bind(now.as_millisecond());
        self.run(post).await
    }

    async fn handed(&mut self, turn: &Turn) -> Result<(), StoreError> {
        if !turn.done.is_empty() {
            self.run(query(STRIKE_OUT).bind(&turn.done)).await?;
        }
        if !turn.refused.is_empty() {
            let put_off = query(PUT_OFF)
                .bind(each(&turn.refused, |(number, _)| *number))
                .bind(each(&turn.refused, |(_, at)| at.as_millisecond()));
            self.run(put_off).await?;
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
