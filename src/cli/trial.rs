//! `foghorn test`: does this way work? One real message out, or one event in, with what was seen.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::Exit;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::parsed;
use super::map::steps;
use super::print::{refuse, say};
use super::shapes::Part;
use super::stream::{Fact, Heard, Stream, Wish};
use crate::catalogue::Code;
use crate::formats::mapper::{Filled, Tried};

/// `foghorn test`
#[derive(Debug, Subcommand)]
pub enum TestCommand {
    /// Send one real message, and show every step of the talk with the provider
    Channel(TestChannelArgs),
    /// Wait for one event, and show how it was read and what it did
    Source(TestSourceArgs),
}

/// `foghorn test channel`
#[derive(Debug, Clone, Args)]
pub struct TestChannelArgs {
    /// Its name in the configuration
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// A user's name, or an address
    #[arg(long, value_name = "WHO")]
    pub to: String,
    /// Look like an incident that is so bad; without it, like a plain notification
    #[arg(long, value_name = "SEVERITY")]
    pub severity: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn test source`
#[derive(Debug, Clone, Args)]
pub struct TestSourceArgs {
    /// Its name in the configuration
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Tested {
    channel: String,
    provider: String,
    recipient: String,
    to: String,
    not_tried: Vec<String>,
    paused: bool,
    outcome: String,
    provider_id: Option<String>,
    took_ms: f64,
    steps: Vec<Step>,
    failure: Option<Refusal>,
    link: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    step: String,
    heard: Option<String>,
    took_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    step: Option<String>,
    code: String,
    detail: String,
    fix: String,
}

#[derive(Debug, Deserialize)]
struct Source {
    name: String,
    #[serde(flatten)]
    part: Part,
    lag: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Sources {
    data: Vec<Source>,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &TestCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    match command {
        TestCommand::Channel(args) => channel(args, session).await,
        TestCommand::Source(args) => source(args, session).await,
    }
}

async fn channel<W: Write>(args: &TestChannelArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let mut body = serde_json::json!({ "to": args.to });
    if let Some(severity) = &args.severity {
        body["severity"] = severity.as_str().into();
    }
    let path = format!("/api/v1/channels/{}/test", args.name);
    let raw: Box<RawValue> = session.server.post(&path, &body).await?;
    let tested: Tested = parsed(&raw)?;
    if args.json {
        session.out.json(raw.get())?;
    } else {
        talk(&tested).iter().try_for_each(|line| session.out.line(line))?;
    }
    if tested.paused {
        let name = &tested.channel;
        say(&format!(
            "channel {name} is paused: this went out, deliveries wait.  Open it: foghorn channel resume {name}"
        ));
    }
    Ok(match &tested.failure {
        None => Exit::Done,
        Some(failure) => {
            refuse(Code::TestNotSent, &told(&tested, failure));
            say(&format!("   = {}", failure.fix));
            Exit::Failed
        }
    })
}

fn told(tested: &Tested, failure: &Refusal) -> String {
    let at = failure.step.as_ref().map_or_else(String::new, |step| format!(" at {step}"));
    let Refusal { code, detail, .. } = failure;
    format!("{} {}{at}: {code} {detail}", tested.channel, tested.outcome)
}

/// The steps, and what came of them.
fn talk(tested: &Tested) -> Vec<String> {
    let mut lines = vec![format!(
        "one message over {} ({}) to {}",
        tested.channel,
        tested.provider,
        if tested.recipient == tested.to {
            tested.to.clone()
        } else {
            format!("{} {}", tested.recipient, tested.to)
        }
    )];
    let failed = tested.failure.as_ref().and_then(|failure| failure.step.as_deref());
    for (place, step) in tested.steps.iter().enumerate() {
        let is_failed = failed == Some(step.step.as_str()) && place + 1 == tested.steps.len();
        let mark = if is_failed { "x" } else { "√" };
        let heard = step.heard.as_deref().unwrap_or_default();
        lines.push(format!("  {mark} {:<10} {:>8.1} ms  {heard}", step.step, step.took_ms));
    }
    if tested.failure.is_none() {
        let id = tested.provider_id.as_ref().map_or_else(String::new, |id| format!(", its id is {id}"));
        lines.push(format!("sent in {:.0} ms{id}", tested.took_ms));
    }
    lines.extend(tested.link.as_ref().map(|link| format!("look at it: {link}")));
    if !tested.not_tried.is_empty() {
        lines.push(format!("not tried: {}", tested.not_tried.join(", ")));
    }
    lines
}

async fn source<W: Write>(args: &TestSourceArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let name = &args.name;
    if let Err(known) = named(session, name).await? {
        let detail = format!("there is no source \"{name}\"; there are: {}", known.join(", "));
        let code = Code::NotFound;
        let told = format!("{}: {detail}", code.title());
        return Err(Failure::Refused { exit: Exit::NotFound, code: code.as_str().to_owned(), told });
    }
    let wish = Wish { topics: "events".to_owned(), filter: format!("source:{name}") };
    let mut stream = Stream::open(&session.server, &wish, None).await?;
    stream.begun().await;
    let patience = humantime::format_duration(args.timeout);
    say(&format!("waiting for one event of {name}, at most {patience} …"));
    let Ok(Some(fact)) = timeout(args.timeout, first(&mut stream)).await else {
        let seen = match named(session, name).await? {
            Ok(source) => stands(&source),
            Err(_) => "it is configured no more".to_owned(),
        };
        refuse(Code::NothingCame, &format!("no event of {name} within {patience}: {seen}"));
        return Ok(Exit::Failed);
    };
    let mut whole = whole(&fact, session).await?;
    let mapped = mapped(name, &whole, session).await?;
    if args.json {
        if let (Value::Object(whole), Some(mapped)) = (&mut whole, &mapped) {
            whole.insert("rules".to_owned(), serde_json::json!(mapped.rules));
            whole.insert("fields".to_owned(), serde_json::json!(mapped.fields));
        }
        session.out.json(&whole.to_string())?;
    } else {
        let steps = mapped.map(|mapped| steps(&mapped.rules, &mapped.fields)).unwrap_or_default();
        let lines = steps.into_iter().chain(read_as(&fact.name, &whole));
        lines.into_iter().try_for_each(|line| session.out.line(&line))?;
    }
    Ok(if fact.name == "event.rejected" { Exit::Failed } else { Exit::Done })
}

/// The source of this name, or the names that there are.
async fn named<W>(session: &Session<W>, name: &str) -> Result<Result<Source, Vec<String>>, Failure> {
    let sources: Sources = session.server.get("/api/v1/sources", &[]).await?;
    let known = sources.data.iter().map(|source| source.name.clone()).collect();
    Ok(sources.data.into_iter().find(|source| source.name == name).ok_or(known))
}

async fn first(stream: &mut Stream) -> Option<Box<Fact>> {
    loop {
        match stream.next().await {
            Heard::Fact(fact) => return Some(fact),
            Heard::End => return None,
            Heard::Reset | Heard::Nothing => {}
        }
    }
}

fn stands(source: &Source) -> String {
    let why = source.part.reason.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let lag = source.lag.map_or_else(String::new, |lag| format!(", {lag} records wait in it"));
    format!("it is {}{why}{lag}", source.part.state)
}

/// The fact, with the event as it came and the incident that it is of.
async fn whole<W>(fact: &Fact, session: &Session<W>) -> Result<Value, Failure> {
    let mut whole: Value = serde_json::from_str(&fact.json).unwrap_or_default();
    whole["event"] = fact.name.as_str().into();
    if let Some(id) = whole["event_id"].as_str().filter(|_| fact.name == "event.accepted") {
        let event: Value = session.server.get(&format!("/api/v1/events/{id}"), &[]).await?;
        whole["position"] = event["position"].clone();
        whole["payload"] = event["payload"].clone();
    }
    if let Some(id) = whole["dead_letter_id"].as_str().filter(|_| fact.name == "event.rejected") {
        let letter: Value = session.server.get(&format!("/api/v1/dead-letters/{id}"), &[]).await?;
        whole["position"] = letter["position"].clone();
        whole["payload"] = letter["payload"].clone();
    }
    if let Some(number) = whole["incident_number"].as_u64() {
        let incident: Value = session.server.get(&format!("/api/v1/incidents/{number}"), &[]).await?;
        whole["route"] = incident["route"].clone();
        whole["policy"] = incident["policy"].clone();
    }
    Ok(whole)
}

/// What the mapper of a source did with a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mapped {
    rules: Vec<Tried>,
    fields: Vec<Filled>,
}

#[derive(Debug, Deserialize)]
struct Mappings {
    events: Vec<Mapped>,
}

/// How the record was mapped, if its source has a mapper.
async fn mapped<W>(source: &str, whole: &Value, session: &Session<W>) -> Result<Option<Mapped>, Failure> {
    let Some(record) = whole["payload"].as_str() else { return Ok(None) };
    let path = format!("/api/v1/sources/{source}/test");
    let answer: Mappings = session.server.post(&path, &serde_json::json!({ "record": record })).await?;
    Ok(answer.events.into_iter().next().filter(|mapped| !mapped.rules.is_empty()))
}

/// How an event was read, for people.
fn read_as(name: &str, whole: &Value) -> Vec<String> {
    let text = |key: &str| match &whole[key] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut lines = Vec::new();
    let mut row = |key: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{key:<10} {value}")));
    };
    row("event", text("event_id").or_else(|| text("dead_letter_id")));
    row("position", text("position"));
    for key in ["title", "service", "dedup_key"] {
        row(key, text(key));
    }
    row("severity", text("severity").map(|severity| aliased(&severity, &whole["payload"])));
    match name {
        "event.rejected" => {
            let why = [text("reason"), text("detail")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            row("rejected", Some(format!("{why}   → foghorn dlq list")));
        }
        "event.ignored" => row("ignored", text("detail")),
        "event.duplicate" => row("result", Some("known already; it changed nothing".to_owned())),
        _ => row("result", text("result")),
    }
    row("incident", text("incident_number").map(|number| format!("#{number}")));
    let routed =
        text("route").zip(text("policy")).map(|(route, policy)| format!("{route} → policy {policy}"));
    let is_incident = whole["incident_number"].is_u64();
    row("route", routed.or_else(|| is_incident.then(|| "none: nobody hears".to_owned())));
    lines
}

/// The severity, and the word that it was read from if that is another one.
fn aliased(severity: &str, payload: &Value) -> String {
    let body: Value = payload.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match body["severity"].as_str() {
        Some(word) if !word.eq_ignore_ascii_case(severity) => format!("{severity} (read from \"{word}\")"),
        Some(_) => severity.to_owned(),
        None => format!("{severity} (the event names none)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_talk_is_told_step_by_step_and_the_failed_one_is_marked() {
        let tested = serde_json::json!({
            "channel": "email", "provider": "smtp", "recipient": "ada", "to": "a***@example.com",
            "not_tried": [], "paused": false, "outcome": "recipient_gone", "provider_id": null,
            "took_ms": 12.0, "link": null,
            "steps": [{"step": "connect", "heard": "127.0.0.1:25", "took_ms": 0.34},
                {"step": "RCPT TO", "heard": "550 5.1.1 no such user", "took_ms": 1.0}],
            "failure": {"step": "RCPT TO", "code": "550 5.1.1", "detail": "no such user", "fix": "correct it"}
        });
        let tested: Tested = serde_json::from_value(tested).expect("it is one");
        assert_eq!(
            talk(&tested),
            [
                "one message over email (smtp) to ada a***@example.com",
                "  √ connect         0.3 ms  127.0.0.1:25",
                "  x RCPT TO         1.0 ms  550 5.1.1 no such user",
            ]
        );
        let failure = tested.failure.as_ref().expect("it failed");
        assert_eq!(told(&tested, failure), "email recipient_gone at RCPT TO: 550 5.1.1 no such user");
    }

    #[test]
    fn an_alias_is_shown_with_the_word_it_was_read_from() {
        let payload = Value::from(r#"{"severity":"P1"}"#);
        assert_eq!(aliased("critical", &payload), "critical (read from \"P1\")");
        assert_eq!(aliased("medium", &Value::from("{}")), "medium (the event names none)");
        assert_eq!(aliased("high", &Value::from(r#"{"severity":"HIGH"}"#)), "high");
    }
}
