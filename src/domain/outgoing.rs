//! What other systems are told: changes as CloudEvents 1.0, made in the transaction of the change.
//!
//! An event out has an id that follows from what it tells, so whoever hears it twice can tell. It holds
//! no address and no words of a provider. Events about the same thing (an incident, a delivery) go out
//! in their order.

use std::fmt;

use serde_json::{Value, json};

use super::Timestamp;
use super::acceptance::TimelineEntry;
use super::delivery::{Address, DeliveryState};
use super::ids::DeliveryId;
use super::incident::{Incident, Transition};
use super::names::{ChannelName, SinkName};
use super::notification::NotificationKind;
use super::pattern::Pattern;
use super::record::Document;

/// What every type begins with.
const PREFIX: &str = "io.foghorn.";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutgoingKind {
    /// An incident changed.
    Incident(Transition),
    /// A delivery was sent.
    NotificationSent,
    /// A delivery is dead.
    NotificationFailed,
    /// Somebody whose wishes are kept is new.
    PreferencesCreated,
    /// Somebody wants to hear other things.
    PreferencesUpdated,
}

impl fmt::Display for OutgoingKind {
    /// The type without its prefix: `incident.opened`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incident(transition) => write!(f, "incident.{}", transition.as_str()),
            Self::NotificationSent => f.write_str("notification.sent"),
            Self::NotificationFailed => f.write_str("notification.failed"),
            Self::PreferencesCreated => f.write_str("preferences.created"),
            Self::PreferencesUpdated => f.write_str("preferences.updated"),
        }
    }
}

/// `[events_out]`: who is told what. Nobody, unless somebody is named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventsOut {
    /// `[server] public_url`: the `source` of all events.
    pub source: String,
    /// Who is told.
    pub sinks: Vec<Wanted>,
}

/// What one of them wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `[events_out.NAME]`
    pub sink: SinkName,
    /// `only`: types, with or without their prefix. None: all of them.
    pub only: Vec<Pattern>,
}

impl Wanted {
    fn wants(&self, kind: &str) -> bool {
        let fits = |only: &Pattern| {
            only.matches(kind)
                || only.as_str().strip_prefix(PREFIX).is_some_and(|rest| Pattern::new(rest).matches(kind))
        };
        self.only.is_empty() || self.only.iter().any(fits)
    }
}

/// One event for one sink, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// For whom.
    pub sink: SinkName,
    /// The event's `id`.
    pub id: String,
    /// Its `type`.
    pub kind: String,
    /// What it is about: events about the same thing are in order.
    pub about: String,
    /// The event as JSON.
    pub payload: String,
}

/// One event that waits for its sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its place in the order of all.
    pub number: i64,
    /// What and for whom.
    pub outgoing: Outgoing,
    /// Since when.
    pub created_at: Timestamp,
    /// How often it was refused.
    pub attempts: u32,
}

/// How a delivery came to its end.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct Ended<'a> {
    pub id: DeliveryId,
    pub state: DeliveryState,
    pub kind: NotificationKind,
    pub incident: Option<u64>,
    pub channel: &'a ChannelName,
    pub recipient: &'a str,
    pub to: &'a Address,
    pub attempt: u32,
    pub outcome: &'a str,
    pub code: &'a str,
    pub reason: Option<&'a str>,
    pub provider_id: Option<&'a str>,
    pub at: Timestamp,
}

impl EventsOut {
    /// Is nobody told anything?
    pub fn is_off(&self) -> bool {
        self.sinks.is_empty()
    }

    /// Does anybody want to hear of this?
    pub fn wants(&self, kind: OutgoingKind) -> bool {
        !self.is_off() && self.takers(&kind.to_string()).next().is_some()
    }

    fn takers(&self, kind: &str) -> impl Iterator<Item = &SinkName> {
        self.sinks.iter().filter(move |wanted| wanted.wants(kind)).map(|wanted| &wanted.sink)
    }

    /// A change of an incident, which stands like this after it.
    pub fn incident(&self, entry: &TimelineEntry, incident: &Incident) -> Vec<Outgoing> {
        if matches!(entry.transition, Transition::Ignored | Transition::Late) {
            return Vec::new();
        }
        self.made(Told {
            kind: OutgoingKind::Incident(entry.transition),
            id: format!("{}.{}", incident.id, entry.version),
            about: entry.incident.to_string(),
            subject: format!("incidents/{}", entry.incident),
            at: entry.at,
            data: || json!({ "change": change(entry), "incident": shown(incident) }),
        })
    }

    /// A delivery came to its end; only being sent and being dead are told.
    pub fn delivery(&self, ended: &Ended<'_>) -> Vec<Outgoing> {
        let kind = match ended.state {
            DeliveryState::Sent => OutgoingKind::NotificationSent,
            DeliveryState::Dead => OutgoingKind::NotificationFailed,
            _ => return Vec::new(),
        };
        self.made(Told {
            kind,
            id: format!("{}.{}", ended.id, ended.state),
            about: ended.id.to_string(),
            subject: format!("deliveries/{}", ended.id),
            at: ended.at,
            data: || json!({ "delivery": delivery(ended) }),
        })
    }

