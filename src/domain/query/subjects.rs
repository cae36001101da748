//! What can be asked about each kind of thing.

use super::read::{Key, Kind};
use super::{Field, Glob, Query, Test};
use crate::domain::acceptance::Decision;
use crate::domain::delivery::DeliveryState;
use crate::domain::incident::IncidentStatus;
use crate::domain::malformed::Malformation;
use crate::domain::names::ChannelName;
use crate::domain::notification::NotificationKind;
use crate::domain::severity::Severity;

/// A question about incidents.
pub type IncidentQuery = Query<IncidentField>;
/// A question about deliveries.
pub type DeliveryQuery = Query<DeliveryField>;
/// A question about records that could not become events.
pub type LetterQuery = Query<LetterField>;
/// A question about events.
pub type EventQuery = Query<EventField>;

/// What can be asked about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub enum IncidentField {
    Status,
    Severity,
    Service,
    Source,
    Title,
    Route,
    Policy,
    OpenedAt,
    /// Title and description.
    Text,
}

/// Of incidents.
pub const STATUSES: &[&str] = &["open", "acknowledged", "resolved"];
/// Worst first.
pub const SEVERITIES: &[&str] = &["critical", "high", "medium", "low", "info"];

impl Field for IncidentField {
    const SUBJECT: &'static str = "incidents";
    const TEXT: Self = Self::Text;
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "status",
            field: Self::Status,
            kind: Kind::Words(STATUSES, |text| IncidentStatus::parse(text).map(IncidentStatus::as_str)),
        },
        Key {
            name: "severity",
            field: Self::Severity,
            kind: Kind::Words(SEVERITIES, |text| Severity::parse(text).map(Severity::as_str)),
        },
        Key { name: "service", field: Self::Service, kind: Kind::Glob },
        Key { name: "source", field: Self::Source, kind: Kind::Glob },
        Key { name: "title", field: Self::Title, kind: Kind::Glob },
        Key { name: "route", field: Self::Route, kind: Kind::Glob },
        Key { name: "policy", field: Self::Policy, kind: Kind::Glob },
        Key { name: "label.", field: Self::Text, kind: Kind::Label },
        Key { name: "age", field: Self::OpenedAt, kind: Kind::Age },
        Key { name: "since", field: Self::OpenedAt, kind: Kind::Since },
        Key { name: "before", field: Self::OpenedAt, kind: Kind::Before },
    ];
}

impl IncidentQuery {
    /// Of one of these statuses; of any, if there are none.
    pub fn of_statuses(statuses: &[IncidentStatus]) -> Self {
        match statuses {
            [] => Self::default(),
            statuses => Self::default().and(Test::OneOf(
                IncidentField::Status,
                statuses.iter().map(|status| status.as_str()).collect(),
            )),
        }
    }
}

/// What can be asked about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub enum DeliveryField {
    State,
    Channel,
    Recipient,
    Incident,
    /// Why it is dead, how its last attempt ended, and the provider's code and words.
    Error,
    /// Of its notification.
    Kind,
    /// Of the event that it tells of.
    Source,
    CreatedAt,
    UpdatedAt,
    /// `open` or `settled`: a dead one that was repeated or discarded is settled. Not for people.
    Letter,
    /// `over` for a call to act about an incident that is resolved, or else `live`. Not for people.
    Call,
    /// The recipient, and the provider's words.
    Text,
}

/// Of deliveries.
pub const STATES: &[&str] = &["pending", "sending", "retrying", "sent", "dead", "canceled", "expired"];
pub(super) const KINDS: &[&str] =
    &["opened", "reopened", "escalated", "updated", "acknowledged", "resolved", "direct"];

impl Field for DeliveryField {
    const SUBJECT: &'static str = "deliveries";
    const TEXT: Self = Self::Text;
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "state",
            field: Self::State,
            kind: Kind::Words(STATES, |text| DeliveryState::parse(text).map(DeliveryState::as_str)),
        },
        Key { name: "channel", field: Self::Channel, kind: Kind::Glob },
        Key { name: "recipient", field: Self::Recipient, kind: Kind::Glob },
        Key { name: "incident", field: Self::Incident, kind: Kind::Number },
        Key { name: "error", field: Self::Error, kind: Kind::Glob },
        Key {
            name: "kind",
            field: Self::Kind,
            kind: Kind::Words(KINDS, |text| NotificationKind::parse(text).map(NotificationKind::as_str)),
        },
        Key { name: "source", field: Self::Source, kind: Kind::Glob },
        Key { name: "age", field: Self::CreatedAt, kind: Kind::Age },
        Key { name: "since", field: Self::CreatedAt, kind: Kind::Since },
        Key { name: "before", field: Self::CreatedAt, kind: Kind::Before },
    ];
}

