//! Which incident an event is about, and what it does to it, where an incident may stand for several things.

use super::desk::Desk;
use crate::domain::Timestamp;
use crate::domain::dedup::{DedupKey, Keyspace};
use crate::domain::event::{Event, EventStatus, IncidentEvent};
use crate::domain::group::{self, Member, MemberStatus};
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Incident, Transition};

impl Desk<'_> {
    /// The incident that `body` is about: its own, or that of its group if there is none that goes on.
    pub(super) fn find(&self, event: &Event, body: &IncidentEvent, group: Option<&str>) -> Option<u64> {
        let own = self.newest.get(&DedupKey::of(body, &event.source)).copied();
        let goes_on = |number: &u64| {
            let (now, window) = (self.draft.now, self.draft.rules.dedup_window);
            let incident = self.incidents.get(number);
            incident
                .is_some_and(|one| one.transition_in_order(body.status, now, window) != Transition::Opened)
        };
        if body.status != EventStatus::Open || own.as_ref().is_some_and(goes_on) {
            return own;
        }
        group.and_then(|key| self.newest.get(&DedupKey::shared(key))).copied().filter(goes_on).or(own)
    }

    /// What `event` does to the incident of this number.
    pub(super) fn change(&self, number: u64, event: &Event, body: &IncidentEvent) -> Transition {
        let (now, window) = (self.draft.now, self.draft.rules.dedup_window);
        let Some(incident) = self.incidents.get(&number) else { return Transition::Ignored };
        let Some(members) = self.members.get(&number) else {
            return incident.transition(body, &event.source, now, window);
        };
        let joins = members.iter().all(|member| !member.is_meant(body, &event.source));
        if joins && self.ended_before(event, body).is_some() {
            return Transition::Late;
        }
        let alone = incident.transition_in_order(body.status, now, window);
        group::transition(alone, members, incident, body, &event.source)
    }

    /// Opens an incident for `body`, or for the group that it is the first of. Its number.
    pub(super) fn open(&mut self, event: &Event, body: &IncidentEvent, group: Option<&str>) -> u64 {
        self.last_number += 1;
        let (now, number) = (self.draft.now, self.last_number);
        let id = IncidentId::new(now, self.draft.random());
        let mut incident = Incident::open(id, number, body, &event.source, now);
        let key = DedupKey::of(body, &event.source);
        if let Some(group) = group {
            group.clone_into(&mut incident.dedup_key);
            incident.keyspace = Keyspace::Shared;
            self.newest.insert(DedupKey::shared(group), number);
            self.members.insert(number, vec![Member::new(number, body, &event.source, now)]);
            self.changed_members.insert((number, key.clone()));
        }
        self.newest.insert(key, number);
        self.incidents.insert(number, incident);
        number
    }

    /// Does `change` to the incident of this number.
    pub(super) fn apply(&mut self, number: u64, change: Transition, event: &Event, body: &IncidentEvent) {
        let now = self.draft.now;
        let is_group = self.members.contains_key(&number);
        if is_group && change != Transition::Late {
            self.hear(number, change, event, body);
        }
        let Some(incident) = self.incidents.get_mut(&number) else { return };
        match change {
            Transition::Updated if is_group => incident.gather(body, now),
            change => incident.apply(change, body, &event.source, now),
        }
    }

    /// What is said of a member counts from now on.
    fn hear(&mut self, number: u64, change: Transition, event: &Event, body: &IncidentEvent) {
        let now = self.draft.now;
        let members = self.members.entry(number).or_default();
        if change == Transition::Reopened {
            // It was over with all of them, whatever was last heard of each.
            for member in members.iter_mut().filter(|member| member.status == MemberStatus::Wrong) {
                member.end();
                self.changed_members.insert((number, member.key()));
            }
        }
        let mut key = DedupKey::of(body, &event.source);
        match members.iter_mut().find(|member| member.is_meant(body, &event.source)) {
            Some(member) => {
                member.hear(body, &event.source, now);
                key = member.key();
            }
            None => members.push(Member::new(number, body, &event.source, now)),
        }
        self.newest.insert(DedupKey::of(body, &event.source), number);
        self.changed_members.insert((number, key));
    }

    /// It was over before it began.
    pub(super) fn was_over(
        &mut self,
        incident: &mut Incident,
        event: &Event,
        body: &IncidentEvent,
        ended_at: Timestamp,
    ) {
        let now = self.draft.now;
        incident.clock.hear(Some(ended_at), now);
        let members = self.members.get_mut(&incident.number).into_iter().flatten();
        for member in members.filter(|member| member.is_meant(body, &event.source)) {
            member.end();
            member.clock.hear(Some(ended_at), now);
        }
    }

    /// Of what is said of a member nobody need hear an earlier word. False if the incident is no group.
    pub(super) fn hear_of_member(&mut self, number: u64, event: &Event, body: &IncidentEvent) -> bool {
        let now = self.draft.now;
        let Some(members) = self.members.get_mut(&number) else { return false };
        let own = members.iter_mut().find(|member| member.is_meant(body, &event.source));
        if let Some(member) = own.filter(|member| member.source == event.source)
            && body.status != EventStatus::Acknowledged
        {
            member.clock.hear(body.occurred_at, now);
            self.changed_members.insert((number, member.key()));
        }
        true
    }

    /// The moment that makes `body` late.
    pub(super) fn known_against(
        &self,
        event: &Event,
        body: &IncidentEvent,
        incident: &Incident,
    ) -> Option<Timestamp> {
        let Some(members) = self.members.get(&incident.number) else {
            return incident.clock.against(body.status);
        };
        let own = members.iter().find(|member| member.is_meant(body, &event.source));
        own.and_then(|member| member.clock.against(body.status)).or_else(|| self.ended_before(event, body))
    }

    /// How the group stands, if the incident is one.
    pub(super) fn group_words(&self, number: u64, event: &Event, body: &IncidentEvent) -> Option<String> {
        Some(group::words(self.members.get(&number)?, body, &event.source))
    }
}
