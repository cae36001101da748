//! Which events of a batch are new: the same answer for every store.
//!
//! A store looks up which positions and producer's ids it has ([`Seen`]); [`sift`] keeps what is
//! new, also within the batch, where the first wins; after [`decide`] has decided the rest,
//! [`Sifted::accepted`] says what became of each event.
//!
//! [`decide`]: crate::domain::acceptance::decide

use std::collections::HashMap;

use super::batch::{AcceptResult, Accepted, Quarantined};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, DecidedEvent, Known};
use crate::domain::dedup::DedupKey;
use crate::domain::event::{Body, EventStatus};
use crate::domain::ids::{DeadLetterId, EventId};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::malformed::Malformation;
use crate::domain::policy::{News, Policies};

/// An event of the batch that the store has already.
#[derive(Debug)]
pub(super) struct Seen {
    /// Which of the batch.
    pub(super) index: usize,
    /// The first one's id.
    pub(super) event: EventId,
    /// The first one's incident.
    pub(super) incident: Option<u64>,
    /// How it is known.
    pub(super) by: SeenBy,
}

/// How an event is known.
#[derive(Debug)]
pub(super) enum SeenBy {
    /// The same position: the same record.
    Position,
    /// The same producer's id, with these bytes.
    ProducerId(Vec<u8>),
}

/// A batch without what is known.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    /// What is new, in order.
    pub(super) fresh: Vec<Accept>,
    /// Ids that were used before for something else.
    pub(super) conflicts: Vec<Quarantined>,
    /// One for each event of the batch.
    fates: Vec<Fate>,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    /// The event at this place of `fresh`.
    Fresh(usize),
    /// Known to the store.
    Known(AcceptResult, EventId, Option<u64>),
    /// As the event at this place of `fresh`, which came earlier in the batch.
    After(AcceptResult, usize),
}

/// The dedup keys that these events are about, those of their groups too, each once.
pub(super) fn dedup_keys(accepts: &[Accept]) -> Vec<DedupKey> {
    let mut keys: Vec<DedupKey> = accepts
        .iter()
        .filter_map(|accept| match &accept.event.body {
            Body::Incident(body) => {
                let own = DedupKey::of(body, &accept.event.source);
                Some([Some(own), accept.plan.group().map(DedupKey::shared)])
            }
            Body::Notification(_) => None,
        })
        .flatten()
        .flatten()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Parts what is new from what the store has (`seen`) and from what the batch has twice.
pub(super) fn sift(
    accepts: &[Accept],
    seen: Vec<Seen>,
    now: Timestamp,
    entropy: &mut dyn FnMut() -> u128,
) -> Sifted {
    let mut known: HashMap<usize, Seen> = HashMap::with_capacity(seen.len());
    for seen in seen {
        let by_position = matches!(seen.by, SeenBy::Position);
        if by_position || !known.contains_key(&seen.index) {
            known.insert(seen.index, seen);
        }
    }
    let mut positions = HashMap::with_capacity(accepts.len());
    let mut producer_ids = HashMap::new();
    let mut sifted = Sifted::default();
    for (index, accept) in accepts.iter().enumerate() {
        let event = &accept.event;
        let position = (&event.source, &event.position);
        let producer_id = event.producer_id.as_deref().map(|id| (&event.source, id));
        let fate = if let Some(seen) = known.get(&index) {
            let result = match &seen.by {
                SeenBy::ProducerId(raw) => compared(raw, &event.raw),
                SeenBy::Position => AcceptResult::Duplicate,
            };
            Fate::Known(result, seen.event, seen.incident)
        } else if let Some(first) = positions.get(&position) {
            Fate::After(AcceptResult::Duplicate, *first)
        } else if let Some(first) = producer_id.and_then(|id| producer_ids.get(&id)) {
            let earlier: &Accept = &sifted.fresh[*first];
            Fate::After(compared(&earlier.event.raw, &event.raw), *first)
        } else {
            let place = sifted.fresh.len();
            positions.insert(position, place);
            producer_ids.extend(producer_id.map(|id| (id, place)));
            sifted.fresh.push(accept.clone());
            Fate::Fresh(place)
        };
        if let Fate::Known(AcceptResult::Conflict, ..) | Fate::After(AcceptResult::Conflict, _) = fate {
            sifted.conflicts.push(conflict(accept, now, entropy()));
        }
        sifted.fates.push(fate);
    }
    sifted
}

fn compared(first: &[u8], second: &[u8]) -> AcceptResult {
    if first == second { AcceptResult::Duplicate } else { AcceptResult::Conflict }
}

fn conflict(accept: &Accept, now: Timestamp, entropy: u128) -> Quarantined {
    let event = &accept.event;
    Quarantined {
        id: DeadLetterId::new(now, entropy),
        source: event.source.clone(),
        position: event.position.clone(),
        reason: Malformation::IdConflict,
        detail: "its id was used before for an event with other bytes".to_owned(),
        came_back: event.came_back,
        raw: event.raw.clone(),
    }
}

impl Sifted {
    /// Of which of these incidents the new events may be news to those who were told: those that are
    /// on, where the policy tells of what the event says. The end is told unless a policy says no.
    pub(super) fn news<'a>(&self, known: &'a Known, policies: &Policies) -> Vec<&'a Incident> {
        let tells = |incident: &Incident, said: EventStatus| {
            let policy = incident.policy.as_ref().and_then(|name| policies.get(name));
            match (policy, said) {
                (_, EventStatus::Resolved) => true,
                (Some(policy), EventStatus::Acknowledged) => policy.on_acknowledge == News::Notify,
                (Some(policy), EventStatus::Open) => policy.on_update == News::Notify,
                (None, EventStatus::Acknowledged | EventStatus::Open) => false,
            }
        };
        let mut news: Vec<&Incident> = self
            .fresh
            .iter()
            .filter_map(|accept| match &accept.event.body {
                Body::Incident(body) => {
                    let incident = known.of(&DedupKey::of(body, &accept.event.source), accept.plan.group());
                    incident.filter(|incident| tells(incident, body.status))
                }
                Body::Notification(_) => None,
            })
            .filter(|incident| incident.status != IncidentStatus::Resolved)
            .collect();
        news.sort_unstable_by_key(|incident| incident.number);
        news.dedup_by_key(|incident| incident.number);
        news
    }

    /// What became of each event of the batch, now that the new ones are `decided`.
    pub(super) fn accepted(&self, decided: &[DecidedEvent]) -> Vec<Accepted> {
        let told = |result, place: usize| {
            let first = &decided[place];
            Accepted { event: first.event.id, result, incident: first.incident }
        };
        self.fates
            .iter()
            .map(|fate| match *fate {
                Fate::Fresh(place) => told(AcceptResult::Decided(decided[place].decision), place),
                Fate::After(result, place) => told(result, place),
                Fate::Known(result, event, incident) => Accepted { event, result, incident },
            })
            .collect()
    }
}
