//! `POST /api/v1/events/replay`: events that were accepted before, and records that were refused, are
//! taken in again from the bytes that were kept. Routes and policies of today apply.
//!
//! A replay is a new event of the same source, whatever its producer's id. A record that becomes an
//! event at last becomes one once: asked again, it is a duplicate.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::events::{Item, told};
use super::limits::REPLAYS;
use super::problem::{Code, Problem};
use super::{Api, Shared, ask, json};
use crate::domain::ids::{DeadLetterId, EventId};
use crate::messages::ingest::{Replay, ReplayOf};
use crate::store::views::Kept;

/// How many are in memory at once.
const CHUNK: usize = 16;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ReplayRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    ids: Vec<EventId>,
}

/// What became of one that was taken in again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TakenInAgain)]
pub(super) struct Again {
    /// Which it was.
    of: ReplayOf,
    #[serde(flatten)]
    item: Item,
}

impl Again {
    /// Is it an event now, or was it before?
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.item, Item::Kept { .. })
    }

    fn missing(of: ReplayOf) -> Self {
        Self { of, item: Item::Rejected { result: "not_found", errors: Vec::new() } }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Replayed)]
pub(super) struct Answer {
    replayed: usize,
    events: Vec<Again>,
}

pub(super) async fn replay(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let wish: Wish = json::read(&shared, request).await?;
    if wish.ids.is_empty() {
        return Err(Problem::new(Code::InvalidBody, "give {\"ids\": [\"evt_…\"]}"));
    }
    let events = again(&shared.api, wish.ids.into_iter().map(ReplayOf::Event).collect()).await?;
    let replayed = events.iter().filter(|again| again.is_kept()).count();
    Ok((StatusCode::ACCEPTED, Json(Answer { replayed, events })).into_response())
}

/// Takes records in again that could not become events.
pub(super) async fn retried(api: &Api, letters: Vec<DeadLetterId>) -> Result<Vec<Again>, Problem> {
    again(api, letters.into_iter().map(ReplayOf::DeadLetter).collect()).await
}

async fn again(api: &Api, mut all: Vec<ReplayOf>) -> Result<Vec<Again>, Problem> {
    if all.len() > REPLAYS {
        let detail = format!("at most {REPLAYS} events are taken in again in one request");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let mut seen = HashSet::new();
    all.retain(|of| seen.insert(*of));
    let mut done = Vec::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        let mut items = Vec::with_capacity(chunk.len());
        for of in chunk.iter().copied() {
            let kept = match of {
                ReplayOf::Event(id) => api.store.event_bytes(id).await?,
                ReplayOf::DeadLetter(id) => api.store.dead_letter_bytes(id).await?,
            };
            match kept {
                Some(kept) => items.push(Replay { of, kept }),
                None => done.push(Again::missing(of)),
            }
        }
        done.extend(taken_in(api, items).await?);
    }
    Ok(done)
}

/// Takes records in from elsewhere, each as a retry of its letter. One whose letter is here is left alone.
pub(super) async fn imported(api: &Api, letters: Vec<(DeadLetterId, Kept)>) -> Result<Vec<Again>, Problem> {
    if letters.len() > REPLAYS {
        let detail = format!("at most {REPLAYS} records are taken in in one request");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let (mut done, mut items) = (Vec::with_capacity(letters.len()), Vec::new());
    let mut seen = HashSet::new();
    for (id, kept) in letters.into_iter().filter(|(id, _)| seen.insert(*id)) {
        let of = ReplayOf::DeadLetter(id);
        match api.store.dead_letter_bytes(id).await? {
            Some(_) => {
                done.push(Again { of, item: Item::Rejected { result: "still_there", errors: Vec::new() } })
            }
            None => items.push(Replay { of, kept }),
        }
    }
    while !items.is_empty() {
        let rest = items.split_off(items.len().min(CHUNK));
        done.extend(taken_in(api, std::mem::replace(&mut items, rest)).await?);
    }
    Ok(done)
}

async fn taken_in(api: &Api, items: Vec<Replay>) -> Result<impl Iterator<Item = Again>, Problem> {
    let asked: Vec<ReplayOf> = items.iter().map(|item| item.of).collect();
    let answers = ask::replay(api, items).await?;
    let told: Vec<Item> = answers.into_iter().map(|answer| told(answer, &api.public_url)).collect();
    Ok(asked.into_iter().zip(told).map(|(of, item)| Again { of, item }))
}
