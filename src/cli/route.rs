//! `foghorn route`: which policy takes an incident, who would hear, and why. A file can be asked
//! instead of a server, so that a change of it is tried before anybody works by it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::age::moment;
use super::client::Session;
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, parsed, print, read};
use super::print::{refuse, say};
use super::process::{environment, invalid};
use super::stored::{self, NamedArgs, SetArgs};
use crate::catalogue::Code;
use crate::config::{self, short_duration};
use crate::domain::Timestamp;
use crate::domain::on_call::OnCall;
use crate::domain::policy::News;
use crate::domain::record::Section;
use crate::domain::rotation::Because;
use crate::domain::route_test::{Answer, Condition, Question, Rule, Told, Verdict};
use crate::domain::silence::Held;

/// `foghorn route`
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Top to bottom; the first match wins
    List(FormArgs),
    /// Who would hear of an incident like this
    Test(RouteTestArgs),
    /// Have one say what a file says; it comes after those of the configuration file, but for its last
    Set(SetArgs),
    /// Take one away
    Remove(NamedArgs),
}

/// `foghorn route test`
#[derive(Debug, Clone, Args)]
pub struct RouteTestArgs {
    /// What it is like: service, severity, source, title, labels.NAME
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = pair)]
    pub pairs: Vec<String>,
    /// Fail if any other policy would take it
    #[arg(long, value_name = "POLICY")]
    pub expect: Option<String>,
    /// If it opened then, such as 2026-01-05T03:00:00Z; now unless said
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Each rule, and why it takes it or not
    #[arg(long)]
    pub explain: bool,
    /// Ask this file; no server is needed
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<String, String> {
    Question::of([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[derive(Debug, Deserialize)]
struct Route {
    number: usize,
    name: String,
    r#match: BTreeMap<String, Vec<String>>,
    policy: String,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &RouteCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    match command {
        RouteCommand::List(form) => list(form, session).await,
        RouteCommand::Test(args) => test(args, session).await,
        RouteCommand::Set(args) => stored::set(Section::Routes, args, session).await,
        RouteCommand::Remove(args) => stored::remove(Section::Routes, args, session).await,
    }
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/routes", &[], &list).await?;
    let row = |route: &Route| {
        let matchers = matchers(&route.r#match);
        [route.number.to_string(), route.name.clone(), matchers, route.policy.clone()]
    };
    let header = ["#", "NAME", "MATCHES", "POLICY"];
    print(&mut session.out, &listed, &list, header, row, |route: &Route| route.name.clone())?;
    Ok(Exit::Done)
}

/// `service=checkout-*|payments-* severity=critical`
pub(super) fn matchers(matches: &BTreeMap<String, Vec<String>>) -> String {
    let each = matches.iter().map(|(field, any_of)| format!("{field}={}", any_of.join("|")));
    let all = each.collect::<Vec<_>>().join(" ");
    if all.is_empty() { "everything".to_owned() } else { all }
}

async fn test<W: Write>(args: &RouteTestArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let question = match Question::of(args.pairs.iter().map(String::as_str)) {
        Ok(question) => Question { at: args.at, ..question },
        Err(error) => return Ok(wrong(&error.to_string())),
    };
    let (answer, json) = match &args.config {
        Some(path) => match of_file(path, &question, session) {
            Ok(answer) => {
                let json = serde_json::to_string(&answer).map_err(std::io::Error::from)?;
                (answer, json)
            }
            Err(exit) => return Ok(exit),
        },
        None => {
            let body = serde_json::to_value(&question).map_err(std::io::Error::from)?;
            let raw: Box<RawValue> = session.server.post("/api/v1/routes/test", &body).await?;
            (parsed(&raw)?, raw.get().to_owned())
        }
    };
    if args.json {
        session.out.json(&json)?;
    } else {
        let lines = if args.explain { explained(&answer) } else { brief(&answer) };
        lines.iter().chain(&outcome(&answer)).try_for_each(|line| session.out.line(line))?;
    }
    Ok(judged(args.expect.as_deref(), &answer))
}

fn of_file<W>(path: &Path, question: &Question, session: &Session<W>) -> Result<Answer, Exit> {
    let config = config::load(Some(path), &environment()).map_err(|problems| invalid(&problems))?.config;
    let (event, source) = question
        .event(&config.severities.aliases, config.severities.default)
        .map_err(|error| wrong(&error.to_string()))?;
    Ok(config.route_table.would(&event, &source, question.at.unwrap_or(session.now)))
}

/// As the command line says that an argument is wrong.
fn wrong(why: &str) -> Exit {
    say(&format!("error: {why}"));
    Exit::Usage
}

fn judged(expected: Option<&str>, answer: &Answer) -> Exit {
    match (expected, answer.policy.as_deref()) {
        (Some(expected), Some(policy)) if expected == policy => Exit::Done,
        (None, _) => Exit::Done,
        (Some(expected), found) => {
            let found = found.map_or("none".to_owned(), |policy| format!("policy {policy}"));
            refuse(Code::AnotherPolicy, &format!("expected policy {expected}, and {found} takes it"));
            Exit::Failed
        }
    }
}

fn brief(answer: &Answer) -> Vec<String> {
    let taken = answer.rules.iter().filter(|rule| rule.verdict == Verdict::Match);
    taken.map(|rule| format!("{}  {}", rule.number, rule.name)).collect()
}

fn explained(answer: &Answer) -> Vec<String> {
    let widest = answer.rules.iter().map(|rule| rule.name.chars().count()).max().unwrap_or_default();
    let line = |rule: &Rule| {
        let verdict = match rule.verdict {
            Verdict::Match => "MATCH      ",
            Verdict::NoMatch => "no match   ",
            Verdict::NotReached => "not reached",
        };
        let why: Vec<String> = rule.conditions.iter().map(because).collect();
        let why = match (rule.verdict, why.is_empty()) {
            (Verdict::NotReached, _) => String::new(),
            (_, true) => "takes everything".to_owned(),
            (_, false) => why.join(", "),
        };
        format!("{}  {:widest$}  {verdict}  {why}", rule.number, rule.name)
    };
    answer.rules.iter().map(line).collect()
}

fn because(condition: &Condition) -> String {
    let Condition { field, value, any_of, holds } = condition;
    let any_of = match any_of.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    match (value, holds) {
        (Some(value), true) => format!("{field}={value} ∈ {any_of}"),
        (Some(value), false) => format!("{field}={value} ∉ {any_of}"),
        (None, _) => format!("no {field}, which must be {any_of}"),
    }
}

pub(super) fn outcome(answer: &Answer) -> Vec<String> {
    let Some(policy) = &answer.policy else {
        return vec!["→ no route takes it: it is recorded, and nobody hears".to_owned()];
    };
    let mut lines = vec![format!("→ policy {policy}")];
    lines.extend(answer.on_call.iter().map(on_call));
    lines.extend(answer.silence.iter().map(|Held { silence, until }| {
        format!(
            "   silence {silence} holds until {}: nobody is told, then what is still open is",
            moment(*until)
        )
    }));
    let mut moments: Vec<(u64, &str)> = Vec::new();
    for told in &answer.told {
        if !moments.contains(&(told.after_s, &told.channel)) {
            moments.push((told.after_s, &told.channel));
        }
    }
    for (after_s, channel) in moments {
        let same = |told: &&Told| told.after_s == after_s && told.channel == channel;
        let who: Vec<String> = answer.told.iter().filter(same).map(who).collect();
        let quiet = answer.told.iter().filter(same).find_map(|told| told.quiet_until);
        let quiet = quiet.map(|until| format!("   after quiet hours, {}", moment(until)));
        let (after, who) = (after(after_s), who.join(", "));
        lines.push(format!("   {after:<8} {channel:<12} {who}{}", quiet.unwrap_or_default()));
    }
    if answer.told.is_empty() && answer.silence.is_none() {
        lines.push("   nobody can be reached".to_owned());
    }
    lines.extend(answer.withheld.iter().map(|one| format!("   not told: {}", one.words)));
    if answer.repeat > 0 {
        lines.push(format!("   repeats {}×, then it is written down that nobody answered", answer.repeat));
    }
    lines.extend(answer.on_resolve.map(over));
    lines
}

fn on_call(one: &OnCall) -> String {
    let until = one.until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    let why = if one.because == Because::Override { ", standing in" } else { "" };
    match &one.user {
        Some(user) => format!("   on call   {}: {user}{until}{why}", one.team),
        None => format!("   on call   {}: nobody{until}", one.team),
    }
}

fn who(told: &Told) -> String {
    match told.to.as_str() {
        to if to.is_empty() || to == told.recipient => told.recipient.clone(),
        to => format!("{} ({to})", told.recipient),
    }
}

/// When, of a step.
pub(super) fn after(seconds: u64) -> String {
    match seconds {
        0 => "now".to_owned(),
        seconds => format!("+{}", short_duration(std::time::Duration::from_secs(seconds))),
    }
}

/// What people hear when it is over.
pub(super) fn over(on_resolve: News) -> String {
    match on_resolve {
        News::Notify => "   when it is over, everybody who was told is told".to_owned(),
        News::Silent => "   when it is over, nobody is told".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_says_why_and_then_who_hears() {
        let answer = serde_json::json!({
            "severity": "critical", "route": "pages", "policy": "page", "on_resolve": "notify",
            "told": [
                {"after_s": 0, "channel": "ios", "recipient": "ada", "to": "4f1***9c"},
                {"after_s": 180, "channel": "sms", "recipient": "ada", "to": "+15***11"},
                {"after_s": 180, "channel": "sms", "recipient": "grace", "to": "+15***12"}
            ],
            "withheld": [{"recipient": "joan", "channel": "sms", "why": "no_address", "contact": "phone",
                "words": "joan has no phone (channel sms)"}],
            "rules": [
                {"number": 1, "name": "web", "policy": "mail", "verdict": "no_match", "conditions": [
                    {"field": "service", "value": "db", "any_of": ["web-*"], "holds": false},
                    {"field": "labels.env", "value": null, "any_of": ["prod"], "holds": false}]},
                {"number": 2, "name": "pages", "policy": "page", "verdict": "match", "conditions": [
                    {"field": "severity", "value": "critical", "any_of": ["critical", "high"], "holds": true}]},
                {"number": 3, "name": "rest", "policy": "mail", "verdict": "not_reached", "conditions": []}
            ]
        });
        let answer: Answer = serde_json::from_value(answer).expect("it is one");
        assert_eq!(
            explained(&answer),
            [
                "1  web    no match     service=db ∉ web-*, no labels.env, which must be prod",
                "2  pages  MATCH        severity=critical ∈ [critical, high]",
                "3  rest   not reached  ",
            ]
        );
        assert_eq!(
            outcome(&answer),
            [
                "→ policy page",
                "   now      ios          ada (4f1***9c)",
                "   +3m      sms          ada (+15***11), grace (+15***12)",
                "   not told: joan has no phone (channel sms)",
                "   when it is over, everybody who was told is told",
            ]
        );
        assert_eq!(judged(Some("page"), &answer), Exit::Done);
        assert_eq!(judged(Some("mail"), &answer), Exit::Failed);
    }
}
