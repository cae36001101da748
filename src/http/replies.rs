//! What people answer to a message or press under it, and what they are told.
//!
//! Only whoever is a user with this address is obeyed, and only about incidents. An answer becomes an
//! event of the incident; what is asked for already is said, and done once.

use std::sync::Arc;

use serde_json::json;

use super::problem::Problem;
use super::{Shared, ask};
use crate::domain::button::{Button, Wish};
use crate::domain::delivery::Address;
use crate::domain::ids::{DeliveryId, SuppressionId};
use crate::domain::incident::IncidentStatus;
use crate::domain::names::{ChannelName, UserName};
use crate::domain::people::{Role, User};
use crate::domain::suppression::{AddressChange, Mark, Suppression};
use crate::formats::reply::{self, Action, Reply};
use crate::messages::ingest::Submitted;
use crate::store::batch::AcceptResult;
use crate::store::views::IncidentView;

const HELP: &str = "Foghorn: reply 1042A ack, 1042R resolve, STOP to stop SMS.";

/// Does what `text` from `from` says. The words for whoever wrote it, if there are any.
pub(super) async fn obey(
    shared: &Shared,
    channel: &ChannelName,
    from: &Address,
    text: &str,
) -> Result<Option<String>, Problem> {
    let reply = match reply::read(text) {
        Ok(reply) => reply,
        Err(not) => return Ok(Some(puzzled(&not))),
    };
    Ok(match reply {
        Reply::Help => Some(HELP.to_owned()),
        // The carrier has its own words for these, and lets no others through.
        Reply::Stop => {
            stop(shared, channel, from).await?;
            None
        }
        Reply::Start => {
            let back = AddressChange::Reached(channel.clone(), from.clone());
            ask::learn(&shared.api, Vec::new(), vec![back]).await?;
            None
        }
        Reply::Act(action, Some(number)) => Some(act(shared, from, action, number).await?),
        Reply::Act(_, None) | Reply::AcknowledgeAll => {
            Some("Foghorn: which one? Reply with its number, as in 1042A.".to_owned())
        }
    })
}

fn puzzled(not: &reply::NotUnderstood) -> String {
    let meant = not.meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
    format!("Foghorn: didn't understand \"{}\".{meant} Reply HELP for the list.", not.said)
}

/// Who has this address.
fn user(shared: &Shared, address: &Address, of: fn(&User) -> Option<&Address>) -> Option<(UserName, Role)> {
    let in_use = shared.api.in_use.borrow().clone();
    let mut users = in_use.routes.directory.users.iter();
    users.find(|(_, user)| of(user) == Some(address)).map(|(name, user)| (name.clone(), user.role))
}

/// For whoever may look and not act.
fn only_looks(number: u64) -> String {
    format!("Foghorn: you may look at #{number}, not act on it.")
}

fn phone(user: &User) -> Option<&Address> {
    user.phone.as_ref()
}

/// Does what a button says that `by` pressed. The words for them.
///
/// The event is the message's: pressed again, or played back, it is the same one, and counts once. A
/// message of an earlier episode is about nothing that is open now.
pub(super) async fn press(shared: &Shared, by: &Address, button: &Button) -> Result<String, Problem> {
    let Some((name, role)) = user(shared, by, |user| user.slack.as_ref()) else {
        let id = by.expose();
        return Ok(format!(
            "Foghorn: nobody here has your member id. Ask for slack = \"{id}\" under your name in [users]."
        ));
    };
    let Button { wish, number, version, episode } = *button;
    if role == Role::Viewer {
        return Ok(only_looks(number));
    }
    let Some(incident) = shared.api.store.incident(number).await? else {
        return Ok(format!("Foghorn: there is no incident #{number}."));
    };
    if let Some(already) = already(&incident, wish.status()) {
        return Ok(already);
    }
    let late = format!("Foghorn: #{number} is open again since then: use its latest message.");
    if incident.opened_at.as_millisecond() != episode {
        return Ok(late);
    }
    let event = event(&incident, version, wish.status(), &name);
    let submitted = ask::submit(&shared.api, vec![event], None).await?;
    Ok(match (submitted.first().map(known), wish) {
        (Some(Known::New), Wish::Acknowledge) => {
            format!("Foghorn: #{number} acked by you at {}.", now(shared))
        }
        (Some(Known::New), Wish::Resolve) => {
            format!("Foghorn: #{number} resolved by you at {}.", now(shared))
        }
        (Some(Known::Before), _) => format!("Foghorn: you pressed this before; see #{number}."),
        (Some(Known::NoEvent) | None, _) => format!("Foghorn: this did not work; see #{number}."),
    })
}

