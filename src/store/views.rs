//! What people and lists see of the store. Addresses are masked here, once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub use super::groups::{MOST_MEMBERS, MemberView, MembersView};
use crate::domain::Timestamp;
use crate::domain::acceptance::StepTaken;
use crate::domain::action::Via;
use crate::domain::bulk::Bulk;
use crate::domain::delivery::DeliveryState;
use crate::domain::event::Link;
use crate::domain::ids::{DeadLetterId, DeliveryId, EventId, IncidentId, JobId, NotificationId};
use crate::domain::incident::{Incident, IncidentStatus, Transition};
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::policy::Position;
use crate::domain::severity::Severity;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    /// Newest first. There may be fewer than were asked for, or none, on a page that is not the last.
    pub data: Vec<T>,
    /// To be given as `cursor` for the next page; `None` on the last.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let data = ArrayBuilder::new().items(Ref::from_schema_name(T::name())).description(Some(
            "Newest first where they have a time. There may be fewer than were asked for, or none, on a page that is not the last.",
        ));
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("To be given as `cursor` for the next page; null on the last."));
        ObjectBuilder::new()
            .property("data", data)
            .property("next_cursor", cursor)
            .required("data")
            .required("next_cursor")
            .description(Some("Part of a list."))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// An incident as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Incident)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct IncidentView {
    pub id: IncidentId,
    pub number: u64,
    pub version: u64,
    pub title: String,
    pub severity: Severity,
    pub status: IncidentStatus,
    pub service: Option<String>,
    pub description: Option<String>,
    pub source: String,
    pub dedup_key: String,
    pub event_count: u64,
    pub route: Option<String>,
    pub policy: Option<String>,
    pub opened_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub acknowledged_by: Option<String>,
    pub resolved_at: Option<Timestamp>,
    pub resolved_by: Option<String>,
    pub assignee: Option<String>,
    pub snoozed_until: Option<Timestamp>,
    pub labels: BTreeMap<String, String>,
    pub links: Vec<Link>,
    pub deliveries: DeliveryCounts,
    /// The next step of its policy; the API says it in words.
    #[serde(skip)]
    pub position: Position,
}

impl IncidentView {
    pub(super) fn of(incident: Incident, deliveries: DeliveryCounts) -> Self {
        Self {
            id: incident.id,
            number: incident.number,
            version: incident.version,
            title: incident.title,
            severity: incident.severity,
            status: incident.status,
            service: incident.service,
            description: incident.description,
            source: incident.source.to_string(),
            dedup_key: incident.dedup_key,
            event_count: incident.event_count,
            route: incident.route.map(|name| name.to_string()),
            policy: incident.policy.map(|name| name.to_string()),
            opened_at: incident.opened_at,
            acknowledged_at: incident.acknowledged_at,
            acknowledged_by: incident.acknowledged_by.as_deref().map(str::to_owned),
            resolved_at: incident.resolved_at,
            resolved_by: incident.resolved_by.as_deref().map(str::to_owned),
            assignee: incident.assignee.as_deref().map(str::to_owned),
            snoozed_until: incident.snoozed_until,
            labels: incident.labels,
            links: incident.links,
            deliveries,
            position: incident.position,
        }
    }
}

/// How the deliveries of an incident stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "named after the states")]
pub struct DeliveryCounts {
    pub pending: u64,
    pub sending: u64,
    pub retrying: u64,
    pub sent: u64,
    pub dead: u64,
    pub canceled: u64,
    pub expired: u64,
}

impl DeliveryCounts {
    /// The count of a state.
    pub fn of(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Pending => &mut self.pending,
            DeliveryState::Sending => &mut self.sending,
            DeliveryState::Retrying => &mut self.retrying,
            DeliveryState::Sent => &mut self.sent,
            DeliveryState::Dead => &mut self.dead,
            DeliveryState::Canceled => &mut self.canceled,
            DeliveryState::Expired => &mut self.expired,
        }
    }
}

/// One change of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = TimelineEntry)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct TimelineView {
    pub at: Timestamp,
    pub version: u64,
    pub kind: Transition,
    pub event_id: Option<EventId>,
    /// Who did it, if no event did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    pub detail: String,
    /// The step of the policy that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepTaken>,
}

