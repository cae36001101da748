//! `/v2/alerts`: clients of Opsgenie take Foghorn for it.
//!
//! Making, taking and closing an alert are events of the source, in the order they come. What else is done
//! to one is a deed on its incident. All of it is answered at once with 202, as Opsgenie does, also for an
//! alert that nobody knows; what became of it, `GET /v2/alerts/requests/{id}` tells. A key opens nothing of
//! another source: its aliases are its own, and so are its requests.

mod answers;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{Hook, Sent, heard, object, of_format};
use crate::domain::Timestamp;
use crate::domain::action::{Act, Action, By, Edit, Via};
use crate::domain::dedup::{DedupKey, Keyspace};
use crate::domain::ids::{EventId, IncidentId};
use crate::domain::retry::later;
use crate::formats::native::TITLE;
use crate::formats::{self, Format};
use crate::http::Shared;
use crate::http::problem::{Code, Problem};
use crate::http::{ask, events};
use crate::store::views::IncidentView;
use answers::{Done, Said, bits, refused, taken, timed};
pub(in crate::http) use answers::{Outcome, Refused, Taken};

/// The longest description, in characters.
const DESCRIPTION: usize = 15_000;
/// Snoozed without a moment, it is quiet for so long.
const SNOOZE: Duration = Duration::from_secs(3_600);

/// What is said with a deed; of each only what belongs to it counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Words {
    user: Option<String>,
    source: Option<String>,
    note: Option<String>,
    message: Option<String>,
    description: Option<String>,
    end_time: Option<String>,
}

/// `POST /v2/alerts`
pub(in crate::http) async fn create(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    created(&shared, &of_format(&shared, &Format::Opsgenie), request).await
}

