//! From an event to the people who hear about it: routes, policies and the plan they make.
//!
//! First match wins, top to bottom. A plan says who would be told *if* the event opens an incident
//! or ends one; whether it does is decided where the incident is known, by [`super::acceptance`].
//! Of a policy's steps, those of one moment are planned at a time: the first ones when the event is
//! there, each later one when its timer fires, so that whoever is in charge by then is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::delivery::Target;
use super::directory::{Directory, Reached};
use super::event::{Body, Event, IncidentEvent};
use super::group;
use super::hearing::Matter;
use super::incident::Incident;
use super::names::{PolicyName, RouteName, SourceName};
use super::owner::Locales;
use super::pattern::Pattern;
use super::people::Recipient;
use super::policy::{Policies, Policy, Position, Step};
use super::retry::later;
use super::severity::Severity;
use super::silence::{self, Held, Silence};
use super::suppression::Suppressions;
use super::withheld::{Why, Withheld, in_words};
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
    /// What has the same values there is one incident. Empty: each is its own.
    pub group_by: Vec<Field>,
}

impl Route {
    /// Does this route take `event` from `source`?
    pub fn takes(&self, event: &IncidentEvent, source: &SourceName) -> bool {
        all_match(&self.matches, event, source)
    }
}

/// Does `event` from `source` have in each field what one of its patterns says?
pub fn all_match(
    matches: &BTreeMap<Field, Vec<Pattern>>,
    event: &IncidentEvent,
    source: &SourceName,
) -> bool {
    matches.iter().all(|(field, patterns)| {
        field.of(event, source).is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(value)))
    })
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
    /// How long it waits for others to the same address.
    pub bundle: Option<Duration>,
}

/// Whom one step tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Who hears, each when they want to.
    pub deliveries: Vec<PlannedDelivery>,
    /// Who was meant and does not.
    pub withheld: Vec<Withheld>,
}

/// What would be done about an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// A route took it.
    Routed {
        /// The route.
        route: RouteName,
        /// The dedup key of everything that is one incident with it, if the route makes groups.
        group: Option<String>,
        /// What is done at once if it opens or reopens an incident.
        step: StepPlan,
    },
    /// No route matches: recorded, counted, and nobody hears.
    NoRoute,
    /// A direct notification.
    Direct {
        /// Who is told.
        deliveries: Vec<PlannedDelivery>,
        /// Who was meant and does not hear.
        withheld: Vec<Withheld>,
        /// What they read, of those of whom it is known.
        locales: Locales,
    },
}

/// Who is told by the steps of one position of a policy. None if the first step comes later.
#[derive(Debug, Clone, PartialEq)]
pub struct StepPlan {
    /// The policy.
    pub policy: PolicyName,
    /// Which of its steps.
    pub position: Position,
    /// Who is told.
    pub deliveries: Vec<PlannedDelivery>,
    /// Who was meant and does not hear.
    pub withheld: Vec<Withheld>,
    /// Nobody hears because of a silence, until this moment: an incident that is open then is told.
    pub silenced_until: Option<Timestamp>,
}

/// A direct notification that reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reaches nobody: {}", in_words(.0))]
pub struct Unroutable(pub Vec<Withheld>);

/// Routes, policies and people: everything a plan is made from.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// Top to bottom, first match wins.
    pub routes: Vec<Route>,
    /// By name.
    pub policies: Arc<Policies>,
    /// Everybody.
    pub directory: Directory,
    /// When nobody is told of what.
    pub silences: Vec<Silence>,
}

