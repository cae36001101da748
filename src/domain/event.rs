//! What came in: an event about something that is wrong, or a request to tell someone directly.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::dedup::Keyspace;
use super::ids::{DeadLetterId, EventId};
use super::incident::Incident;
use super::names::{ChannelName, MessageType, SourceName};
use super::owner::Whose;
use super::severity::Severity;

/// One accepted input, parsed, with everything needed to find it again at its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Foghorn's own id.
    pub id: EventId,
    /// Which `[sources.NAME]` it came through.
    pub source: SourceName,
    /// Where in that source; the same position is never accepted twice.
    pub position: Position,
    /// The producer's own id of this event, if it gave one; the same id is never accepted twice.
    pub producer_id: Option<String>,
    /// The W3C `traceparent` it arrived with.
    pub traceparent: Option<String>,
    /// When Foghorn read it.
    pub received_at: Timestamp,
    /// How often it came back from a topic of dead letters.
    pub came_back: u32,
    /// What it asks for.
    pub body: Body,
    /// The bytes as they came.
    pub raw: Arc<[u8]>,
}

/// Where an event lies in its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Position {
    /// One record of a Kafka-protocol topic.
    Kafka {
        /// Topic name.
        topic: Arc<str>,
        /// Partition number.
        partition: i32,
        /// Offset in the partition.
        offset: i64,
        /// The record's own timestamp, ms. Offsets start again when a topic is deleted and made
        /// anew; the timestamp tells the two records apart.
        timestamp_ms: i64,
    },
    /// One message of a bus that hands them out one by one and takes each back by itself.
    Message {
        /// The queue, subscription or stream.
        stream: Arc<str>,
        /// What the bus, or else its producer, calls the message; the same when it comes again.
        id: Arc<str>,
    },
    /// One item of one request, numbered by the ingest actor.
    Request(EventId),
    /// An event that is taken in once more.
    Replay {
        /// The one that it repeats.
        of: EventId,
        /// Itself.
        id: EventId,
    },
    /// A record that could not become an event, and is tried again; it becomes one once.
    Retry(DeadLetterId),
    /// One of several events of a record, message or item.
    Part {
        /// The whole.
        of: Box<Self>,
        /// Which of them, from 1.
        number: u32,
    },
}

impl Position {
    /// The whole that this is a part of, or itself.
    pub fn whole(&self) -> &Self {
        match self {
            Self::Part { of, .. } => of.whole(),
            whole => whole,
        }
    }
}

impl fmt::Display for Position {
    /// The stable text that the inbox is unique by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka { topic, partition, offset, timestamp_ms } => {
                write!(f, "{topic}/{partition}/{offset}@{timestamp_ms}")
            }
            Self::Message { stream, id } => write!(f, "{stream}/{id}"),
            Self::Request(id) => id.fmt(f),
            Self::Replay { of, id } => write!(f, "replay:{of}:{id}"),
            Self::Retry(of) => write!(f, "retry:{of}"),
            Self::Part { of, number } => write!(f, "{of}#{number}"),
        }
    }
}

/// The two things an event may ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Something is wrong, still wrong, taken or over.
    Incident(IncidentEvent),
    /// Tell these people this, with no incident behind it.
    Notification(NotificationRequest),
}

/// An event about an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentEvent {
    /// What is wrong, in one line.
    pub title: String,
    /// How bad it is, aliases already resolved.
    pub severity: Severity,
    /// What the sender says of it.
    pub status: EventStatus,
    /// What it is about, for routes.
    pub service: Option<String>,
    /// Same key = same incident.
    pub dedup_key: String,
    /// Where the key counts.
    pub keyspace: Keyspace,
    /// More words.
    pub description: Option<String>,
    /// Free labels, for routes and for readers.
    pub labels: BTreeMap<String, String>,
    /// Where to look.
    pub links: Vec<Link>,
    /// When it happened, as the sender says.
    pub occurred_at: Option<Timestamp>,
    /// It is over by then, unless it is said again before.
    pub expires_at: Option<Timestamp>,
}

impl IncidentEvent {
    /// The event that would say of `incident` what is known of it.
    pub fn of(incident: &Incident) -> Self {
        Self {
            title: incident.title.clone(),
            severity: incident.severity,
            status: EventStatus::Open,
            service: incident.service.clone(),
            dedup_key: incident.dedup_key.clone(),
            keyspace: incident.keyspace,
            description: incident.description.clone(),
            labels: incident.labels.clone(),
            links: incident.links.clone(),
            occurred_at: None,
            expires_at: None,
        }
    }
}

/// A named address of something to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Link {
    /// What it leads to.
    pub text: String,
    /// `http` or `https` only.
    pub url: String,
}

/// What a sender says of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// It is wrong.
    Open,
    /// Somebody took it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl EventStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The word used in records and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// The words of the record format and the aliases in use on other systems.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "open" | "firing" | "triggered" | "trigger" | "alerting" => Some(Self::Open),
            "acknowledged" | "acknowledge" | "ack" => Some(Self::Acknowledged),
            "resolved" | "resolve" | "ok" | "closed" => Some(Self::Resolved),
            _ => None,
        }
    }
}

/// A request to tell people something directly.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRequest {
    /// Recipients as written: a user, `team:NAME`, or a bare address.
    pub to: Vec<String>,
    /// Which channels to use.
    pub via: Vec<ChannelName>,
    /// Whose wishes count for the addresses among them.
    pub whose: Whose,
    /// What kind of message it is, for those who may not want it.
    pub of: Option<MessageType>,
    /// What to say.
    pub text: RequestText,
    /// How soon.
    pub priority: Priority,
    /// Not before this moment.
    pub send_at: Option<Timestamp>,
    /// Not after this moment.
    pub expires_at: Option<Timestamp>,
    /// It may wait so long for others, to be said in one message.
    pub digest: Option<Duration>,
}

/// The words of a direct notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestText {
    /// Given in full.
    Plain {
        /// Subject line or title.
        subject: String,
        /// Plain text.
        body: String,
    },
    /// Made from a template when it is sent.
    Template {
        /// Name of the template.
        name: String,
        /// Its variables.
        #[schema(value_type = Object)]
        vars: serde_json::Map<String, serde_json::Value>,
        /// The subject, instead of the template's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// The language that whoever is told reads, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        locale: Option<String>,
    },
}

/// Which lane a delivery takes; critical first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Overtakes everything.
    Critical,
    /// Before the rest.
    High,
    /// In order.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// Every priority, first to last.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The word used in records and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Exactly one of the four words, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str().eq_ignore_ascii_case(text))
    }

    /// The priority of this rank.
    pub fn of_rank(rank: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }

    /// The order of claiming: 0 first.
    pub fn rank(self) -> i16 {
        self as i16
    }

    /// The lane an incident of this severity takes.
    pub fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::Critical,
            Severity::High => Self::High,
            Severity::Medium => Self::Normal,
            Severity::Low | Severity::Info => Self::Low,
        }
    }
}

/// Bounds on what one event may hold (S12), and the operator's words.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Longest event as bytes.
    pub bytes: usize,
    /// Deepest nesting of arrays and objects.
    pub depth: usize,
    /// Most keys, all objects together.
    pub keys: usize,
    /// Longest string, bytes.
    pub string: usize,
    /// How far ahead `occurred_at` may lie before it is taken for now.
    pub clock_skew: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64, keys: 1024, string: 64 << 10, clock_skew: Duration::from_secs(300) }
    }
}
