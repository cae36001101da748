//! Commits that were not heard of.

use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::StoreError;
use super::batch::{Batch, Committed};
use super::write::{Ledger, Written};
use crate::domain::delivery::Job;

/// Jobs whose commit was not heard of: they are on stable storage, or they are not.
///
/// If they are, nobody else will do them in this life of the node. So they are looked for at the
/// next transaction that works, and handed out by the first that has an ear for their channel.
#[derive(Debug, Default)]
pub(super) struct InDoubt(Mutex<Vec<Job>>);

impl InDoubt {
    pub(super) fn jobs(&self) -> Vec<Job> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be told before the commit is asked for.
    pub(super) fn committing(&self, written: &Written) {
        let claimed = written.committed.claimed.iter().flat_map(|claimed| &claimed.jobs);
        let claimed = claimed.flat_map(|job| iter::once(job).chain(&job.rest));
        let jobs = written.committed.started.iter().chain(claimed).chain(&written.unheard);
        *self.lock() = jobs.cloned().collect();
    }

    /// To be told when the commit is heard of.
    pub(super) fn committed(&self, written: Written) -> Committed {
        *self.lock() = written.unheard;
        written.committed
    }
}

/// Hands out those of these jobs that are in hand; the batch may ask nothing of their channel.
pub(super) async fn find<L: Ledger>(
    ledger: &mut L,
    batch: &Batch,
    doubtful: Vec<Job>,
    committed: &mut Committed,
    unheard: &mut Vec<Job>,
) -> Result<(), StoreError> {
    if doubtful.is_empty() {
        return Ok(());
    }
    let attempts: Vec<_> = doubtful.iter().map(|job| (job.id, job.attempt)).collect();
    let found = ledger.in_hand(&batch.lease, &attempts).await?;
    for job in doubtful.into_iter().filter(|job| found.contains(&job.id)) {
        let channel = &job.target.channel;
        match batch.claims.iter().position(|claim| claim.channel == *channel) {
            Some(place) => committed.claimed[place].jobs.push(job),
            None if batch.grants.contains_key(channel) => committed.started.push(job),
            None => unheard.push(job),
        }
    }
    Ok(())
}
