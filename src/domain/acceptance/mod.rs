//! What accepting a batch of events means: the rows to write, decided without any store.
//!
//! A store drops the events it already has, looks up the incidents the rest is about, asks
//! [`decide`] and writes what it says, all in one transaction. So the three stores cannot disagree
//! about meaning, only about SQL.
//!
//! Of each event the answer records one decision ([`Decision`]); of each incident that changed, its
//! final state; and for everybody to be told, a delivery. A delivery that is due now and for which
//! the pool of its channel has a free place (a *grant*) is written as `sending` with its first
//! attempt, and handed out at once; the rest wait as `pending` rows.

mod desk;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Timestamp;
use super::delivery::{Delivery, DeliveryState, Job, Target};
use super::event::Event;
use super::ids::EventId;
use super::incident::{Incident, Transition};
use super::names::ChannelName;
use super::notification::Notification;
use super::routes::Plan;
use desk::Desk;

/// An event to accept, with its plan.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The event.
    pub event: Arc<Event>,
    /// What would be done about it.
    pub plan: Arc<Plan>,
}

/// `[incidents]`, as far as acceptance needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRules {
    /// An incident that is over reopens inside this window.
    pub dedup_window: Duration,
}

impl Default for IncidentRules {
    fn default() -> Self {
        Self { dedup_window: Duration::from_secs(24 * 3600) }
    }
}

/// How many deliveries may start at once, by channel. Taking one uses it up.
pub type Grants = HashMap<ChannelName, usize>;

/// What a store knows before it decides.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The newest incident of each dedup key in the batch.
    pub incidents: HashMap<String, Incident>,
    /// Of incidents that the batch may end: who was told in this episode.
    pub told: HashMap<u64, Vec<Target>>,
    /// The highest incident number so far.
    pub last_number: u64,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It was about an incident, and a route took it.
    Routed(Transition),
    /// It was about an incident that no route matches.
    NoRoute(Transition),
    /// It asked to tell people directly.
    Direct,
}

impl Decision {
    /// Every word of a decision.
    pub const WORDS: [&'static str; 3] = ["routed", "no_route", "direct"];

    /// The word of the decision in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Routed(_) => "routed",
            Self::NoRoute(_) => "no_route",
            Self::Direct => "direct",
        }
    }

    /// What it did to its incident, if it is about one.
    pub fn transition(self) -> Option<Transition> {
        match self {
            Self::Routed(transition) | Self::NoRoute(transition) => Some(transition),
            Self::Direct => None,
        }
    }

    /// The `result` of an event in the API.
    pub fn result(self) -> &'static str {
        match self {
            Self::Routed(transition) | Self::NoRoute(transition) => transition.as_str(),
            Self::Direct => "notified",
        }
    }
}

/// One event and what became of it.
#[derive(Debug, Clone)]
pub struct DecidedEvent {
    /// The event.
    pub event: Arc<Event>,
    /// What became of it.
    pub decision: Decision,
    /// The incident it is about.
    pub incident: Option<u64>,
}

/// One line of an incident's history.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// The incident.
    pub incident: u64,
    /// The version that this change made; entries are unique by incident and version.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub transition: Transition,
    /// The event that did it.
    pub event: EventId,
    /// Why whom was told or not, in words.
    pub detail: String,
}

/// A delivery to insert, in the state to insert it in.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// `Pending`, `Sending` (with attempt 1) or `Canceled`.
    pub state: DeliveryState,
}

/// The rows of one batch.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Each event with its decision, in order.
    pub events: Vec<DecidedEvent>,
    /// The final state of each incident that changed or is new, by number.
    pub incidents: Vec<Incident>,
    /// Decisions to tell.
    pub notifications: Vec<Notification>,
    /// Whom to tell.
    pub deliveries: Vec<NewDelivery>,
    /// What is handed out at once: the deliveries in state `Sending`.
    pub started: Vec<Job>,
    /// One entry for each change of an incident.
    pub timeline: Vec<TimelineEntry>,
    /// Incidents whose waiting calls for action make no sense any more (I4).
    pub over: Vec<u64>,
}

/// Decides a batch. `entropy` gives the random part of new ids.
pub fn decide(
    accepts: &[Accept],
    known: Known,
    grants: &mut Grants,
    rules: &IncidentRules,
    now: Timestamp,
    entropy: &mut dyn FnMut() -> u128,
) -> Rows {
    let mut desk = Desk::new(known, grants, rules, now, entropy);
    for accept in accepts {
        desk.accept(accept);
    }
    desk.finish()
}
