//! `POST|GET /incidents` and `GET|PATCH|DELETE /incidents/{id}`: incidents with a team, and with whether
//! anybody was told. The team is the label `team`, so that routes can go by it.
//!
//! An id is written as a UUID; `inc_…` and the number name the same incident. `GET` of one is a page for
//! whoever asks for HTML, because that is where the links of messages lead.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, LINK, LOCATION, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::NotificationStatus;
use crate::domain::Timestamp;
use crate::domain::action::Act;
use crate::domain::event::EventStatus;
use crate::domain::ids::IncidentId;
use crate::domain::incident::IncidentStatus;
use crate::domain::query::IncidentQuery;
use crate::domain::severity::Severity;
use crate::http::actions::{self, Patch};
use crate::http::incidents as ours;
use crate::http::lists::{found, paged};
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::http::{Shared, ask, events, json};
use crate::store::views::IncidentView;

/// The label that a team is kept as.
const TEAM: &str = "team";

/// An incident in the words of the other system.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentOfTeam)]
pub(in crate::http) struct View {
    id: String,
    title: String,
    description: String,
    status: IncidentStatus,
    severity: Severity,
    team: String,
    notification_status: NotificationStatus,
    created_at: Timestamp,
    resolved_at: Option<Timestamp>,
    /// What people say aloud, and what our own API goes by.
    number: u64,
}

/// A list that is nothing else.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentsOfTeams)]
#[serde(transparent)]
pub(in crate::http) struct Views(Vec<View>);

impl From<IncidentView> for View {
    fn from(mut incident: IncidentView) -> Self {
        Self {
            id: uuid(incident.id),
            notification_status: NotificationStatus::of(&incident.deliveries),
            team: incident.labels.remove(TEAM).unwrap_or_default(),
            title: incident.title,
            description: incident.description.unwrap_or_default(),
            status: incident.status,
            severity: incident.severity,
            created_at: Timestamp::from_millisecond(incident.id.created_ms()).unwrap_or(incident.opened_at),
            resolved_at: incident.resolved_at,
            number: incident.number,
        }
    }
}

/// As everybody writes 128 bits.
fn uuid(id: IncidentId) -> String {
    let hex = format!("{:032x}", id.bits());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What an id may look like.
fn id_of(text: &str) -> Option<IncidentId> {
    let is_uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|place| text.as_bytes()[*place] == b'-');
    if !is_uuid {
        return text.parse().ok();
    }
    let hex: String = text.chars().filter(|letter| *letter != '-').collect();
    let all_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_hex.then(|| u128::from_str_radix(&hex, 16).ok().map(IncidentId::of_bits)).flatten()
}

async fn number_of(shared: &Shared, text: &str) -> Result<u64, Problem> {
    match id_of(text) {
        Some(id) => found(shared.api.store.incident_number(id).await?, "incident"),
        None => ours::number_of(text),
    }
}

async fn one(shared: &Shared, number: u64) -> Result<View, Problem> {
    Ok(found(shared.api.store.incident(number).await?, "incident")?.into())
}

/// What is known of an incident that is to be. What is said of more than this is said to our own API.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewIncident)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct New {
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Unless given, each request opens an incident of its own.
    #[serde(default)]
    dedup_key: Option<String>,
}

impl New {
    /// Our own record of it.
    fn record(self) -> serde_json::Value {
        let mut labels = self.labels;
        labels.extend(present(self.team).map(|team| (TEAM.to_owned(), team)));
        json!({
            "title": self.title,
            "description": present(self.description),
            "severity": present(self.severity),
            "service": present(self.service),
            "labels": labels,
            "dedup_key": self.dedup_key.unwrap_or_else(|| format!("request:{:032x}", fastrand::u128(..))),
        })
    }
}

