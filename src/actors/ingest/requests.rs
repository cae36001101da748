//! Requests that wait for their events to be on stable storage.

use std::collections::HashMap;

use ractor::RpcReplyPort;

use crate::domain::event::Position;
use crate::messages::ingest::Submitted;

/// What is known of one item of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// Known.
    Given(Submitted),
    /// Known once this position is settled.
    Awaited(Position),
}

/// All open requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: HashMap<u64, Request>,
    awaited: HashMap<Position, (u64, usize)>,
    next: u64,
}

#[derive(Debug)]
struct Request {
    answers: Vec<Option<Submitted>>,
    reply: RpcReplyPort<Vec<Submitted>>,
}

impl Requests {
    /// A new request, answered at once if nothing is awaited.
    pub(super) fn open(&mut self, answers: Vec<Answer>, reply: RpcReplyPort<Vec<Submitted>>) {
        let number = self.next;
        self.next += 1;
        let answers = answers
            .into_iter()
            .enumerate()
            .map(|(index, answer)| match answer {
                Answer::Given(submitted) => Some(submitted),
                Answer::Awaited(position) => {
                    self.awaited.insert(position, (number, index));
                    None
                }
            })
            .collect();
        self.open.insert(number, Request { answers, reply });
        self.close_if_complete(number);
    }

    /// A position is settled; `submitted` is asked for only if a request waits for it.
    pub(super) fn settle(&mut self, position: &Position, submitted: impl FnOnce() -> Submitted) {
        let Some((number, index)) = self.awaited.remove(position) else {
            return;
        };
        if let Some(request) = self.open.get_mut(&number) {
            request.answers[index] = Some(submitted());
            self.close_if_complete(number);
        }
    }

    fn close_if_complete(&mut self, number: u64) {
        let complete = |request: &Request| request.answers.iter().all(Option::is_some);
        if self.open.get(&number).is_some_and(complete)
            && let Some(Request { answers, reply }) = self.open.remove(&number)
        {
            drop(reply.send(answers.into_iter().flatten().collect()));
        }
    }
}