    /// The change of this `version` made of what was kept of `user` what is kept now: told if that was
    /// nothing, or if other things are to be heard.
    pub fn preferences(
        &self,
        user: &str,
        version: u64,
        at: Timestamp,
        (before, after): (Option<&Document>, &Document),
    ) -> Vec<Outgoing> {
        let wishes = |document: &Document| document.get("preferences").cloned().unwrap_or_else(|| json!({}));
        let kind = match before.map(wishes) {
            None => OutgoingKind::PreferencesCreated,
            Some(before) if before != wishes(after) => OutgoingKind::PreferencesUpdated,
            Some(_) => return Vec::new(),
        };
        self.made(Told {
            kind,
            id: format!("preferences.{user}.{version}"),
            about: user.to_owned(),
            subject: format!("users/{user}/preferences"),
            at,
            data: || json!({ "user": user, "preferences": wishes(after) }),
        })
    }

    /// One for each who wants it.
    fn made(&self, told: Told<impl FnOnce() -> Value>) -> Vec<Outgoing> {
        let word = told.kind.to_string();
        let mut takers = self.takers(&word).peekable();
        if takers.peek().is_none() {
            return Vec::new();
        }
        let kind = format!("{PREFIX}{word}");
        let payload = json!({
            "specversion": "1.0",
            "id": told.id,
            "source": self.source,
            "type": kind,
            "subject": told.subject,
            "time": told.at,
            "datacontenttype": "application/json",
            // The extension for brokers with partitions: events of one key stay in order.
            "partitionkey": told.about,
            "data": (told.data)(),
        })
        .to_string();
        let outgoing = |sink: &SinkName| Outgoing {
            sink: sink.clone(),
            id: told.id.clone(),
            kind: kind.clone(),
            about: told.about.clone(),
            payload: payload.clone(),
        };
        takers.map(outgoing).collect()
    }
}

/// What there is to tell, before anybody is known to want it.
struct Told<D> {
    kind: OutgoingKind,
    id: String,
    about: String,
    subject: String,
    at: Timestamp,
    data: D,
}

fn change(entry: &TimelineEntry) -> Value {
    json!({
        "version": entry.version,
        "kind": entry.transition,
        "by": entry.by.as_ref().map(|by| &*by.who),
        "via": entry.by.as_ref().map(|by| by.via),
        "event_id": entry.event,
        "detail": entry.detail,
    })
}

/// As it is shown, in small.
fn shown(incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "number": incident.number,
        "version": incident.version,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status,
        "service": incident.service,
        "source": incident.source,
        "dedup_key": incident.dedup_key,
        "event_count": incident.event_count,
        "route": incident.route,
        "policy": incident.policy,
        "opened_at": incident.opened_at,
        "acknowledged_at": incident.acknowledged_at,
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "assignee": incident.assignee,
        "snoozed_until": incident.snoozed_until,
        "labels": incident.labels,
    })
}

fn delivery(ended: &Ended<'_>) -> Value {
    json!({
        "id": ended.id,
        "incident_number": ended.incident,
        "notification": ended.kind,
        "channel": ended.channel,
        "recipient": ended.recipient,
        "to": ended.to.masked(),
        "state": ended.state,
        "reason": ended.reason,
        "attempt": ended.attempt,
        "outcome": ended.outcome,
        "code": ended.code,
        "provider_id": ended.provider_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanting(only: &[&str]) -> EventsOut {
        let only = only.iter().map(|text| Pattern::new(*text)).collect();
        EventsOut { source: "https://x.example".to_owned(), sinks: vec![Wanted { sink: "bus".into(), only }] }
    }

    #[test]
    fn who_says_nothing_hears_everything_and_others_hear_what_they_name() {
        let sent = OutgoingKind::NotificationSent;
        let opened = OutgoingKind::Incident(Transition::Opened);
        let table: [(&[&str], bool, bool); 5] = [
            (&[], true, true),
            (&["notification.*"], true, false),
            (&["incident.*"], false, true),
            (&["io.foghorn.incident.opened"], false, true),
            (&["*.resolved", "preferences.*"], false, false),
        ];
        for (only, hears_sent, hears_opened) in table {
            assert_eq!(
                [wanting(only).wants(sent), wanting(only).wants(opened)],
                [hears_sent, hears_opened],
                "{only:?}"
            );
        }
        assert!(!EventsOut::default().wants(opened));
    }

    #[test]
    fn preferences_are_made_once_and_changed_after_that() {
        let quiet = json!({ "email": "ada@example.com", "preferences": { "types": { "welcome": false } } });
        let Value::Object(quiet) = quiet else { panic!("an object") };
        let anybody = Document::new();
        let told = |before, after| {
            let told = wanting(&[]).preferences("ada", 7, Timestamp::UNIX_EPOCH, (before, after));
            told.into_iter().map(|one| (one.kind, one.payload)).next()
        };
        let (kind, payload) = told(None, &quiet).expect("they are new");
        assert_eq!(kind, "io.foghorn.preferences.created");
        assert!(
            payload.contains(r#""types":{"welcome":false}"#) && !payload.contains("@example"),
            "{payload}"
        );
        let (kind, _) = told(Some(&anybody), &quiet).expect("they changed");
        assert_eq!(kind, "io.foghorn.preferences.updated");
        assert_eq!(told(Some(&quiet), &quiet), None);
    }
}
