//! What people do to incidents: `POST /api/v1/incidents/{number}/acknowledge` and its siblings, notes,
//! `PATCH` for what is known of one, and `DELETE`.
//!
//! Whatever is asked for twice is done once and answered alike. `If-Match: "v9"` does it only if nobody
//! was faster. Answered when it is on stable storage, with the incident as it stands then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{ETAG, IF_MATCH, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::callers::Caller;
use super::incidents::{etag, number_of};
use super::lists::found;
use super::problem::{Code, Problem};
use super::{Shared, ask, json};
use crate::domain::Timestamp;
use crate::domain::action::{Act, Acted, Action, By, Edit, Via};
use crate::domain::incident::Incident;
use crate::domain::names::UserName;
use crate::domain::retry::later;
use crate::domain::severity::Severity;
use crate::store::views::IncidentView;

/// The longest note, and the longest title.
const LONGEST: usize = 4_096;
const LONGEST_TITLE: usize = 1_024;

/// What goes along with an action.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ActionRequest)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Words {
    /// In their words.
    #[schema(max_length = 4096)]
    pub(super) note: Option<String>,
    /// Who does it: a user's name. Unless said, whoever asks.
    pub(super) by: Option<String>,
    /// Of a snooze: its end.
    pub(super) until: Option<Timestamp>,
    /// Of a snooze: how long.
    pub(super) r#for: Option<String>,
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let number = number_of(&number)?;
    let word = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let by = by(&request);
    let if_version = if_match(request.headers())?;
    let words: Words = json::read_if_any(&shared, request).await?;
    let now = shared.api.clock.now();
    let action = action_of(&word, &words, now)?;
    let (note, by) = said(&shared, words, by)?;
    done(&shared, Act { number, action, note, by, if_version, episode: None }).await.map(shown)
}

/// The action of this word.
pub(super) fn action_of(word: &str, words: &Words, now: Timestamp) -> Result<Action, Problem> {
    if word != "snooze" && (words.until.is_some() || words.r#for.is_some()) {
        return Err(invalid("until and for are for snoozing"));
    }
    Ok(match word {
        "acknowledge" => Action::Acknowledge,
        "unacknowledge" => Action::Unacknowledge,
        "resolve" => Action::Resolve,
        "reopen" => Action::Reopen,
        "snooze" => Action::Snooze(until(words, now)?),
        "unsnooze" => Action::Unsnooze,
        "escalate" => Action::Escalate,
        "notes" => match words.note.as_deref().map(str::trim) {
            None | Some("") => return Err(invalid("a note needs words: {\"note\": \"…\"}")),
            Some(_) => Action::Note,
        },
        word => {
            let known = "acknowledge, unacknowledge, resolve, reopen, snooze, unsnooze, escalate, notes";
            return Err(invalid(&format!("\"{word}\" is none of {known}")));
        }
    })
}

/// The note, and who says it.
pub(super) fn said(shared: &Shared, words: Words, by: By) -> Result<(Option<String>, By), Problem> {
    let note = words.note.map(|note| fit(&note, LONGEST, "note")).transpose()?;
    let by = By { who: named(shared, words.by, by.who)?, ..by };
    Ok((note.filter(|note| !note.is_empty()), by))
}

/// What is to be something else; of `labels`, `null` takes one away (RFC 7386).
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentPatch)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Patch {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) assignee: Option<String>,
    pub(super) labels: BTreeMap<String, Option<String>>,
    pub(super) status: Option<String>,
    pub(super) note: Option<String>,
    pub(super) by: Option<String>,
}

pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let number = number_of(&number)?;
    let by = by(&request);
    let if_version = if_match(request.headers())?;
    let patch: Patch = json::read_if_any(&shared, request).await?;
    patched(&shared, number, patch, by, if_version).await.map(shown)
}

/// Changes what is known of an incident, and where it stands.
pub(super) async fn patched(
    shared: &Shared,
    number: u64,
    patch: Patch,
    by: By,
    if_version: Option<u64>,
) -> Result<IncidentView, Problem> {
    let by = By { who: named(shared, patch.by.clone(), by.who)?, ..by };
    let note = patch.note.as_deref().map(|note| fit(note, LONGEST, "note")).transpose()?;
    let status = patch.status.as_deref().map(of_status).transpose()?;
    let edit = edit(shared, patch)?;
    let act =
        |action, note, if_version| Act { number, action, note, by: by.clone(), if_version, episode: None };
    let Some(status) = status else {
        return done(shared, act(Action::Edit(Box::new(edit)), note, if_version)).await;
    };
    if edit == Edit::default() {
        return done(shared, act(status, note, if_version)).await;
    }
    done(shared, act(Action::Edit(Box::new(edit)), None, if_version)).await?;
    done(shared, act(status, note, None)).await
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let number = number_of(&number)?;
    let (by, if_version) = (by(&request), if_match(request.headers())?);
    deleted(&shared, number, by, if_version).await
}

