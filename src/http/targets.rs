//! To whom one message goes, as somebody names it: a test, or a dead delivery that is repeated to somebody
//! else.

use super::flow::is_known;
use super::problem::{Code, Problem};
use super::{Api, limits};
use crate::domain::Timestamp;
use crate::domain::delivery::{Address, Repeat, Target};
use crate::domain::directory::Directory;
use crate::domain::ids::DeliveryId;
use crate::domain::names::{ChannelName, UserName};
use crate::domain::people::{Contact, Recipient};
use crate::domain::withheld::in_words;

fn invalid(why: String) -> Problem {
    Problem::new(Code::InvalidBody, why)
}

/// The first address of whoever is meant, and the others.
pub(super) fn of_one(
    recipient: Recipient,
    channel: &ChannelName,
    directory: &Directory,
    now: Timestamp,
) -> Result<(Target, Vec<Address>), Problem> {
    match &recipient {
        Recipient::User(name) => {
            let known: Vec<&str> = directory.users.keys().map(UserName::as_str).collect();
            is_known("user", name.as_str(), &known)?;
        }
        Recipient::Address(_) => {}
        Recipient::Team(_) | Recipient::OnCall(_) | Recipient::Role(_) => {
            return Err(invalid("name one person: a user's name, or an address".to_owned()));
        }
    }
    let reached = directory.reach(&[recipient], std::slice::from_ref(channel), now);
    let mut targets = reached.targets.into_iter();
    let first = targets.next().ok_or_else(|| invalid(in_words(&reached.withheld)))?;
    Ok((first, targets.map(|target| target.address).collect()))
}

/// Whom somebody named.
pub(super) fn named(to: &str) -> Result<Recipient, Problem> {
    to.parse().map_err(|error| invalid(format!("{error}")))
}

/// Where dead deliveries are to go instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// A user's name, or an address; unless said, whoever it was.
    pub(super) to: Option<String>,
    /// Unless said, the channel it was.
    pub(super) via: Option<ChannelName>,
}

/// These dead deliveries, each with where it goes now. What is not there is left out.
pub(super) async fn redirected(
    api: &Api,
    ids: &[DeliveryId],
    redirect: &Redirect,
) -> Result<Vec<Repeat>, Problem> {
    if ids.len() > limits::PAGE {
        let most = limits::PAGE;
        return Err(invalid(format!("at most {most} deliveries are sent elsewhere in one request")));
    }
    let in_use = api.in_use.borrow().clone();
    let directory = &in_use.routes.directory;
    let to = redirect.to.as_deref().map(named).transpose()?;
    let mut repeats = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(job) = api.store.job(*id).await? else { continue };
        let channel = redirect.via.as_ref().unwrap_or(&job.target.channel);
        let known: Vec<&str> = directory.channels.keys().map(ChannelName::as_str).collect();
        is_known("channel", channel.as_str(), &known)?;
        let fixed = directory.channels.get(channel).is_some_and(|reach| reach.contact == Contact::Fixed);
        if fixed && to.is_some() {
            return Err(invalid(format!("channel {channel} knows its own way: say via without to")));
        }
        let whom = to.clone().unwrap_or_else(|| as_before(&job.target, directory));
        let (target, _) = of_one(whom, channel, directory, api.clock.now())?;
        repeats.push(Repeat { dead: *id, to: Some(target) });
    }
    Ok(repeats)
}

/// Whoever it was; of a user, whatever address the other channel needs.
fn as_before(target: &Target, directory: &Directory) -> Recipient {
    let user = UserName::from(&*target.recipient);
    if directory.users.contains_key(&user) {
        Recipient::User(user)
    } else {
        Recipient::Address(target.address.clone())
    }
}
