//! A notification: the decision to tell someone something, before it is split into deliveries.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::event::{Link, RequestText};
use super::ids::{EventId, IncidentId, NotificationId};
use super::incident::{Incident, IncidentStatus};
use super::names::PolicyName;
use super::severity::Severity;

/// Why people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationKind {
    /// An incident was opened.
    Opened,
    /// An incident that was over is back.
    Reopened,
    /// It is still open, and the next step of its policy is taken.
    Escalated,
    /// It has become worse.
    Updated,
    /// Somebody took it.
    Acknowledged,
    /// An incident is over.
    Resolved,
    /// Somebody asked for it directly.
    Direct,
}

impl NotificationKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::Reopened,
        Self::Escalated,
        Self::Updated,
        Self::Acknowledged,
        Self::Resolved,
        Self::Direct,
    ];

    /// The word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Escalated => "escalated",
            Self::Updated => "updated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Direct => "direct",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Says that something is wrong: pointless once somebody has it or it is over (I4, I12).
    pub fn calls_for_action(self) -> bool {
        matches!(self, Self::Opened | Self::Reopened | Self::Escalated | Self::Updated)
    }
}

/// One decision to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The event that caused it; none if a person or time did.
    pub event: Option<EventId>,
    /// The incident it is about, if any.
    pub incident: Option<u64>,
    /// Why.
    pub kind: NotificationKind,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The words of a direct one. What an incident's says is read from the incident when it is
    /// sent, so that it states what is true then.
    pub text: Option<RequestText>,
}

/// What a channel is given to render.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// About an incident.
    Incident(Box<IncidentFacts>),
    /// Asked for directly.
    Direct(RequestText),
    /// Several of these in one message.
    Bundle(Vec<Arc<Content>>),
}

/// What is known of an incident at the moment of sending.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentFacts {
    /// Why the recipient is told.
    pub kind: NotificationKind,
    /// `inc_…`, the root of the mail thread.
    pub id: IncidentId,
    /// The number people say aloud.
    pub number: u64,
    /// Grows by one with each change.
    pub version: u64,
    /// What is wrong.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// What it is about.
    pub service: Option<String>,
    /// More words.
    pub description: Option<String>,
    /// Labels of the last event.
    pub labels: BTreeMap<String, String>,
    /// Links of the last event.
    pub links: Vec<Link>,
    /// Where it came from.
    pub source: String,
    /// Why this recipient: the policy.
    pub policy: Option<PolicyName>,
    /// How many events so far.
    pub event_count: u64,
    /// Since when.
    pub opened_at: Timestamp,
    /// Since when it is over.
    pub resolved_at: Option<Timestamp>,
    /// Who has it.
    pub acknowledged_by: Option<String>,
}

impl IncidentFacts {
    /// What `incident` says to somebody told because of `kind`.
    pub fn of(incident: &Incident, kind: NotificationKind) -> Self {
        Self {
            kind,
            id: incident.id,
            number: incident.number,
            version: incident.version,
            title: incident.title.clone(),
            severity: incident.severity,
            status: incident.status,
            service: incident.service.clone(),
            description: incident.description.clone(),
            labels: incident.labels.clone(),
            links: incident.links.clone(),
            source: incident.source.to_string(),
            policy: incident.policy.clone(),
            event_count: incident.event_count,
            opened_at: incident.opened_at,
            resolved_at: incident.resolved_at,
            acknowledged_by: incident.acknowledged_by.as_deref().map(str::to_owned),
        }
    }
}