/// Takes an incident away for good.
pub(super) async fn deleted(
    shared: &Shared,
    number: u64,
    by: By,
    if_version: Option<u64>,
) -> Result<StatusCode, Problem> {
    let act = Act { number, action: Action::Delete, note: None, by, if_version, episode: None };
    accepted(ask::act(&shared.api, act).await?, number)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The action that makes an incident stand there: seeds of other systems say it so.
pub(super) fn of_status(word: &str) -> Result<Action, Problem> {
    use crate::domain::event::EventStatus;
    match EventStatus::parse(word) {
        Some(EventStatus::Open) => Ok(Action::Reopen),
        Some(EventStatus::Acknowledged) => Ok(Action::Acknowledge),
        Some(EventStatus::Resolved) => Ok(Action::Resolve),
        None => Err(invalid(&format!("status = \"{word}\" is none of open, acknowledged, resolved"))),
    }
}

fn edit(shared: &Shared, patch: Patch) -> Result<Edit, Problem> {
    let words = shared.api.in_use.borrow().words.clone();
    let severity = |word: String| {
        words.aliases.resolve(&word).ok_or_else(|| {
            let known = Severity::ALL.map(Severity::as_str).join(", ");
            invalid(&format!("severity = \"{word}\" is none of {known}"))
        })
    };
    let title = patch.title.map(|title| fit(&title, LONGEST_TITLE, "title")).transpose()?;
    if title.as_deref().is_some_and(|title| title.trim().is_empty()) {
        return Err(invalid("a title needs words"));
    }
    let assignee = match patch.assignee {
        Some(name) if !name.is_empty() => Some(named(shared, Some(name), "".into())?.to_string()),
        other => other,
    };
    let labels: Result<BTreeMap<_, _>, Problem> = patch
        .labels
        .into_iter()
        .map(|(key, value)| {
            let value = value.map(|value| fit(&value, LONGEST_TITLE, "label")).transpose()?;
            Ok((fit(&key, 256, "label")?, value))
        })
        .collect();
    Ok(Edit {
        title,
        description: patch.description.map(|text| fit(&text, 16 * LONGEST, "description")).transpose()?,
        severity: patch.severity.map(severity).transpose()?,
        assignee,
        labels: labels?,
    })
}

/// Does it, and gives the incident as it stands then.
pub(super) async fn done(shared: &Shared, act: Act) -> Result<IncidentView, Problem> {
    let number = act.number;
    accepted(ask::act(&shared.api, act).await?, number)?;
    found(shared.api.store.incident(number).await?, "incident")
}

fn shown(incident: IncidentView) -> Response {
    ([(ETAG, etag(incident.version))], Json(incident)).into_response()
}

fn accepted(acted: Acted, number: u64) -> Result<(), Problem> {
    let refused = |incident: &Incident, why: String| {
        Problem::new(Code::ActionRefused, format!("#{}: {why}", incident.number))
    };
    match acted {
        Acted::Done(_) | Acted::Already(_) => Ok(()),
        Acted::Changed(incident) => {
            let detail = format!(
                "#{number} is at version {} now, {}; look at it and ask again",
                incident.version, incident.status
            );
            Err(Problem::new(Code::Outdated, detail))
        }
        Acted::Refused(incident, why) => Err(refused(&incident, why.to_string())),
        Acted::NotFound => found(None, "incident"),
    }
}

/// Which version they saw.
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| {
        let text = text.trim();
        if text == "*" {
            return Some(None);
        }
        text.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok().map(Some)
    });
    version.ok_or_else(|| Problem::new(Code::BadRequest, "If-Match is no version of an incident: \"v9\""))
}

/// Who asks, and how.
pub(super) fn by(request: &Request) -> By {
    By { who: asker(request), via: via(request.headers()) }
}

/// How they ask: the command line says so.
fn via(headers: &HeaderMap) -> Via {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if agent.starts_with("foghorn/") { Via::Cli } else { Via::Api }
}

/// Who asks: the name of the token, or of the way in.
pub(super) fn asker(request: &Request) -> Arc<str> {
    request.extensions().get::<Caller>().map_or_else(|| "somebody".into(), |caller| Arc::clone(&caller.name))
}

/// A user that is configured, or whoever asks.
fn named(shared: &Shared, name: Option<String>, asker: Arc<str>) -> Result<Arc<str>, Problem> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(asker) };
    let users = &shared.api.in_use.borrow().routes.directory.users;
    if users.contains_key(name.as_str()) {
        return Ok(name.into());
    }
    let known: Vec<&str> = users.keys().map(UserName::as_str).collect();
    super::flow::is_known("user", &name, &known)?;
    Ok(name.into())
}

fn until(words: &Words, now: Timestamp) -> Result<Timestamp, Problem> {
    match (words.until, words.r#for.as_deref()) {
        (Some(until), None) => Ok(until),
        (None, Some(text)) => {
            let duration: Duration = humantime::parse_duration(text)
                .map_err(|_| invalid(&format!("for = \"{text}\" is no duration such as \"1h\"")))?;
            Ok(later(now, duration))
        }
        _ => Err(invalid("a snooze needs {\"for\": \"1h\"} or {\"until\": \"2026-11-21T18:00:00Z\"}")),
    }
}

/// Text that the store can keep.
fn fit(text: &str, longest: usize, what: &str) -> Result<String, Problem> {
    if text.len() > longest {
        return Err(invalid(&format!("a {what} may have {longest} bytes")));
    }
    if text.contains('\0') {
        return Err(invalid(&format!("a {what} has no NUL character")));
    }
    Ok(text.to_owned())
}

pub(super) fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidBody, detail.to_owned())
}
