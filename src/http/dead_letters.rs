//! `/api/v1/dead-letters`: deliveries that ran out (`kind=delivery`, the default) and records that
//! could not become events (`kind=event`). An id says by its prefix which of them it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::deliveries::{narrowed, with_attempts};
use super::jobs::{self, BulkWish};
use super::limits::{PAGE, RETRIES};
use super::lists::{found, paged};
use super::problem::{Code, Problem};
use super::query::{Query, not_understood};
use super::replays::{self, Again};
use super::targets::{Redirect, redirected};
use super::{Api, Shared, ask, body, json};
use crate::domain::bulk::BulkAction;
use crate::domain::delivery::{DeliveryState, Repeat};
use crate::domain::ids::{DeadLetterId, DeliveryId};
use crate::domain::names::ChannelName;
use crate::domain::query::{DeadLetterKind, DeadLetterQuery, DeliveryQuery};
use crate::store::Paging;
use crate::store::views::DeadLetterRef;

/// How many dead deliveries go to the DLQ actor in one message.
const RETRY_CHUNK: usize = 500;

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["kind", "channel", "incident", "filter", "limit", "cursor"])?;
    let kind = match query.words("kind", DeadLetterKind::parse, &DeadLetterKind::ALL)?.as_slice() {
        [] => None,
        [kind] => Some(*kind),
        _ => return Err(Problem::new(Code::Query, "kind is one of delivery, event")),
    };
    let filter = query.get("filter").unwrap_or_default();
    match DeadLetterQuery::parse(filter, kind, shared.api.clock.now()).map_err(not_understood)? {
        DeadLetterQuery::Delivery(asked) => {
            let paging = query.paging::<DeliveryId>()?;
            Ok(paged(&uri, shared.api.store.deliveries(&narrowed(asked, &query)?, &paging).await?))
        }
        DeadLetterQuery::Event(_) if query.has("channel") || query.has("incident") => Err(Problem::new(
            Code::Query,
            "a record that could not become an event has no channel and no incident",
        )),
        DeadLetterQuery::Event(asked) => {
            let paging = query.paging::<DeadLetterId>()?;
            Ok(paged(&uri, shared.api.store.dead_letters(&asked, &paging).await?))
        }
    }
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::parse(&uri, &[])?;
    if let Ok(id) = id.parse::<DeadLetterId>() {
        let letter = shared.api.store.dead_letter(id).await?;
        return Ok(Json(found(letter, "dead letter")?).into_response());
    }
    let id: DeliveryId = id
        .parse()
        .map_err(|_| Problem::new(Code::NotFound, "a dead letter is named by its id: del_… or dle_…"))?;
    let delivery = with_attempts(&shared, id).await?;
    if delivery.is_dead() {
        Ok(Json(delivery).into_response())
    } else {
        let detail = format!("this delivery is not dead: see /api/v1/deliveries/{id}");
        Err(Problem::new(Code::NotFound, detail))
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RetryRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    ids: Option<Vec<DeadLetterRef>>,
    #[serde(default)]
    all: bool,
    limit: Option<usize>,
    /// To whom instead: a user's name, or an address.
    to: Option<String>,
    /// Over which channel instead.
    via: Option<ChannelName>,
}

#[derive(Debug, PartialEq)]
enum Retry {
    These(Vec<DeadLetterRef>),
    Elsewhere(Vec<DeliveryId>, Redirect),
    Newest(usize),
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidBody, detail)
}

/// A wish with a filter is one for a job.
fn job_wish(body: &[u8]) -> Result<Option<BulkWish>, Problem> {
    let fields: serde_json::Value = json::parse(body)?;
    if fields.get("filter").is_some() { json::parse(body).map(Some) } else { Ok(None) }
}

impl Wish {
    fn read(body: &[u8]) -> Result<Retry, Problem> {
        let wish: Self = json::parse(body)?;
        let most = format!("at most {RETRIES} deliveries are repeated in one request");
        match wish {
            Self { ids: Some(ids), all: false, limit: None, to: None, via: None } if !ids.is_empty() => {
                if ids.len() > RETRIES {
                    return Err(invalid(most));
                }
                Ok(Retry::These(ids))
            }
            Self { ids: Some(ids), all: false, limit: None, to, via } if !ids.is_empty() => {
                let ids = ids.into_iter().map(|id| match id {
                    DeadLetterRef::Delivery(id) => Ok(id),
                    DeadLetterRef::Event(id) => {
                        Err(invalid(format!("{id} is a record: to and via are for dead deliveries")))
                    }
                });
                Ok(Retry::Elsewhere(ids.collect::<Result<_, _>>()?, Redirect { to, via }))
            }
            Self { ids: None, all: true, limit, to: None, via: None } => match limit.unwrap_or(RETRIES) {
                limit if (1..=RETRIES).contains(&limit) => Ok(Retry::Newest(limit)),
                _ => Err(invalid(most)),
            },
            _ => Err(invalid(
                "give {\"ids\": [\"del_…\", \"dle_…\"]}, {\"all\": true, \"limit\": 100} or {\"filter\": \"error:timeout\"}"
                    .to_owned(),
            )),
        }
    }
}

