//! A pool gets new equipment while it works: what is being sent ends as it began, everything after
//! goes the new way, and places are added or given up.

use super::desk::{Desk, Place};
use super::pace::Pace;
use crate::domain::lane::Lane;
use crate::messages::delivery::Equipment;
use crate::telemetry::health::Condition;

impl Desk {
    /// Sends with `equipment` from now on. Returns the places that need a worker.
    pub(super) fn renew(&mut self, equipment: Equipment) -> Vec<usize> {
        let before = std::mem::replace(&mut self.arguments.equipment, equipment);
        tokio::spawn(async move { before.channel.close().await });
        self.pace = Pace::new(self.arguments.equipment.rates, self.arguments.clock);
        let workers = self.arguments.equipment.workers;
        // What was wrong with the channel may be what was mended.
        if self.lane != Lane::default() {
            self.lane = Lane::default();
            self.arguments.equipment.metrics.up(true);
            self.arguments.health.channel(&self.arguments.name, Condition::Up);
        }
        let idle = std::mem::take(&mut self.idle);
        idle.into_iter().for_each(|place| self.rest(place));
        let known = self.places.len();
        if workers > known {
            self.places.resize_with(workers, || Place::Vacant);
        }
        self.on_due();
        (0..workers).filter(|place| self.is_vacant(*place)).collect()
    }

    /// The worker of this place has nothing to do; if there are too many, it goes.
    pub(super) fn rest(&mut self, place: usize) {
        if place < self.arguments.equipment.workers {
            return self.idle.push(place);
        }
        // Vacant first: then its end is no death.
        if let Place::Staffed(worker) = std::mem::replace(&mut self.places[place], Place::Vacant) {
            worker.actor().stop(None);
        }
    }

    /// Nobody works in this place, and somebody should.
    pub(super) fn is_vacant(&self, place: usize) -> bool {
        place < self.arguments.equipment.workers && matches!(self.places[place], Place::Vacant)
    }
}
