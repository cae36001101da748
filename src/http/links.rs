//! `/i/{token}`: the page that a link in a message leads to, and what its buttons do.
//!
//! Looking changes nothing, however often a scanner does it. A button posts, does it in the name of
//! whoever the message went to, and leads back to the page, which says how it stands now.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::lists::found;
use super::pages::written;
use super::problem::{Code, Problem};
use super::{Shared, ask};
use crate::domain::action::{Act, Action, By, Via};
use crate::domain::incident::IncidentStatus;
use crate::domain::people::Role;
use crate::domain::retry::later;
use crate::render::links::Pass;
use crate::render::pages::Page;
use crate::store::views::IncidentView;

/// How long the button makes it quiet.
const SNOOZED_FOR: Duration = Duration::from_secs(3_600);

/// What the page shows.
#[derive(Serialize)]
struct Shown {
    incident: IncidentView,
    /// Where the buttons post to.
    base: String,
    /// How it stands, in words.
    said: String,
    state: Standing,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    /// The buttons work.
    Good,
    /// The time of the link is over.
    Gone,
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let pass = pass(&shared, &token)?;
    let incident = found(shared.api.store.incident(pass.number).await?, "incident")?;
    let gone = pass.expires_at <= shared.api.clock.now();
    let said = if gone {
        "This link is too old to act with. Open the latest message, or sign in.".to_owned()
    } else {
        said(&incident, &pass.user)
    };
    let state = if gone { Standing::Gone } else { Standing::Good };
    written(Page::Link, Shown { incident, base: format!("/i/{token}"), said, state })
}

fn said(incident: &IncidentView, user: &str) -> String {
    let by = |who: &Option<String>| match who.as_deref() {
        Some(who) if who == user => "you".to_owned(),
        who => who.unwrap_or("somebody").to_owned(),
    };
    match (incident.status, incident.snoozed_until) {
        (IncidentStatus::Resolved, _) => format!("Resolved by {}.", by(&incident.resolved_by)),
        (IncidentStatus::Acknowledged, _) => match incident.acknowledged_by.as_deref() {
            Some(who) if who == user => "You have it. Paging stopped.".to_owned(),
            who => format!("{} has it. Paging stopped.", who.unwrap_or("Somebody")),
        },
        (IncidentStatus::Open, Some(until)) => {
            format!("Quiet until {}.", until.strftime("%Y-%m-%d %H:%M UTC"))
        }
        (IncidentStatus::Open, None) => "Nobody has it yet.".to_owned(),
    }
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let pass = pass(&shared, &token)?;
    let now = shared.api.clock.now();
    if pass.expires_at <= now {
        return Err(Problem::new(Code::LinkUnknown, "this link is too old to act with"));
    }
    let action = match request.uri().path().rsplit('/').next().unwrap_or_default() {
        "acknowledge" => Action::Acknowledge,
        "unacknowledge" => Action::Unacknowledge,
        "resolve" => Action::Resolve,
        "reopen" => Action::Reopen,
        "escalate" => Action::Escalate,
        _ => Action::Snooze(later(now, SNOOZED_FOR)),
    };
    let by = By { who: pass.user.as_str().into(), via: Via::Link };
    let act = Act { number: pass.number, action, note: None, by, if_version: None, episode: None };
    // Whatever came of it, the page says how it stands.
    ask::act(&shared.api, act).await?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("/i/{token}"))]).into_response())
}

/// What the link is good for, if it is one of ours and its user is still there and may act.
fn pass(shared: &Shared, token: &str) -> Result<Pass, Problem> {
    let in_use = shared.api.in_use.borrow().clone();
    let links = in_use.letterhead.links.as_ref();
    let pass = links.and_then(|links| links.read(token));
    let users = &in_use.routes.directory.users;
    let known = |pass: &Pass| users.get(pass.user.as_str()).is_some_and(|user| user.role != Role::Viewer);
    pass.filter(known)
        .ok_or_else(|| Problem::new(Code::LinkUnknown, "this is no link that somebody here may act with"))
}
