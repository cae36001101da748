//! What publishers want from the next commit, and who is told that something was written for a sink.

use std::collections::{BTreeSet, HashMap};

use crate::domain::names::SinkName;
use crate::domain::outgoing::Parcel;
use crate::messages::post::Post;
use crate::messages::publisher::PublisherMessage;
use crate::store::batch::Turn;

type Publisher = Post<PublisherMessage>;

/// What waits for the next commit.
#[derive(Debug, Default)]
pub(super) struct Publishing {
    turns: Vec<Turn>,
    turns_for: Vec<Publisher>,
}

impl Publishing {
    pub(super) fn is_empty(&self) -> bool {
        self.turns_for.is_empty()
    }

    pub(super) fn turn(&mut self, turn: Turn, publisher: Publisher) {
        self.turns.push(turn);
        self.turns_for.push(publisher);
    }

    pub(super) fn take(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.turns)
    }

    pub(super) fn answer(self, parcels: Vec<Vec<Parcel>>) {
        for (publisher, parcels) in self.turns_for.into_iter().zip(parcels) {
            publisher.tell(PublisherMessage::Parcels(parcels));
        }
    }
}

/// Who hands over to which sink: known from its first turn on.
#[derive(Debug, Default)]
pub(super) struct Publishers(HashMap<SinkName, Publisher>);

impl Publishers {
    pub(super) fn note(&mut self, sink: &SinkName, publisher: &Publisher) {
        let known = self.0.get(sink).map(|known| known.id());
        if known != Some(publisher.id()) {
            self.0.insert(sink.clone(), publisher.clone());
        }
    }

    /// Something was written down for these.
    pub(super) fn tell(&self, posted: &BTreeSet<SinkName>) {
        for publisher in posted.iter().filter_map(|sink| self.0.get(sink)) {
            publisher.tell(PublisherMessage::Due);
        }
    }
}