impl DeliveryQuery {
    /// Also: in one of these states, if there are any.
    #[must_use]
    pub fn in_states(self, states: &[DeliveryState]) -> Self {
        match states {
            [] => self,
            states => self
                .and(Test::OneOf(DeliveryField::State, states.iter().map(|state| state.as_str()).collect())),
        }
    }

    /// Also: on this channel.
    #[must_use]
    pub fn on_channel(self, channel: &ChannelName) -> Self {
        self.and(Test::Like(DeliveryField::Channel, vec![Glob::literal(channel.as_str())]))
    }

    /// Also: to this recipient.
    #[must_use]
    pub fn to(self, recipient: &str) -> Self {
        self.and(Test::Like(DeliveryField::Recipient, vec![Glob::literal(recipient)]))
    }

    /// Also: neither repeated nor discarded.
    #[must_use]
    pub fn open_letters(self) -> Self {
        self.and(Test::OneOf(DeliveryField::Letter, vec!["open"]))
    }

    /// Also: no call to act about an incident that is resolved.
    #[must_use]
    pub fn live_calls(self) -> Self {
        self.and(Test::OneOf(DeliveryField::Call, vec!["live"]))
    }

    /// Also: of this incident.
    #[must_use]
    pub fn of_incident(self, number: u64) -> Self {
        self.and(Test::Number(DeliveryField::Incident, vec![number]))
    }
}

/// What can be asked about a record that could not become an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub enum LetterField {
    Source,
    /// Its reason, and that in words.
    Error,
    Reason,
    QuarantinedAt,
    /// What is wrong with it, in words.
    Text,
}

pub(super) const REASONS: &[&str] =
    &["parse", "schema", "too_large", "unroutable", "id_conflict", "poison", "loop"];

impl Field for LetterField {
    const SUBJECT: &'static str = "dead letters of kind event";
    const TEXT: Self = Self::Text;
    const KEYS: &'static [Key<Self>] = &[
        Key { name: "source", field: Self::Source, kind: Kind::Glob },
        Key { name: "error", field: Self::Error, kind: Kind::Glob },
        Key {
            name: "reason",
            field: Self::Reason,
            kind: Kind::Words(REASONS, |text| {
                Malformation::ALL.into_iter().map(Malformation::as_str).find(|word| *word == text)
            }),
        },
        Key { name: "age", field: Self::QuarantinedAt, kind: Kind::Age },
        Key { name: "since", field: Self::QuarantinedAt, kind: Kind::Since },
        Key { name: "before", field: Self::QuarantinedAt, kind: Kind::Before },
    ];
}

/// What can be asked about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub enum EventField {
    Source,
    Incident,
    Decision,
    ReceivedAt,
    /// Its bytes as they came.
    Text,
}

pub(super) const DECISIONS: &[&str] = &Decision::WORDS;

impl Field for EventField {
    const SUBJECT: &'static str = "events";
    const TEXT: Self = Self::Text;
    const KEYS: &'static [Key<Self>] = &[
        Key { name: "source", field: Self::Source, kind: Kind::Glob },
        Key { name: "incident", field: Self::Incident, kind: Kind::Number },
        Key {
            name: "decision",
            field: Self::Decision,
            kind: Kind::Words(DECISIONS, |text| DECISIONS.iter().copied().find(|word| *word == text)),
        },
        Key { name: "text", field: Self::Text, kind: Kind::Glob },
        Key { name: "age", field: Self::ReceivedAt, kind: Kind::Age },
        Key { name: "since", field: Self::ReceivedAt, kind: Kind::Since },
        Key { name: "before", field: Self::ReceivedAt, kind: Kind::Before },
    ];
}
