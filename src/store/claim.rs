//! Taking waiting deliveries in hand: the same choice for every store.

use std::collections::HashMap;
use std::sync::Arc;

use super::StoreError;
use super::batch::{Batch, Claim, Claimed};
use super::write::{Candidate, Ledger, Taken};
use crate::domain::Timestamp;
use crate::domain::delivery::{DeliveryState, Job};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};

/// Grants one wish: what a crash left behind first, then what is due, then says what still waits.
pub(super) async fn claim<L: Ledger>(
    ledger: &mut L,
    batch: &Batch,
    wish: &Claim,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    let mut candidates = Vec::new();
    if wish.limit > 0 {
        candidates = ledger.orphans(&batch.lease, &wish.channel, wish.limit).await?;
    }
    let left = wish.limit.saturating_sub(candidates.len());
    if left > 0 {
        candidates.extend(ledger.due(&wish.channel, batch.now, left).await?);
    }
    if !candidates.is_empty() {
        let incidents = incidents(ledger, &candidates).await?;
        let taken = sort(candidates, &incidents, batch.now, &mut claimed)?;
        ledger.take(&batch.lease, batch.now, &taken).await?;
    }
    claimed.next_due = ledger.next_due(&wish.channel).await?;
    Ok(claimed)
}

async fn incidents<L: Ledger>(
    ledger: &mut L,
    candidates: &[Candidate],
) -> Result<HashMap<u64, Incident>, StoreError> {
    let mut numbers: Vec<u64> = candidates.iter().filter_map(|c| c.incident).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let incidents = ledger.incidents(&numbers).await?;
    Ok(incidents.into_iter().map(|i| (i.number, i)).collect())
}

/// Parts candidates into jobs, what is too late and what is pointless (I4).
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
        let over = incident.is_some_and(|incident| incident.status == IncidentStatus::Resolved);
        let state = if candidate.expires_at <= now {
            claimed.expired += 1;
            DeliveryState::Expired
        } else if over && candidate.kind.calls_for_action() {
            claimed.canceled += 1;
            DeliveryState::Canceled
        } else {
            DeliveryState::Sending
        };
        let crashes = candidate.crashes + u32::from(candidate.orphan);
        taken.push(Taken {
            id: candidate.id,
            state,
            attempts: candidate.attempts + u32::from(state == DeliveryState::Sending),
            crashes,
            orphaned: candidate.orphan.then_some(candidate.attempts),
        });
        if state == DeliveryState::Sending {
            let content = content(&candidate, incident, &mut said)?;
            claimed.jobs.push(Job {
                id: candidate.id,
                target: candidate.target,
                content,
                attempt: candidate.attempts + 1,
                counted: (candidate.attempts + 1).saturating_sub(candidate.held),
                crashes,
                created_at: candidate.created_at,
                expires_at: candidate.expires_at,
            });
        }
    }
    Ok(taken)
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