pub(super) async fn created(shared: &Shared, hooks: &[Hook], request: Request) -> Response {
    let begun = Instant::now();
    let sent = match sender(shared, hooks, request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let record = Arc::from(sent.held.bytes.as_slice());
    submitted(shared, &sent, record, begun).await
}

async fn submitted(shared: &Shared, sent: &Sent, record: Arc<[u8]>, begun: Instant) -> Response {
    match sent.submit(shared, vec![record]).await.and_then(events::single) {
        Ok(accepted) => taken(accepted.event.bits(), begun),
        Err(problem) if problem.code() == Code::Unavailable => problem.into_response(),
        Err(problem) if problem.code() == Code::NotJson => {
            refused(StatusCode::BAD_REQUEST, "Could not parse request body as JSON", begun)
        }
        Err(problem) => refused(StatusCode::UNPROCESSABLE_ENTITY, &problem.words(), begun),
    }
}

/// `POST` and `PUT /v2/alerts/{id}/{deed}`
pub(in crate::http) async fn act(
    State(shared): State<Arc<Shared>>,
    Path((id, deed)): Path<(String, String)>,
    uri: Uri,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let is_put = request.method() == axum::http::Method::PUT;
    let sent = match sender(&shared, &of_format(&shared, &Format::Opsgenie), request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let no_such = is_put != matches!(deed.as_str(), "message" | "description");
    if no_such || !DEEDS.contains(&deed.as_str()) {
        return refused(StatusCode::NOT_FOUND, "No such operation", begun);
    }
    let words = match sent.held.bytes.trim_ascii() {
        [] => Some(Words::default()),
        body => object(body),
    };
    let Some(words) = words else {
        return refused(StatusCode::BAD_REQUEST, "Could not parse request body as JSON", begun);
    };
    let done = async {
        let alert = Meant { id: &id, by: identifier_type(&uri) };
        if let Some(action) = ["close", "acknowledge"].into_iter().find(|action| *action == deed) {
            return ended_or_taken(&shared, &sent, alert, action, &words, begun).await;
        }
        let incident = found(&shared, &sent, alert).await?;
        let Some(incident) = incident else { return Ok(taken(fastrand::u128(..), begun)) };
        deed_done(&shared, &sent, &deed, &incident, &words).await?;
        Ok(taken(incident.id.bits(), begun))
    };
    done.await.unwrap_or_else(|problem: Problem| match problem.code() {
        Code::Unavailable => problem.into_response(),
        _ => refused(StatusCode::UNPROCESSABLE_ENTITY, &problem.words(), begun),
    })
}

/// What can be done to an alert.
pub(in crate::http) const DEEDS: &[&str] =
    &["close", "acknowledge", "unacknowledge", "notes", "snooze", "message", "description"];

/// Which alert is meant.
#[derive(Clone, Copy)]
struct Meant<'r> {
    id: &'r str,
    by: &'r str,
}

/// What is said of an alert is an event of the source, also of one that nobody knows. An incident that stands
/// for several is closed as far as they are the source's own.
async fn ended_or_taken(
    shared: &Shared,
    sent: &Sent,
    alert: Meant<'_>,
    action: &str,
    words: &Words,
    begun: Instant,
) -> Result<Response, Problem> {
    let known = match alert.by {
        "alias" => None,
        _ => found(shared, sent, alert).await?,
    };
    let mut aliases = match (&known, alert.by) {
        (_, "alias") => vec![alert.id.to_owned()],
        (Some(incident), _) => aliases(shared, sent, incident).await?,
        (None, _) => Vec::new(),
    };
    if action == "acknowledge" {
        // Taking one takes all of it.
        aliases.truncate(1);
    }
    let mut response = taken(fastrand::u128(..), begun);
    for alias in aliases {
        let record = json!({ "action": action, "alias": alias });
        response = submitted(shared, sent, Arc::from(record.to_string().into_bytes()), begun).await;
    }
    if words.note.is_some()
        && let Some(incident) = found(shared, sent, alert).await?
    {
        note(shared, sent, &incident, words).await?;
    }
    Ok(response)
}

/// What the source calls that which `incident` stands for.
async fn aliases(shared: &Shared, sent: &Sent, incident: &IncidentView) -> Result<Vec<String>, Problem> {
    let Some(members) = shared.api.store.members(incident.number).await? else {
        return Ok(vec![incident.dedup_key.clone()]);
    };
    let own = members.data.into_iter().filter(|member| member.source == sent.source.as_str());
    Ok(own.map(|member| member.dedup_key).collect())
}

async fn deed_done(
    shared: &Shared,
    sent: &Sent,
    deed: &str,
    incident: &IncidentView,
    words: &Words,
) -> Result<(), Problem> {
    let now = shared.api.clock.now();
    let edit = |title: Option<String>, description: Option<String>| {
        Action::Edit(Box::new(Edit { title, description, ..Edit::default() }))
    };
    let action = match deed {
        "unacknowledge" => Action::Unacknowledge,
        "snooze" => {
            let unreadable = |_| Problem::new(Code::InvalidBody, "endTime is no date and time with a zone");
            let until = words.end_time.as_ref().map(|text| text.parse::<Timestamp>().map_err(unreadable));
            Action::Snooze(until.transpose()?.unwrap_or_else(|| later(now, SNOOZE)))
        }
        "message" => {
            let title = words.message.as_deref().and_then(|text| formats::line(text, TITLE));
            let nothing = || Problem::new(Code::InvalidBody, "message has nothing that a reader could see");
            edit(Some(title.ok_or_else(nothing)?), None)
        }
        // Alertmanager leaves an empty one out.
        "description" => match &words.description {
            None => return Ok(()),
            Some(text) => edit(None, Some(formats::lines(text, DESCRIPTION).unwrap_or_default())),
        },
        _ => return note(shared, sent, incident, words).await,
    };
    acted(shared, sent, incident, words, action).await
}

async fn note(shared: &Shared, sent: &Sent, incident: &IncidentView, words: &Words) -> Result<(), Problem> {
    match words.note.as_deref().map(str::trim) {
        None | Some("") => Ok(()),
        Some(_) => acted(shared, sent, incident, words, Action::Note).await,
    }
}

/// Whatever comes of it, it was asked for.
async fn acted(
    shared: &Shared,
    sent: &Sent,
    incident: &IncidentView,
    words: &Words,
    action: Action,
) -> Result<(), Problem> {
    const LONGEST: usize = 1_000;
    let short = |text: &String| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    let who = words.user.as_ref().or(words.source.as_ref()).map(short).filter(|who| !who.trim().is_empty());
    let who = who.unwrap_or_else(|| sent.source.to_string());
    let by = By { who: who.as_str().into(), via: Via::Api };
    let note = words.note.as_ref().map(short);
    let number = incident.number;
    ask::act(&shared.api, Act { number, action, note, by, if_version: None, episode: None }).await?;
    Ok(())
}

/// `GET /v2/alerts/requests/{id}`
pub(in crate::http) async fn outcome(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let sent = match sender(&shared, &of_format(&shared, &Format::Opsgenie), request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let Some(bits) = bits(&id) else { return refused(StatusCode::NOT_FOUND, "Request not found", begun) };
    match done(&shared, &sent, bits).await {
        Ok(Some(data)) => {
            let outcome = Outcome { data, took: begun.elapsed().as_secs_f64(), request_id: id };
            timed(Json(&outcome).into_response(), &outcome.request_id, begun)
        }
        Ok(None) => refused(StatusCode::NOT_FOUND, "Request not found", begun),
        Err(problem) => problem.into_response(),
    }
}

/// What became of the request that these bits name, if it was one of this source.
async fn done(shared: &Shared, sent: &Sent, bits: u128) -> Result<Option<Done>, Problem> {
    let store = &shared.api.store;
    let is_own = |source: &str| source == sent.source.as_str();
    if let Some(event) = store.event(EventId::of_bits(bits)).await? {
        let incident = match event.incident_number {
            Some(number) => store.incident(number).await?,
            None => None,
        };
        let said: Said =
            serde_json::from_str(event.payload.as_deref().unwrap_or_default()).unwrap_or_default();
        return Ok(is_own(&event.source).then(|| Done::of(incident, said, Some(event.received_at))));
    }
    let Some(number) = store.incident_number(IncidentId::of_bits(bits)).await? else { return Ok(None) };
    let incident = store.incident(number).await?.filter(|incident| is_own(&incident.source));
    Ok(incident.map(|incident| Done::of(Some(incident), Said::default(), None)))
}

/// Whoever shows the key of a source, in Opsgenie's words if it is none.
async fn sender(shared: &Shared, hooks: &[Hook], request: Request) -> Result<Sent, Response> {
    let begun = Instant::now();
    let sent = heard(shared, hooks, request).await;
    sent.map_err(|response| match response.status() {
        StatusCode::UNAUTHORIZED => {
            refused(StatusCode::UNAUTHORIZED, "Could not authenticate: the key is missing or wrong", begun)
        }
        _ => response,
    })
}

fn identifier_type(uri: &Uri) -> &str {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == "identifierType").map_or("id", |(_, value)| value)
}

/// The alert of this source that is meant, if there is one.
async fn found(
    shared: &Shared,
    sent: &Sent,
    Meant { id, by }: Meant<'_>,
) -> Result<Option<IncidentView>, Problem> {
    let store = &shared.api.store;
    let number = match by {
        "alias" => store.incident_of_key(&DedupKey::new(id, Keyspace::Source, &sent.source)).await?,
        "tiny" => id.parse().ok(),
        _ => match bits(id) {
            Some(bits) => store.incident_number(IncidentId::of_bits(bits)).await?,
            None => None,
        },
    };
    let Some(number) = number else { return Ok(None) };
    let incident = store.incident(number).await?;
    // A key opens nothing of another source.
    Ok(incident.filter(|incident| incident.source == sent.source.as_str()))
}
