//! `foghorn send`

mod input;
mod wait;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::signal::ctrl_c;

use super::Exit;
use super::client::Session;
use super::connection::Failure;
use super::lists::{counted, parsed};
use super::print::{refuse, say};
use crate::catalogue::Code;

/// `foghorn send`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("what").args(["title", "file"]).required(true))]
pub struct SendArgs {
    /// What is wrong, in one line
    #[arg(value_name = "TITLE")]
    pub title: Option<String>,
    /// How bad: critical, high, medium, low, info
    #[arg(long, value_name = "SEVERITY", conflicts_with = "file")]
    pub severity: Option<String>,
    /// What it is about
    #[arg(long, value_name = "SERVICE", conflicts_with = "file")]
    pub service: Option<String>,
    /// The same key is the same incident
    #[arg(long, value_name = "KEY", conflicts_with = "file")]
    pub key: Option<String>,
    /// It is over
    #[arg(long, conflicts_with = "file")]
    pub resolve: bool,
    /// More to say, once for each
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label, conflicts_with = "file")]
    pub labels: Vec<(String, String)>,
    /// Events from a file, or from - for standard input: an object, an array, or JSON lines
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// One JSON object for each event
    #[arg(long)]
    pub json: bool,
    /// Show what comes of it, until everybody was told
    #[arg(long, conflicts_with_all = ["file", "json"])]
    pub wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

fn label(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("a label is of the form name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What the server says to a batch of events.
#[derive(Debug, Deserialize)]
struct Answer {
    events: Vec<Box<RawValue>>,
}

/// What became of one event.
#[derive(Debug, Deserialize)]
struct Became {
    result: String,
    incident_number: Option<u64>,
    #[serde(default)]
    errors: Vec<Flaw>,
}

#[derive(Debug, Deserialize)]
struct Flaw {
    pointer: String,
    detail: String,
}

/// Most events of one request.
const AT_ONCE: usize = 500;
/// Most bytes of one request; the server takes 1 MiB unless told otherwise.
const BYTES_AT_ONCE: usize = 512 << 10;

pub(super) async fn run<W: Write>(args: &SendArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    tokio::select! {
        ended = send(args, session) => ended,
        _ = ctrl_c() => Ok(Exit::Interrupted),
    }
}

async fn send<W: Write>(args: &SendArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    if let Some(path) = &args.file {
        return match input::read(path) {
            Ok(events) => send_all(&events, args, session).await,
            Err(why) => {
                refuse(Code::InputUnreadable, &why);
                Ok(Exit::Usage)
            }
        };
    }
    let event = event(args);
    let begin = match args.wait {
        true => Some(wait::before(session).await?),
        false => None,
    };
    let answer: Answer = session.server.post("/api/v1/events", &event).await?;
    let Some(raw) = answer.events.first() else {
        return Ok(Exit::Failed);
    };
    let became: Became = parsed(raw)?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    session.out.line(&told(&became, &event))?;
    match (begin, became.incident_number) {
        (Some(begin), Some(number)) => wait::follow(args, session, begin, number, &became.result).await,
        _ => {
            hint(&became);
            Ok(Exit::Done)
        }
    }
}

fn hint(became: &Became) {
    if let (Some(number), true) = (became.incident_number, io::stderr().is_terminal()) {
        say(&format!("Look: foghorn incident show {number}      Watch: foghorn tail"));
    }
}

fn event(args: &SendArgs) -> Value {
    let mut event = Map::new();
    let texts = [
        ("title", &args.title),
        ("severity", &args.severity),
        ("service", &args.service),
        ("dedup_key", &args.key),
    ];
    for (name, text) in texts {
        event.extend(text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str()))));
    }
    if args.resolve {
        event.insert("status".to_owned(), "resolved".into());
    }
    if !args.labels.is_empty() {
        let labels = args.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        event.insert("labels".to_owned(), Value::Object(labels.collect()));
    }
    Value::Object(event)
}

