//! `foghorn oncall`: who is on call in each team, or the shifts of one.

use std::io::Write;

use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::client::{Session, name};
use super::connection::{Failure, RawPage};
use super::lists::{none, parsed};
use crate::domain::Timestamp;
use crate::domain::on_call::{OnCall, Roster, Watch};
use crate::domain::rotation::Because;

/// `foghorn oncall`
#[derive(Debug, Clone, Args)]
pub struct OnCallArgs {
    /// The shifts of this team
    #[arg(value_name = "TEAM", value_parser = name)]
    pub team: Option<String>,
    /// Then, such as 2026-12-24T18:00:00Z; now unless said
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// So many days of a team's shifts
    #[arg(long, value_name = "N", default_value_t = 14, requires = "team",
          value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// The address at which a calendar subscribes to a team's shifts; whoever has it may read them
    #[arg(long, requires = "team", conflicts_with_all = ["json", "days", "at"])]
    pub calendar: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(args: &OnCallArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    match &args.team {
        Some(team) => shifts(team, args, session).await,
        None => everywhere(args, session).await,
    }
}

async fn everywhere<W: Write>(args: &OnCallArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let at: Vec<_> = args.at.map(|at| ("at", at.to_string())).into_iter().collect();
    let page: RawPage = session.server.get("/api/v1/oncall", &at).await?;
    if args.json {
        page.data.iter().try_for_each(|entry| session.out.json(entry.get()))?;
        return Ok(Exit::Done);
    }
    let teams = page.data.iter().map(|entry| parsed(entry)).collect::<Result<Vec<OnCall>, _>>()?;
    let row = |one: &OnCall| {
        let zone = zone(&one.timezone);
        let next = one.next.as_ref().map_or_else(none, |next| who(next.user.as_deref(), next.because));
        [
            one.team.clone(),
            who(one.user.as_deref(), one.because),
            when(one.since, &zone),
            when(one.until, &zone),
            next,
        ]
    };
    let rows: Vec<_> = teams.iter().map(row).collect();
    session.out.table(["TEAM", "ON CALL", "SINCE", "UNTIL", "THEN"], &rows)?;
    Ok(Exit::Done)
}

async fn shifts<W: Write>(team: &str, args: &OnCallArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let from = args.at.unwrap_or(session.now);
    let until = from.checked_add(SignedDuration::from_hours(24 * i64::from(args.days)));
    let range = [("from", from.to_string()), ("until", until.unwrap_or(Timestamp::MAX).to_string())];
    let raw: Box<RawValue> = session.server.get(&format!("/api/v1/teams/{team}/oncall"), &range).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    if args.calendar {
        let Subscribed { calendar_url } = parsed(&raw)?;
        session.out.line(&calendar_url)?;
        return Ok(Exit::Done);
    }
    let roster: Roster = parsed(&raw)?;
    let zone = zone(&roster.timezone);
    let row =
        |one: &Watch| [when(one.from, &zone), when(one.until, &zone), who(one.user.as_deref(), one.because)];
    let rows: Vec<_> = roster.shifts.iter().map(row).collect();
    session.out.table(["FROM", "UNTIL", "ON CALL"], &rows)?;
    Ok(Exit::Done)
}

/// Where a calendar subscribes.
#[derive(Deserialize)]
struct Subscribed {
    calendar_url: String,
}

fn who(user: Option<&str>, because: Because) -> String {
    match (user, because) {
        (None, _) => "nobody yet".to_owned(),
        (Some(user), Because::Override) => format!("{user} (standing in)"),
        (Some(user), _) => user.to_owned(),
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// On the clocks of the team: `Mon 2026-01-05 09:00 GMT`.
fn when(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(none, |at| at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string())
}