/// What a press turned out to be.
enum Known {
    New,
    Before,
    NoEvent,
}

fn known(submitted: &Submitted) -> Known {
    match submitted {
        Submitted::Accepted(accepted) => match accepted.result {
            AcceptResult::Decided(_) => Known::New,
            AcceptResult::Duplicate | AcceptResult::Conflict => Known::Before,
        },
        Submitted::Malformed(_) | Submitted::DeadLetter(_) => Known::NoEvent,
    }
}

fn now(shared: &Shared) -> String {
    shared.api.clock.now().strftime("%H:%M UTC").to_string()
}

async fn act(shared: &Shared, from: &Address, action: Action, number: u64) -> Result<String, Problem> {
    let Some((name, role)) = user(shared, from, phone) else {
        return Ok("Foghorn: this number belongs to nobody here.".to_owned());
    };
    if role == Role::Viewer {
        return Ok(only_looks(number));
    }
    let status = match action {
        Action::Acknowledge => IncidentStatus::Acknowledged,
        Action::Resolve => IncidentStatus::Resolved,
        Action::Escalate | Action::Snooze | Action::Undo | Action::TakeOver => {
            return Ok(format!("Foghorn: {} is not possible by SMS yet. {HELP}", action.word()));
        }
    };
    let Some(incident) = shared.api.store.incident(number).await? else {
        return Ok(format!("Foghorn: there is no incident #{number}."));
    };
    if let Some(already) = already(&incident, status) {
        return Ok(already);
    }
    ask::submit(&shared.api, vec![event(&incident, incident.version, status, &name)], None).await?;
    let now = now(shared);
    Ok(match status {
        IncidentStatus::Resolved => format!("Foghorn: #{number} resolved by you at {now}."),
        _ => format!("Foghorn: #{number} acked by you at {now}. Resolve it: reply {number}R"),
    })
}

fn already(incident: &IncidentView, wanted: IncidentStatus) -> Option<String> {
    let number = incident.number;
    match (incident.status, wanted) {
        (IncidentStatus::Resolved, _) => Some(format!("Foghorn: #{number} was already resolved.")),
        (IncidentStatus::Acknowledged, IncidentStatus::Acknowledged) => {
            Some(format!("Foghorn: #{number} was already acked."))
        }
        _ => None,
    }
}

/// What they did, as an event of the incident: nothing else of it changes. `version` is the one that
/// they were told of.
fn event(incident: &IncidentView, version: u64, status: IncidentStatus, who: &UserName) -> Arc<[u8]> {
    let event = json!({
        "title": incident.title, "dedup_key": incident.dedup_key, "severity": incident.severity.as_str(),
        "status": status.as_str(), "service": incident.service, "labels": incident.labels,
        "description": incident.description,
        // Twice the same answer about the same version is one event.
        "event_id": format!("reply:{}:{version}:{}:{who}", incident.number, status.as_str()),
    });
    event.to_string().into_bytes().into()
}

/// Nothing more is planned for this address on this channel.
async fn stop(shared: &Shared, channel: &ChannelName, from: &Address) -> Result<(), Problem> {
    let now = shared.api.clock.now();
    let recipient =
        user(shared, from, phone).map_or_else(|| from.masked().into(), |(name, _)| Arc::from(name.as_str()));
    let marked = AddressChange::Marked(Suppression {
        id: SuppressionId::new(now, fastrand::u128(..)),
        channel: channel.clone(),
        address: from.clone(),
        recipient,
        mark: Mark::OptedOut,
        strikes: 1,
        code: "STOP".to_owned(),
        detail: String::new(),
        delivery: DeliveryId::new(now, 0),
        since: now,
        last_at: now,
    });
    ask::learn(&shared.api, Vec::new(), vec![marked]).await
}
