//! Which of the jobs in hand begin now, and which have to wait for what.

use std::sync::Arc;

use super::desk::{Desk, Place};
use super::pace::Turn;
use super::queue::Admitted;
use super::verdict::{EXPIRED, PACED, written};
use crate::domain::Timestamp;
use crate::domain::delivery::Job;
use crate::domain::lane::Start;
use crate::messages::delivery::WorkerMessage;
use crate::store::batch::Next;

/// A pool of so many workers keeps one of them for critical pages.
const WORKERS_FOR_RESERVE: usize = 4;

impl Desk {
    /// Begins what can be begun.
    pub(super) fn start_queued(&mut self) {
        let now = self.now();
        while !self.queue.is_empty() && !self.idle.is_empty() {
            match self.lane.may_start(now) {
                Start::Freely | Start::OneProbe => {}
                Start::NotBefore(at) => {
                    self.move_queue(now);
                    return self.wake_at(at);
                }
                Start::AfterProbe => return self.move_queue(now),
            }
            let Some(job) = self.queue.pop(self.admitted()) else { return };
            if job.expires_at <= now {
                self.keep_and_report(written(&job, now, EXPIRED, Next::Expired));
                // What was to go with it looks again whether it may.
                job.each().skip(1).for_each(|job| self.return_each(job, now));
                continue;
            }
            match self.pace.ask(&job) {
                Turn::Now => self.begin(job, now),
                Turn::ThisWaits(until) => job.each().for_each(|job| self.put_off(&job, now, until)),
                Turn::AllWait(until) => {
                    self.queue.put_back(job);
                    return self.wake_at(until);
                }
            }
        }
    }

    fn admitted(&self) -> Admitted {
        let reserve = usize::from(self.arguments.equipment.workers >= WORKERS_FOR_RESERVE);
        if self.idle.len() > reserve { Admitted::All } else { Admitted::Critical }
    }

    fn begin(&mut self, job: Job, now: Timestamp) {
        let Some(place) = self.idle.pop() else {
            return self.queue.put_back(job);
        };
        let Place::Staffed(worker) = &self.places[place] else {
            return self.queue.put_back(job);
        };
        self.lane.started(now);
        for job in job.clone().each() {
            self.in_flight.claim(job.id, place, job);
        }
        worker.tell(WorkerMessage::Attempt(job.message(), Arc::clone(&self.arguments.equipment.channel)));
    }

    /// Its address has had enough for now: it waits as a row, and others take its place.
    fn put_off(&mut self, job: &Job, now: Timestamp, until: Timestamp) {
        let until = until.min(job.expires_at);
        self.keep_and_report(written(job, now, PACED, Next::Held { due_at: until }));
        self.due_at(until);
    }
}
