//! Polling a source into the actor's mailbox, never past its credits; and reading what it gives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::IngestArguments;
use super::in_hand::{self, Item};
use crate::actors::credits::Credits;
use crate::domain::Timestamp;
use crate::domain::event::{self, Event, Position};
use crate::domain::ids::{DeadLetterId, EventId};
use crate::domain::letter;
use crate::domain::malformed::{Malformation, Malformed, Problem};
use crate::domain::names::SourceName;
use crate::domain::way::Flow;
use crate::formats::{self, Format, Headers, Parts, Read, Reading};
use crate::messages::ingest::{IngestMessage, Replay, ReplayOf};
use crate::messages::post::Post;
use crate::sources::{Polled, Record, Source};
use crate::store::batch::Quarantined;

/// Reads until the source is lost or the task is aborted.
pub(super) fn start(
    source: Arc<dyn Source>,
    ingest: Post<IngestMessage>,
    credits: Arc<Credits>,
    flow: watch::Receiver<Flow>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let polling = poll_on(&*source, &ingest, &credits, flow);
        let why = match futures::FutureExt::catch_unwind(AssertUnwindSafe(polling)).await {
            Ok(why) => why,
            Err(_) => "reading the source panicked".to_owned(),
        };
        ingest.tell(IngestMessage::SourceLost(why));
    })
}

/// Reading goes on at half the credits, so that a source is not stopped and started record by record.
fn has_room(credits: &Credits) -> bool {
    credits.free() >= credits.capacity() / 2
}

/// A source is paused only if there is no room for this long: pausing throws away what the client
/// has fetched ahead, and not polling for a moment costs nothing.
const PATIENCE: Duration = Duration::from_secs(1);

async fn poll_on(
    source: &dyn Source,
    ingest: &Post<IngestMessage>,
    credits: &Credits,
    mut flow: watch::Receiver<Flow>,
) -> String {
    let mut tap = Tap::Open;
    loop {
        let shut = *flow.borrow_and_update() == Flow::Paused;
        let full = |tap| tap == Tap::Open && credits.free() == 0;
        if tap == Tap::Open && shut || full(tap) && timeout(PATIENCE, room(credits)).await.is_err() {
            source.pause();
            tap = Tap::Shut;
        }
        tokio::select! {
            polled = source.poll() => match polled {
                Ok(polled) => {
                    if let Polled::Records(records) = &polled {
                        credits.take(records.iter().map(weight).sum());
                    }
                    ingest.tell(IngestMessage::Polled(polled));
                }
                Err(error) => return error.to_string(),
            },
            () = room(credits), if tap == Tap::Shut && !shut => {
                source.resume();
                tap = Tap::Open;
            }
            // An error means that the actor is gone, and this task with it.
            Ok(()) = flow.changed() => {}
        }
    }
}

/// How many credits a record takes until it is settled.
pub(super) fn weight(record: &Record) -> usize {
    in_hand::weight(record.payload.as_ref().map_or(0, |payload| payload.len()))
}

async fn room(credits: &Credits) {
    while !has_room(credits) {
        credits.returned().await;
    }
}

/// Whether the source is asked for records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tap {
    Open,
    Shut,
}

/// What a record is: an event, or a dead letter; or several of them, in their order.
pub(super) fn read(arguments: &IngestArguments, record: &Record, now: Timestamp) -> Vec<Item> {
    let raw: Arc<[u8]> = record.payload.clone().unwrap_or_else(|| Arc::from([]));
    let header = |name: &str| record.header(name);
    let came_back = letter::came_back(header(letter::ROUNDS));
    let whole = |reading| vec![Part { raw: Arc::clone(&raw), reading }];
    let parts = match record.left_out {
        _ if came_back > letter::MOST_ROUNDS => whole(Err(going_round(came_back))),
        0 => taken_apart(arguments, &arguments.key.source, record.payload.as_ref(), &header, now),
        left_out => whole(Err(far_too_large(raw.len(), left_out))),
    };
    let source = &arguments.key.source;
    let item = |(position, Part { raw, reading })| match reading {
        Ok(Read::Ignored(rule)) => Item::Ignored { source: source.clone(), position, rule },
        Ok(Read::Event(Reading { body, producer_id, traceparent })) => Item::Event(Arc::new(Event {
            id: EventId::new(now, fastrand::u128(..)),
            source: source.clone(),
            position,
            producer_id,
            traceparent,
            received_at: now,
            came_back,
            body,
            raw,
        })),
        Err(malformed) => Item::Letter(Quarantined {
            id: DeadLetterId::new(now, fastrand::u128(..)),
            source: source.clone(),
            position,
            reason: malformed.reason,
            detail: malformed.to_string(),
            came_back,
            raw,
        }),
    };
    positions(&record.position, parts.len()).zip(parts).map(item).collect()
}

