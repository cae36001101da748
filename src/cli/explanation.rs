//! `foghorn explain incident NUMBER`: why was I told of this, or why not?

use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Exit;
use super::age::moment;
use super::client::Session;
use super::connection::Failure;
use super::lists::parsed;
use super::shapes::{Delivery, NextStep};
use crate::domain::Timestamp;
use crate::domain::route_test::{Rule, Verdict};

/// Which incident, for whom, and how it is printed.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) number: u64,
    pub(super) user: Option<&'a str>,
    pub(super) json: bool,
}

#[derive(Debug, Deserialize)]
struct Explanation {
    number: u64,
    title: String,
    status: String,
    route: Option<String>,
    policy: Option<String>,
    rules: Vec<Rule>,
    history: Vec<Chapter>,
    next_step: Option<NextStep>,
    verdict: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Chapter {
    at: Timestamp,
    kind: String,
    by: Option<String>,
    detail: String,
    #[serde(default)]
    told: Vec<Delivery>,
    #[serde(default)]
    withheld: Vec<NotTold>,
}

#[derive(Debug, Deserialize)]
struct NotTold {
    words: String,
}

pub(super) async fn incident<W: Write>(
    question: &Question<'_>,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let path = format!("/api/v1/incidents/{}/explanation", question.number);
    let user: Vec<(&str, String)> = question.user.map(|user| ("user", user.to_owned())).into_iter().collect();
    let raw: Box<RawValue> = session.server.get(&path, &user).await?;
    if question.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    for line in lines(&parsed(&raw)?) {
        session.out.line(&line)?;
    }
    Ok(Exit::Done)
}

fn lines(explained: &Explanation) -> Vec<String> {
    let mut lines = vec![format!("#{}  {}  {}", explained.number, explained.status, explained.title)];
    lines.push(match (&explained.route, &explained.policy) {
        (Some(route), Some(policy)) => format!("route \"{route}\" → policy {policy}"),
        _ => "no route took it: nobody is told".to_owned(),
    });
    let matched = explained.rules.iter().find(|rule| rule.verdict == Verdict::Match);
    if let Some(rule) = matched.filter(|rule| Some(&rule.name) != explained.route.as_ref()) {
        lines.push(format!("   as routes are now, \"{}\" would take it", rule.name));
    }
    for chapter in &explained.history {
        lines.push(told_chapter(chapter));
        lines.extend(chapter.told.iter().flat_map(told));
        lines.extend(chapter.withheld.iter().map(|one| format!("   ✗ {}", one.words)));
    }
    if let Some(next) = &explained.next_step {
        lines.push(format!("next: step {} at {}, if nobody takes it", next.number, moment(next.at)));
    }
    lines.extend(explained.verdict.iter().map(|verdict| format!("→ {verdict}")));
    lines
}

fn told_chapter(chapter: &Chapter) -> String {
    let by = chapter.by.as_ref().filter(|by| *by != "foghorn").map(|by| format!(" by {by}"));
    let detail = if chapter.detail.is_empty() { String::new() } else { format!("  {}", chapter.detail) };
    format!("{}  {}{}{detail}", moment(chapter.at), chapter.kind, by.unwrap_or_default())
}

/// A delivery and its attempts: what the provider answered each time.
fn told(delivery: &Delivery) -> Vec<String> {
    let Delivery { id, channel, recipient, to, state, .. } = delivery;
    let reason = delivery.reason.as_deref().filter(|reason| reason != state).unwrap_or_default();
    let later = delivery.receipt.as_ref().map(|receipt| format!(", {}", receipt.kind)).unwrap_or_default();
    let line = format!("   • {recipient} via {channel} ({to})  {state} {reason}{later}");
    let mut lines = vec![format!("{}  {id}", line.trim_end())];
    let attempts = delivery.attempts.iter().map(|attempt| {
        let outcome = attempt.outcome.as_deref().unwrap_or("running");
        let words = [attempt.code.as_deref(), attempt.detail.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        let words = words.join(" ");
        format!("       attempt {}  {outcome}  {words}", attempt.number).trim_end().to_owned()
    });
    lines.extend(attempts);
    let waits = delivery.next_attempt_at.map(|at| format!("       next attempt at {}", moment(at)));
    lines.extend(waits);
    lines
}