/// A delivery as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Delivery)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct DeliveryView {
    pub id: DeliveryId,
    pub incident_number: Option<u64>,
    pub notification: &'static str,
    /// The decision that it is a part of.
    pub notification_id: NotificationId,
    pub channel: ChannelName,
    pub recipient: String,
    /// Masked.
    pub to: String,
    pub state: DeliveryState,
    /// Why it is where it is: the dead reason, or the label of the last attempt.
    pub reason: Option<String>,
    /// How many attempts counted. One delivery alone has its `attempts` as a list.
    #[serde(rename = "attempt_count")]
    pub attempts: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of a waiting delivery only.
    pub next_attempt_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub replay_of: Option<DeliveryId>,
    /// Since when a dead one is no dead letter any more: it was repeated or discarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The bulk job that repeated it.
    #[serde(rename = "job_id", skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// One attempt as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Attempt)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct AttemptView {
    pub number: u32,
    pub at: Timestamp,
    pub took_ms: Option<i64>,
    /// `None` while it runs, or if the process died with it.
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub provider_id: Option<String>,
}

/// A record that could not become an event, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLetter)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct DeadLetterView {
    pub id: DeadLetterId,
    pub source: String,
    pub position: String,
    pub reason: String,
    pub detail: String,
    pub quarantined_at: Timestamp,
    pub bytes: u64,
    /// The bytes as text, lossily; only when one letter was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Counts of `pending`, `sending`, `retrying` and `dead` deliveries.
    pub deliveries: Vec<BacklogLine>,
    /// How many records are in quarantine.
    pub dead_letters: u64,
}

/// How many deliveries of a channel are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogLine {
    /// The channel.
    pub channel: ChannelName,
    /// The state.
    pub state: DeliveryState,
    /// How many.
    pub count: u64,
    /// When the oldest was made.
    pub oldest: Option<Timestamp>,
}

/// An accepted event as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct EventView {
    pub id: EventId,
    pub source: String,
    pub position: String,
    /// The producer's own id of it.
    pub event_id: Option<String>,
    pub received_at: Timestamp,
    pub decision: &'static str,
    pub incident_number: Option<u64>,
    pub bytes: u64,
    /// The bytes as text; only when one event was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// Bytes that came in once, to be taken in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which source they came through.
    pub source: SourceName,
    /// The W3C `traceparent` they came with.
    pub traceparent: Option<String>,
    /// As they came.
    pub raw: Arc<[u8]>,
}

/// How many incidents that are not over have a status and a severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentCount {
    /// `open` or `acknowledged`.
    pub status: IncidentStatus,
    /// How bad.
    pub severity: Severity,
    /// How many.
    pub count: u64,
}

/// Dead deliveries that are dead for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct LettersByReason {
    pub reason: String,
    pub count: u64,
    /// When the first of them became a dead letter.
    pub first: Timestamp,
    pub last: Timestamp,
}

/// A bulk job, and what became of what it repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkView {
    /// As its row says.
    pub bulk: Bulk,
    /// Of the deliveries it made.
    pub outcomes: Outcomes,
}

/// What became of the deliveries that a bulk job made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Sent.
    pub sent: u64,
    /// Dead again, or too late.
    pub failed: u64,
    /// Not called any more: the incident was resolved meanwhile.
    pub canceled: u64,
    /// On their way.
    pub pending: u64,
}

impl Outcomes {
    /// The count that a delivery in this state belongs to.
    pub(super) fn of(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Sent => &mut self.sent,
            DeliveryState::Dead | DeliveryState::Expired => &mut self.failed,
            DeliveryState::Canceled => &mut self.canceled,
            DeliveryState::Pending | DeliveryState::Sending | DeliveryState::Retrying => &mut self.pending,
        }
    }
}

/// A dead letter of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "an id of the form del_… or dle_…")]
pub enum DeadLetterRef {
    /// A delivery that ran out.
    Delivery(DeliveryId),
    /// A record that could not become an event.
    Event(DeadLetterId),
}

impl std::fmt::Display for DeadLetterRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delivery(id) => id.fmt(f),
            Self::Event(id) => id.fmt(f),
        }
    }
}

/// How many there are, counted up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// At most the cap.
    pub value: u64,
    /// False if there may be more.
    pub exact: bool,
}

impl Count {
    /// So many were found; `complete` if everything was looked at.
    pub(super) fn of(found: u64, complete: bool) -> Self {
        let most = super::lists::MOST_COUNTED;
        Self { value: found.min(most), exact: complete && found <= most }
    }
}
