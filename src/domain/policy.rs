//! A policy: who hears of an incident, when, and what stops it.
//!
//! The steps of a round follow each other until somebody takes the incident or it is over. Then
//! nothing more is said; if nobody does, the rounds repeat, and at the end it is written down that
//! nobody answered. Where an incident stands in this is its [`Position`], a part of its row: a
//! restart goes on from there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::incident::IncidentStatus;
use super::names::{ChannelName, PolicyName};
use super::people::Recipient;

/// `[policies]`, by name.
pub type Policies = BTreeMap<PolicyName, Policy>;

/// Who hears, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// In the order of [`Step::after`].
    pub steps: Vec<Step>,
    /// How often the steps are taken again if nobody takes the incident.
    pub repeat: u32,
    /// How long after the last step of a round the next one begins.
    pub repeat_after: Duration,
    /// After this long, an incident that somebody took and did not end is open again.
    pub ack_timeout: Option<Duration>,
    /// After one message, what follows to the same address waits so long and goes out as one.
    pub bundle: Option<Duration>,
    /// What ends the paging.
    pub stop_when: StopWhen,
    /// What those who were told hear when it gets worse.
    pub on_update: News,
    /// What those who were told hear when somebody takes it.
    pub on_acknowledge: News,
    /// What those who were told hear when it is over.
    pub on_resolve: News,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            repeat: 0,
            repeat_after: Duration::from_secs(300),
            ack_timeout: None,
            bundle: None,
            stop_when: StopWhen::Acknowledged,
            on_update: News::Silent,
            on_acknowledge: News::Silent,
            on_resolve: News::Notify,
        }
    }
}

/// One step of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long after the incident opened.
    pub after: Duration,
    /// Who.
    pub notify: Vec<Recipient>,
    /// How.
    pub via: Vec<ChannelName>,
}

/// What ends the paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StopWhen {
    /// Somebody took it.
    #[default]
    Acknowledged,
    /// It is over.
    Resolved,
}

impl StopWhen {
    /// Does paging make sense for an incident that stands there?
    pub fn pages(self, status: IncidentStatus) -> bool {
        match status {
            IncidentStatus::Open => true,
            IncidentStatus::Acknowledged => self == Self::Resolved,
            IncidentStatus::Resolved => false,
        }
    }
}

/// What people who were told hear of what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// Everyone who was told is told.
    Notify,
    /// Nobody is told.
    Silent,
}

/// The next step to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Position {
    /// 0 for the first.
    pub round: u32,
    /// 0 for the first.
    pub step: u32,
}

impl Position {
    /// The first step of the next round, if there is one.
    pub fn of_next_round(self) -> Self {
        Self { round: self.round + 1, step: 0 }
    }
}

impl Policy {
    /// The steps that are taken at `position`: those that have the same moment are taken together.
    /// Empty if nothing is left to do.
    pub fn at(&self, position: Position) -> Range<usize> {
        let start = position.step as usize;
        let Some(first) = self.steps.get(start).filter(|_| position.round <= self.repeat) else {
            return 0..0;
        };
        let together = self.steps[start..].iter().take_while(|step| step.after == first.after);
        start..start + together.count()
    }

    /// Where it goes on after the steps of `position`, and how long after them. `None` if there is
    /// nothing to wait for: one message, never repeated, asks nobody for an answer.
    pub fn next(&self, position: Position) -> Option<(Position, Duration)> {
        let taken = self.at(position);
        if let Some(next) = self.steps.get(taken.end).filter(|_| !taken.is_empty()) {
            let wait = next.after.saturating_sub(self.steps[taken.start].after);
            let step = u32::try_from(taken.end).unwrap_or(u32::MAX);
            return Some((Position { step, ..position }, wait));
        }
        let asks = self.repeat > 0 || self.at(Position::default()).end < self.steps.len();
        (asks && !taken.is_empty()).then_some((position.of_next_round(), self.repeat_after))
    }

    /// How long after the steps before it those of `position` are taken; `None` if nothing is left
    /// to wait for.
    pub fn wait_before(&self, position: Position) -> Option<Duration> {
        let mut before = Position::default();
        if position == before {
            return Some(self.begins_after());
        }
        while let Some((next, wait)) = self.next(before) {
            if next == position {
                return Some(wait);
            }
            before = next;
        }
        None
    }

    /// How long after the opening the first step is taken.
    pub fn begins_after(&self) -> Duration {
        self.steps.first().map(|step| step.after).unwrap_or_default()
    }

    /// What is told when `change` happens to those who were told before.
    pub fn news(&self, status: IncidentStatus) -> News {
        match status {
            IncidentStatus::Open => self.on_update,
            IncidentStatus::Acknowledged => self.on_acknowledge,
            IncidentStatus::Resolved => self.on_resolve,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(minutes: &[u64], repeat: u32) -> Policy {
        let step = |after: &u64| Step {
            after: Duration::from_secs(after * 60),
            notify: Vec::new(),
            via: Vec::new(),
        };
        Policy { steps: minutes.iter().map(step).collect(), repeat, ..Policy::default() }
    }

    /// Every position from the first, with the minute it is reached.
    fn walked(policy: &Policy) -> Vec<(u64, Position, Range<usize>)> {
        let (mut position, mut minute) = (Position::default(), policy.begins_after().as_secs() / 60);
        let mut walked = vec![(minute, position, policy.at(position))];
        while let Some((next, wait)) = policy.next(position) {
            minute += wait.as_secs() / 60;
            position = next;
            walked.push((minute, position, policy.at(position)));
        }
        walked
    }

    fn at(round: u32, step: u32) -> Position {
        Position { round, step }
    }

    #[test]
    fn steps_follow_each_other_rounds_repeat_and_the_end_is_a_position_of_its_own() {
        let table = [
            // One message: nobody is asked.
            (policy(&[0], 0), vec![(0, at(0, 0), 0..1)]),
            (policy(&[5], 0), vec![(5, at(0, 0), 0..1)]),
            (policy(&[], 0), vec![(0, at(0, 0), 0..0)]),
            // Two steps of one moment are taken together.
            (policy(&[0, 0], 0), vec![(0, at(0, 0), 0..2)]),
            (
                policy(&[0, 3, 3, 10], 0),
                vec![(0, at(0, 0), 0..1), (3, at(0, 1), 1..3), (10, at(0, 3), 3..4), (15, at(1, 0), 0..0)],
            ),
            (
                policy(&[0, 2], 1),
                vec![
                    (0, at(0, 0), 0..1),
                    (2, at(0, 1), 1..2),
                    (7, at(1, 0), 0..1),
                    (9, at(1, 1), 1..2),
                    (14, at(2, 0), 0..0),
                ],
            ),
            (policy(&[1], 1), vec![(1, at(0, 0), 0..1), (6, at(1, 0), 0..1), (11, at(2, 0), 0..0)]),
        ];
        for (policy, expected) in table {
            assert_eq!(walked(&policy), expected, "{:?}", policy.steps);
        }
    }

    #[test]
    fn paging_stops_at_what_the_policy_says() {
        use IncidentStatus::{Acknowledged, Open, Resolved};
        for (stop, expected) in
            [(StopWhen::Acknowledged, [true, false, false]), (StopWhen::Resolved, [true, true, false])]
        {
            assert_eq!([Open, Acknowledged, Resolved].map(|status| stop.pages(status)), expected, "{stop:?}");
        }
    }
}
