//! Dead deliveries are repeated as new ones: each once, whoever asks, and with the other target if the
//! old one was at fault.

use std::collections::HashSet;

use super::StoreError;
use super::batch::{Batch, Committed};
use super::bulk::Bulks;
use super::write::Ledger;
use crate::domain::Timestamp;
use crate::domain::bulk::Resolved;
use crate::domain::delivery::{Repeat, Target};
use crate::domain::ids::{DeliveryId, JobId};
use crate::domain::names::ChannelName;

/// A wish to repeat a dead delivery.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    /// The dead one.
    pub(super) dead: DeliveryId,
    /// The id of the new one.
    pub(super) child: DeliveryId,
    /// The bulk job that repeats it.
    pub(super) job: Option<JobId>,
    /// Whether it is sent although its incident is over.
    pub(super) resolved: Resolved,
    /// To whom and how; `None`: as before.
    pub(super) to: Option<Target>,
}

impl Replay {
    /// As somebody asked for it.
    pub(super) fn of(Repeat { dead, to }: Repeat, now: Timestamp) -> Self {
        let child = DeliveryId::new(now, fastrand::u128(..));
        Self { dead, child, job: None, resolved: Resolved::Skip, to }
    }
}

/// Repeats what people asked for, each once.
pub(super) async fn replay<L: Ledger + Bulks>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let mut once = HashSet::new();
    let wishes: Vec<Option<Replay>> = batch
        .replays
        .iter()
        .map(|repeat| once.insert(repeat.dead).then(|| Replay::of(repeat.clone(), batch.now)))
        .collect();
    let replays: Vec<Replay> = wishes.iter().flatten().cloned().collect();
    let repeated = repeat(ledger, batch.now, &replays, committed).await?;
    for wish in wishes {
        let child = wish.map(|wish| wish.child);
        committed.replayed.push(child.filter(|child| repeated.contains(child)));
    }
    Ok(())
}

/// Repeats these, each once: then they are no dead letters any more. Says which are new.
pub(super) async fn repeat<L: Ledger + Bulks>(
    ledger: &mut L,
    now: Timestamp,
    replays: &[Replay],
    committed: &mut Committed,
) -> Result<HashSet<DeliveryId>, StoreError> {
    let repeated = ledger.replay(now, replays).await?;
    let settled = replays.iter().filter(|replay| repeated.contains_key(&replay.child));
    let settled: Vec<DeliveryId> = settled.map(|replay| replay.dead).collect();
    ledger.settle(now, &settled).await?;
    for channel in repeated.values() {
        count(&mut committed.waiting, channel);
    }
    Ok(repeated.into_keys().collect())
}

/// One more waits for the pool of `channel`.
pub(super) fn count(waiting: &mut Vec<(ChannelName, usize)>, channel: &ChannelName) {
    match waiting.iter_mut().find(|(name, _)| name == channel) {
        Some((_, count)) => *count += 1,
        None => waiting.push((channel.clone(), 1)),
    }
}
