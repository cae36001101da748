//! `foghorn map`: what a mapper makes of a record, rule by rule and field by field, before anybody is told
//! anything. It needs no server.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Exit;
use super::lists::counted;
use super::print::{Printer, reader_left, refuse, say};
use super::process::{environment, invalid};
use super::records::{self, Record};
use super::route::outcome;
use crate::catalogue::Code;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::daemon::assembly;
use crate::domain::Timestamp;
use crate::domain::event::Body;
use crate::domain::names::SourceName;
use crate::domain::route_test::Answer;
use crate::domain::suggest::{listed, nearest, question};
use crate::formats::mapper::{Filled, Tried, Verdict, ready};
use crate::formats::{Format, ReadEvent, ReadNotification, Trial, Words, trials};

/// `foghorn map`
#[derive(Debug, Subcommand)]
pub enum MapCommand {
    /// What becomes of each record of a file, and why
    Test(MapTestArgs),
    /// The rules of a mapper that is there already, to be copied and changed
    Show(MapShowArgs),
}

/// `foghorn map show`
#[derive(Debug, Clone, Args)]
pub struct MapShowArgs {
    /// Which: alertmanager-events, github, goalert, ilert, sentry
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(ready::NAMES))]
    pub name: String,
}

/// `foghorn map test`
#[derive(Debug, Clone, Args)]
pub struct MapTestArgs {
    /// Records, or - for standard input: an object, an array, or JSON lines
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// As if they came through this source
    #[arg(long, value_name = "NAME", conflicts_with = "mapper")]
    pub source: Option<String>,
    /// By this mapper, or one that is there already (github, sentry …); without it, the only one of the configuration
    #[arg(long, value_name = "NAME")]
    pub mapper: Option<String>,
    /// A header that each record comes with, as often as there are several
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Where the configuration is; without it, the one that `serve` would read
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object for each record
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
pub(super) fn run(command: &MapCommand) -> Exit {
    let done = match command {
        MapCommand::Test(args) => test(args),
        MapCommand::Show(args) => show(args),
    };
    match done {
        Ok(exit) => exit,
        Err(error) if reader_left(&error) => Exit::Done,
        Err(error) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
    }
}

fn show(args: &MapShowArgs) -> io::Result<Exit> {
    let mut out = Printer::new(io::stdout().lock());
    ready::written(&args.name).into_iter().flat_map(str::lines).try_for_each(|line| out.line(line))?;
    Ok(Exit::Done)
}

fn test(args: &MapTestArgs) -> io::Result<Exit> {
    let loaded = match config::load(args.config.as_deref(), &environment()) {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(invalid(&problems)),
    };
    let reading = match Reading::of(args, &loaded.config) {
        Ok(reading) => reading,
        Err(why) => {
            say(&format!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let records = match records::all(&args.file) {
        Ok(records) => records,
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            return Ok(Exit::Usage);
        }
    };
    let mut out = Printer::new(io::stdout().lock());
    let (mut count, mut refused) = (0, 0);
    for record in &records {
        for became in reading.each(record) {
            count += 1;
            refused += u64::from(became.read.refused.is_some());
            became.print(args.json, &mut out)?;
        }
    }
    if refused > 0 {
        let of = counted(count, "record", "records");
        refuse(Code::NotEveryRecord, &format!("{refused} of {of} became no event"));
        return Ok(Exit::Failed);
    }
    if count == 0 {
        say(&format!("{} has no record", records::name(&args.file)));
    }
    Ok(Exit::Done)
}

/// How records are read, and who would hear.
struct Reading<'a> {
    config: &'a Config,
    words: Words,
    format: Format,
    source: SourceName,
    headers: &'a [(String, String)],
    now: Timestamp,
}

/// What became of an event of a record.
#[derive(Serialize)]
struct Became<'r> {
    /// The line that the record begins on.
    line: u64,
    source: &'r SourceName,
    format: &'static str,
    #[serde(flatten)]
    read: Trial,
    /// Who would hear if it opened an incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Answer>,
}

impl<'a> Reading<'a> {
    fn of(args: &'a MapTestArgs, config: &'a Config) -> Result<Self, String> {
        let (format, source) = match (&args.source, &args.mapper) {
            (Some(name), _) => (of_source(config, name)?, SourceName::from(name.as_str())),
            (None, named) => {
                let format = mapper(config, named.as_deref())?;
                let reads = |(_, source): &(&SourceName, &config::SourceConfig)| *source.format() == format;
                let source = config.sources.iter().find(reads).map(|(name, _)| name.clone());
                (format, source.unwrap_or_else(|| SourceName::from("api")))
            }
        };
        let now = Clock::system().now();
        Ok(Self { config, words: assembly::words(config), format, source, headers: &args.headers, now })
    }

