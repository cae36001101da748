//! `foghorn simulate`: who would have been told differently by another configuration. Past events are read
//! again by both, and nobody is told anything.
//!
//! What opens an incident is compared, and what could not be read: who would hear, on which channel, how long after.
//! Each event is asked about at the moment it came, so whoever was on call then is on call. One page of events is
//! held at a time, and of the store a line for each incident.

mod past;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::signal::ctrl_c;

use self::past::{Past, Seen};
use super::Exit;
use super::age::moment;
use super::client::Session;
use super::connection::{Connection, Failure};
use super::lists::counted;
use super::print::{overwrite, refuse};
use super::process::{environment, invalid};
use super::route::after;
use crate::catalogue::Code;
use crate::config::{self, Config};
use crate::daemon::assembly;
use crate::domain::event::EventStatus;
use crate::domain::names::SourceName;
use crate::domain::route_test::Answer;
use crate::formats::{ReadEvent, Words, trials};

/// How many events are asked about at once.
const AT_ONCE: usize = 8;

/// `foghorn simulate`
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// The configuration that is to be tried
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where past events are: store, a file of JSON lines (- for standard input), or the name of a source in the store
    #[arg(long, value_name = "FILE|SOURCE|store", default_value = "store")]
    pub from: String,
    /// How far back, of what is in the store
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = humantime::parse_duration)]
    pub since: Duration,
    /// Whose records the lines of a file are
    #[arg(long, value_name = "NAME", default_value = "api")]
    pub source: String,
    /// Compare with this configuration instead of the one in use
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// One JSON object for each event that is heard of differently, and one for all
    #[arg(long)]
    pub json: bool,
}

/// A configuration that events are read by.
enum Side<'a> {
    /// The one in use.
    Running(&'a Connection),
    /// One of a file.
    File(Box<Config>, Words),
}

/// What becomes of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Heard {
    /// Why it would be a dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    told: BTreeSet<Told>,
}

/// One message that would leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Told {
    after_s: u64,
    channel: String,
    recipient: String,
}

/// What both make of an event.
struct Compared {
    title: String,
    status: Option<EventStatus>,
    /// It opens an incident, or would, by one of the two.
    opens: bool,
    before: Heard,
    after: Heard,
}

#[derive(Debug, Deserialize)]
struct Tried {
    events: Vec<One>,
}

#[derive(Debug, Deserialize)]
struct One {
    event: Option<ReadEvent>,
    refused: Option<String>,
    would: Option<Answer>,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(args: &SimulateArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let load = |path: &PathBuf| config::load(Some(path), &environment()).map(|loaded| loaded.config);
    let new = match load(&args.config) {
        Ok(config) => Side::of(config),
        Err(problems) => return Ok(invalid(&problems)),
    };
    let old = match args.against.as_ref().map(load) {
        None => None,
        Some(Ok(config)) => Some(Side::of(config)),
        Some(Err(problems)) => return Ok(invalid(&problems)),
    };
    let past = match Past::of(args, session.now) {
        Ok(past) => past,
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            return Ok(Exit::Usage);
        }
    };
    let Session { server, out, .. } = session;
    let old = old.unwrap_or(Side::Running(server));
    let (mut sum, mut open) = (Sum::default(), Open::default());
    let compared = async {
        let mut events = past.events(server);
        while let Some(page) = events.next().await? {
            let both = futures::stream::iter(page).map(|seen| compare(&old, &new, seen)).buffered(AT_ONCE);
            let mut both = std::pin::pin!(both);
            while let Some(both) = both.next().await {
                let (seen, mut both) = both?;
                both.opens &= !(seen.is_of_a_file && open.has(&both));
                sum.add(&both);
                if both.opens && both.before != both.after {
                    let lines = if args.json { vec![as_json(&seen, &both)] } else { as_text(&seen, &both) };
                    lines
                        .iter()
                        .try_for_each(|line| if args.json { out.json(line) } else { out.line(line) })?;
                }
            }
            sum.progress();
        }
        Ok(Exit::Done)
    };
    let ended: Result<Exit, Failure> = tokio::select! {
        ended = compared => ended,
        _ = ctrl_c() => Ok(Exit::Interrupted),
    };
    if io::stderr().is_terminal() {
        overwrite("");
    }
    let ended = ended?;
    if args.json {
        out.json(&json!({ "summary": sum }).to_string())?;
    } else {
        sum.lines().iter().try_for_each(|line| out.line(line))?;
    }
    Ok(ended)
}

impl Side<'_> {
    fn of(config: Config) -> Self {
        let words = assembly::words(&config);
        Self::File(Box::new(config), words)
    }

    /// What it makes of an event, with its title and whether it opens an incident.
    async fn hear(&self, seen: &Seen) -> Result<(Heard, Option<ReadEvent>), Failure> {
        let each = match self {
            Self::Running(server) => {
                let path = format!("/api/v1/sources/{}/test", seen.source);
                let body = json!({ "record": seen.payload, "at": seen.at });
                match server.post::<Tried>(&path, &body).await {
                    Ok(tried) => tried.events,
                    Err(Failure::Refused { exit: Exit::NotFound, .. }) => {
                        let gone = "its source is configured no more".to_owned();
                        vec![One { event: None, refused: Some(gone), would: None }]
                    }
                    Err(failure) => return Err(failure),
                }
            }
            Self::File(config, words) => {
                let source = SourceName::from(seen.source.as_str());
                let each =
                    trials(words.format_of(&source), seen.payload.as_bytes(), words, seen.at).into_iter();
                let one = |(trial, event): (crate::formats::Trial, Option<_>)| One {
                    event: trial.event,
                    refused: trial.refused,
                    would: event.map(|event| config.route_table.would(&event, &source, seen.at)),
                };
                each.map(one).collect()
            }
        };
        Ok(Heard::of(each))
    }
}

