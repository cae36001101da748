//! `GET /api/v1/incidents/{number}/explanation`: why was I told of this, or why not?
//!
//! The history of the incident says which steps were taken, whom each told and who was left out of it;
//! the deliveries say what came of each. What comes next is what its policy, as it is now, would do.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;

use super::Shared;
use super::incidents::{NextStep, next_step, number_of};
use super::lists::found;
use super::problem::Problem;
use super::query::Query;
use crate::domain::Timestamp;
use crate::domain::acceptance::StepTaken;
use crate::domain::dedup::Keyspace;
use crate::domain::delivery::DeliveryState;
use crate::domain::event::{EventStatus, IncidentEvent};
use crate::domain::incident::{IncidentStatus, Transition};
use crate::domain::names::SourceName;
use crate::domain::query::DeliveryQuery;
use crate::domain::receipt::Receipt;
use crate::domain::route_test::Rule;
use crate::domain::withheld::Withheld;
use crate::store::Paging;
use crate::store::views::{AttemptView, DeliveryView, IncidentView, TimelineView};

/// Why who was told of an incident, and who was not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Explanation {
    number: u64,
    title: String,
    status: IncidentStatus,
    /// Which route took it when it opened.
    route: Option<String>,
    policy: Option<String>,
    /// How each route judges it now, top to bottom.
    rules: Vec<Rule>,
    /// What happened, oldest first.
    history: Vec<Chapter>,
    /// What comes next if nobody takes it.
    next_step: Option<NextStep>,
    /// Of one user alone: whether any of it reached them, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
}

/// One thing that happened, and who was told because of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExplanationChapter)]
pub(super) struct Chapter {
    at: Timestamp,
    version: u64,
    kind: Transition,
    /// Who did it, if no event did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    detail: String,
    /// Number of the step of the policy, 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    /// Who was told, and what came of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<Told>,
    /// Who was meant and did not hear, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<NotTold>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExplanationTold)]
pub(super) struct Told {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempts: Vec<AttemptView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExplanationLeftOut)]
pub(super) struct NotTold {
    #[serde(flatten)]
    withheld: Withheld,
    words: String,
}

/// The most deliveries of an incident that are explained, the newest ones.
const MOST: usize = 200;

pub(super) async fn explain(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<Json<Explanation>, Problem> {
    let query = Query::parse(&uri, &["user"])?;
    let number = number_of(&number)?;
    let store = &shared.api.store;
    let incident = found(store.incident(number).await?, "incident")?;
    let of_it = DeliveryQuery::default().of_incident(number);
    let deliveries = store.deliveries(&of_it, &Paging { before: None, limit: MOST }).await?.data;
    let mut told = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.into_iter().rev() {
        let attempts = store.attempts(delivery.id).await?;
        let receipt = store.receipt(delivery.id).await?;
        told.push(Told { delivery, attempts, receipt });
    }
    let user = query.get("user");
    let history = chapters(store.timeline(number).await?, told, user);
    let verdict = user.map(|user| verdict(user, &history, &incident));
    let next_step = next_step(&shared, &incident).await?;
    let in_use = shared.api.in_use.borrow().clone();
    let source = SourceName::from(incident.source.as_str());
    let rules = in_use.routes.would(&event_of(&incident), &source, shared.api.clock.now()).rules;
    let IncidentView { number, title, status, route, policy, .. } = incident;
    Ok(Json(Explanation { number, title, status, route, policy, rules, history, next_step, verdict }))
}

fn event_of(incident: &IncidentView) -> IncidentEvent {
    IncidentEvent {
        title: incident.title.clone(),
        severity: incident.severity,
        status: EventStatus::Open,
        service: incident.service.clone(),
        dedup_key: incident.dedup_key.clone(),
        keyspace: Keyspace::Shared,
        description: None,
        labels: incident.labels.clone(),
        links: Vec::new(),
        occurred_at: None,
        expires_at: None,
    }
}

/// Puts deliveries to what made them: the step that they are a part of, else the last thing that
/// happened before they were made. Of one user alone, if one is asked for.
fn chapters(lines: Vec<TimelineView>, told: Vec<Told>, user: Option<&str>) -> Vec<Chapter> {
    let mut chapters: Vec<(Option<StepTaken>, Chapter)> = lines
        .into_iter()
        .map(|line| {
            let step = line.step.as_ref().map(|step| step.position.step + 1);
            let TimelineView { at, version, kind, by, detail, step: taken, .. } = line;
            let chapter =
                Chapter { at, version, kind, by, detail, step, told: Vec::new(), withheld: Vec::new() };
            (taken, chapter)
        })
        .collect();
    for one in told {
        let its_step = chapters.iter().rposition(|(taken, _)| {
            taken.as_ref().is_some_and(|taken| taken.notification == Some(one.delivery.notification_id))
        });
        let before = chapters.iter().rposition(|(_, chapter)| chapter.at <= one.delivery.created_at);
        if let Some(place) = its_step.or(before) {
            chapters[place].1.told.push(one);
        }
    }
    let meant = |name: &str| user.is_none_or(|user| user == name);
    chapters
        .into_iter()
        .map(|(taken, mut chapter)| {
            chapter.told.retain(|told| meant(&told.delivery.recipient));
            let withheld = taken.map(|taken| taken.withheld).unwrap_or_default();
            let withheld = withheld.into_iter().filter(|one| meant(&one.recipient));
            chapter.withheld =
                withheld.map(|withheld| NotTold { words: withheld.words(), withheld }).collect();
            chapter
        })
        .collect()
}

/// Whether `user` was told, and if not, why.
fn verdict(user: &str, history: &[Chapter], incident: &IncidentView) -> String {
    let told = || history.iter().flat_map(|chapter| &chapter.told);
    let sent = told().filter(|told| told.delivery.state.as_str() == "sent").count();
    let withheld: Vec<&str> =
        history.iter().flat_map(|chapter| &chapter.withheld).map(|one| one.words.as_str()).collect();
    match (sent, told().next(), withheld.as_slice(), &incident.policy) {
        (1.., ..) => format!("{user} was told: {sent} sent"),
        (0, Some(first), ..) if first.delivery.attempts == 0 => match first.delivery.state {
            DeliveryState::Canceled => {
                format!("{user} was not told: somebody had taken the incident before, or it was over")
            }
            _ => match first.delivery.next_attempt_at.filter(|at| *at > first.delivery.created_at) {
                Some(at) => format!("{user} hears at {}: these are quiet hours", at.strftime("%F %H:%M UTC")),
                None => format!("{user} is about to be told"),
            },
        },
        (0, Some(first), ..) => {
            let reason = first.delivery.reason.as_deref().unwrap_or("not attempted yet");
            format!("{user} was meant to hear and did not: {} ({reason})", first.delivery.state)
        }
        (0, None, [first, ..], _) => format!("{user} was left out: {first}"),
        (0, None, [], None) => format!("{user} was not told: no route took the incident"),
        (0, None, [], Some(policy)) => {
            format!("{user} was not told: no step of policy {policy} that was taken names them")
        }
    }
}
