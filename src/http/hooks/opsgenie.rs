//! `/v2/alerts`: clients of Opsgenie take Foghorn for it.
//!
//! Making, taking and closing an alert are events of the source, in the order they come. What else is done
//! to one is a deed on its incident. All of it is answered at once with 202, as Opsgenie does, also for an
//! alert that nobody knows; what became of it, `GET /v2/alerts/requests/{id}` tells.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::{Hook, Sent, heard, in_their_words, of_format};
use crate::domain::Timestamp;
use crate::domain::action::{Act, Action, By, Edit, Via};
use crate::domain::ids::{EventId, IncidentId};
use crate::domain::query::{Glob, IncidentField, IncidentQuery, Test};
use crate::domain::retry::later;
use crate::formats::Format;
use crate::http::Shared;
use crate::http::problem::{Code, Problem};
use crate::http::{ask, events};
use crate::store::Paging;
use crate::store::views::IncidentView;

/// Snoozed without a moment, it is quiet for so long.
const SNOOZE: Duration = Duration::from_secs(3_600);

/// It is taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieTaken)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Taken {
    result: &'static str,
    took: f64,
    /// What became of it can be asked by this.
    request_id: String,
}

/// What became of a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieOutcome)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Outcome {
    data: Done,
    took: f64,
    request_id: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieDone)]
#[serde(rename_all = "camelCase")]
struct Done {
    success: bool,
    is_success: bool,
    status: &'static str,
    alert_id: String,
    alias: String,
}

/// It is not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieRefused)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Refused {
    message: String,
    took: f64,
    request_id: String,
}

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
        [] => Ok(Words::default()),
        body => serde_json::from_slice::<Words>(body),
    };
    let Ok(words) = words else {
        return refused(StatusCode::BAD_REQUEST, "Could not parse request body as JSON", begun);
    };
    let done = async {
        let incident = found(&shared, &sent, &id, identifier_type(&uri)).await?;
        let Some(incident) = incident else { return Ok(taken(fastrand::u128(..), begun)) };
        if let Some(action) = ["close", "acknowledge"].into_iter().find(|action| *action == deed) {
            let record = json!({ "action": action, "alias": incident.dedup_key });
            let response = submitted(&shared, &sent, Arc::from(record.to_string().into_bytes()), begun).await;
            note(&shared, &sent, &incident, &words).await?;
            return Ok(response);
        }
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

async fn deed_done(
    shared: &Shared,
    sent: &Sent,
    deed: &str,
    incident: &IncidentView,
    words: &Words,
) -> Result<(), Problem> {
    let now = shared.api.clock.now();
    let edit = |title: &Option<String>, description: &Option<String>| {
        let (title, description) = (title.clone(), description.clone());
        Action::Edit(Box::new(Edit { title, description, ..Edit::default() }))
    };
    let action = match deed {
        "unacknowledge" => Action::Unacknowledge,
        "snooze" => {
            let until = words.end_time.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
            Action::Snooze(until.unwrap_or_else(|| later(now, SNOOZE)))
        }
        "message" => edit(&words.message, &None),
        "description" => edit(&None, &words.description),
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
    if let Err(refused) = sender(&shared, &of_format(&shared, &Format::Opsgenie), request).await {
        return refused;
    }
    let Some(bits) = bits(&id) else { return refused(StatusCode::NOT_FOUND, "Request not found", begun) };
    let found = async {
        let store = &shared.api.store;
        let event = store.event(EventId::of_bits(bits)).await?;
        let number = match event.map(|event| event.incident_number) {
            Some(number) => number,
            None => store.incident_number(IncidentId::of_bits(bits)).await?,
        };
        match number {
            Some(number) => store.incident(number).await,
            None => Ok(None),
        }
    };
    match found.await.map_err(Problem::from) {
        Ok(Some(incident)) => {
            let data = Done {
                success: true,
                is_success: true,
                status: "Done",
                alert_id: uuid(incident.id.bits()),
                alias: incident.dedup_key,
            };
            Json(Outcome { data, took: begun.elapsed().as_secs_f64(), request_id: id }).into_response()
        }
        Ok(None) => refused(StatusCode::NOT_FOUND, "Request not found", begun),
        Err(problem) => problem.into_response(),
    }
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
async fn found(shared: &Shared, sent: &Sent, id: &str, by: &str) -> Result<Option<IncidentView>, Problem> {
    let store = &shared.api.store;
    let number = match by {
        "alias" => {
            let alias = Test::Label("alias".to_owned(), vec![Glob::literal(id)]);
            let asked = IncidentQuery::default()
                .and(alias)
                .and(Test::Like(IncidentField::Source, vec![Glob::literal(sent.source.as_str())]));
            let page = store.incidents(&asked, &Paging { before: None, limit: 1 }).await?;
            return Ok(page.data.into_iter().next());
        }
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

fn taken(bits: u128, begun: Instant) -> Response {
    let took = begun.elapsed().as_secs_f64();
    let taken = Taken { result: "Request will be processed", took, request_id: uuid(bits) };
    (StatusCode::ACCEPTED, Json(taken)).into_response()
}

fn refused(status: StatusCode, message: &str, begun: Instant) -> Response {
    let (took, request_id) = (begun.elapsed().as_secs_f64(), uuid(fastrand::u128(..)));
    in_their_words(status, Json(Refused { message: message.to_owned(), took, request_id }))
}

/// As everybody writes 128 bits.
fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn bits(text: &str) -> Option<u128> {
    let is_uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|place| text.as_bytes()[*place] == b'-');
    let hex: String = text.chars().filter(|letter| *letter != '-').collect();
    let fits = is_uuid && hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| u128::from_str_radix(&hex, 16).ok())?
}
