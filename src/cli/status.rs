//! `foghorn status`: one screen that says whether it is well, and what is stuck.

use std::io::Write;

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::age::age;
use super::client::Session;
use super::connection::Failure;
use super::lists::{counted, parsed};
use super::shapes::Part;
use crate::domain::Timestamp;

/// `foghorn status`
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Status {
    version: String,
    started_at: Timestamp,
    phase: String,
    ready: bool,
    config: Config,
    store: Part,
    incidents: Incidents,
    deliveries: Deliveries,
    dead_letters: DeadLetters,
    sources: Vec<Source>,
    channels: Vec<Channel>,
}

#[derive(Debug, Deserialize)]
struct Config {
    digest: String,
    loaded_at: Option<Timestamp>,
    refused_at: Option<Timestamp>,
    #[serde(default)]
    left_out: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Incidents {
    open: u64,
    open_critical: u64,
    acknowledged: u64,
}

#[derive(Debug, Deserialize)]
struct Deliveries {
    pending: u64,
    sending: u64,
    retrying: u64,
    oldest_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct DeadLetters {
    deliveries: u64,
    events: u64,
}

#[derive(Debug, Deserialize)]
struct Source {
    name: String,
    #[serde(flatten)]
    part: Part,
    lag: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    name: String,
    #[serde(flatten)]
    part: Part,
    dead: u64,
}

pub(super) async fn status<W: Write>(args: &StatusArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.get("/api/v1/status", &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let status: Status = parsed(&raw)?;
    for line in lines(&status, &session.server.url(), session.now) {
        session.out.line(&line)?;
    }
    Ok(Exit::Done)
}

fn lines(status: &Status, url: &str, now: Timestamp) -> Vec<String> {
    let ready = match (status.ready, status.phase.as_str()) {
        (true, _) => "ready",
        (false, "running") => "NOT READY",
        (false, phase) => phase,
    };
    let loaded = status.config.loaded_at.map_or_else(String::new, |at| format!(" read {} ago", age(at, now)));
    let mut lines = vec![format!(
        "foghorn {}   up {}   {url}   config {}{loaded}   {ready}",
        status.version,
        age(status.started_at, now),
        status.config.digest
    )];
    if let Some(at) = status.config.refused_at {
        lines.push(format!("CONFIG       a newer one was refused {} ago   → foghorn check", age(at, now)));
    }
    lines.extend(status.config.left_out.iter().map(|left| format!("LEFT OUT     {left}")));
    if status.store.state != "ok" {
        lines.push(format!("STORE        {}", told(&status.store)));
    }
    let incidents = &status.incidents;
    let critical = match incidents.open_critical {
        0 => String::new(),
        count => format!(" ({count} critical)"),
    };
    lines.push(format!(
        "INCIDENTS    open {}{critical}   acknowledged {}",
        incidents.open, incidents.acknowledged
    ));
    let deliveries = &status.deliveries;
    let oldest = deliveries.oldest_at.map_or_else(String::new, |at| format!(" (oldest {})", age(at, now)));
    lines.push(format!(
        "DELIVERIES   pending {}   sending {}   retrying {}{oldest}",
        deliveries.pending, deliveries.sending, deliveries.retrying
    ));
    let dead = &status.dead_letters;
    if dead.deliveries + dead.events > 0 {
        lines.push(format!(
            "DEAD         {}, {}   → foghorn dlq list",
            counted(dead.deliveries, "delivery", "deliveries"),
            counted(dead.events, "event", "events")
        ));
    }
    let sources = status.sources.iter().map(|source| {
        let lag = source.lag.map_or_else(String::new, |lag| format!(" lag {lag}"));
        format!("{} {}{lag}", source.name, told(&source.part))
    });
    lines.push(format!("SOURCES      {}", sources.collect::<Vec<_>>().join(" · ")));
    let channels = status.channels.iter().map(|channel| {
        let dead = if channel.dead > 0 { format!(", {} dead", channel.dead) } else { String::new() };
        format!("{} {}{dead}", channel.name, told(&channel.part))
    });
    let channels: Vec<String> = channels.collect();
    lines.push(match channels.as_slice() {
        [] => "CHANNELS     none: nobody can be told anything".to_owned(),
        channels => format!("CHANNELS     {}", channels.join(" · ")),
    });
    lines
}

/// A state in a word, the bad ones loud, with why.
fn told(part: &Part) -> String {
    let state = match part.state.as_str() {
        "down" => "DOWN",
        "paused" => "PAUSED",
        state => state,
    };
    match &part.reason {
        Some(why) => format!("{state} ({why})"),
        None => state.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_screen_says_what_is_stuck_and_where_to_look() {
        let status = serde_json::json!({
            "version": "0.4.1", "started_at": "2026-11-18T10:00:00Z", "phase": "running", "ready": true,
            "config": {"digest": "a81f3c00", "loaded_at": "2026-11-21T12:00:00Z", "refused_at": "2026-11-21T13:50:00Z",
                "left_out": ["teams/core: no such user"]},
            "store": {"state": "ok", "reason": null},
            "incidents": {"open": 3, "open_critical": 1, "acknowledged": 2},
            "deliveries": {"pending": 0, "sending": 1, "retrying": 4, "oldest_at": "2026-11-21T13:54:00Z"},
            "dead_letters": {"deliveries": 2, "events": 1},
            "sources": [{"name": "api", "type": "http", "state": "ok", "reason": null, "lag": null},
                {"name": "kafka", "type": "kafka", "state": "down", "reason": "connection refused", "lag": 12}],
            "channels": [{"name": "email", "state": "paused", "reason": null, "dead": 2}]
        });
        let status: Status = serde_json::from_value(status).expect("it is one");
        let now = "2026-11-21T14:00:00Z".parse().expect("a moment");
        assert_eq!(
            lines(&status, "http://127.0.0.1:3644", now),
            [
                "foghorn 0.4.1   up 3d   http://127.0.0.1:3644   config a81f3c00 read 2h ago   ready",
                "CONFIG       a newer one was refused 10m ago   → foghorn check",
                "LEFT OUT     teams/core: no such user",
                "INCIDENTS    open 3 (1 critical)   acknowledged 2",
                "DELIVERIES   pending 0   sending 1   retrying 4 (oldest 6m)",
                "DEAD         2 deliveries, 1 event   → foghorn dlq list",
                "SOURCES      api ok · kafka DOWN (connection refused) lag 12",
                "CHANNELS     email PAUSED, 2 dead",
            ]
        );
    }
}
