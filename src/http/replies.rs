//! What people answer to a message or press under it, and what they are told.
//!
//! Only whoever is a user with this address is obeyed, and only about incidents. What is asked for twice
//! is done once, and said so.

use std::sync::Arc;
use std::time::Duration;

use super::problem::Problem;
use super::{Shared, ask};
use crate::domain::action::{Act, Acted, Action, By, Via};
use crate::domain::button::{Button, Wish};
use crate::domain::delivery::Address;
use crate::domain::ids::{DeliveryId, SuppressionId};
use crate::domain::incident::IncidentStatus;
use crate::domain::names::{ChannelName, UserName};
use crate::domain::people::{Role, User};
use crate::domain::retry::later;
use crate::domain::suppression::{AddressChange, Mark, Suppression};
use crate::formats::reply::{self, Reply};

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
/// Pressed again, or played back, it counts once. A message of an earlier episode is about nothing that
/// is open now.
pub(super) async fn press(shared: &Shared, by: &Address, button: &Button) -> Result<String, Problem> {
    let Some((name, role)) = user(shared, by, |user| user.slack.as_ref()) else {
        let id = by.expose();
        return Ok(format!(
            "Foghorn: nobody here has your member id. Ask for slack = \"{id}\" under your name in [users]."
        ));
    };
    let Button { wish, number, episode, .. } = *button;
    if role == Role::Viewer {
        return Ok(only_looks(number));
    }
    let action = match wish {
        Wish::Acknowledge => Action::Acknowledge,
        Wish::Resolve => Action::Resolve,
    };
    let act = Act { episode: Some(episode), ..act_of(number, action, &name, Via::Chat) };
    Ok(match ask::act(&shared.api, act).await? {
        Acted::Changed(_) => format!("Foghorn: #{number} is open again since then: use its latest message."),
        acted => outcome(shared, number, wish.into(), &acted),
    })
}

fn act_of(number: u64, action: Action, who: &UserName, via: Via) -> Act {
    let by = By { who: who.as_str().into(), via };
    Act { number, action, note: None, by, if_version: None, episode: None }
}

/// What is said to whoever did it.
fn outcome(shared: &Shared, number: u64, wanted: reply::Action, acted: &Acted) -> String {
    let at = shared.api.clock.now().strftime("%H:%M UTC");
    match (acted, wanted) {
        (Acted::NotFound, _) => format!("Foghorn: there is no incident #{number}."),
        (Acted::Already(incident) | Acted::Refused(incident, _), _)
            if incident.status == IncidentStatus::Resolved =>
        {
            format!("Foghorn: #{number} was already resolved.")
        }
        (Acted::Already(_), reply::Action::Acknowledge) => format!("Foghorn: #{number} was already acked."),
        (Acted::Already(_) | Acted::Changed(_), _) => format!("Foghorn: nothing to do; see #{number}."),
        (Acted::Refused(_, why), _) => format!("Foghorn: #{number}: {why}."),
        (Acted::Done(_), reply::Action::Acknowledge) => format!("Foghorn: #{number} acked by you at {at}."),
        (Acted::Done(_), reply::Action::Resolve) => format!("Foghorn: #{number} resolved by you at {at}."),
        (Acted::Done(_), reply::Action::Escalate) => {
            format!("Foghorn: #{number} escalated: the next ones are told now.")
        }
        (Acted::Done(_), reply::Action::Snooze) => {
            format!("Foghorn: #{number} is quiet for an hour. End it: reply {number}U")
        }
        (Acted::Done(_), reply::Action::Undo | reply::Action::TakeOver) => {
            format!("Foghorn: #{number} is open again.")
        }
    }
}

async fn act(shared: &Shared, from: &Address, wanted: reply::Action, number: u64) -> Result<String, Problem> {
    let Some((name, role)) = user(shared, from, phone) else {
        return Ok("Foghorn: this number belongs to nobody here.".to_owned());
    };
    if role == Role::Viewer {
        return Ok(only_looks(number));
    }
    let action = match wanted {
        reply::Action::Acknowledge => Action::Acknowledge,
        reply::Action::Resolve => Action::Resolve,
        reply::Action::Escalate => Action::Escalate,
        reply::Action::Snooze => Action::Snooze(later(shared.api.clock.now(), SNOOZED_FOR)),
        reply::Action::Undo => match shared.api.store.incident(number).await? {
            Some(incident) if incident.status == IncidentStatus::Resolved => Action::Reopen,
            Some(incident) if incident.snoozed_until.is_some() => Action::Unsnooze,
            _ => Action::Unacknowledge,
        },
        reply::Action::TakeOver => {
            return Ok(format!("Foghorn: to {} is not possible by SMS. {HELP}", wanted.word()));
        }
    };
    let acted = ask::act(&shared.api, act_of(number, action, &name, Via::Sms)).await?;
    let mut said = outcome(shared, number, wanted, &acted);
    if matches!((&acted, wanted), (Acted::Done(_), reply::Action::Acknowledge)) {
        said.push_str(&format!(" Resolve it: reply {number}R"));
    }
    Ok(said)
}

/// How long a snooze by text message is.
const SNOOZED_FOR: Duration = Duration::from_secs(3_600);

impl From<Wish> for reply::Action {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Acknowledge => Self::Acknowledge,
            Wish::Resolve => Self::Resolve,
        }
    }
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