/// One event of a record, or what should be one.
struct Part {
    raw: Arc<[u8]>,
    reading: Result<Read, Malformed>,
}

/// Where the parts of a record lie. One that has a single part has its place.
fn positions(whole: &Position, count: usize) -> impl Iterator<Item = Position> {
    let part = move |number| match count {
        1 => whole.clone(),
        _ => Position::Part { of: Box::new(whole.clone()), number },
    };
    (1..).map(part)
}

/// What the record `raw` of `source` says, event by event.
fn taken_apart<'a>(
    arguments: &IngestArguments,
    source: &SourceName,
    raw: Option<&Arc<[u8]>>,
    header: Headers<'_, 'a>,
    now: Timestamp,
) -> Vec<Part> {
    let (words, format) = (&*arguments.words, arguments.words.format_of(source));
    let read = |raw: Option<&[u8]>| guarded(|| formats::read(format, raw, header, words, now));
    let bytes = raw.cloned().unwrap_or_default();
    match raw.map(|raw| guarded(|| formats::parts(format, raw, header, &words.bounds))) {
        None | Some(Ok(Parts::Whole)) => {
            vec![Part { reading: read(raw.map(|raw| &**raw)), raw: bytes }]
        }
        Some(Ok(Parts::Each(parts))) => {
            parts.into_iter().map(|raw| Part { reading: read(Some(&*raw)), raw }).collect()
        }
        Some(Err(malformed)) => vec![Part { raw: bytes, reading: Err(malformed) }],
    }
}

/// A record that nobody looks into any more.
pub(super) fn condemned(arguments: &IngestArguments, record: &Record, now: Timestamp) -> Item {
    Item::Letter(Quarantined {
        id: DeadLetterId::new(now, fastrand::u128(..)),
        source: arguments.key.source.clone(),
        position: record.position.clone(),
        reason: Malformation::Poison,
        detail: "the process ended without a word three times with this record in hand".to_owned(),
        came_back: letter::came_back(record.header(letter::ROUNDS)),
        raw: record.payload.clone().unwrap_or_else(|| Arc::from([])),
    })
}

/// A record of which not even all is kept.
fn far_too_large(kept: usize, left_out: usize) -> Malformed {
    let detail = format!(
        "the record has {} bytes; the first {kept} are kept here, and all of them where it lies",
        kept + left_out
    );
    let problem = Problem { pointer: String::new(), code: "too_large", detail, hint: None };
    Malformed { reason: Malformation::TooLarge, problems: vec![problem] }
}

/// A record that comes back again and again: somebody reads the topic of dead letters as a source.
fn going_round(came_back: u32) -> Malformed {
    let detail =
        format!("it came back from a topic of dead letters {came_back} times, and is kept here alone");
    let problem = Problem { pointer: String::new(), code: "loop", detail, hint: None };
    Malformed { reason: Malformation::Loop, problems: vec![problem] }
}

