//! Who would hear of what: `GET /api/v1/routes`, `/api/v1/policies`, and one of them, and
//! `POST /api/v1/routes/test`. All of it from the configuration in use; [`super::records`] changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::flow::is_known;
use super::problem::{Code, Problem};
use super::query::Query;
use super::records::Standing;
use super::{Shared, json, lists};
use crate::domain::names::{ChannelName, PolicyName};
use crate::domain::pattern::Pattern;
use crate::domain::policy::{News, Policy, StopWhen};
use crate::domain::record::Section;
use crate::domain::retry::{OnUnknown, RetryPolicy};
use crate::domain::route_test::{Answer, Question};
use crate::domain::routes::{Field, Route};
use crate::messages::in_use::InUse;
use crate::store::views::Page;

/// A route as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Route)]
pub(super) struct RouteView {
    /// Its place, 1 for the first; the first match wins.
    number: usize,
    name: String,
    /// Empty matches everything.
    r#match: BTreeMap<String, Vec<String>>,
    policy: String,
    #[serde(flatten)]
    standing: Option<Standing>,
}

/// A policy as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Policy)]
pub(super) struct PolicyView {
    name: String,
    /// Names of the routes that lead to it.
    routes: Vec<String>,
    steps: Vec<StepView>,
    repeat: u32,
    repeat_after_s: u64,
    ack_timeout_s: Option<u64>,
    bundle_s: Option<u64>,
    stop_when: StopWhen,
    on_update: News,
    on_acknowledge: News,
    on_resolve: News,
    #[serde(flatten)]
    standing: Option<Standing>,
    /// How each of its channels is retried; only where one policy is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedules: Option<BTreeMap<ChannelName, Schedule>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyStep)]
pub(super) struct StepView {
    after_s: u64,
    notify: Vec<String>,
    via: Vec<ChannelName>,
}

/// When a delivery of a channel is tried again, without jitter.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RetrySchedule)]
pub(super) struct Schedule {
    waits_s: Vec<f64>,
    max_attempts: u32,
    max_age_s: u64,
    jitter: f64,
    on_unknown: OnUnknown,
}

impl From<&RetryPolicy> for Schedule {
    fn from(retry: &RetryPolicy) -> Self {
        Self {
            waits_s: retry.schedule().iter().map(std::time::Duration::as_secs_f64).collect(),
            max_attempts: retry.max_attempts,
            max_age_s: retry.max_age.as_secs(),
            jitter: retry.jitter,
            on_unknown: retry.on_unknown,
        }
    }
}

impl RouteView {
    fn of(place: usize, route: &Route, in_use: &InUse) -> Self {
        let texts = |patterns: &[Pattern]| patterns.iter().map(|one| one.as_str().to_owned()).collect();
        Self {
            number: place + 1,
            name: route.name.to_string(),
            r#match: route.matches.iter().map(|(field, any)| (field.to_string(), texts(any))).collect(),
            policy: route.policy.to_string(),
            standing: Standing::of(&in_use.tables, Section::Routes, route.name.as_str()),
        }
    }
}

impl PolicyView {
    fn of(name: &PolicyName, policy: &Policy, in_use: &InUse) -> Self {
        let routes = in_use.routes.routes.iter().filter(|route| route.policy == *name);
        let steps = policy.steps.iter().map(|step| StepView {
            after_s: step.after.as_secs(),
            notify: step.notify.iter().map(ToString::to_string).collect(),
            via: step.via.clone(),
        });
        Self {
            name: name.to_string(),
            routes: routes.map(|route| route.name.to_string()).collect(),
            steps: steps.collect(),
            repeat: policy.repeat,
            repeat_after_s: policy.repeat_after.as_secs(),
            ack_timeout_s: policy.ack_timeout.map(|timeout| timeout.as_secs()),
            bundle_s: policy.bundle.map(|bundle| bundle.as_secs()),
            stop_when: policy.stop_when,
            on_update: policy.on_update,
            on_acknowledge: policy.on_acknowledge,
            on_resolve: policy.on_resolve,
            standing: Standing::of(&in_use.tables, Section::Policies, name.as_str()),
            schedules: None,
        }
    }