#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Retried {
    retried: usize,
    skipped: usize,
    deliveries: Vec<DeliveryId>,
    /// What became of records that were taken in again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Again>,
}

pub(super) async fn retry(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let held = body::read_json(&shared, request).await?;
    if let Some(wish) = job_wish(&held.bytes)? {
        return jobs::begin(&shared.api, BulkAction::Retry, wish).await;
    }
    let (mut dead, mut letters): (Vec<Repeat>, _) = (Vec::new(), Vec::new());
    let asked = match Wish::read(&held.bytes)? {
        Retry::These(ids) => {
            ids.iter().for_each(|id| match id {
                DeadLetterRef::Delivery(id) => dead.push(Repeat::from(*id)),
                DeadLetterRef::Event(id) => letters.push(*id),
            });
            ids.len()
        }
        Retry::Elsewhere(ids, redirect) => {
            dead = redirected(&shared.api, &ids, &redirect).await?;
            ids.len()
        }
        Retry::Newest(limit) => {
            dead = newest_dead(&shared.api, limit).await?.into_iter().map(Repeat::from).collect();
            dead.len()
        }
    };
    let mut retried = Retried { events: replays::retried(&shared.api, letters).await?, ..Retried::default() };
    for chunk in dead.chunks(RETRY_CHUNK) {
        let answers = ask::retry(&shared.api, chunk.to_vec()).await?;
        retried.deliveries.extend(answers.into_iter().flatten());
    }
    let taken_in = retried.events.iter().filter(|again| again.is_kept()).count();
    retried.retried = retried.deliveries.len() + taken_in;
    retried.skipped = asked - retried.retried.min(asked);
    Ok((StatusCode::ACCEPTED, Json(retried)).into_response())
}

pub(super) async fn discard(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let held = body::read_json(&shared, request).await?;
    match job_wish(&held.bytes)? {
        Some(wish) => jobs::begin(&shared.api, BulkAction::Discard, wish).await,
        None => Err(invalid("give {\"filter\": \"error:timeout\"}: an empty one fits all".to_owned())),
    }
}

/// Read to the end before anything is repeated, so that a repeat that dies at once is not met again.
async fn newest_dead(api: &Api, limit: usize) -> Result<Vec<DeliveryId>, Problem> {
    let dead = DeliveryQuery::default().in_states(&[DeliveryState::Dead]).open_letters();
    let mut ids = Vec::new();
    let mut before = None;
    while ids.len() < limit {
        let paging = Paging { before, limit: PAGE.min(limit - ids.len()) };
        let page = api.store.deliveries(&dead, &paging).await?;
        ids.extend(page.data.iter().map(|delivery| delivery.id));
        before = page.next_cursor;
        if before.is_none() {
            break;
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_wish_names_some_or_asks_for_all_and_never_both() {
        let id = DeliveryId::new(Timestamp::UNIX_EPOCH, 1);
        let read = |body: String| Wish::read(body.as_bytes()).map_err(|problem| problem.code());
        assert_eq!(
            read(format!("{{\"ids\":[\"{id}\"]}}")),
            Ok(Retry::These(vec![DeadLetterRef::Delivery(id)]))
        );
        assert_eq!(read("{\"all\":true}".into()), Ok(Retry::Newest(RETRIES)));
        assert_eq!(read("{\"all\":true,\"limit\":5}".into()), Ok(Retry::Newest(5)));
        for body in [
            "{}".to_owned(),
            "[]".to_owned(),
            "{\"ids\":[]}".to_owned(),
            "{\"all\":false}".to_owned(),
            "{\"all\":true,\"limit\":0}".to_owned(),
            "{\"all\":true,\"limit\":10001}".to_owned(),
            "{\"ids\":[\"evt_1\"]}".to_owned(),
            format!("{{\"ids\":[\"{id}\"],\"all\":true}}"),
            format!("{{\"ids\":[\"{id}\"],\"limit\":1}}"),
            "{\"all\":true,\"filter\":\"x\"}".to_owned(),
            "{\"all\":true,\"to\":\"ada\"}".to_owned(),
        ] {
            assert_eq!(read(body.clone()), Err(Code::InvalidBody), "{body}");
        }
        assert_eq!(read("{".into()), Err(Code::NotJson));
    }
}