    /// One that is there twice says nothing, as everywhere.
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().filter(|_| found.next().is_none()).map(|(_, value)| value.as_str())
    }

    fn each(&self, record: &Record) -> impl Iterator<Item = Became<'_>> {
        let header = |name: &str| self.header(name);
        let each = trials(&self.format, Some(&record.raw), &header, &self.words, self.now).into_iter();
        let line = record.line;
        each.map(move |(read, body)| {
            let would = match &body {
                Some(Body::Incident(event)) => {
                    Some(self.config.route_table.would(event, &self.source, self.now))
                }
                Some(Body::Notification(_)) | None => None,
            };
            Became { line, source: &self.source, format: self.format.as_str(), read, would }
        })
    }
}

impl Became<'_> {
    fn print<W: Write>(&self, json: bool, out: &mut Printer<W>) -> io::Result<()> {
        if json {
            return out.json(&serde_json::to_string(self)?);
        }
        let part = self.read.part.map(|part| format!(", part {part}")).unwrap_or_default();
        out.line(&format!("line {}{part}", self.line))?;
        let lines = steps(&self.read.rules, &self.read.fields).into_iter().chain(self.ends());
        lines.into_iter().try_for_each(|line| out.line(&format!("  {line}")))
    }

    fn ends(&self) -> Vec<String> {
        let read = &self.read;
        let mut lines = match (&read.event, &read.notification) {
            (Some(event), _) => incident(event),
            (None, Some(notification)) => told(notification),
            (None, None) if read.ignored.is_some() => read.ignored.iter().map(|rule| ignored(rule)).collect(),
            (None, None) => refusal(read),
        };
        lines.extend(read.event_id.as_ref().map(|id| row("event_id", id)));
        if let Some(answer) = &self.would {
            lines.extend(answer.route.as_ref().map(|route| row("route", route)));
            lines.extend(outcome(answer));
        }
        lines
    }
}

/// The format of a source.
pub(super) fn of_source(config: &Config, name: &str) -> Result<Format, String> {
    let known = || config.sources.keys().map(SourceName::as_str);
    let source = config.sources.get(name).map(|source| source.format().clone());
    source.ok_or_else(|| {
        let near = question(nearest(name, known()));
        format!("there is no source \"{name}\"; there are: {}.{near}", listed(known()))
    })
}

fn mapper(config: &Config, named: Option<&str>) -> Result<Format, String> {
    let known = || config.mappers.keys().map(|name| name.as_str());
    let name = match (named, config.mappers.len()) {
        (Some(name), _) => name,
        (None, 1) => known().next().unwrap_or_default(),
        (None, 0) => {
            return Err(
                "the configuration has no mapper: add a [mappers.NAME], or name a --source".to_owned()
            );
        }
        (None, _) => {
            return Err(format!("name one with --mapper or --source; there are: {}", listed(known())));
        }
    };
    let found = config.mappers.get(name).cloned().or_else(|| ready::mapper(name)).map(Format::Json);
    found.ok_or_else(|| {
        let near = question(nearest(name, known()));
        format!("there is no mapper \"{name}\"; there are: {}.{near}", listed(known()))
    })
}

/// What was done on the way: each rule, and each field of the one that took the record.
pub(super) fn steps(rules: &[Tried], fields: &[Filled]) -> Vec<String> {
    let widest = rules.iter().map(|rule| rule.name.chars().count()).max().unwrap_or_default();
    let mut lines: Vec<String> = rules.iter().map(|rule| tried(rule, widest)).collect();
    let names = fields.iter().map(|one| one.field.chars().count()).max().unwrap_or_default();
    let places = fields.iter().map(|one| one.from.chars().count()).max().unwrap_or_default().min(40);
    lines.extend(fields.iter().map(|one| filled(one, names, places)));
    lines
}

