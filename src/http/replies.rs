//! What people answer to a message, and what they are told.
//!
//! Only whoever is a user with this address is obeyed, and only about incidents. An answer becomes an
//! event of the incident; what is asked for already is said, and done once.

use std::sync::Arc;

use serde_json::json;

use super::problem::Problem;
use super::{Shared, ask};
use crate::domain::delivery::Address;
use crate::domain::ids::{DeliveryId, SuppressionId};
use crate::domain::incident::IncidentStatus;
use crate::domain::names::{ChannelName, UserName};
use crate::domain::suppression::{AddressChange, Mark, Suppression};
use crate::formats::reply::{self, Action, Reply};
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

/// Whose address this is.
fn user(shared: &Shared, from: &Address) -> Option<UserName> {
    let in_use = shared.api.in_use.borrow().clone();
    let mut users = in_use.routes.directory.users.iter();
    users.find(|(_, user)| user.phone.as_ref() == Some(from)).map(|(name, _)| name.clone())
}

async fn act(shared: &Shared, from: &Address, action: Action, number: u64) -> Result<String, Problem> {
    let Some(name) = user(shared, from) else {
        return Ok("Foghorn: this number belongs to nobody here.".to_owned());
    };
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
    ask::submit(&shared.api, vec![event(&incident, status, &name)], None).await?;
    let now = shared.api.clock.now().strftime("%H:%M UTC").to_string();
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

/// What they did, as an event of the incident: nothing else of it changes.
fn event(incident: &IncidentView, status: IncidentStatus, who: &UserName) -> Arc<[u8]> {
    let event = json!({
        "title": incident.title, "dedup_key": incident.dedup_key, "severity": incident.severity.as_str(),
        "status": status.as_str(), "service": incident.service, "labels": incident.labels,
        "description": incident.description,
        // Twice the same answer about the same version is one event.
        "event_id": format!("reply:{}:{}:{}:{who}", incident.number, incident.version, status.as_str()),
    });
    event.to_string().into_bytes().into()
}

/// Nothing more is planned for this address on this channel.
async fn stop(shared: &Shared, channel: &ChannelName, from: &Address) -> Result<(), Problem> {
    let now = shared.api.clock.now();
    let recipient = user(shared, from).map_or_else(|| from.masked().into(), |name| Arc::from(name.as_str()));
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
