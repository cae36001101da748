//! From an event to the people who hear about it: routes, policies and the plan they make.
//!
//! First match wins, top to bottom. A plan says who would be told *if* the event opens an incident
//! or ends one; whether it does is decided where the incident is known, by [`super::acceptance`].
//! Only the immediate step of a policy is planned here; later steps will be timers of their own.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::delivery::Target;
use super::directory::Directory;
use super::event::{Body, Event, IncidentEvent};
use super::names::{ChannelName, PolicyName, RouteName, SourceName};
use super::pattern::Pattern;
use super::people::Recipient;
use super::retry::later;
use super::suppression::Suppressions;
use super::{Timestamp, event};

/// What a route looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `service`
    Service,
    /// `severity`, after aliases
    Severity,
    /// `source`
    Source,
    /// `title`
    Title,
    /// `labels.NAME`
    Label(String),
}

impl Field {
    /// The field of this key of `match = { … }`.
    pub fn parse(key: &str) -> Option<Self> {
        match key {
            "service" => Some(Self::Service),
            "severity" => Some(Self::Severity),
            "source" => Some(Self::Source),
            "title" => Some(Self::Title),
            _ => key.strip_prefix("labels.").map(|label| Self::Label(label.to_owned())),
        }
    }

    /// What `event` from `source` has there.
    pub(super) fn of<'a>(&self, event: &'a IncidentEvent, source: &'a SourceName) -> Option<&'a str> {
        match self {
            Self::Service => event.service.as_deref(),
            Self::Severity => Some(event.severity.as_str()),
            Self::Source => Some(source.as_str()),
            Self::Title => Some(&event.title),
            Self::Label(name) => event.labels.get(name).map(String::as_str),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("service"),
            Self::Severity => f.write_str("severity"),
            Self::Source => f.write_str("source"),
            Self::Title => f.write_str("title"),
            Self::Label(name) => write!(f, "labels.{name}"),
        }
    }
}

/// Which incidents go to which policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// For people.
    pub name: RouteName,
    /// All fields must match; each matches if any of its patterns does. Empty matches everything.
    pub matches: BTreeMap<Field, Vec<Pattern>>,
    /// Who takes it.
    pub policy: PolicyName,
}

impl Route {
    /// Does this route take `event` from `source`?
    pub fn takes(&self, event: &IncidentEvent, source: &SourceName) -> bool {
        self.matches.iter().all(|(field, patterns)| {
            field.of(event, source).is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(value)))
        })
    }
}

/// Who hears, when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// Told at once.
    pub immediate: Vec<Step>,
    /// What happens when it is over.
    pub on_resolve: OnResolve,
}

/// One step of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Who.
    pub notify: Vec<Recipient>,
    /// How.
    pub via: Vec<ChannelName>,
}

/// What people hear when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnResolve {
    /// Everyone who was told is told.
    #[default]
    Notify,
    /// Nobody is told.
    Silent,
}

/// A target, and until when telling it makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedDelivery {
    /// Who, how and where.
    pub target: Target,
    /// Not before.
    pub due_at: Timestamp,
    /// Not after.
    pub expires_at: Timestamp,
}

/// What would be done about an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// A route took it.
    Routed {
        /// The route.
        route: RouteName,
        /// Its policy.
        policy: PolicyName,
        /// What happens when the incident is over.
        on_resolve: OnResolve,
        /// Who is told at once if it opens or reopens an incident.
        deliveries: Vec<PlannedDelivery>,
        /// Who was meant and cannot be reached, in words.
        unreachable: Vec<String>,
    },
    /// No route matches: recorded, counted, and nobody hears.
    NoRoute,
    /// A direct notification.
    Direct {
        /// Who is told.
        deliveries: Vec<PlannedDelivery>,
        /// Who was meant and cannot be reached, in words.
        unreachable: Vec<String>,
    },
}

/// A direct notification that reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reaches nobody: {}", .0.join("; "))]
pub struct Unroutable(pub Vec<String>);

/// Routes, policies and people: everything a plan is made from.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// Top to bottom, first match wins.
    pub routes: Vec<Route>,
    /// By name.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// Everybody.
    pub directory: Directory,
}

impl RouteTable {
    /// Who would be told about `event`, but for addresses that are known to be of no use.
    ///
    /// # Errors
    /// A direct notification that reaches nobody at all. An incident that reaches nobody is still
    /// an incident, so that is never an error.
    pub fn plan(&self, event: &Event, known: &Suppressions) -> Result<Plan, Unroutable> {
        match &event.body {
            Body::Incident(body) => Ok(self.plan_incident(body, &event.source, event.received_at, known)),
            Body::Notification(body) => self.plan_direct(body, event.received_at, known),
        }
    }

    /// Who would be told about an incident of `body` that opens `now`.
    pub(super) fn plan_incident(
        &self,
        body: &IncidentEvent,
        source: &SourceName,
        now: Timestamp,
        known: &Suppressions,
    ) -> Plan {
        let Some(route) = self.routes.iter().find(|route| route.takes(body, source)) else {
            return Plan::NoRoute;
        };
        let Some(policy) = self.policies.get(&route.policy) else {
            return Plan::NoRoute;
        };
        let mut unreachable = Vec::new();
        let mut deliveries: Vec<PlannedDelivery> = Vec::new();
        for step in &policy.immediate {
            let reached = self.directory.reach_but(&step.notify, &step.via, known, Some(body.severity));
            unreachable.extend(reached.unreachable);
            for target in reached.targets {
                if !deliveries.iter().any(|planned| planned.target == target) {
                    deliveries.push(self.planned(target, now, None));
                }
            }
        }
        Plan::Routed {
            route: route.name.clone(),
            policy: route.policy.clone(),
            on_resolve: policy.on_resolve,
            deliveries,
            unreachable,
        }
    }

    fn plan_direct(
        &self,
        body: &event::NotificationRequest,
        now: Timestamp,
        known: &Suppressions,
    ) -> Result<Plan, Unroutable> {
        let mut recipients = Vec::new();
        let mut unreachable = Vec::new();
        for text in &body.to {
            match text.parse::<Recipient>() {
                Ok(recipient) => recipients.push(recipient),
                Err(invalid) => unreachable.push(invalid.to_string()),
            }
        }
        let reached = self.directory.reach_but(&recipients, &body.via, known, None);
        unreachable.extend(reached.unreachable);
        if reached.targets.is_empty() {
            return Err(Unroutable(unreachable));
        }
        let due_at = body.send_at.unwrap_or(now);
        let deliveries =
            reached.targets.into_iter().map(|target| self.planned(target, due_at, body.expires_at)).collect();
        Ok(Plan::Direct { deliveries, unreachable })
    }

    fn planned(&self, target: Target, due_at: Timestamp, expires_at: Option<Timestamp>) -> PlannedDelivery {
        let max_age = self.directory.channels.get(&target.channel).map(|reach| reach.max_age);
        let latest = later(due_at, max_age.unwrap_or_default());
        PlannedDelivery { target, due_at, expires_at: expires_at.map_or(latest, |wish| wish.min(latest)) }
    }
}