/// What a submitted item is, as a record of `source`, of a request that its sender calls so.
pub(super) fn read_submitted(
    arguments: &IngestArguments,
    source: &SourceName,
    raw: &Arc<[u8]>,
    traceparent: Option<&str>,
    called: Option<String>,
    now: Timestamp,
) -> Result<Vec<Item>, Malformed> {
    let header = |name: &str| traceparent.filter(|_| name.eq_ignore_ascii_case("traceparent"));
    let parts = taken_apart(arguments, source, Some(raw), &header, now);
    let id = EventId::new(now, fastrand::u128(..));
    let is_of_headers =
        matches!(arguments.words.format_of(source), Format::Json(mapper) if mapper.reads_headers());
    let item = |(position, Part { raw, reading })| {
        let Reading { body, producer_id, traceparent } = match reading? {
            Read::Event(reading) => reading,
            Read::Ignored(rule) => return Ok(Item::Ignored { source: source.clone(), position, rule }),
        };
        // One that is called by itself is the same however its request is called; but a header is not signed.
        let producer_id = match &called {
            Some(called) if is_of_headers => Some(called.clone()),
            called => producer_id.or_else(|| called.clone()),
        };
        let id = if position == Position::Request(id) { id } else { EventId::new(now, fastrand::u128(..)) };
        let (source, received_at, came_back) = (source.clone(), now, 0);
        let event =
            Event { id, source, position, producer_id, traceparent, received_at, came_back, body, raw };
        Ok(Item::Event(Arc::new(event)))
    };
    positions(&Position::Request(id), parts.len()).zip(parts).map(item).collect()
}

/// A record that the operator's mapper makes no event of. Its sender can do nothing about that, so it is kept until the
/// mapper was mended; what is no JSON, or too much of it, goes back to the sender (ADR 43).
pub(super) fn unmapped(
    arguments: &IngestArguments,
    raw: &Arc<[u8]>,
    malformed: Malformed,
    now: Timestamp,
) -> Result<Vec<Item>, Malformed> {
    let source = &arguments.key.source;
    let is_mapped = matches!(arguments.words.format_of(source), Format::Json(_));
    if !is_mapped || !matches!(malformed.reason, Malformation::Schema | Malformation::Poison) {
        return Err(malformed);
    }
    Ok(vec![Item::Letter(Quarantined {
        id: DeadLetterId::new(now, fastrand::u128(..)),
        source: source.clone(),
        position: Position::Request(EventId::new(now, fastrand::u128(..))),
        reason: malformed.reason,
        detail: malformed.to_string(),
        came_back: 0,
        raw: Arc::clone(raw),
    })])
}

/// What bytes are that came in before. An event is a new one, whatever its producer's id; a record
/// that could not become an event is told from others by what it has.
pub(super) fn read_again(
    arguments: &IngestArguments,
    Replay { of, kept }: &Replay,
    now: Timestamp,
) -> Result<Vec<Item>, Malformed> {
    let came_with = kept.traceparent.as_deref();
    let header = |name: &str| came_with.filter(|_| name.eq_ignore_ascii_case("traceparent"));
    let parts = taken_apart(arguments, &kept.source, Some(&kept.raw), &header, now);
    let id = EventId::new(now, fastrand::u128(..));
    let whole = match of {
        ReplayOf::Event(of) => Position::Replay { of: *of, id },
        ReplayOf::DeadLetter(of) => Position::Retry(*of),
    };
    let is_alone = parts.len() == 1;
    let item = |(position, Part { raw, reading })| {
        let Reading { mut body, producer_id, traceparent } = match reading? {
            Read::Event(reading) => reading,
            Read::Ignored(rule) => return Ok(Item::Ignored { source: kept.source.clone(), position, rule }),
        };
        let producer_id = producer_id.filter(|_| matches!(of, ReplayOf::DeadLetter(_)));
        if let (ReplayOf::Event(_), event::Body::Incident(body)) = (of, &mut body) {
            // Whoever repeats it says so now.
            body.occurred_at = None;
        }
        let id = if is_alone { id } else { EventId::new(now, fastrand::u128(..)) };
        let (source, received_at, came_back) = (kept.source.clone(), now, 0);
        let event =
            Event { id, source, position, producer_id, traceparent, received_at, came_back, body, raw };
        Ok(Item::Event(Arc::new(event)))
    };
    positions(&whole, parts.len()).zip(parts).map(item).collect()
}

/// Looks into a record, and takes one over which that panics for poison instead of dying over it for ever (I5).
fn guarded<T>(look: impl FnOnce() -> Result<T, Malformed>) -> Result<T, Malformed> {
    catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
        let problem = Problem {
            pointer: String::new(),
            code: "poison",
            detail: "reading this record panicked".to_owned(),
            hint: None,
        };
        Err(Malformed { reason: Malformation::Poison, problems: vec![problem] })
    })
}
