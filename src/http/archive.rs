//! `GET /api/v1/dead-letters/export` and `POST /api/v1/dead-letters/import`: dead letters as they would be
//! kept in a file, and records taken in again from such a file.
//!
//! An exported letter has everything: a record its bytes, a delivery its attempts and, of a direct
//! notification, its words. Addresses are masked unless they are asked for. An imported record is taken in
//! as a retry of that letter: it becomes an event once, however often the file is imported, and one whose
//! letter is still here is left alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::lists::paged;
use super::problem::{Code, Problem};
use super::query::{Query, not_understood};
use super::replays::{self, Again};
use super::{Api, Shared, body, json};
use crate::domain::delivery::Address;
use crate::domain::event::Bounds;
use crate::domain::event::RequestText;
use crate::domain::ids::{DeadLetterId, DeliveryId};
use crate::domain::names::SourceName;
use crate::domain::notification::Content;
use crate::domain::query::{DeadLetterKind, DeadLetterQuery};
use crate::store::Paging;
use crate::store::views::{AttemptView, DeadLetterView, DeliveryView, Kept, Page};

/// Most letters of one page: each may hold a megabyte.
const LETTERS: usize = 16;

/// A dead letter with everything.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExportedLetter)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Letter {
    /// A record that could not become an event.
    Event {
        #[serde(flatten)]
        letter: DeadLetterView,
        /// Its bytes, base64.
        raw: String,
    },
    /// A delivery that ran out.
    Delivery {
        #[serde(flatten)]
        delivery: Box<DeliveryView>,
        attempts: Vec<AttemptView>,
        /// The words of a direct notification.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<RequestText>,
    },
}

/// What becomes of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Masked,
    Clear,
}

pub(super) async fn export(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["kind", "filter", "addresses", "limit", "cursor"])?;
    let wrong = |detail: &'static str| Problem::new(Code::Query, detail);
    let kind = match query.get("kind") {
        None => None,
        Some(word) => {
            Some(DeadLetterKind::parse(word).ok_or_else(|| wrong("kind is one of delivery, event"))?)
        }
    };
    let addresses = match query.get("addresses") {
        None | Some("masked") => Addresses::Masked,
        Some("clear") => Addresses::Clear,
        Some(_) => return Err(wrong("addresses is one of masked, clear")),
    };
    let filter = query.get("filter").unwrap_or_default();
    let api = &shared.api;
    let few = |paging: Paging| Paging { limit: paging.limit.min(LETTERS), ..paging };
    let page = match DeadLetterQuery::parse(filter, kind, api.clock.now()).map_err(not_understood)? {
        DeadLetterQuery::Delivery(asked) => {
            let page = api.store.deliveries(&asked, &few(query.paging::<DeliveryId>()?)).await?;
            let mut data = Vec::with_capacity(page.data.len());
            for delivery in page.data {
                data.push(delivery_letter(api, delivery, addresses).await?);
            }
            Page { data, next_cursor: page.next_cursor }
        }
        DeadLetterQuery::Event(asked) => {
            let page = api.store.dead_letters(&asked, &few(query.paging::<DeadLetterId>()?)).await?;
            let mut data = Vec::with_capacity(page.data.len());
            for letter in page.data {
                // It may be gone by now.
                let Some(kept) = api.store.dead_letter_bytes(letter.id).await? else { continue };
                let letter = DeadLetterView { payload: None, ..letter };
                data.push(Letter::Event { letter, raw: STANDARD.encode(&kept.raw) });
            }
            Page { data, next_cursor: page.next_cursor }
        }
    };
    Ok(paged(&uri, page))
}

async fn delivery_letter(
    api: &Api,
    mut delivery: DeliveryView,
    addresses: Addresses,
) -> Result<Letter, Problem> {
    let mut attempts = api.store.attempts(delivery.id).await?;
    let Some(job) = api.store.job(delivery.id).await? else {
        return Ok(Letter::Delivery { delivery: Box::new(delivery), attempts, text: None });
    };
    match addresses {
        Addresses::Clear => delivery.to = job.target.address.expose().to_owned(),
        Addresses::Masked => attempts.iter_mut().for_each(|attempt| mask(attempt, &job.target.address)),
    }
    let text = match &*job.content {
        Content::Direct(text) => Some(text.clone()),
        Content::Incident(_) | Content::Bundle(_) => None,
    };
    Ok(Letter::Delivery { delivery: Box::new(delivery), attempts, text })
}

/// A provider likes to repeat the address that it was given.
fn mask(attempt: &mut AttemptView, address: &Address) {
    if let Some(detail) = attempt.detail.as_mut().filter(|_| !address.expose().is_empty()) {
        *detail = detail.replace(address.expose(), &address.masked());
    }
}

/// Of an exported record, what it takes to bring it back; the rest is for people.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = LetterToImport)]
struct Record {
    id: DeadLetterId,
    source: SourceName,
    /// Its bytes, base64.
    raw: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ImportRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    letters: Vec<Record>,
}

/// Of an import: each letter may bring all that was told of it, and has its record as one text.
fn bounds() -> Bounds {
    Bounds { keys: 8_192, string: usize::MAX, ..Bounds::default() }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Imported {
    imported: usize,
    events: Vec<Again>,
}

pub(super) async fn import(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let held = body::read_json(&shared, request).await?;
    let invalid = |detail: String| Problem::new(Code::InvalidBody, detail);
    let wish: Wish = json::parse_within(&held.bytes, bounds())?;
    let letters = wish.letters.into_iter().map(|Record { id, source, raw }| {
        let raw = STANDARD.decode(&raw).map_err(|_| invalid(format!("raw of {id} is no base64")))?;
        Ok((id, Kept { source, traceparent: None, raw: raw.into() }))
    });
    let letters = letters.collect::<Result<Vec<_>, Problem>>()?;
    if letters.is_empty() {
        return Err(invalid(
            "give {\"letters\": [{\"id\": \"dle_…\", \"source\": …, \"raw\": …}]}".to_owned(),
        ));
    }
    let events = replays::imported(&shared.api, letters).await?;
    let imported = events.iter().filter(|again| again.is_kept()).count();
    Ok((StatusCode::ACCEPTED, Json(Imported { imported, events })).into_response())
}
