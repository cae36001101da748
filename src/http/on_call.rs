//! Who is on call: `GET /api/v1/teams`, `GET /api/v1/oncall`, `GET /api/v1/teams/{name}/oncall` for a team's shifts, and
//! `GET /api/v1/teams/{name}/oncall.ics` as a calendar. From the configuration in use.
//!
//! A program that subscribes to a calendar shows no token, so each team's shifts have an address that is its
//! own key: `/calendar/{team}-{signature}.ics`, told to whoever may read them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Serialize;

use super::Shared;
use super::flow::is_known;
use super::problem::{Code, Problem};
use super::query::Query;
use super::records::Standing;
use crate::domain::Timestamp;
use crate::domain::names::{TeamName, UserName};
use crate::domain::on_call::{OnCall, Roster, zone};
use crate::domain::people;
use crate::domain::record::Section;
use crate::messages::in_use::InUse;
use crate::render::calendar;
use crate::store::views::Page;

/// How far ahead shifts are told unless somebody says.
const USUAL: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How much of the calendar is told at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// How far ahead a calendar that subscribes is told.
const SUBSCRIBED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A team as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Team {
    name: String,
    members: Vec<UserName>,
    /// On whose clocks turns change; none where nobody takes turns.
    timezone: Option<String>,
    /// Who takes turns.
    order: Vec<UserName>,
    #[serde(flatten)]
    standing: Option<Standing>,
}

impl Team {
    fn of(name: &TeamName, team: &people::Team, in_use: &InUse) -> Self {
        Self {
            name: name.to_string(),
            members: team.members.clone(),
            timezone: team.rotation.as_ref().map(zone),
            order: team.rotation.as_ref().map(|rotation| rotation.order.clone()).unwrap_or_default(),
            standing: Standing::of(&in_use.tables, Section::Teams, name.as_str()),
        }
    }
}

pub(super) async fn teams(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Json<Page<Team>>, Problem> {
    // Short, and comes whole.
    Query::parse(&uri, &["limit", "cursor"])?;
    let in_use = shared.api.in_use.borrow().clone();
    let teams = in_use.routes.directory.teams.iter();
    Ok(Json(Page {
        data: teams.map(|(name, team)| Team::of(name, team, &in_use)).collect(),
        next_cursor: None,
    }))
}

pub(super) async fn now(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Json<Page<OnCall>>, Problem> {
    let query = Query::parse(&uri, &["at", "limit", "cursor"])?;
    let at = query.read("at", MOMENT)?.unwrap_or_else(|| shared.api.clock.now());
    let in_use = shared.api.in_use.borrow().clone();
    Ok(Json(Page { data: in_use.routes.directory.on_call_everywhere(at), next_cursor: None }))
}

const MOMENT: &str = "a moment such as 2026-01-05T09:00:00Z";

/// The shifts of a team, and where calendars subscribe to them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RosterWithCalendar)]
pub(super) struct Shifts {
    #[serde(flatten)]
    roster: Roster,
    /// Whoever has it may read these shifts.
    calendar_url: Option<String>,
}

pub(super) async fn shifts(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Json<Shifts>, Problem> {
    let query = Query::parse(&uri, &["from", "until"])?;
    let from = query.read("from", MOMENT)?.unwrap_or_else(|| shared.api.clock.now());
    let until = query.read("until", MOMENT)?.unwrap_or_else(|| after(from, USUAL));
    if until <= from || until.duration_since(from) > LONGEST {
        let what = format!("until = {until} is not within a year after from = {from}");
        return Err(Problem::new(Code::Query, what));
    }
    let in_use = shared.api.in_use.borrow().clone();
    let roster = roster(&in_use, &name, from, until)?;
    let file = in_use.letterhead.links.as_ref().map(|links| links.calendar(&roster.team));
    let calendar_url = file.map(|file| format!("{}/calendar/{file}", shared.api.public_url));
    Ok(Json(Shifts { roster, calendar_url }))
}

pub(super) async fn subscribed(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::parse(&uri, &[])?;
    calendar_of(&shared, &name)
}

pub(super) async fn by_address(
    State(shared): State<Arc<Shared>>,
    Path(file): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::parse(&uri, &[])?;
    let in_use = shared.api.in_use.borrow().clone();
    let team = in_use.letterhead.links.as_ref().and_then(|links| links.read_calendar(&file));
    let team =
        team.ok_or_else(|| Problem::new(Code::LinkUnknown, "this is no address of a team's shifts"))?;
    calendar_of(&shared, team)
}

fn calendar_of(shared: &Shared, name: &str) -> Result<Response, Problem> {
    let now = shared.api.clock.now();
    let in_use = shared.api.in_use.borrow().clone();
    let roster = roster(&in_use, name, now, after(now, SUBSCRIBED))?;
    let file = format!("inline; filename=\"oncall-{}.ics\"", roster.team);
    let headers = [(CONTENT_TYPE, "text/calendar; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, file)];
    Ok((headers, calendar::of(&roster, now)).into_response())
}

fn after(from: Timestamp, wait: SignedDuration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn roster(in_use: &InUse, name: &str, from: Timestamp, until: Timestamp) -> Result<Roster, Problem> {
    let directory = &in_use.routes.directory;
    let known: Vec<&str> = directory.teams.keys().map(TeamName::as_str).collect();
    is_known("team", name, &known)?;
    let team = TeamName::from(name);
    let rotation = directory.teams.get(&team).and_then(|team| team.rotation.as_ref());
    let rotation = rotation.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("nobody of team \"{name}\" takes turns: it has no rotation"))
    })?;
    Ok(directory.roster(&team, rotation, from, until))
}
