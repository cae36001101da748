//! Records that are tried one at a time after an end without a word, each written down before
//! anybody looks into it: see [`crate::domain::caution`].

use async_trait::async_trait;

use super::StoreError;
use super::batch::{Batch, Trial};
use super::rows::number;
use crate::domain::Timestamp;
use crate::domain::caution::{Step, judge};
use crate::domain::delivery::Lease;
use crate::domain::event::Position;
use crate::domain::names::SourceName;

/// What an open transaction can do about trials. Every method is one statement.
#[async_trait]
pub(super) trait Trials: Send {
    /// How many lives ended over each of these records, the one that asks left out; or [`STORED`].
    /// One for each, in order.
    async fn ends(&mut self, lease: &Lease, trials: &[Trial]) -> Result<Vec<i64>, StoreError>;

    /// Writes trials down, each with how many lives will have ended over it should this one.
    async fn begin(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        begun: &[(&Trial, u32)],
    ) -> Result<(), StoreError>;

    /// These are settled.
    async fn acquit(&mut self, records: &[(SourceName, Position)]) -> Result<(), StoreError>;
}

/// In the store already, as an event or as a dead letter: it has been through everything.
pub(super) const STORED: i64 = -1;

/// Writes down which trials begin, strikes out which are over, and says how many lives ended over
/// each of `batch.trials`.
pub(super) async fn try_out<L: Trials>(ledger: &mut L, batch: &Batch) -> Result<Vec<u32>, StoreError> {
    if !batch.acquitted.is_empty() {
        ledger.acquit(&batch.acquitted).await?;
    }
    if batch.trials.is_empty() {
        return Ok(Vec::new());
    }
    let mut tried = Vec::with_capacity(batch.trials.len());
    let mut begun = Vec::new();
    for (trial, ends) in batch.trials.iter().zip(ledger.ends(&batch.lease, &batch.trials).await?) {
        if ends == STORED {
            tried.push(0);
            continue;
        }
        let ends: u32 = number(ends)?;
        if judge(ends, trial.waited) == Step::Try {
            begun.push((trial, ends + 1));
        }
        tried.push(ends);
    }
    if !begun.is_empty() {
        ledger.begin(&batch.lease, batch.now, &begun).await?;
    }
    Ok(tried)
}

/// `$1` node.
pub(super) const DIED: &str = "SELECT count(*) AS value FROM node WHERE name = $1 AND ended_at IS NULL";

/// `$1` node, `$2` epoch, `$3` now. A newer life is left alone.
pub(super) const RELEASE: &str = "UPDATE node SET ended_at = $3 WHERE name = $1 AND epoch = $2";

/// `$1` node, `$2` epoch. What is on trial in this life did not end it.
pub(super) const EXCUSE: &str = "UPDATE trial SET ends = ends - 1, epoch = 0 WHERE node = $1 AND epoch = $2";
