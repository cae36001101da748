//! What the tables read of the API's answers. Fields they do not show are left alone, so that an
//! older command line works with a newer server.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::Timestamp;

#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) severity: String,
    pub(super) status: String,
    pub(super) service: Option<String>,
    pub(super) description: Option<String>,
    pub(super) source: String,
    pub(super) event_count: u64,
    pub(super) route: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) opened_at: Timestamp,
    #[serde(default)]
    pub(super) version: u64,
    pub(super) acknowledged_by: Option<String>,
    pub(super) resolved_by: Option<String>,
    pub(super) assignee: Option<String>,
    pub(super) snoozed_until: Option<Timestamp>,
    /// Of an incident that was asked for alone and stands for several things.
    pub(super) members: Option<Members>,
    /// Of an incident that was asked for alone.
    pub(super) next_step: Option<NextStep>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
    /// Counts by state.
    #[serde(default)]
    pub(super) deliveries: BTreeMap<String, u64>,
}

/// What an incident stands for.
#[derive(Debug, Deserialize)]
pub(super) struct Members {
    pub(super) wrong: u64,
    pub(super) over: u64,
    pub(super) data: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) dedup_key: String,
    pub(super) status: String,
    pub(super) began_at: Option<Timestamp>,
}

/// What its policy does next.
#[derive(Debug, Deserialize)]
pub(super) struct NextStep {
    pub(super) number: u32,
    pub(super) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TimelineEntry {
    pub(super) at: Timestamp,
    pub(super) kind: String,
    pub(super) by: Option<String>,
    pub(super) via: Option<String>,
    pub(super) detail: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) incident_number: Option<u64>,
    pub(super) notification: String,
    pub(super) channel: String,
    pub(super) recipient: String,
    pub(super) to: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) attempt_count: u32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) next_attempt_at: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) replay_of: Option<String>,
    /// Of a delivery that was asked for alone.
    #[serde(default)]
    pub(super) attempts: Vec<Attempt>,
    /// Also.
    #[serde(default)]
    pub(super) receipt: Option<ReceiptShown>,
    /// Also.
    #[serde(default)]
    pub(super) rendered: Option<Rendered>,
}

/// What the provider said later.
#[derive(Debug, Deserialize)]
pub(super) struct ReceiptShown {
    pub(super) kind: String,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) at: Timestamp,
}

/// What it says.
#[derive(Debug, Deserialize)]
pub(super) struct Rendered {
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) text: String,
    /// What people should know beside its words.
    pub(super) note: Option<String>,
    /// Why it says nothing.
    pub(super) fault: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) at: Timestamp,
    pub(super) took_ms: Option<i64>,
    pub(super) outcome: Option<String>,
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) provider_id: Option<String>,
}

/// How a part of the process is.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) state: String,
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeadLetter {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) position: String,
    pub(super) reason: String,
    pub(super) detail: String,
    pub(super) quarantined_at: Timestamp,
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) payload: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Retried {
    pub(super) retried: usize,
    pub(super) skipped: usize,
    pub(super) deliveries: Vec<String>,
    #[serde(default)]
    pub(super) events: Vec<Again>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) position: String,
    /// The producer's own.
    pub(super) event_id: Option<String>,
    pub(super) received_at: Timestamp,
    pub(super) decision: String,
    pub(super) incident_number: Option<u64>,
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) payload: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Replayed {
    pub(super) replayed: usize,
    pub(super) events: Vec<Again>,
}

/// What became of something that was taken in again.
#[derive(Debug, Deserialize)]
pub(super) struct Again {
    pub(super) of: String,
    pub(super) result: String,
    pub(super) event_id: Option<String>,
    pub(super) incident_number: Option<u64>,
    #[serde(default)]
    pub(super) errors: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wrong {
    pub(super) pointer: String,
    pub(super) detail: String,
}

impl Again {
    /// In one line.
    pub(super) fn told(&self) -> String {
        let incident = self.incident_number.map(|number| format!("  #{number}")).unwrap_or_default();
        let event = self.event_id.as_ref().map(|id| format!("  {id}")).unwrap_or_default();
        let errors = self.errors.iter().map(|wrong| format!("  {}: {}", wrong.pointer, wrong.detail));
        format!("{}  {}{incident}{event}{}", self.of, self.result, errors.collect::<String>())
    }
}
