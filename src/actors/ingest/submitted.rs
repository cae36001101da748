//! What comes by request: events, and events that are taken in again.

use std::sync::Arc;

use ractor::RpcReplyPort;

use super::in_hand::Item;
use super::{IngestState, Link, reader, requests};
use crate::domain::Timestamp;
use crate::domain::malformed::Malformed;
use crate::domain::names::SourceName;
use crate::domain::way::Flow;
use crate::messages::ingest::{Replay, Submitted};

/// Where the answers of a request go.
type Reply = RpcReplyPort<Vec<Submitted>>;

/// What a request says of all its items.
pub(super) struct Said {
    pub(super) traceparent: Option<String>,
    /// What its sender calls it.
    pub(super) called: Option<String>,
    /// Whose records they are, if not those of the actor's source.
    pub(super) source: Option<SourceName>,
}

impl IngestState {
    pub(super) fn on_submit(&mut self, items: &[Arc<[u8]>], said: &Said, reply: Reply) {
        let items: Vec<_> = (1..).zip(items).collect();
        let count = items.len();
        self.take_in(&items, reply, |state, (number, raw), now| {
            let called = said.called.as_ref().map(|called| match count {
                1 => called.clone(),
                _ => format!("{called}#{number}"),
            });
            let source = said.source.as_ref().unwrap_or(&state.arguments.key.source);
            let read = reader::read_submitted(
                &state.arguments,
                source,
                raw,
                said.traceparent.as_deref(),
                called,
                now,
            );
            // Whoever hands records over as another source's is there to read what is wrong with them.
            match read {
                Err(malformed) if said.source.is_none() => {
                    reader::unmapped(&state.arguments, raw, malformed, now)
                }
                read => read,
            }
        });
    }

    pub(super) fn on_replay(&mut self, items: &[Replay], reply: Reply) {
        self.take_in(items, reply, |state, item, now| reader::read_again(&state.arguments, item, now));
    }

    fn take_in<T>(
        &mut self,
        items: &[T],
        reply: Reply,
        read: impl Fn(&Self, &T, Timestamp) -> Result<Vec<Item>, Malformed>,
    ) {
        let shut = matches!(self.link, Link::Closed) || *self.flow.borrow() == Flow::Paused;
        if shut || self.credits.free() < items.len() {
            // Dropping the port tells the caller that there is no room now.
            return;
        }
        let now = self.arguments.clock.now();
        self.arguments.intake.metrics.received(items.len(), now);
        let mut answers = Vec::with_capacity(items.len());
        let mut events = Vec::with_capacity(items.len());
        for item in items {
            match read(self, item, now) {
                Ok(parts) => match parts.first().map(|part| part.position().whole().clone()) {
                    Some(position) if !self.held.contains(&position) => {
                        answers.push(requests::Answer::Awaited(position));
                        events.extend(parts);
                    }
                    _ => {
                        let why = "somebody else has it taken in at this moment".to_owned();
                        answers.push(requests::Answer::Given(Submitted::DeadLetter(why)));
                    }
                },
                Err(malformed) => {
                    self.arguments.intake.metrics.rejected(malformed.reason);
                    answers.push(requests::Answer::Given(Submitted::Malformed(malformed)));
                }
            }
        }
        self.credits.take(events.len());
        self.requests.open(answers, reply);
        self.hold_and_send(events);
    }
}
