//! Who would hear of what: `GET /api/v1/routes`, `POST /api/v1/routes/test`, `GET /api/v1/policies`
//! and one of them. All of it from the configuration in use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use serde::Serialize;

use super::flow::is_known;
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, body};
use crate::domain::names::{ChannelName, PolicyName};
use crate::domain::retry::{OnUnknown, RetryPolicy};
use crate::domain::route_test::{Answer, KEYS, Question};
use crate::domain::routes::{OnResolve, Policy};
use crate::messages::in_use::InUse;
use crate::store::views::Page;

/// A route as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct RouteView {
    /// Its place, 1 for the first; the first match wins.
    number: usize,
    name: String,
    /// Empty matches everything.
    r#match: BTreeMap<String, Vec<String>>,
    policy: String,
}

/// A policy as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct PolicyView {
    name: String,
    /// Names of the routes that lead to it.
    routes: Vec<String>,
    steps: Vec<StepView>,
    on_resolve: OnResolve,
    /// How each of its channels is retried; only where one policy is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedules: Option<BTreeMap<ChannelName, Schedule>>,
}

#[derive(Debug, Serialize)]
struct StepView {
    after_s: u64,
    notify: Vec<String>,
    via: Vec<ChannelName>,
}

/// When a delivery of a channel is tried again, without jitter.
#[derive(Debug, Serialize)]
struct Schedule {
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

impl PolicyView {
    fn of(name: &PolicyName, policy: &Policy, in_use: &InUse) -> Self {
        let routes = in_use.routes.routes.iter().filter(|route| route.policy == *name);
        let steps = policy.immediate.iter().map(|step| StepView {
            after_s: 0,
            notify: step.notify.iter().map(ToString::to_string).collect(),
            via: step.via.clone(),
        });
        Self {
            name: name.to_string(),
            routes: routes.map(|route| route.name.to_string()).collect(),
            steps: steps.collect(),
            on_resolve: policy.on_resolve,
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
    let view = |(place, route): (usize, &crate::domain::routes::Route)| RouteView {
        number: place + 1,
        name: route.name.to_string(),
        r#match: route
            .matches
            .iter()
            .map(|(field, patterns)| {
                (field.to_string(), patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect())
            })
            .collect(),
        policy: route.policy.to_string(),
    };
    let data = in_use.routes.routes.iter().enumerate().map(view).collect();
    Ok(Json(Page { data, next_cursor: None }))
}

/// What every list understands; these are short and come whole.
const WHOLE_LIST: &[&str] = &["limit", "cursor"];

pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let held = body::read_json(&shared, request).await?;
    let question: Question = serde_json::from_slice(&held.bytes)
        .map_err(|error| Problem::new(Code::InvalidBody, format!("{error}; keys: {KEYS}")))?;
    let in_use = shared.api.in_use.borrow().clone();
    let event = question.event(&in_use.words.aliases, in_use.words.default_severity);
    let (event, source) = event.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
    Ok(Json(in_use.routes.would(&event, &source, shared.api.clock.now())))
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

pub(super) async fn policy(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<PolicyView>, Problem> {
    let in_use = shared.api.in_use.borrow().clone();
    let policies = &in_use.routes.policies;
    let known: Vec<&str> = policies.keys().map(PolicyName::as_str).collect();
    is_known("policy", &name, &known)?;
    let name = PolicyName::from(name);
    Ok(Json(PolicyView::of(&name, &policies[&name], &in_use).with_schedules(&in_use)))
}