impl Heard {
    /// Of a record that holds several events, all of them together.
    fn of(each: Vec<One>) -> (Self, Option<ReadEvent>) {
        let (mut heard, mut first) = (Self::default(), None);
        for One { event, refused, would } in each {
            heard.refused = heard.refused.or(refused);
            let opens = event.as_ref().is_some_and(|event| event.status == EventStatus::Open);
            if let Some(answer) = would.filter(|_| opens) {
                heard.severity = heard.severity.or_else(|| Some(answer.severity.as_str().to_owned()));
                heard.route = heard.route.or(answer.route);
                heard.policy = heard.policy.or(answer.policy);
                heard.told.extend(answer.told.into_iter().filter(|_| answer.silence.is_none()).map(|told| {
                    Told { after_s: told.after_s, channel: told.channel, recipient: told.recipient }
                }));
            }
            if first.is_none() {
                heard.dedup_key = event.as_ref().map(|event| event.dedup_key.clone());
                first = event;
            }
        }
        (heard, first)
    }
}

async fn compare(old: &Side<'_>, new: &Side<'_>, seen: Seen) -> Result<(Seen, Compared), Failure> {
    let (before, read_before) = old.hear(&seen).await?;
    let (after, read_after) = new.hear(&seen).await?;
    let is_open =
        |read: &Option<ReadEvent>| read.as_ref().is_some_and(|read| read.status == EventStatus::Open);
    let differ = before.refused != after.refused;
    let opens = is_open(&read_before) || is_open(&read_after) || differ;
    let read = read_after.or(read_before);
    let status = read.as_ref().map(|read| read.status);
    let title = read.map(|read| read.title).unwrap_or_default();
    Ok((seen, Compared { title, status, opens, before, after }))
}

/// What is open by the lines of a file so far, of which nobody is told again; the store knows by itself.
#[derive(Default)]
struct Open(HashSet<String>);

impl Open {
    /// Incidents that are kept in mind at the most; beyond, some are counted twice.
    const MOST: usize = 100_000;

    /// Is the event about an incident that was open before it?
    fn has(&mut self, both: &Compared) -> bool {
        let Some(key) = both.before.dedup_key.as_ref().or(both.after.dedup_key.as_ref()) else {
            return false;
        };
        match both.status {
            Some(EventStatus::Resolved) => {
                self.0.remove(key);
                false
            }
            Some(EventStatus::Open) if self.0.len() < Self::MOST => !self.0.insert(key.clone()),
            _ => self.0.contains(key),
        }
    }
}

/// What became of all of them.
#[derive(Debug, Default, Serialize)]
struct Sum {
    /// Records that were read.
    records: u64,
    /// Those that open an incident, by one of the two.
    openings: u64,
    /// Those of which somebody hears differently.
    different: u64,
    /// Messages by the one.
    messages_before: u64,
    /// Messages by the other.
    messages_after: u64,
    /// More or fewer messages, by whom they are to.
    recipients: BTreeMap<String, i64>,
    #[serde(skip)]
    shown: u64,
}

impl Sum {
    fn add(&mut self, both: &Compared) {
        self.records += 1;
        if !both.opens {
            return;
        }
        self.openings += 1;
        self.different += u64::from(both.before != both.after);
        self.messages_before += both.before.told.len() as u64;
        self.messages_after += both.after.told.len() as u64;
        for (told, by) in
            both.before.told.iter().map(|told| (told, -1)).chain(both.after.told.iter().map(|told| (told, 1)))
        {
            *self.recipients.entry(told.recipient.clone()).or_default() += by;
        }
    }

    fn progress(&mut self) {
        if io::stderr().is_terminal() && self.records > self.shown {
            self.shown = self.records;
            overwrite(&format!("{} read, {} heard of differently", self.records, self.different));
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} read, {} would open an incident, {} heard of differently: {} messages before, {} after",
            counted(self.records, "record", "records"),
            self.openings,
            self.different,
            self.messages_before,
            self.messages_after
        )];
        let changed = self.recipients.iter().filter(|(_, by)| **by != 0);
        lines.extend(changed.map(|(who, by)| format!("   {by:+}  {who}")));
        lines
    }
}

fn as_json(seen: &Seen, both: &Compared) -> String {
    json!({
        "event": seen.name, "source": seen.source, "at": seen.at, "title": both.title,
        "before": both.before, "after": both.after,
    })
    .to_string()
}

fn as_text(seen: &Seen, both: &Compared) -> Vec<String> {
    let Compared { title, before, after: now, .. } = both;
    let mut lines = vec![format!("{}  {}  {}  {title}", seen.name, moment(seen.at), seen.source)];
    let mut changed = |what: &str, before: &Option<String>, after: &Option<String>| {
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "none".to_owned());
        if before != after {
            lines.push(format!("   {what:<10} {} → {}", word(before), word(after)));
        }
    };
    changed("refused", &before.refused, &now.refused);
    changed("severity", &before.severity, &now.severity);
    changed("dedup_key", &before.dedup_key, &now.dedup_key);
    changed("route", &before.route, &now.route);
    changed("policy", &before.policy, &now.policy);
    let line = |mark: char, told: &Told| {
        format!("   {mark} {:<8} {:<12} {}", after(told.after_s), told.channel, told.recipient)
    };
    lines.extend(before.told.difference(&now.told).map(|told| line('-', told)));
    lines.extend(now.told.difference(&before.told).map(|told| line('+', told)));
    lines
}