/// `#1 opened  critical  db-1  Disk full`
fn told(became: &Became, event: &Value) -> String {
    let number = became.incident_number.map(|number| format!("#{number} ")).unwrap_or_default();
    let words = ["severity", "service", "title"].map(|name| event[name].as_str().unwrap_or_default());
    let words = words.iter().filter(|word| !word.is_empty()).map(|word| format!("  {word}"));
    let errors = became.errors.iter().map(|flaw| format!("; {}: {}", flaw.pointer, flaw.detail));
    format!("{number}{}{}{}", became.result, words.collect::<String>(), errors.collect::<String>())
}

async fn send_all<W: Write>(
    events: &[Value],
    args: &SendArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let (mut sent, mut refused) = (0, 0);
    for batch in input::batches(events, AT_ONCE, BYTES_AT_ONCE) {
        // A batch of which nothing is taken is answered as an error; each item is what is wanted here.
        let body = Value::Array(batch.to_vec());
        let answer: Result<Answer, Failure> = session.server.post("/api/v1/events", &body).await;
        let items = match answer {
            Ok(answer) => answer.events,
            Err(failure) if failure.exit() == Exit::Usage => {
                failure.tell();
                refused += batch.len();
                continue;
            }
            Err(failure) => {
                say(&format!("{} sent before this", counted(sent, "event", "events")));
                return Err(failure);
            }
        };
        for (raw, event) in items.iter().zip(batch) {
            let became: Became = parsed(raw)?;
            refused += usize::from(became.result == "rejected");
            if args.json {
                session.out.json(raw.get())?;
            } else {
                session.out.line(&told(&became, event))?;
            }
        }
        sent += batch.len() as u64;
        if events.len() > AT_ONCE && io::stderr().is_terminal() {
            say(&format!("{sent} of {}", events.len()));
        }
    }
    if refused > 0 {
        say(&format!("{refused} of {} were not taken", counted(events.len() as u64, "event", "events")));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::super::{Cli, Client, Command};
    use super::*;

    fn args(line: &[&str]) -> Option<SendArgs> {
        let line = ["foghorn", "send"].iter().chain(line);
        match Cli::try_parse_from(line).ok()?.command {
            Command::Client(Client::Send(args)) => Some(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_are_the_event() {
        let line = ["Disk full", "--severity", "critical", "--service", "db-1", "--label", "env=prod=1"];
        assert_eq!(
            event(&args(&line).expect("it parses")),
            json!({"title": "Disk full", "severity": "critical", "service": "db-1", "labels": {"env": "prod=1"}})
        );
        let over = args(&["Disk full", "--key", "disk", "--resolve"]).expect("it parses");
        assert_eq!(event(&over), json!({"title": "Disk full", "dedup_key": "disk", "status": "resolved"}));
    }

    #[test]
    fn there_is_a_title_or_a_file_and_a_label_has_a_name() {
        assert!(args(&[]).is_none());
        assert!(args(&["x", "-f", "-"]).is_none());
        assert!(args(&["x", "--label", "=1"]).is_none());
        assert!(args(&["-f", "-", "--wait"]).is_none());
        assert!(args(&["-f", "-", "--json"]).is_some());
    }

    #[test]
    fn what_became_of_an_event_is_one_line() {
        let became = Became { result: "opened".to_owned(), incident_number: Some(1), errors: Vec::new() };
        let event = json!({"title": "Disk full", "severity": "critical", "service": "db-1"});
        assert_eq!(told(&became, &event), "#1 opened  critical  db-1  Disk full");
        let flaw = Flaw { pointer: "/title".to_owned(), detail: "must be there".to_owned() };
        let became = Became { result: "rejected".to_owned(), incident_number: None, errors: vec![flaw] };
        assert_eq!(told(&became, &json!({})), "rejected; /title: must be there");
    }
}
