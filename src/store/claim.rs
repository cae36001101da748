//! Taking waiting deliveries in hand: the same choice for every store.

use std::collections::HashMap;
use std::sync::Arc;

use super::StoreError;
use super::batch::{Adopt, Batch, Claimed, Committed, Ended};
use super::bundling::{Bundles, gather};
use super::incident_rows::{IncidentRow, incident_columns};
use super::outgoing::{Posts, given_up};
use super::reading::{Ask, Fetch};
use super::rows::{CandidateRow, candidate_columns, column, read_all};
use super::write::{Candidate, Ledger, Orphaned, Taken};
use crate::domain::Timestamp;
use crate::domain::delivery::{DeadReason, DeliveryState, Job};
use crate::domain::ids::DeliveryId;
use crate::domain::incident::{Calls, Incident};
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};

/// Grants the wish at `place`: adopts first if it says so, then takes what is due, then says what
/// still waits.
pub(super) async fn claim<L: Ledger + Posts + Bundles>(
    ledger: &mut L,
    batch: &Batch,
    place: usize,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let wish = &batch.claims[place];
    if let Some(orphaned) = orphaned(wish.adopt) {
        let given = committed.claimed.iter().flat_map(|claimed| &claimed.jobs).chain(&committed.started);
        let holding: Vec<DeliveryId> = wish.holding.iter().copied().chain(given.flat_map(Job::ids)).collect();
        if orphaned.state == DeliveryState::Dead {
            given_up(ledger, batch, &wish.channel, &holding, committed).await?;
        }
        ledger.adopt(&batch.lease, batch.now, &wish.channel, orphaned, &holding).await?;
    }
    let claimed = &mut committed.claimed[place];
    let left = wish.limit.saturating_sub(claimed.jobs.len());
    if left > 0 {
        let due = ledger.due(&wish.channel, batch.now, left).await?;
        if !due.is_empty() {
            let gathered = gather(ledger, &wish.channel, due, batch.now).await?;
            let incidents = incidents(ledger, gathered.all()).await?;
            let mut taken = sort(gathered.alone, &incidents, batch.now, claimed)?;
            for candidates in gathered.together {
                let alone = claimed.jobs.len();
                taken.extend(sort(candidates, &incidents, batch.now, claimed)?);
                join(&mut claimed.jobs, alone);
            }
            ledger.take(&batch.lease, batch.now, &taken).await?;
        }
    }
    claimed.next_due = ledger.next_due(&wish.channel).await?;
    Ok(())
}

fn orphaned(adopt: Adopt) -> Option<Orphaned> {
    match adopt {
        Adopt::Nothing => None,
        Adopt::Retry => Some(Orphaned { state: DeliveryState::Retrying, dead_reason: None }),
        Adopt::Hold => {
            let dead_reason = Some(DeadReason::Unknown.as_str());
            Some(Orphaned { state: DeliveryState::Dead, dead_reason })
        }
    }
}

/// Everything from `first` on goes out in one message.
fn join(jobs: &mut Vec<Job>, first: usize) {
    let mut together = jobs.split_off(first).into_iter();
    jobs.extend(together.next().map(|job| Job { rest: together.collect(), ..job }));
}

async fn incidents<L: Ledger>(
    ledger: &mut L,
    candidates: impl Iterator<Item = &Candidate>,
) -> Result<HashMap<u64, Incident>, StoreError> {
    let mut numbers: Vec<u64> = candidates.filter_map(|c| c.incident).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let incidents = ledger.incidents(&numbers).await?;
    Ok(incidents.into_iter().map(|i| (i.number, i)).collect())
}

/// Parts candidates into jobs, what is too late and what is pointless (I4, I12).
fn sort(
    candidates: Vec<Candidate>,
    incidents: &HashMap<u64, Incident>,
    now: Timestamp,
    claimed: &mut Claimed,
) -> Result<Vec<Taken>, StoreError> {
    let mut said = HashMap::new();
    let mut taken = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let incident = candidate.incident.and_then(|number| incidents.get(&number));
        let over = incident.is_some_and(|incident| incident.calls == Calls::Off);
        let deleted = incident.is_some_and(|incident| incident.deleted_at.is_some());
        let pointless = over && !candidate.even_if_over && candidate.kind.calls_for_action();
        let state = if candidate.expires_at <= now {
            claimed.expired += 1;
            DeliveryState::Expired
        } else if deleted || pointless {
            claimed.canceled += 1;
            DeliveryState::Canceled
        } else {
            DeliveryState::Sending
        };
        taken.push(Taken {
            id: candidate.id,
            state,
            attempts: candidate.attempts + u32::from(state == DeliveryState::Sending),
        });
        if state != DeliveryState::Sending {
            claimed.ended.push(Ended {
                id: candidate.id,
                state,
                target: candidate.target,
                kind: candidate.kind,
                incident: candidate.incident,
            });
        } else {
            let content = content(&candidate, incident, &mut said)?;
            claimed.jobs.push(next_attempt(candidate, content));
        }
    }
    Ok(taken)
}

fn next_attempt(candidate: Candidate, content: Arc<Content>) -> Job {
    Job {
        id: candidate.id,
        target: candidate.target,
        content,
        priority: candidate.priority,
        attempt: candidate.attempts + 1,
        counted: (candidate.attempts + 1).saturating_sub(candidate.held),
        crashes: candidate.crashes,
        created_at: candidate.created_at,
        expires_at: candidate.expires_at,
        rest: Vec::new(),
    }
}

/// What to say; everybody told of an incident for the same reason shares one copy.
fn content(
    candidate: &Candidate,
    incident: Option<&Incident>,
    said: &mut HashMap<(u64, NotificationKind), Arc<Content>>,
) -> Result<Arc<Content>, StoreError> {
    if let Some(incident) = incident {
        let facts = said.entry((incident.number, candidate.kind)).or_insert_with(|| {
            let facts = IncidentFacts::of(incident, candidate.kind);
            Arc::new(Content::Incident(Box::new(facts)))
        });
        return Ok(Arc::clone(facts));
    }
    match &candidate.text {
        Some(text) => Ok(Arc::new(Content::Direct(text.clone()))),
        None => Err(StoreError::Corrupt(format!("{} says nothing", candidate.id))),
    }
}

/// A delivery as an attempt on it would see it now, whatever state it is in.
pub(super) fn seen(candidate: Candidate, incident: Option<&Incident>) -> Result<Job, StoreError> {
    let content = content(&candidate, incident, &mut HashMap::new())?;
    Ok(next_attempt(candidate, content))
}

/// The delivery `id` of a SQL store, as [`seen`].
pub(super) async fn job(source: &impl Fetch, id: DeliveryId) -> Result<Option<Job>, StoreError> {
    let columns = concat!("SELECT ", candidate_columns!(), " FROM delivery AS d JOIN notification AS n ");
    let ask = Ask::new(columns).push("ON n.id = d.notification WHERE d.id = ").text(id);
    let rows: Vec<CandidateRow> = source.fetch(ask).await?;
    let Some(candidate) = read_all(rows)?.pop() else { return Ok(None) };
    let incident: Option<Incident> = match candidate.incident {
        Some(number) => {
            let columns = concat!("SELECT ", incident_columns!(), " FROM incident AS i WHERE i.number = ");
            let rows: Vec<IncidentRow> = source.fetch(Ask::new(columns).number(column(number))).await?;
            read_all(rows)?.pop()
        }
        None => None,
    };
    seen(candidate, incident.as_ref()).map(Some)
}
