//! What happened, as the stream tells it.
//!
//! A fact owns its few words, so that it keeps no record's bytes alive. Addresses leave masked.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::Timestamp;
use crate::domain::delivery::{Address, DeliveryState, Target};
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId};
use crate::domain::incident::{IncidentStatus, Transition};
use crate::domain::names::{ChannelName, PolicyName, RouteName, SourceName};
use crate::domain::notification::NotificationKind;
use crate::domain::severity::Severity;

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What came in.
    Events,
    /// What is wrong.
    Incidents,
    /// Who was told.
    Deliveries,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Events, Self::Incidents, Self::Deliveries];

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Incidents => "incidents",
            Self::Deliveries => "deliveries",
        }
    }

    /// The topic of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    /// An event came in.
    Event(EventFact),
    /// An incident changed.
    Incident(IncidentFact),
    /// A delivery went on.
    Delivery(DeliveryFact),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventResult {
    /// It is new.
    Accepted,
    /// It is known already.
    Duplicate,
    /// It is kept as a dead letter.
    Rejected,
    /// It is let go on purpose.
    Ignored,
}

/// An event came in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct EventFact {
    pub at: Timestamp,
    #[serde(skip)]
    pub result: EventResult,
    pub source: SourceName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// What it did: `opened`, `updated`, … or `notified`.
    #[serde(rename = "result", skip_serializing_if = "Option::is_none")]
    pub did: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Of a rejected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_id: Option<DeadLetterId>,
    /// Why it was rejected, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Why it was rejected, for people; of one that was let go, by which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An incident changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct IncidentFact {
    pub at: Timestamp,
    #[serde(skip)]
    pub change: Transition,
    pub number: u64,
    pub version: u64,
    pub status: IncidentStatus,
    pub severity: Severity,
    pub service: Option<String>,
    pub title: String,
    pub dedup_key: String,
    pub source: SourceName,
    pub route: Option<RouteName>,
    pub policy: Option<PolicyName>,
    pub event_count: u64,
    pub detail: String,
}

/// A delivery went on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct DeliveryFact {
    pub at: Timestamp,
    pub id: DeliveryId,
    pub state: DeliveryState,
    pub incident_number: Option<u64>,
    #[serde(serialize_with = "kind")]
    pub notification: NotificationKind,
    pub channel: ChannelName,
    pub recipient: Arc<str>,
    #[serde(serialize_with = "masked")]
    pub to: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Number of the attempt that begins or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// How the attempt ended, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Of a waiting delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

impl EventFact {
    /// What came in, without its words.
    pub fn bare(at: Timestamp, result: EventResult, source: &SourceName) -> Self {
        Self {
            at,
            result,
            source: source.clone(),
            event_id: None,
            did: None,
            incident_number: None,
            dedup_key: None,
            severity: None,
            service: None,
            title: None,
            dead_letter_id: None,
            reason: None,
            detail: None,
        }
    }

    /// What a rule lets go.
    pub fn ignored(at: Timestamp, source: &SourceName, rule: &str) -> Self {
        let detail = Some(format!("rule \"{rule}\" lets it go"));
        Self { detail, ..Self::bare(at, EventResult::Ignored, source) }
    }
}

impl DeliveryFact {
    /// A delivery and where it stands, without any attempt.
    pub fn bare(
        at: Timestamp,
        id: DeliveryId,
        state: DeliveryState,
        target: &Target,
        notification: NotificationKind,
    ) -> Self {
        Self {
            at,
            id,
            state,
            incident_number: None,
            notification,
            channel: target.channel.clone(),
            recipient: Arc::clone(&target.recipient),
            to: target.address.clone(),
            severity: None,
            service: None,
            attempt: None,
            took_ms: None,
            outcome: None,
            code: String::new(),
            detail: String::new(),
            provider_id: None,
            reason: None,
            next_attempt_at: None,
        }
    }
}

fn masked<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&address.masked())
}

fn kind<S: Serializer>(kind: &NotificationKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl Fact {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Event(_) => Topic::Events,
            Self::Incident(_) => Topic::Incidents,
            Self::Delivery(_) => Topic::Deliveries,
        }
    }

    /// The `event:` of the stream: `incident.opened`.
    pub fn name(&self) -> String {
        match self {
            Self::Event(fact) => format!(
                "event.{}",
                match fact.result {
                    EventResult::Accepted => "accepted",
                    EventResult::Duplicate => "duplicate",
                    EventResult::Rejected => "rejected",
                    EventResult::Ignored => "ignored",
                }
            ),
            Self::Incident(fact) => format!("incident.{}", fact.change.as_str()),
            Self::Delivery(fact) => format!("delivery.{}", fact.state),
        }
    }

    /// The `data:` of the stream.
    pub fn json(&self) -> String {
        // Plain values with text as keys: nothing that serde_json could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The incident that it is about.
    pub(super) fn incident(&self) -> Option<u64> {
        match self {
            Self::Event(fact) => fact.incident_number,
            Self::Incident(fact) => Some(fact.number),
            Self::Delivery(fact) => fact.incident_number,
        }
    }

    /// Its words for people.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Event(fact) => fact.title.as_deref(),
            Self::Incident(fact) => Some(&fact.title),
            Self::Delivery(fact) => Some(&fact.detail),
        }
    }

    /// What it says of `key` in a word, if it says anything of that.
    pub(super) fn word(&self, key: Key) -> Option<&str> {
        match (self, key) {
            (Self::Event(fact), Key::Severity) => fact.severity.map(|is| is.as_str()),
            (Self::Incident(fact), Key::Severity) => Some(fact.severity.as_str()),
            (Self::Delivery(fact), Key::Severity) => fact.severity.map(|is| is.as_str()),
            (Self::Event(fact), Key::Service) => fact.service.as_deref(),
            (Self::Incident(fact), Key::Service) => fact.service.as_deref(),
            (Self::Delivery(fact), Key::Service) => fact.service.as_deref(),
            (Self::Event(fact), Key::Source) => Some(fact.source.as_str()),
            (Self::Incident(fact), Key::Source) => Some(fact.source.as_str()),
            (Self::Incident(fact), Key::Status) => Some(fact.status.as_str()),
            (Self::Delivery(fact), Key::State) => Some(fact.state.as_str()),
            (Self::Delivery(fact), Key::Channel) => Some(fact.channel.as_str()),
            (Self::Event(_) | Self::Incident(_) | Self::Delivery(_), _) => None,
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let words = match self {
            Self::Event(fact) => {
                text(&fact.dedup_key) + text(&fact.service) + text(&fact.title) + text(&fact.detail)
            }
            Self::Incident(fact) => {
                text(&fact.service) + fact.title.len() + fact.dedup_key.len() + fact.detail.len()
            }
            Self::Delivery(fact) => {
                text(&fact.service) + text(&fact.provider_id) + fact.code.len() + fact.detail.len()
            }
        };
        // The fact, its counts, its place in the ring.
        size_of::<Self>() + 64 + words
    }
}

/// What facts can be chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Severity,
    Service,
    Status,
    State,
    Channel,
    Incident,
    Source,
    /// The title, or a provider's words.
    Text,
}
