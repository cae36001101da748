//! What a pool has in hand and has not begun: critical pages before everything else, and each lane in
//! the order in which it came.

use std::collections::VecDeque;

use crate::domain::delivery::Job;
use crate::domain::event::Priority;

/// Jobs that wait for a worker.
#[derive(Debug, Default)]
pub(super) struct Queue {
    critical: VecDeque<Job>,
    rest: VecDeque<Job>,
}

/// Which jobs may have a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// All of them.
    All,
    /// Critical ones: the last workers are kept for these.
    Critical,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.critical.len() + self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.critical.is_empty() && self.rest.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.critical.iter().chain(&self.rest)
    }

    pub(super) fn extend(&mut self, jobs: impl IntoIterator<Item = Job>) {
        jobs.into_iter().for_each(|job| self.lane(&job).push_back(job));
    }

    /// The next one, if there is one that may.
    pub(super) fn pop(&mut self, admitted: Admitted) -> Option<Job> {
        self.critical.pop_front().or_else(|| match admitted {
            Admitted::All => self.rest.pop_front(),
            Admitted::Critical => None,
        })
    }

    /// Back to where it was.
    pub(super) fn put_back(&mut self, job: Job) {
        self.lane(&job).push_front(job);
    }

    fn lane(&mut self, job: &Job) -> &mut VecDeque<Job> {
        match job.priority {
            Priority::Critical => &mut self.critical,
            Priority::High | Priority::Normal | Priority::Low => &mut self.rest,
        }
    }
}
