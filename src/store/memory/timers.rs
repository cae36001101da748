//! Timers in memory.

use super::state::State;
use crate::domain::Timestamp;
use crate::domain::incident::Incident;
use crate::domain::timer::{Timer, TimerKind};

impl State {
    pub(super) fn arm(&mut self, incident: u64, kind: TimerKind, due_at: Option<Timestamp>) {
        let before = match due_at {
            Some(due_at) => self.timers.insert((incident, kind), due_at),
            None => self.timers.remove(&(incident, kind)),
        };
        if let Some(before) = before {
            self.timers_due.remove(&(before, incident, kind));
        }
        self.timers_due.extend(due_at.map(|due_at| (due_at, incident, kind)));
    }

    pub(super) fn due_timers(&self, now: Timestamp, limit: usize) -> Vec<(Timer, Incident)> {
        let due = self.timers_due.iter().take_while(|(due_at, _, _)| *due_at <= now).take(limit);
        due.filter_map(|(due_at, number, kind)| {
            let timer = Timer { incident: *number, kind: *kind, due_at: *due_at };
            Some((timer, self.incidents.get(number)?.clone()))
        })
        .collect()
    }
}
