//! What this channel cannot send now goes over another that leads to the same address.
//!
//! The row is the same, with its attempts and its age; only its channel is another one. An attempt that
//! nobody knows the end of stays where it is: the same provider may know the message again by its id,
//! and another one cannot.

use super::desk::Desk;
use super::verdict::{FAILED_OVER, written};
use crate::domain::Timestamp;
use crate::domain::delivery::Job;
use crate::domain::fault::Outcome;
use crate::domain::names::ChannelName;
use crate::store::batch::{Attempted, Next};

impl Desk {
    /// Who takes over now: the first that is there, open, and not down itself.
    pub(super) fn stand_in(&self) -> Option<&ChannelName> {
        let is_well = |name: &&ChannelName| {
            self.peers.pools.contains_key(*name)
                && !self.arguments.health.is_down(name)
                && !self.peers.paused.contains(&crate::domain::way::Way::Channel((*name).clone()))
        };
        self.arguments.equipment.stand_ins.iter().find(is_well)
    }

    /// A failure that another provider need not share is tried there at once. When all of them were
    /// asked, everybody rests as long as the retries say.
    pub(super) fn fail_over(&self, job: &Job, outcome: &Outcome, now: Timestamp, attempted: &mut Attempted) {
        let Outcome::Failed(failure) = outcome else { return };
        let Some(channel) = self.stand_in().filter(|_| failure.fault.calls_for_another_way()) else { return };
        let everybody = u32::try_from(self.arguments.equipment.stand_ins.len() + 1).unwrap_or(u32::MAX);
        let at_once = !job.attempt.is_multiple_of(everybody);
        match &mut attempted.next {
            Next::Retrying { due_at, .. } | Next::Held { due_at } => {
                if at_once {
                    *due_at = now;
                }
            }
            Next::Sent | Next::Dead(_) | Next::Expired => return,
        }
        attempted.detail = format!("{}; goes on over {channel}", attempted.detail);
        attempted.moved_to = Some(channel.clone());
    }

    /// What waits here for a channel that is held goes over another one, and has lost no attempt.
    pub(super) fn move_queue(&mut self, now: Timestamp) {
        let Some(channel) = self.stand_in().cloned() else { return };
        let waiting = self.queue.len();
        while let Some(job) = self.queue.pop(super::queue::Admitted::All) {
            for job in job.each() {
                let mut moved = written(&job, now, FAILED_OVER, Next::Held { due_at: now });
                moved.detail = format!("goes on over {channel}");
                moved.moved_to = Some(channel.clone());
                self.keep_and_report(moved);
            }
        }
        if waiting > 0 {
            tracing::info!(channel = %self.arguments.name, over = %channel, deliveries = waiting, "channel is held: what waits goes over another one");
        }
    }
}
