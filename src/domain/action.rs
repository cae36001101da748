//! What people do to an incident, beside what events say of it.
//!
//! Every action can be done twice and is done once: what is so already stays as it is, and no new
//! version is made. Every action can be taken back by another one. Whoever saw an older version may
//! say so, and is told when it is not the present one any more. What is deleted alone is gone for good.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::incident::{Incident, IncidentStatus};
use super::severity::Severity;

/// How somebody did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A request of a program.
    Api,
    /// The command line.
    Cli,
    /// A page.
    Web,
    /// A link in a message.
    Link,
    /// A text message.
    Sms,
    /// A button in a chat.
    Chat,
    /// Nobody: time passed.
    Timer,
}

impl Via {
    /// Every way.
    pub const ALL: [Self; 7] =
        [Self::Api, Self::Cli, Self::Web, Self::Link, Self::Sms, Self::Chat, Self::Timer];

    /// The word in the store, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Web => "web",
            Self::Link => "link",
            Self::Sms => "sms",
            Self::Chat => "chat",
            Self::Timer => "timer",
        }
    }

    /// The way of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|via| via.as_str() == text)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct By {
    /// A user's name, or a token's.
    pub who: Arc<str>,
    /// How.
    pub via: Via,
}

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// They take it.
    Acknowledge,
    /// They give it back.
    Unacknowledge,
    /// It is over.
    Resolve,
    /// It is not over.
    Reopen,
    /// Nobody is to be called before this moment.
    Snooze(Timestamp),
    /// Calling goes on.
    Unsnooze,
    /// The next step is to be taken now.
    Escalate,
    /// Something is written down, and that is all.
    Note,
    /// What is known of it is something else.
    Edit(Box<Edit>),
    /// Nobody is to see it any more. It is over, and cannot be taken back.
    Delete,
}

impl Action {
    /// On incidents of which statuses it can make sense.
    pub fn concerns(&self) -> &'static [IncidentStatus] {
        use IncidentStatus as Is;
        match self {
            Self::Reopen => &[Is::Resolved],
            Self::Acknowledge
            | Self::Unacknowledge
            | Self::Resolve
            | Self::Snooze(_)
            | Self::Unsnooze
            | Self::Escalate
            | Self::Note
            | Self::Edit(_) => &[Is::Open, Is::Acknowledged],
            Self::Delete => &Is::ALL,
        }
    }

    /// The word in the API and the command line.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Snooze(_) => "snooze",
            Self::Unsnooze => "unsnooze",
            Self::Escalate => "escalate",
            Self::Note => "note",
            Self::Edit(_) => "edit",
            Self::Delete => "delete",
        }
    }
}

/// What is to be something else. What is not said stays; of labels, an empty value takes one away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// In one line.
    pub title: Option<String>,
    /// More words; empty: none.
    pub description: Option<String>,
    /// How bad.
    pub severity: Option<Severity>,
    /// Who works on it; empty: nobody.
    pub assignee: Option<String>,
    /// Labels to set, and those to take away.
    pub labels: BTreeMap<String, Option<String>>,
}

/// One action of one person on one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Which incident.
    pub number: u64,
    /// What.
    pub action: Action,
    /// In their words.
    pub note: Option<String>,
    /// Who, and how.
    pub by: By,
    /// Only if this is the version.
    pub if_version: Option<u64>,
    /// Only in the episode that began then, milliseconds since the Unix epoch.
    pub episode: Option<i64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Acted {
    /// It is done.
    Done(Box<Incident>),
    /// It was so already.
    Already(Box<Incident>),
    /// Somebody was faster: it is another version, or another episode.
    Changed(Box<Incident>),
    /// It makes no sense as it stands.
    Refused(Box<Incident>, Refusal),
    /// There is no such incident.
    NotFound,
}

/// Why an action makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is over.
    Over,
    /// The moment has passed.
    Past,
    /// No route took it, so there is no policy with steps.
    NoPolicy,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "it is resolved; reopen it first",
            Self::Past => "that moment has passed",
            Self::NoPolicy => "no route took it, so there is nobody to escalate to",
        })
    }
}

/// What `action` means for `incident` as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// It changes something.
    New,
    /// It is so already.
    Already,
    /// It makes none.
    None(Refusal),
}

/// Does `action` make sense for `incident` at `now`?
pub fn sense(incident: &Incident, action: &Action, now: Timestamp) -> Sense {
    use IncidentStatus as Is;
    let over = incident.status == Is::Resolved;
    let so = |already: bool| if already { Sense::Already } else { Sense::New };
    match action {
        Action::Note | Action::Delete => Sense::New,
        Action::Edit(edit) => so(!changes(incident, edit)),
        Action::Resolve => so(over),
        Action::Reopen => so(!over),
        Action::Acknowledge if over => Sense::None(Refusal::Over),
        Action::Acknowledge => so(incident.status == Is::Acknowledged),
        Action::Unacknowledge if over => Sense::None(Refusal::Over),
        Action::Unacknowledge => so(incident.status == Is::Open),
        Action::Snooze(_) | Action::Escalate if over => Sense::None(Refusal::Over),
        Action::Snooze(until) if *until <= now => Sense::None(Refusal::Past),
        Action::Snooze(until) => so(incident.snoozed_until == Some(*until)),
        Action::Unsnooze => so(incident.snoozed_until.is_none()),
        Action::Escalate if incident.policy.is_none() => Sense::None(Refusal::NoPolicy),
        Action::Escalate => Sense::New,
    }
}

fn changes(incident: &Incident, edit: &Edit) -> bool {
    let mut edited = incident.clone();
    edit.apply(&mut edited);
    edited != *incident
}

impl Edit {
    /// Writes what is said over what was known.
    pub fn apply(&self, incident: &mut Incident) {
        if let Some(title) = &self.title {
            incident.title.clone_from(title);
        }
        if let Some(description) = &self.description {
            incident.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(severity) = self.severity {
            incident.severity = severity;
        }
        if let Some(assignee) = &self.assignee {
            let name = Some(assignee.as_str()).filter(|name| !name.is_empty());
            incident.assignee = name.map(Arc::from);
        }
        for (key, value) in &self.labels {
            match value {
                Some(value) => drop(incident.labels.insert(key.clone(), value.clone())),
                None => drop(incident.labels.remove(key)),
            }
        }
    }

    /// What it says, for the timeline: `severity high, assignee ada`.
    pub fn words(&self) -> String {
        let said = [
            self.title.as_ref().map(|title| format!("title \"{title}\"")),
            self.description.as_ref().map(|_| "description".to_owned()),
            self.severity.map(|severity| format!("severity {}", severity.as_str())),
            self.assignee.as_ref().map(|assignee| match assignee.as_str() {
                "" => "no assignee".to_owned(),
                name => format!("assignee {name}"),
            }),
        ];
        let labels = self.labels.iter().map(|(key, value)| match value {
            Some(value) => format!("label {key}={value}"),
            None => format!("no label {key}"),
        });
        said.into_iter().flatten().chain(labels).collect::<Vec<_>>().join(", ")
    }
}