fn tried(rule: &Tried, widest: usize) -> String {
    let verdict = match rule.verdict {
        Verdict::Match => "MATCH      ",
        Verdict::NoMatch => "no match   ",
        Verdict::NotReached => "not reached",
    };
    let why = rule.conditions.iter().filter(|one| rule.verdict == Verdict::Match || !one.holds).map(|one| {
        if one.holds {
            format!("{} is {}", one.pointer, one.wanted)
        } else {
            format!("{} wants {}, found {}", one.pointer, one.wanted, one.found)
        }
    });
    let why = match rule.verdict {
        Verdict::NotReached => String::new(),
        _ if rule.conditions.is_empty() => "takes everything".to_owned(),
        _ => why.collect::<Vec<_>>().join("; "),
    };
    format!("rule {:widest$}  {verdict}  {why}", rule.name)
}

fn filled(one: &Filled, names: usize, places: usize) -> String {
    let came = match (&one.found, &one.became, &one.wrong) {
        (_, _, Some(wrong)) => format!("REFUSED: {wrong}"),
        (Some(found), Some(became), _) if found != became => format!("{found} → {became}"),
        (_, Some(became), _) => became.clone(),
        (Some(found), None, _) => format!("left out: {found}"),
        (None, None, _) => "left out".to_owned(),
    };
    format!("  {:names$}  ← {:places$}  {came}", one.field, one.from)
}

/// `X-GitHub-Event: issues`
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"X-GitHub-Event: issues\"")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn ignored(rule: &str) -> String {
    format!("IGNORED: rule \"{rule}\" lets it go, and nothing is kept of it")
}

/// What is wrong with a record, a line for each thing.
fn refusal(read: &Trial) -> Vec<String> {
    let reason = read.refused.as_deref().unwrap_or_default();
    let mut lines = vec![format!("REFUSED ({reason}): it would be a dead letter")];
    for problem in &read.errors {
        let place = if problem.pointer.is_empty() { "the record" } else { &problem.pointer };
        lines.push(format!("  {place}: {}", problem.detail));
        lines.extend(problem.hint.iter().map(|hint| format!("      {hint}")));
    }
    lines
}

fn row(key: &str, value: &str) -> String {
    format!("{key:<12} {value}")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn incident(event: &ReadEvent) -> Vec<String> {
    let mut lines = vec![
        row("event", event.status.as_str()),
        row("title", &event.title),
        row("severity", event.severity.as_str()),
        row("dedup_key", &event.dedup_key),
    ];
    lines.extend(event.service.iter().map(|service| row("service", service)));
    lines.extend(event.occurred_at.map(|at| row("occurred_at", &at.to_string())));
    lines.extend(event.description.iter().map(|text| row("description", first_line(text))));
    lines.extend(event.labels.iter().map(|(name, value)| row("label", &format!("{name}={value}"))));
    lines.extend(event.links.iter().map(|link| row("link", &format!("{} {}", link.text, link.url))));
    lines
}

fn told(notification: &ReadNotification) -> Vec<String> {
    let mut lines = vec![
        row("notification", notification.r#type.as_deref().unwrap_or("of no type")),
        row("to", &notification.to.join(", ")),
        row("via", &notification.via.join(", ")),
        row("priority", notification.priority.as_str()),
    ];
    let texts = [
        ("subject", &notification.subject),
        ("body", &notification.body),
        ("template", &notification.template),
    ];
    for (name, text) in texts {
        lines.extend(text.as_ref().map(|text| row(name, first_line(text))));
    }
    lines.extend(notification.vars.iter().map(|vars| row("vars", &listed(vars.keys().map(String::as_str)))));
    lines.extend(notification.send_at.map(|at| row("send_at", &at.to_string())));
    lines.extend(notification.expires_at.map(|at| row("expires_at", &at.to_string())));
    lines
}
