//! `POST /api/v1/events`: one event, or an array of up to 500; `GET`: those that were accepted.
//!
//! A request to accept is answered when everything that is an event is on stable storage. A batch with some bad items is
//! accepted all the same, and each item has its own result; nothing was kept of a bad one. An event may come as a
//! CloudEvent, in each of the three modes of HTTP: its data is our own record.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::ask::Submission;
use super::body::Held;
use super::flow::is_known;
use super::lists::{found, paged};
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, ask, body};
use crate::domain::ids::EventId;
use crate::domain::malformed::{Malformation, Malformed, Problem as Flaw};
use crate::domain::names::SourceName;
use crate::formats::{self, Envelopes, Format, Headers, Parts, batch};
use crate::messages::ingest::Submitted;
use crate::store::batch::{AcceptResult, Accepted};
use crate::store::views::EventView;

/// The longest `traceparent` that is passed on, bytes.
const TRACEPARENT_BYTES: usize = 128;

#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Accepted)]
pub(super) struct Answer {
    accepted: usize,
    events: Vec<Item>,
}

#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AcceptedItem)]
#[serde(untagged)]
pub(super) enum Item {
    Kept {
        event_id: EventId,
        result: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        incident_number: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        incident_url: Option<String>,
    },
    /// A rule of the mapper of its source lets it go; nothing was kept.
    Ignored {
        result: &'static str,
        rule: String,
    },
    /// The mapper of its source makes no event of it; it is kept as a dead letter until the mapper was mended.
    Quarantined {
        result: &'static str,
        detail: String,
    },
    Rejected {
        result: &'static str,
        errors: Vec<Flaw>,
    },
}

pub(super) async fn submit(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let traceparent = traceparent(request.headers());
    let source = source(&shared, &Query::parse(request.uri(), &["source"])?)?;
    let envelopes = readable(&|name| once(request.headers(), name))?;
    let (_held, items, alone) = match envelopes {
        Some(_) => enveloped(&shared, request).await?,
        None => bare(&shared, request).await?,
    };
    if items.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(Answer { accepted: 0, events: Vec::new() })).into_response());
    }
    let submitted = ask::submit_to(
        &shared.api,
        &shared.api.source,
        Submission { items, traceparent, called: None, source },
    )
    .await?;
    let answer = answer(submitted, &shared.api.public_url, alone)?;
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Records, and whether it is a single one. The body is held until they are taken.
type Items = (Held, Vec<Arc<[u8]>>, bool);

/// Our own records as they are.
async fn bare(shared: &Shared, request: Request) -> Result<Items, Problem> {
    let held = body::read_json(shared, request).await?;
    let items = batch::split(&held.bytes, &shared.api.bounds).map_err(refused)?;
    let alone = held.bytes.trim_ascii_start().first() != Some(&b'[');
    let items = items.into_iter().map(Arc::from).collect();
    Ok((held, items, alone))
}

/// Our own records as CloudEvents, each with its envelope around it.
async fn enveloped(shared: &Shared, request: Request) -> Result<Items, Problem> {
    let headers = request.headers().clone();
    let held = body::read_plain(shared, request).await?;
    let header = |name: &str| once(&headers, name);
    let parts = match is_no_event(&held.bytes) {
        true => Parts::Each(Vec::new()),
        false => {
            formats::parts(&Format::CloudEvents, &held.bytes, &header, &shared.api.bounds).map_err(refused)?
        }
    };
    let is_batch = held.bytes.trim_ascii_start().first() == Some(&b'[');
    Ok(match parts {
        Parts::Whole => {
            let whole = Arc::from(held.bytes.as_slice());
            (held, vec![whole], true)
        }
        Parts::Each(parts) if parts.len() > batch::MOST => {
            let detail = format!("more than {} events in one request", batch::MOST);
            return Err(Problem::new(Code::TooLarge, detail));
        }
        Parts::Each(parts) => (held, parts, !is_batch),
    })
}

/// A batch of CloudEvents may be empty.
pub(super) fn is_no_event(body: &[u8]) -> bool {
    serde_json::from_slice::<[(); 0]>(body).is_ok()
}

/// In which way headers say that a request holds CloudEvents, if they do.
pub(super) fn readable(header: Headers<'_, '_>) -> Result<Option<Envelopes>, Problem> {
    let envelopes = Envelopes::of(header);
    match envelopes {
        Some(Envelopes::Unreadable) => {
            let detail = "of CloudEvents only those in JSON are read: application/cloudevents+json";
            Err(Problem::new(Code::ContentType, detail))
        }
        other => Ok(other),
    }
}

