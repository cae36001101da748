//! What people and timers do to incidents, and who waits for it.

use ractor::RpcReplyPort;

use crate::domain::acceptance::Firing;
use crate::domain::action::{Act, Acted};
use crate::messages::post::Post;
use crate::messages::sweeper::SweeperMessage;
use crate::store::batch::Batch;

/// What waits for the next commit.
#[derive(Debug, Default)]
pub(super) struct Deciding {
    acts: Vec<Act>,
    acts_for: Vec<RpcReplyPort<Acted>>,
    firings: Vec<Firing>,
    fired_by: Vec<Post<SweeperMessage>>,
}

impl Deciding {
    pub(super) fn is_empty(&self) -> bool {
        self.acts.is_empty() && self.fired_by.is_empty()
    }

    pub(super) fn act(&mut self, act: Act, reply: RpcReplyPort<Acted>) {
        self.acts.push(act);
        self.acts_for.push(reply);
    }

    pub(super) fn fire(&mut self, firings: Vec<Firing>, from: Post<SweeperMessage>) {
        self.firings.extend(firings);
        self.fired_by.push(from);
    }

    pub(super) fn write_into(&mut self, batch: &mut Batch) {
        batch.acts = std::mem::take(&mut self.acts);
        batch.firings = std::mem::take(&mut self.firings);
    }

    pub(super) fn answer(self, acted: Vec<Acted>) {
        for (reply, acted) in self.acts_for.into_iter().zip(acted) {
            // Whoever asked may be gone.
            drop(reply.send(acted));
        }
        for sweeper in self.fired_by {
            sweeper.tell(SweeperMessage::Fired);
        }
    }

    /// The same work with each action and each timer by itself, so that one that the store cannot
    /// write does not hold the others (I5).
    pub(super) fn isolate(self, batch: &Batch) -> Vec<(Batch, Self)> {
        let empty = || Batch::empty(batch.lease.clone(), batch.now, batch.rules.clone());
        let acts = batch.acts.iter().zip(self.acts_for).map(|(act, reply)| {
            let alone = Self { acts_for: vec![reply], ..Self::default() };
            (Batch { acts: vec![act.clone()], ..empty() }, alone)
        });
        let mut parts: Vec<(Batch, Self)> = acts.collect();
        for firing in &batch.firings {
            parts.push((Batch { firings: vec![firing.clone()], ..empty() }, Self::default()));
        }
        // The last one tells whoever waits.
        if let Some((_, last)) = parts.last_mut() {
            last.fired_by = self.fired_by;
        }
        parts
    }
}
