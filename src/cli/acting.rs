//! What people do to incidents: `foghorn incident ack` and its siblings.

use std::io::Write;

use clap::{ArgGroup, Args};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Exit;
use super::client::{Session, number};
use super::connection::Failure;
use super::each::each;
use super::incident::incident_lines;
use super::lists::{counted, parsed};
use super::many;
use super::shapes::Incident;
use crate::domain::Timestamp;

/// An action on one or more incidents.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").args(["numbers", "filter"]).required(true))]
pub struct ActArgs {
    /// Their numbers, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub numbers: Vec<u64>,
    /// All that fit, such as: service:checkout-* severity:critical
    #[arg(long, value_name = "QUERY")]
    pub filter: Option<String>,
    /// With --filter: say which they are, and do nothing
    #[arg(long, requires = "filter")]
    pub dry_run: bool,
    /// With --filter: do not ask
    #[arg(long, short, requires = "filter")]
    pub yes: bool,
    /// Words for the history
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Who does it: a user's name; unless said, whoever asks
    #[arg(long = "as", value_name = "USER")]
    pub by: Option<String>,
    /// One JSON object a line: the incident as it stands then
    #[arg(long)]
    pub json: bool,
}

/// `foghorn incident snooze`
#[derive(Debug, Clone, Args)]
pub struct SnoozeArgs {
    /// Which, and how it is said.
    #[command(flatten)]
    pub act: ActArgs,
    /// How long, such as 30m or 4h
    #[arg(long = "for", value_name = "DURATION", required_unless_present = "until")]
    pub duration: Option<String>,
    /// Until when, such as 2026-11-21T18:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "duration")]
    pub until: Option<Timestamp>,
}

/// `foghorn incident note`
#[derive(Debug, Clone, Args)]
pub struct NoteArgs {
    /// Its number, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub number: u64,
    /// The words
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Who says it: a user's name; unless said, whoever asks
    #[arg(long = "as", value_name = "USER")]
    pub by: Option<String>,
    /// One JSON object: the incident as it stands then
    #[arg(long)]
    pub json: bool,
}

/// `foghorn incident edit`
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true, args = ["title", "description", "severity", "assignee", "label"])]
pub struct EditArgs {
    /// Its number, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub number: u64,
    /// What is wrong, in one line
    #[arg(long)]
    pub title: Option<String>,
    /// More words; empty: none
    #[arg(long)]
    pub description: Option<String>,
    /// How bad
    #[arg(long)]
    pub severity: Option<String>,
    /// Who works on it: a user's name; empty: nobody
    #[arg(long, value_name = "USER")]
    pub assignee: Option<String>,
    /// A label to set, KEY=VALUE; KEY= takes it away
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    pub label: Vec<(String, String)>,
    /// Only if it is at this version still
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<u64>,
    /// Who does it: a user's name; unless said, whoever asks
    #[arg(long = "as", value_name = "USER")]
    pub by: Option<String>,
    /// One JSON object: the incident as it stands then
    #[arg(long)]
    pub json: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The word of the API, what it is called when it is done, and what takes it back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed {
    pub(super) word: &'static str,
    done: &'static str,
    undo: Option<&'static str>,
}

impl Deed {
    /// What it is called when it is done, without what follows.
    pub(super) fn in_short(self) -> &'static str {
        self.done.split(':').next().unwrap_or(self.done)
    }
}

pub(super) const ACK: Deed = Deed { word: "acknowledge", done: "acknowledged", undo: Some("unack") };
pub(super) const UNACK: Deed = Deed { word: "unacknowledge", done: "given back", undo: Some("ack") };
pub(super) const RESOLVE: Deed = Deed { word: "resolve", done: "resolved", undo: Some("reopen") };
pub(super) const REOPEN: Deed = Deed { word: "reopen", done: "reopened", undo: Some("resolve") };
pub(super) const UNSNOOZE: Deed = Deed { word: "unsnooze", done: "woken", undo: None };
pub(super) const ESCALATE: Deed =
    Deed { word: "escalate", done: "escalated: the next step is taken now", undo: None };
const SNOOZE: Deed = Deed { word: "snooze", done: "snoozed", undo: Some("unsnooze") };

/// Does it to each; one that fails stops nothing.
pub(super) async fn act<W: Write>(
    deed: Deed,
    args: &ActArgs,
    more: &Value,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    if let Some(filter) = &args.filter {
        return many::run(deed, filter, args, more, session).await;
    }
    each(&args.numbers, session, async |number, session| one(deed, *number, args, more, session).await).await
}

async fn one<W: Write>(
    deed: Deed,
    number: u64,
    args: &ActArgs,
    more: &Value,
    session: &mut Session<W>,
) -> Result<(), Failure> {
    let path = format!("/api/v1/incidents/{number}");
    let before: Incident = session.server.get(&path, &[]).await?;
    let mut body = more.clone();
    body["note"] = json!(args.note);
    body["by"] = json!(args.by);
    let raw: Box<RawValue> = session.server.post(&format!("{path}/{}", deed.word), &body).await?;
    if args.json {
        return Ok(session.out.json(raw.get())?);
    }
    let after: Incident = parsed(&raw)?;
    Ok(session.out.line(&said(deed, &before, &after))?)
}

fn said(deed: Deed, before: &Incident, after: &Incident) -> String {
    let number = after.number;
    if before.version == after.version {
        return format!("#{number} was {} already", deed.done);
    }
    let who = match deed.word {
        "acknowledge" => after.acknowledged_by.as_deref(),
        "resolve" => after.resolved_by.as_deref(),
        _ => None,
    };
    let mut said = format!("#{number} {}", deed.done);
    said.extend(who.map(|who| format!(" by {who}")));
    said.extend(after.snoozed_until.map(|until| format!(" until {}", super::age::moment(until))));
    let count = |incident: &Incident| incident.deliveries.get("canceled").copied().unwrap_or(0);
    let canceled = count(after).saturating_sub(count(before));
    if canceled > 0 {
        said.push_str(&format!(". {} canceled", counted(canceled, "waiting message", "waiting messages")));
    }
    said.extend(deed.undo.map(|undo| format!(". Undo: foghorn incident {undo} {number}")));
    said
}

pub(super) async fn snooze<W: Write>(args: &SnoozeArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let more = match args.until {
        Some(until) => json!({ "until": until }),
        None => json!({ "for": args.duration }),
    };
    act(SNOOZE, &args.act, &more, session).await
}

pub(super) async fn note<W: Write>(args: &NoteArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let path = format!("/api/v1/incidents/{}/notes", args.number);
    let body = json!({ "note": args.text, "by": args.by });
    let raw: Box<RawValue> = session.server.post(&path, &body).await?;
    if args.json {
        session.out.json(raw.get())?;
    } else {
        session.out.line(&format!("#{} noted", args.number))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn edit<W: Write>(args: &EditArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let mut body = json!({ "by": args.by });
    let texts = [
        ("title", &args.title),
        ("description", &args.description),
        ("severity", &args.severity),
        ("assignee", &args.assignee),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    for (key, value) in &args.label {
        body["labels"][key] = if value.is_empty() { Value::Null } else { json!(value) };
    }
    let path = format!("/api/v1/incidents/{}", args.number);
    let raw: Box<RawValue> = session.server.patch(&path, &body, args.if_version).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    for line in incident_lines(&parsed(&raw)?, session.now) {
        session.out.line(&line)?;
    }
    Ok(Exit::Done)
}
