//! `foghorn silence`: what nobody is told of for a while.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Exit;
use super::age::moment;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, none, or_none, print, read};
use super::route::matchers;
use super::stored::{self, NamedArgs};
use crate::domain::Timestamp;
use crate::domain::record::{Document, Section};
use crate::domain::silence::Phase;

/// `foghorn silence`
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Those that hold, that will, and that did
    List(FormArgs),
    /// One, and where it stands
    Show(NamedArgs),
    /// Tell nobody of what fits, until it is over
    Add(SilenceArgs),
    /// End one now
    End(NamedArgs),
    /// Take one away, as if it had never been
    Remove(NamedArgs),
}

#[derive(Debug, Deserialize)]
struct Silence {
    name: String,
    phase: Phase,
    r#match: BTreeMap<String, Vec<String>>,
    from: Option<Timestamp>,
    until: Timestamp,
    comment: String,
    by: String,
    origin: Option<String>,
}

/// `foghorn silence add`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("end").args(["time", "until"]).required(true))]
pub struct SilenceArgs {
    /// What to call it; without it, it gets a name
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// What it is about, such as service=checkout-* or labels.env=test; all of them have to fit
    #[arg(long = "match", value_name = "KEY=VALUE", required = true, value_parser = pair)]
    pub matches: Vec<(String, String)>,
    /// For so long from now on, such as 2h
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub time: Option<Duration>,
    /// Until then, such as 2026-11-21T22:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<String>,
    /// From then on, if not from now on
    #[arg(long, value_name = "MOMENT", requires = "until")]
    pub from: Option<String>,
    /// Why, for those who wonder
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as service=checkout-*")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl SilenceArgs {
    fn document(&self, now: Timestamp) -> Document {
        let mut matches: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &self.matches {
            matches.entry(key).or_default().push(value);
        }
        let until = match (&self.until, self.time) {
            (Some(until), _) => until.clone(),
            (None, time) => second(now.saturating_add(time.unwrap_or_default()).unwrap_or(now)),
        };
        let mut document =
            Document::from_iter([("match".to_owned(), json!(matches)), ("until".to_owned(), json!(until))]);
        for (key, text) in [("from", &self.from), ("comment", &self.comment)] {
            document.extend(text.as_ref().map(|text| (key.to_owned(), Value::from(text.as_str()))));
        }
        document
    }
}

/// Nobody needs to know it better.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Does what was asked.
pub(super) async fn run<W: Write>(
    command: &SilenceCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    const SILENCES: Section = Section::Silences;
    match command {
        SilenceCommand::List(form) => list(form, session).await,
        SilenceCommand::Show(args) => stored::show(SILENCES, args, session).await,
        SilenceCommand::Add(args) => {
            let name = args.name.clone().unwrap_or_else(|| nameless(session.now));
            stored::add(SILENCES, &name, &args.document(session.now), args.json, session).await
        }
        SilenceCommand::End(args) => {
            let end = Document::from_iter([("until".to_owned(), json!(second(session.now)))]);
            stored::edit(SILENCES, &args.name, end, args.json, session).await
        }
        SilenceCommand::Remove(args) => stored::remove(SILENCES, args, session).await,
    }
}

/// A name that says when it was made, and that nobody else gave at that moment.
fn nameless(now: Timestamp) -> String {
    let noise: String = std::iter::repeat_with(fastrand::lowercase).take(4).collect();
    format!("{}-{noise}", now.strftime("%Y%m%d-%H%M"))
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/silences", &[], &list).await?;
    let row = |one: &Silence| {
        [
            one.name.clone(),
            one.phase.as_str().to_owned(),
            one.from.map_or_else(none, moment),
            moment(one.until),
            matchers(&one.r#match),
            or_none(&one.by),
            or_none(&one.comment),
            one.origin.clone().unwrap_or_else(none),
        ]
    };
    let header = ["NAME", "PHASE", "FROM", "UNTIL", "MATCHES", "BY", "COMMENT", "ORIGIN"];
    print(&mut session.out, &listed, &list, header, row, |one: &Silence| one.name.clone())?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_says_what_fits_and_until_when() {
        let args = SilenceArgs {
            name: None,
            matches: ["service=a-*", "service=b=c", "labels.env=test"]
                .map(|text| pair(text).expect("a pair"))
                .into(),
            time: Some(Duration::from_secs(7_200)),
            until: None,
            from: None,
            comment: Some("moving".to_owned()),
            json: false,
        };
        let expected = json!({
            "match": {"labels.env": ["test"], "service": ["a-*", "b=c"]},
            "until": "1970-01-01T02:00:00Z",
            "comment": "moving",
        });
        assert_eq!(Value::Object(args.document(Timestamp::UNIX_EPOCH)), expected);
        assert!(pair("service").is_err());
    }
}
