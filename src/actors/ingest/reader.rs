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
use crate::domain::way::Flow;
use crate::formats::{self, Reading};
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

/// What a record is: an event, or a dead letter.
pub(super) fn read(arguments: &IngestArguments, record: &Record, now: Timestamp) -> Item {
    let raw: Arc<[u8]> = record.payload.clone().unwrap_or_else(|| Arc::from([]));
    let header = |name: &str| record.header(name);
    let came_back = letter::came_back(header(letter::ROUNDS));
    let reading = match record.left_out {
        _ if came_back > letter::MOST_ROUNDS => Err(going_round(came_back)),
        0 => guarded(arguments, record.payload.as_deref(), &header, now),
        left_out => Err(far_too_large(raw.len(), left_out)),
    };
    match reading {
        Ok(Reading { body, producer_id, traceparent }) => Item::Event(Arc::new(Event {
            id: EventId::new(now, fastrand::u128(..)),
            source: arguments.key.source.clone(),
            position: record.position.clone(),
            producer_id,
            traceparent,
            received_at: now,
            came_back,
            body,
            raw,
        })),
        Err(malformed) => Item::Letter(Quarantined {
            id: DeadLetterId::new(now, fastrand::u128(..)),
            source: arguments.key.source.clone(),
            position: record.position.clone(),
            reason: malformed.reason,
            detail: malformed.to_string(),
            came_back,
            raw,
        }),
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

/// What a submitted item is.
pub(super) fn read_submitted(
    arguments: &IngestArguments,
    raw: &Arc<[u8]>,
    traceparent: Option<&str>,
    now: Timestamp,
) -> Result<Item, Malformed> {
    let header = |name: &str| traceparent.filter(|_| name.eq_ignore_ascii_case("traceparent"));
    let Reading { body, producer_id, traceparent } = guarded(arguments, Some(raw), &header, now)?;
    let id = EventId::new(now, fastrand::u128(..));
    Ok(Item::Event(Arc::new(Event {
        id,
        source: arguments.key.source.clone(),
        position: Position::Request(id),
        producer_id,
        traceparent,
        received_at: now,
        came_back: 0,
        body,
        raw: Arc::clone(raw),
    })))
}

/// What bytes are that came in before. An event is a new one, whatever its producer's id; a record
/// that could not become an event is told from others by what it has.
pub(super) fn read_again(
    arguments: &IngestArguments,
    Replay { of, kept }: &Replay,
    now: Timestamp,
) -> Result<Item, Malformed> {
    let came_with = kept.traceparent.as_deref();
    let header = |name: &str| came_with.filter(|_| name.eq_ignore_ascii_case("traceparent"));
    let Reading { mut body, producer_id, traceparent } = guarded(arguments, Some(&kept.raw), &header, now)?;
    let id = EventId::new(now, fastrand::u128(..));
    let (position, producer_id) = match of {
        ReplayOf::Event(of) => {
            // Whoever repeats it says so now.
            if let event::Body::Incident(body) = &mut body {
                body.occurred_at = None;
            }
            (Position::Replay { of: *of, id }, None)
        }
        ReplayOf::DeadLetter(of) => (Position::Retry(*of), producer_id),
    };
    let (source, raw) = (kept.source.clone(), Arc::clone(&kept.raw));
    let came_back = 0;
    let event =
        Event { id, source, position, producer_id, traceparent, received_at: now, came_back, body, raw };
    Ok(Item::Event(Arc::new(event)))
}

/// Reads, and takes a record whose reading panics for poison instead of dying over it for ever (I5).
fn guarded<'a>(
    arguments: &IngestArguments,
    raw: Option<&'a [u8]>,
    header: &dyn Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<Reading, Malformed> {
    catch_unwind(AssertUnwindSafe(|| formats::read(raw, header, &arguments.words, now))).unwrap_or_else(
        |_| {
            let problem = Problem {
                pointer: String::new(),
                code: "poison",
                detail: "reading this record panicked".to_owned(),
                hint: None,
            };
            Err(Malformed { reason: Malformation::Poison, problems: vec![problem] })
        },
    )
}
