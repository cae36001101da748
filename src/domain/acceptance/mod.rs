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

mod acting;
mod desk;
mod draft;
mod firing;
mod members;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::action::By;
use super::dedup::DedupKey;
use super::delivery::{Delivery, DeliveryState, Job, Target};
use super::directory::Directory;
use super::event::Event;
use super::group::Member;
use super::ids::{EventId, NotificationId};
use super::incident::{Incident, Transition};
use super::late::Tombstone;
use super::names::{ChannelName, PolicyName, SourceName};
use super::notification::Notification;
use super::outgoing::EventsOut;
use super::policy::{Policies, Position};
use super::routes::Plan;
use super::timer::TimerKind;
use super::withheld::{Withheld, in_words};
pub use acting::act;
use desk::Desk;
pub use firing::{Affected, Firing, fire};

/// An event to accept, with its plan.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The event.
    pub event: Arc<Event>,
    /// What would be done about it.
    pub plan: Arc<Plan>,
}

/// What incidents are decided by: `[incidents]`, and when the steps of the policies are taken.
#[derive(Debug, Clone)]
pub struct IncidentRules {
    /// An incident that is over reopens inside this window.
    pub dedup_window: Duration,
    /// One that reopens so soon after people were called does not call them again before.
    pub flap_window: Duration,
    /// One that nothing is heard of for so long is over.
    pub auto_resolve: Option<Duration>,
    /// What happened longer ago is written down and nobody is called for it.
    pub max_age: Option<Duration>,
    /// `[policies]`
    pub policies: Arc<Policies>,
    /// Who wants to hear what, when: news of what becomes of an incident goes by it, too.
    pub directory: Arc<Directory>,
    /// `[events_out]`: which changes are told to other systems, in the transaction of the change.
    pub events_out: Arc<EventsOut>,
}

impl Default for IncidentRules {
    fn default() -> Self {
        Self {
            dedup_window: Duration::from_secs(24 * 3600),
            flap_window: Duration::from_secs(60),
            auto_resolve: None,
            max_age: None,
            policies: Arc::default(),
            directory: Arc::default(),
            events_out: Arc::default(),
        }
    }
}

/// How many deliveries may start at once, by channel. Taking one uses it up.
pub type Grants = HashMap<ChannelName, usize>;

/// What a store knows before it decides.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The newest incident of each dedup key in the batch, also where it is only a member of it.
    pub newest: HashMap<DedupKey, u64>,
    /// These.
    pub incidents: HashMap<u64, Incident>,
    /// The members of those that have any.
    pub members: HashMap<u64, Vec<Member>>,
    /// Of incidents that the batch has news of: who was told in this episode.
    pub told: HashMap<u64, Vec<Target>>,
    /// Ends that came before their beginning, by dedup key and source.
    pub tombstones: HashMap<(String, SourceName), Timestamp>,
    /// The highest incident number so far.
    pub last_number: u64,
}

impl Known {
    /// What the newest incident of this dedup key is; of none, that of its group.
    pub fn of(&self, key: &DedupKey, group: Option<&str>) -> Option<&Incident> {
        let newest = |key: &DedupKey| self.incidents.get(self.newest.get(key)?);
        newest(key).or_else(|| newest(&DedupKey::shared(group?)))
    }
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
    /// The event that did it, if one did.
    pub event: Option<EventId>,
    /// Who did it, if no event did.
    pub by: Option<By>,
    /// Why whom was told or not, in words; or the words of whoever did it.
    pub detail: String,
    /// The step of the policy that was taken.
    pub step: Option<StepTaken>,
}

/// Steps of a policy that were taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepTaken {
    /// The policy.
    pub policy: PolicyName,
    /// Which of its steps.
    pub position: Position,
    /// What was told: its deliveries have this notification. None if nobody is told.
    pub notification: Option<NotificationId>,
    /// How many deliveries.
    pub told: usize,
    /// Who was meant and does not hear, and why.
    pub withheld: Vec<Withheld>,
}

impl StepTaken {
    /// `step 2, round 2: 1 delivery; not reached: grace has no phone (channel sms)`
    pub fn words(&self) -> String {
        let Position { round, step } = self.position;
        let mut words = match (round, step) {
            (0, 0) => String::new(),
            (0, step) => format!("step {}: ", step + 1),
            (round, step) => format!("round {}, step {}: ", round + 1, step + 1),
        };
        words.push_str(&match self.told {
            1 => "1 delivery".to_owned(),
            told => format!("{told} deliveries"),
        });
        if !self.withheld.is_empty() {
            words.push_str("; not reached: ");
            words.push_str(&in_words(&self.withheld));
        }
        words
    }
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
    /// Members that are new or changed.
    pub members: Vec<Member>,
    /// Ends of what nobody knows.
    pub tombstones: Vec<Tombstone>,
    /// Incidents whose waiting calls for action make no sense any more (I4, I12).
    pub over: Vec<u64>,
    /// Incidents of which nothing that waits is wanted any more.
    pub deleted: Vec<u64>,
    /// When timers are due; `None`: not at all any more.
    pub timers: BTreeMap<(u64, TimerKind), Option<Timestamp>>,
}

impl Rows {
    /// These rows and those, which were decided after them.
    pub fn add(&mut self, later: Self) {
        self.events.extend(later.events);
        self.incidents.extend(later.incidents);
        self.notifications.extend(later.notifications);
        self.deliveries.extend(later.deliveries);
        self.started.extend(later.started);
        self.timeline.extend(later.timeline);
        self.tombstones.extend(later.tombstones);
        self.members.extend(later.members);
        self.over.extend(later.over);
        self.deleted.extend(later.deleted);
        self.timers.extend(later.timers);
    }

    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.timeline.is_empty() && self.timers.is_empty()
    }
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