/// Other systems say nothing with an empty text.
fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(in crate::http) async fn create(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (by, traceparent) = (actions::by(&request), events::traceparent(request.headers()));
    let new: New = json::read(&shared, request).await?;
    let status = new.status.as_deref().map(status).transpose()?.unwrap_or(EventStatus::Open);
    let record = Arc::from(new.record().to_string().into_bytes());
    let accepted = events::single(ask::submit(&shared.api, vec![record], traceparent).await?)?;
    let number = accepted.incident.ok_or_else(|| {
        Problem::new(Code::Internal, "an incident was accepted, and nobody knows its number")
    })?;
    if status != EventStatus::Open {
        let action = actions::of_status(status.as_str())?;
        let act = Act { number, action, note: None, by, if_version: None, episode: None };
        actions::done(&shared, act).await?;
    }
    let view = one(&shared, number).await?;
    let place = format!("/incidents/{}", view.id);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(view)).into_response())
}

fn status(word: &str) -> Result<EventStatus, Problem> {
    EventStatus::parse(word).ok_or_else(|| {
        actions::invalid(&format!("status = \"{word}\" is none of open, acknowledged, resolved"))
    })
}

/// Newest first, as many as a page holds; `Link` leads to the rest.
pub(in crate::http) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["status", "filter", "limit", "cursor"])?;
    let statuses = query.words("status", IncidentStatus::parse, &IncidentStatus::ALL)?;
    let asked = IncidentQuery::of_statuses(&statuses).with(query.filter(shared.api.clock.now())?);
    let page =
        shared.api.store.incidents(&asked, &query.paging_of::<u64>(super::super::limits::PAGE)?).await?;
    let views = Views(page.data.into_iter().map(View::from).collect());
    let rest = crate::store::views::Page { data: Vec::<View>::new(), next_cursor: page.next_cursor };
    let link = paged(&uri, rest).headers().get(LINK).cloned();
    let mut response = Json(views).into_response();
    response.headers_mut().extend(link.map(|link| (LINK, link)));
    Ok(response)
}

pub(in crate::http) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let number = number_of(&shared, &id).await?;
    let mut response = if wants_a_page(&headers) {
        ours::page(&shared, number).await?
    } else {
        Json(one(&shared, number).await?).into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Browsers name HTML; programs take anything, or name JSON.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_page = matches!(parts.next(), Some("text/html" | "application/xhtml+xml"));
        is_page && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

/// What is to be something else.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentChange)]
#[serde(deny_unknown_fields, default)]
pub(in crate::http) struct Change {
    title: Option<String>,
    description: Option<String>,
    status: Option<String>,
    severity: Option<String>,
    team: Option<String>,
}

pub(in crate::http) async fn patch(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let number = number_of(&shared, &id).await?;
    let by = actions::by(&request);
    let Change { title, description, status, severity, team } = json::read(&shared, request).await?;
    let labels = team.map(|team| (TEAM.to_owned(), Some(team).filter(|team| !team.is_empty())));
    let labels = labels.into_iter().collect();
    let patch = Patch { title, description, status, severity, labels, ..Patch::default() };
    let incident = actions::patched(&shared, number, patch, by, None).await?;
    Ok(Json(View::from(incident)).into_response())
}

pub(in crate::http) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let number = number_of(&shared, &id).await?;
    actions::deleted(&shared, number, actions::by(&request), None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_outside_and_reads_back() {
        let id = IncidentId::new(Timestamp::from_second(1_795_000_000).expect("in range"), 7);
        assert_eq!(id_of(&uuid(id)), Some(id));
        assert_eq!(id_of(&uuid(id).to_uppercase()), Some(id));
        assert_eq!(id_of(&id.to_string()), Some(id));
        for other in ["", "7", "878b6f82-5075-4b03-828f-7e1fe189a5e", "878b6f82-5075-4b03-828f-7e1fe189a5eg"]
        {
            assert_eq!(id_of(other), None, "{other}");
        }
        assert_eq!(id_of("é78b6f82-5075-4b03-828f-7e1fe189a5e8"), None);
    }

    #[test]
    fn browsers_get_a_page_and_programs_do_not() {
        let wants = |accept: Option<&'static str>| {
            let value = accept.map(|accept| (ACCEPT, HeaderValue::from_static(accept)));
            wants_a_page(&value.into_iter().collect())
        };
        assert!(wants(Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")));
        assert!(wants(Some("application/json, text/html;q=0.5")));
        for program in
            [None, Some("*/*"), Some("application/json"), Some("text/html;q=0, */*"), Some("text/plain")]
        {
            assert!(!wants(program), "{program:?}");
        }
    }
}
