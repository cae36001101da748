//! `foghorn policy`: who hears, how, and when what does not arrive is tried again.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, counted, none, parsed, print, read};
use super::route::{after, outcome, over};
use super::stored::{self, NamedArgs, SetArgs};
use crate::config::short_duration;
use crate::domain::Timestamp;
use crate::domain::policy::News;
use crate::domain::record::Section;

/// `foghorn policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// All of them, and the routes that lead to each
    List(FormArgs),
    /// One: its steps, and the retries of its channels
    Show(PolicyArgs),
    /// Who would hear, and when, if it began now or at another moment
    Simulate(SimulateArgs),
    /// Have one say what a file says; what stands in the configuration file is changed there
    Set(SetArgs),
    /// Take one away
    Remove(NamedArgs),
}

/// `foghorn policy show`
#[derive(Debug, Clone, Args)]
pub struct PolicyArgs {
    /// Its name in the configuration
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn policy simulate`
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Its name in the configuration
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// When it would begin, such as 2026-11-21T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// How bad the incident would be
    #[arg(long)]
    pub severity: Option<String>,
    /// What it would be about
    #[arg(long)]
    pub service: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Policy {
    name: String,
    routes: Vec<String>,
    steps: Vec<Step>,
    on_resolve: News,
    #[serde(default)]
    schedules: BTreeMap<String, Schedule>,
}

#[derive(Debug, Deserialize)]
struct Step {
    after_s: u64,
    notify: Vec<String>,
    via: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Schedule {
    waits_s: Vec<f64>,
    max_attempts: u32,
    max_age_s: u64,
    jitter: f64,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(
    command: &PolicyCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::List(form) => list(form, session).await,
        PolicyCommand::Show(args) => show(args, session).await,
        PolicyCommand::Simulate(args) => simulate(args, session).await,
        PolicyCommand::Set(args) => stored::set(Section::Policies, args, session).await,
        PolicyCommand::Remove(args) => stored::remove(Section::Policies, args, session).await,
    }
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/policies", &[], &list).await?;
    let row = |policy: &Policy| {
        let who: Vec<String> = policy.steps.iter().map(step).collect();
        let routes = if policy.routes.is_empty() { none() } else { policy.routes.join(", ") };
        [policy.name.clone(), who.join("; "), routes]
    };
    let header = ["NAME", "WHO HEARS", "ROUTES"];
    print(&mut session.out, &listed, &list, header, row, |policy: &Policy| policy.name.clone())?;
    Ok(Exit::Done)
}

async fn show<W: Write>(args: &PolicyArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let path = format!("/api/v1/policies/{}", args.name);
    let raw: Box<RawValue> = session.server.get(&path, &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    lines(&parsed(&raw)?).iter().try_for_each(|line| session.out.line(line))?;
    Ok(Exit::Done)
}

async fn simulate<W: Write>(args: &SimulateArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let mut query: Vec<(&str, String)> = Vec::new();
    query.extend(args.at.map(|at| ("at", at.to_string())));
    query.extend(args.severity.clone().map(|severity| ("severity", severity)));
    query.extend(args.service.clone().map(|service| ("service", service)));
    let path = format!("/api/v1/policies/{}/preview", args.name);
    let raw: Box<RawValue> = session.server.get(&path, &query).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    outcome(&parsed(&raw)?).iter().try_for_each(|line| session.out.line(line))?;
    Ok(Exit::Done)
}

fn step(step: &Step) -> String {
    format!("{} {} via {}", after(step.after_s), step.notify.join(", "), step.via.join(", "))
}

fn lines(policy: &Policy) -> Vec<String> {
    let routes = match policy.routes.as_slice() {
        [] => "no route leads here".to_owned(),
        routes => format!("routes: {}", routes.join(", ")),
    };
    let mut lines = vec![format!("{}   {routes}", policy.name)];
    lines.extend(policy.steps.iter().map(|each| format!("   {}", step(each))));
    lines.push(over(policy.on_resolve));
    if !policy.schedules.is_empty() {
        lines.push("RETRIES".to_owned());
    }
    lines.extend(policy.schedules.iter().map(|(channel, schedule)| {
        let attempts = u64::from(schedule.max_attempts);
        format!(
            "   {channel:<12} after {}; at most {} within {}, each wait up to {:.0}% shorter",
            waits(&schedule.waits_s),
            counted(attempts, "attempt", "attempts"),
            short_duration(Duration::from_secs(schedule.max_age_s)),
            schedule.jitter * 100.0
        )
    }));
    lines
}

/// `5s, 10s, 20s, 15m (94 times)`
fn waits(waits_s: &[f64]) -> String {
    let mut runs: Vec<(f64, usize)> = Vec::new();
    for wait in waits_s {
        match runs.last_mut() {
            #[expect(clippy::float_cmp, reason = "equal waits are the same number")]
            Some((last, times)) if last == wait => *times += 1,
            _ => runs.push((*wait, 1)),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|(wait, times)| {
            let wait = short_duration(Duration::try_from_secs_f64(*wait).unwrap_or_default());
            if *times == 1 { wait } else { format!("{wait} ({times} times)") }
        })
        .collect();
    if runs.is_empty() { "nothing".to_owned() } else { runs.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::retry::RetryPolicy;

    #[test]
    fn the_schedule_is_a_list_and_equal_waits_are_counted() {
        let usual = RetryPolicy::default().schedule();
        let seconds: Vec<f64> = usual.iter().map(Duration::as_secs_f64).collect();
        assert_eq!(waits(&seconds), "5s, 10s, 20s, 40s, 1m 20s, 2m 40s, 5m 20s, 10m 40s, 15m (94 times)");
        assert_eq!(waits(&[0.05, 0.1]), "50ms, 100ms");
        assert_eq!(waits(&[]), "nothing");
    }
}