    fn with_schedules(self, in_use: &InUse) -> Self {
        let channels: BTreeSet<&ChannelName> = self.steps.iter().flat_map(|step| &step.via).collect();
        let schedule = |name: &ChannelName| Some((name.clone(), (&in_use.channels.get(name)?.retry).into()));
        let schedules = channels.into_iter().filter_map(schedule).collect();
        Self { schedules: Some(schedules), ..self }
    }
}

pub(super) async fn routes(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Json<Page<RouteView>>, Problem> {
    Query::parse(&uri, WHOLE_LIST)?;
    let in_use = shared.api.in_use.borrow().clone();
    let routes = in_use.routes.routes.iter().enumerate();
    let data = routes.map(|(place, route)| RouteView::of(place, route, &in_use)).collect();
    Ok(Json(Page { data, next_cursor: None }))
}

pub(super) async fn route(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let in_use = shared.api.in_use.borrow().clone();
    let mut routes = in_use.routes.routes.iter().enumerate();
    let known: Vec<&str> = in_use.routes.routes.iter().map(|route| route.name.as_str()).collect();
    is_known("route", &name, &known)?;
    let found = routes.find(|(_, route)| route.name.as_str() == name);
    let found = lists::found(found, "route")?;
    let view = RouteView::of(found.0, found.1, &in_use);
    Ok(tagged(view.standing.as_ref().and_then(Standing::etag), Json(view)))
}

fn tagged(etag: Option<(HeaderName, HeaderValue)>, view: impl IntoResponse) -> Response {
    let mut response = view.into_response();
    response.headers_mut().extend(etag);
    response
}

/// `match = { … }` as it was written.
pub(super) fn patterns(matches: &BTreeMap<Field, Vec<Pattern>>) -> BTreeMap<String, Vec<String>> {
    let texts = |patterns: &[Pattern]| patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    matches.iter().map(|(field, patterns)| (field.to_string(), texts(patterns))).collect()
}

/// What every list understands; these are short and come whole.
const WHOLE_LIST: &[&str] = &["limit", "cursor"];

pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let question: Question = json::read(&shared, request).await?;
    let in_use = shared.api.in_use.borrow().clone();
    let event = question.event(&in_use.words.aliases, in_use.words.default_severity);
    let (event, source) = event.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
    let at = question.at.unwrap_or_else(|| shared.api.clock.now());
    Ok(Json(in_use.routes.would(&event, &source, at)))
}

pub(super) async fn policies(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Json<Page<PolicyView>>, Problem> {
    Query::parse(&uri, WHOLE_LIST)?;
    let in_use = shared.api.in_use.borrow().clone();
    let all = in_use.routes.policies.iter();
    let data = all.map(|(name, policy)| PolicyView::of(name, policy, &in_use)).collect();
    Ok(Json(Page { data, next_cursor: None }))
}

/// Who would hear, and when, if a policy began at another moment: `?at=TIME`, `?severity=WORD`.
pub(super) async fn preview(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Json<Answer>, Problem> {
    let query = Query::parse(&uri, &["at", "severity", "service", "source"])?;
    let in_use = shared.api.in_use.borrow().clone();
    let known: Vec<&str> = in_use.routes.policies.keys().map(PolicyName::as_str).collect();
    is_known("policy", &name, &known)?;
    let at = query.read("at", "a moment such as 2026-11-21T18:00:00Z")?;
    let question = Question {
        severity: query.get("severity").map(str::to_owned),
        service: query.get("service").map(str::to_owned),
        source: query.get("source").map(str::to_owned),
        ..Question::default()
    };
    let event = question.event(&in_use.words.aliases, in_use.words.default_severity);
    let (event, source) = event.map_err(|error| Problem::new(Code::Query, error.to_string()))?;
    let at = at.unwrap_or_else(|| shared.api.clock.now());
    let answer = in_use.routes.preview(&PolicyName::from(name), &event, &source, at);
    answer.map(Json).ok_or_else(|| Problem::new(Code::NotFound, "there is no such policy"))
}

pub(super) async fn policy(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let in_use = shared.api.in_use.borrow().clone();
    let policies = &in_use.routes.policies;
    let known: Vec<&str> = policies.keys().map(PolicyName::as_str).collect();
    is_known("policy", &name, &known)?;
    let name = PolicyName::from(name);
    let view = PolicyView::of(&name, &policies[&name], &in_use).with_schedules(&in_use);
    Ok(tagged(view.standing.as_ref().and_then(Standing::etag), Json(view)))
}