/// A header of a request, if it is there once and is text.
pub(super) fn once<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// As whose records they are read, if that is said.
fn source(shared: &Shared, query: &Query) -> Result<Option<SourceName>, Problem> {
    let Some(name) = query.get("source") else { return Ok(None) };
    let in_use = shared.api.in_use.borrow().clone();
    let known: Vec<&str> = in_use.words.formats.keys().map(SourceName::as_str).collect();
    is_known("source", name, &known)?;
    Ok(Some(name.into()))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["filter", "limit", "cursor"])?;
    let asked = query.filter(shared.api.clock.now())?;
    Ok(paged(&uri, shared.api.store.events(&asked, &query.paging::<EventId>()?).await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<EventView>, Problem> {
    Query::parse(&uri, &[])?;
    let id = id.parse().map_err(|_| Problem::new(Code::NotFound, "an event is named by its id: evt_…"))?;
    found(shared.api.store.event(id).await?, "event").map(Json)
}

pub(super) fn traceparent(headers: &HeaderMap) -> Option<String> {
    headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .filter(|text| text.len() <= TRACEPARENT_BYTES)
        .map(str::to_owned)
}

/// A body none of whose events was looked at.
pub(super) fn refused(malformed: Malformed) -> Problem {
    Problem::malformed(Code::InvalidEvent, malformed)
}

/// What became of the one event of a request.
pub(super) fn single(submitted: Vec<Submitted>) -> Result<Accepted, Problem> {
    match submitted.into_iter().next() {
        Some(Submitted::Accepted(accepted)) if accepted.result != AcceptResult::Conflict => Ok(accepted),
        Some(Submitted::Malformed(malformed)) => Err(refused(malformed)),
        other => Err(Problem::with_errors(Code::InvalidEvent, other.map(errors).unwrap_or_default())),
    }
}

pub(super) fn answer(submitted: Vec<Submitted>, public_url: &str, alone: bool) -> Result<Answer, Problem> {
    let none_taken = !submitted.iter().any(is_taken);
    if none_taken && alone {
        // A single event that is no JSON is a request that is no JSON.
        let refused = single(submitted).err();
        return Err(refused.unwrap_or_else(|| Problem::with_errors(Code::InvalidEvent, Vec::new())));
    }
    if none_taken {
        let all = submitted.into_iter().enumerate().flat_map(|(index, item)| {
            errors(item).into_iter().map(move |mut flaw| {
                flaw.pointer.insert_str(0, &format!("/{index}"));
                flaw
            })
        });
        return Err(Problem::with_errors(Code::InvalidEvent, all.collect()));
    }
    let events: Vec<Item> = submitted.into_iter().map(|item| told(item, public_url)).collect();
    let accepted = events.iter().filter(|item| matches!(item, Item::Kept { .. })).count();
    Ok(Answer { accepted, events })
}

/// The answer to a sender that can do nothing about what becomes no event, if all of it is kept.
pub(super) fn kept(submitted: &[Submitted], public_url: &str) -> Option<Answer> {
    let kept = |item: &Submitted| match item {
        Submitted::DeadLetter(detail) => {
            Some(Item::Quarantined { result: "quarantined", detail: detail.clone() })
        }
        item => is_taken(item).then(|| told(item.clone(), public_url)),
    };
    let events: Vec<Item> = submitted.iter().map(kept).collect::<Option<_>>()?;
    let accepted = events.iter().filter(|item| matches!(item, Item::Kept { .. })).count();
    Some(Answer { accepted, events })
}

/// Is it an event, or let go on purpose?
pub(super) fn is_taken(item: &Submitted) -> bool {
    match item {
        Submitted::Accepted(accepted) => accepted.result != AcceptResult::Conflict,
        Submitted::Ignored(_) => true,
        Submitted::Malformed(_) | Submitted::DeadLetter(_) => false,
    }
}

pub(super) fn told(item: Submitted, public_url: &str) -> Item {
    let kept = |accepted: &Accepted, result| Item::Kept {
        event_id: accepted.event,
        result,
        incident_number: accepted.incident,
        incident_url: accepted.incident.map(|number| format!("{public_url}/incidents/{number}")),
    };
    match item {
        Submitted::Accepted(accepted) => match accepted.result {
            AcceptResult::Decided(decision) => kept(&accepted, decision.result()),
            AcceptResult::Duplicate => kept(&accepted, "duplicate"),
            AcceptResult::Conflict => rejected(Submitted::Accepted(accepted)),
        },
        Submitted::Ignored(rule) => Item::Ignored { result: "ignored", rule },
        item => rejected(item),
    }
}

fn rejected(item: Submitted) -> Item {
    Item::Rejected { result: "rejected", errors: errors(item) }
}

/// What is wrong with an item that was not kept as an event.
pub(super) fn errors(item: Submitted) -> Vec<Flaw> {
    let flaw =
        |pointer: &str, code, detail| vec![Flaw { pointer: pointer.to_owned(), code, detail, hint: None }];
    match item {
        Submitted::Malformed(malformed) => malformed.problems,
        Submitted::DeadLetter(why) => flaw("", "dead_letter", format!("kept as a dead letter: {why}")),
        Submitted::Ignored(rule) => flaw("", "ignored", format!("rule \"{rule}\" lets it go")),
        Submitted::Accepted(accepted) => flaw(
            "",
            Malformation::IdConflict.as_str(),
            format!(
                "event {} has the same event_id and other content; kept as a dead letter",
                accepted.event
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::acceptance::Decision;
    use crate::domain::incident::Transition;

    fn accepted(result: AcceptResult) -> Submitted {
        Submitted::Accepted(Accepted {
            event: EventId::new(Timestamp::UNIX_EPOCH, 1),
            result,
            incident: Some(7),
        })
    }

    fn malformed(reason: Malformation, pointer: &str) -> Submitted {
        Submitted::Malformed(Malformed {
            reason,
            problems: vec![Flaw {
                pointer: pointer.into(),
                code: "missing",
                detail: "must be there".into(),
                hint: None,
            }],
        })
    }

    #[test]
    fn each_item_of_a_mixed_batch_has_its_own_result() {
        let opened = AcceptResult::Decided(Decision::Routed(Transition::Opened));
        let items = vec![
            accepted(opened),
            malformed(Malformation::Schema, "/title"),
            accepted(AcceptResult::Duplicate),
            accepted(AcceptResult::Conflict),
            Submitted::DeadLetter("reaches nobody".into()),
        ];
        let answer = answer(items, "https://fog.example", false).expect("one is enough");
        let id = EventId::new(Timestamp::UNIX_EPOCH, 1);
        let url = "https://fog.example/incidents/7";
        assert_eq!(
            serde_json::to_value(answer).expect("it is JSON"),
            json!({"accepted": 2, "events": [
                {"event_id": id, "result": "opened", "incident_number": 7, "incident_url": url},
                {"result": "rejected", "errors": [
                    {"pointer": "/title", "code": "missing", "detail": "must be there"}]},
                {"event_id": id, "result": "duplicate", "incident_number": 7, "incident_url": url},
                {"result": "rejected", "errors": [{"pointer": "", "code": "id_conflict", "detail":
                    format!("event {id} has the same event_id and other content; kept as a dead letter")}]},
                {"result": "rejected", "errors": [{"pointer": "", "code": "dead_letter",
                    "detail": "kept as a dead letter: reaches nobody"}]},
            ]})
        );
    }

    #[test]
    fn a_request_without_one_good_event_is_refused_by_what_is_wrong() {
        let code = |items: Vec<Submitted>, alone| answer(items, "", alone).map_err(|problem| problem.code());
        assert_eq!(code(vec![malformed(Malformation::Parse, "")], true), Err(Code::NotJson));
        assert_eq!(code(vec![malformed(Malformation::Schema, "/title")], true), Err(Code::InvalidEvent));
        assert_eq!(code(vec![malformed(Malformation::Parse, "")], false), Err(Code::InvalidEvent));
        assert_eq!(code(vec![Submitted::DeadLetter("nobody".into())], true), Err(Code::InvalidEvent));
    }

    #[test]
    fn errors_of_a_batch_point_into_the_batch() {
        let items = vec![malformed(Malformation::Schema, "/title"), malformed(Malformation::Parse, "")];
        let problem = answer(items, "", false).expect_err("all are bad");
        let body = problem.body("", "/api/v1/events", "req_1");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(body["errors"][0]["pointer"], "/0/title");
        assert_eq!(body["errors"][1]["pointer"], "/1");
    }
}
