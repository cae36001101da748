//! `POST /api/v1/incidents/bulk`: one action on every incident that fits, through the same path as
//! single ones. `dry_run` says which they are, and does nothing.
//!
//! Unless the filter says a status, only those are meant on which the action can make sense: of
//! `reopen` those that are over, of everything else those that are not. At most [`ACTS`] are done in one
//! request, the newest first; then `next_cursor` goes on. What was done is done: asked again, it counts
//! as `already`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::actions::{self, Words};
use super::limits::{ACTS, PAGE};
use super::problem::{Code, Problem};
use super::query::not_understood;
use super::{Shared, ask, json};
use crate::domain::Timestamp;
use crate::domain::action::{Act, Acted, Action};
use crate::domain::query::{IncidentField, IncidentQuery};
use crate::store::Paging;
use crate::store::views::IncidentView;

/// How many are under way at once: between them the writer does other things.
const CHUNK: usize = 50;

/// How many a preview shows, and how many refusals an answer tells.
const SHOWN: usize = 20;

/// What is to be done to all that fits.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ActOnManyRequest)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wish {
    /// Which; an empty one fits all.
    filter: Option<String>,
    /// The word of a single action: `acknowledge`.
    action: String,
    note: Option<String>,
    by: Option<String>,
    until: Option<Timestamp>,
    r#for: Option<String>,
    dry_run: bool,
    /// Where an earlier request ended.
    cursor: Option<String>,
}

/// What would be done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ActOnManyPreview)]
pub(super) struct Preview {
    action: String,
    /// Counted up to [`ACTS`].
    matched: usize,
    /// False if there are more.
    matched_exact: bool,
    /// The newest of them.
    first: Vec<IncidentView>,
}

/// What was done.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = ActedOnMany)]
pub(super) struct Done {
    action: String,
    matched: usize,
    done: usize,
    /// It was so before.
    already: usize,
    refused: usize,
    /// Why, of the first few.
    refusals: Vec<Refused>,
    /// Where to go on, if that was not all.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RefusedAct)]
struct Refused {
    number: u64,
    why: String,
}

pub(super) async fn act(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let (by, begun) = (actions::by(&request), Instant::now());
    let Wish { filter, action: word, note, by: who, until, r#for, dry_run, cursor } =
        json::read(&shared, request).await?;
    let words = Words { note, by: who, until, r#for };
    let now = shared.api.clock.now();
    let action = actions::action_of(&word, &words, now)?;
    let (note, by) = actions::said(&shared, words, by)?;
    let filter = filter.ok_or_else(|| {
        let detail = "give {\"filter\": \"service:checkout-*\", \"action\": \"acknowledge\"}: an empty filter fits all";
        Problem::new(Code::InvalidBody, detail)
    })?;
    let query = meant(IncidentQuery::parse(&filter, now).map_err(not_understood)?, &action);
    if dry_run {
        return Ok(Json(preview(&shared, &query, word).await?).into_response());
    }
    let act = |number| Act {
        number,
        action: action.clone(),
        note: note.clone(),
        by: by.clone(),
        if_version: None,
        episode: None,
    };
    let mut done = Done { action: word, next_cursor: cursor, ..Done::default() };
    loop {
        let paging = Paging { before: done.next_cursor.take(), limit: PAGE.min(ACTS - done.matched) };
        let page = shared.api.store.incidents(&query, &paging).await?;
        for chunk in page.data.chunks(CHUNK) {
            let asked = chunk.iter().map(|incident| ask::act(&shared.api, act(incident.number)));
            for (incident, acted) in chunk.iter().zip(join_all(asked).await) {
                done.count(incident.number, acted?);
            }
        }
        done.next_cursor = page.next_cursor;
        // Whoever asked hears of what was done before the request is cut off.
        let late = begun.elapsed() > shared.api.limits.request_time / 2;
        if done.next_cursor.is_none() || done.matched >= ACTS || late {
            return Ok(Json(done).into_response());
        }
    }
}

/// Unless something is asked about the status, those on which the action can make sense.
fn meant(query: IncidentQuery, action: &Action) -> IncidentQuery {
    match query.words(IncidentField::Status, &[]) {
        Some(_) => query,
        None => query.with(IncidentQuery::of_statuses(action.concerns())),
    }
}

async fn preview(shared: &Shared, query: &IncidentQuery, action: String) -> Result<Preview, Problem> {
    let mut preview = Preview { action, matched: 0, matched_exact: true, first: Vec::new() };
    let mut before = None;
    loop {
        let paging = Paging { before, limit: PAGE.min(ACTS - preview.matched) };
        let page = shared.api.store.incidents(query, &paging).await?;
        preview.matched += page.data.len();
        let room = SHOWN.saturating_sub(preview.first.len());
        preview.first.extend(page.data.into_iter().take(room));
        before = page.next_cursor;
        preview.matched_exact = before.is_none();
        if before.is_none() || preview.matched >= ACTS {
            return Ok(preview);
        }
    }
}

impl Done {
    fn count(&mut self, number: u64, acted: Acted) {
        self.matched += 1;
        let why = match acted {
            Acted::Done(_) => {
                self.done += 1;
                return;
            }
            Acted::Already(_) => {
                self.already += 1;
                return;
            }
            Acted::Refused(_, why) => why.to_string(),
            Acted::Changed(_) => "it changed at that moment".to_owned(),
            Acted::NotFound => "it is not there any more".to_owned(),
        };
        self.refused += 1;
        if self.refusals.len() < SHOWN {
            self.refusals.push(Refused { number, why });
        }
    }
}