impl Plan {
    /// The dedup key of what is one incident with it.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Routed { group, .. } => group.as_deref(),
            Self::NoRoute | Self::Direct { .. } => None,
        }
    }
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
            Body::Notification(body) => {
                let Told { deliveries, withheld } = self.plan_direct(body, event.received_at, known)?;
                let locales = self.directory.locales(&deliveries);
                Ok(Plan::Direct { deliveries, withheld, locales })
            }
        }
    }

    fn plan_incident(
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
        let begin = policy.begins_after().is_zero().then_some(Position::default());
        let step = self.plan_steps((&route.policy, policy), begin, (body, source), now, known);
        let group = group::key(&route.name, &route.group_by, body, source);
        Plan::Routed { route: route.name.clone(), group, step }
    }

    /// Who is told of `incident` by the next step of its policy, if a timer says that it is time.
    /// `None` if its policy is not configured any more.
    pub fn plan_step(&self, incident: &Incident, now: Timestamp, known: &Suppressions) -> Option<StepPlan> {
        let name = incident.policy.as_ref()?;
        let policy = self.policies.get(name)?;
        let about = IncidentEvent::of(incident);
        let about = (&about, &incident.source);
        Some(self.plan_steps((name, policy), Some(incident.position), about, now, known))
    }

    pub(super) fn plan_steps(
        &self,
        (name, policy): (&PolicyName, &Policy),
        position: Option<Position>,
        (about, source): (&IncidentEvent, &SourceName),
        now: Timestamp,
        known: &Suppressions,
    ) -> StepPlan {
        let silence = silence::held(&self.silences, about, source, now);
        let mut withheld = Vec::new();
        let mut deliveries: Vec<PlannedDelivery> = Vec::new();
        let steps = position.map_or(0..0, |position| policy.at(position));
        for step in &policy.steps[steps] {
            let told = self.told(step, about.severity, known, silence.as_ref(), now);
            withheld.extend(told.withheld);
            for planned in told.deliveries {
                if !deliveries.iter().any(|earlier| earlier.target == planned.target) {
                    deliveries.push(PlannedDelivery { bundle: policy.bundle, ..planned });
                }
            }
        }
        StepPlan {
            policy: name.clone(),
            position: position.unwrap_or_default(),
            deliveries,
            withheld,
            silenced_until: silence.map(|silence| silence.until),
        }
    }

    /// Whom a step tells of an incident of `severity` at `at`, which is when the step is due.
    fn told(
        &self,
        step: &Step,
        severity: Severity,
        known: &Suppressions,
        silence: Option<&Held>,
        at: Timestamp,
    ) -> Told {
        let reached = self.directory.reach_but(&step.notify, &step.via, known, Some(severity), at);
        match silence {
            Some(silence) => {
                let silenced = |target: Target| {
                    let Held { silence, until } = silence.clone();
                    Withheld::on(&target.channel, target.recipient, Why::Silenced { silence, until })
                };
                let withheld = reached.withheld.into_iter().chain(reached.targets.into_iter().map(silenced));
                Told { deliveries: Vec::new(), withheld: withheld.collect() }
            }
            None => self.hearing(reached, Matter::Incident(severity), at, None),
        }
    }

    /// Those of `reached` who want to hear, each when they do.
    fn hearing(
        &self,
        reached: Reached,
        matter: Matter<'_>,
        due_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Told {
        let mut told = Told { deliveries: Vec::new(), withheld: reached.withheld };
        for target in reached.targets {
            let planned = self.planned(target, due_at, expires_at);
            match self.directory.hears(&planned.target, matter, due_at, planned.expires_at) {
                Ok(due_at) => told.deliveries.push(PlannedDelivery { due_at, ..planned }),
                Err(why) => {
                    let Target { recipient, channel, .. } = planned.target;
                    told.withheld.push(Withheld::on(&channel, recipient, why));
                }
            }
        }
        told
    }

    pub(super) fn plan_direct(
        &self,
        body: &event::NotificationRequest,
        now: Timestamp,
        known: &Suppressions,
    ) -> Result<Told, Unroutable> {
        let mut recipients = Vec::new();
        let mut withheld = Vec::new();
        for text in &body.to {
            match text.parse::<Recipient>() {
                Ok(recipient) => recipients.push(recipient),
                Err(_) => withheld.push(Withheld::of(text.as_str(), Why::NamesNobody)),
            }
        }
        let due_at = body.send_at.unwrap_or_else(|| later(now, body.digest.unwrap_or_default()));
        let matter = Matter::Direct { priority: body.priority, of: body.of.as_ref() };
        let via = self.directory.meant(&body.via);
        let reached = self.directory.reach_but(&recipients, &via, known, None, due_at);
        let reached = self.directory.owned(reached, &body.whose);
        let mut told = self.hearing(reached, matter, due_at, body.expires_at);
        told.deliveries.iter_mut().for_each(|planned| planned.bundle = body.digest);
        withheld.extend(told.withheld);
        // Who does not want to hear is no mistake of whoever asked.
        if told.deliveries.is_empty() && !withheld.iter().any(|one| one.why.is_a_wish()) {
            return Err(Unroutable(withheld));
        }
        Ok(Told { deliveries: told.deliveries, withheld })
    }

    fn planned(&self, target: Target, due_at: Timestamp, expires_at: Option<Timestamp>) -> PlannedDelivery {
        let max_age = self.directory.channels.get(&target.channel).map(|reach| reach.max_age);
        let latest = later(due_at, max_age.unwrap_or_default());
        let expires_at = expires_at.map_or(latest, |wish| wish.min(latest));
        PlannedDelivery { target, due_at, expires_at, bundle: None }
    }
}
