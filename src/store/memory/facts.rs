//! What a query may ask about the rows in memory: the same facts as the columns of the SQL stores.

use std::borrow::Cow;

use super::state::{KeptEvent, State, Stored};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::query::{
    DeadLetterQuery, DeliveryField, EventField, Fact, Facts, IncidentField, LetterField,
};
use crate::domain::severity::Severity;
use crate::store::views::{AttemptView, DeadLetterRef, DeadLetterView, IncidentCount};

fn name(text: &str) -> Vec<Fact<'_>> {
    vec![Fact::Name(text.into())]
}

fn names<'a>(text: Option<&'a str>) -> Vec<Fact<'a>> {
    text.into_iter().map(|text| Fact::Name(text.into())).collect()
}

fn text(text: &str) -> Fact<'_> {
    Fact::Text(text.into())
}

impl Facts<IncidentField> for Incident {
    fn facts(&self, field: IncidentField) -> Vec<Fact<'_>> {
        match field {
            IncidentField::Status => name(self.status.as_str()),
            IncidentField::Severity => name(self.severity.as_str()),
            IncidentField::Service => names(self.service.as_deref()),
            IncidentField::Source => name(self.source.as_str()),
            IncidentField::Title => vec![text(&self.title)],
            IncidentField::Route => names(self.route.as_ref().map(|route| route.as_str())),
            IncidentField::Policy => names(self.policy.as_ref().map(|policy| policy.as_str())),
            IncidentField::OpenedAt => vec![Fact::Time(self.opened_at)],
            IncidentField::Text => [Some(self.title.as_str()), self.description.as_deref()]
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
        }
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

/// A delivery with what is known of it elsewhere.
pub(super) struct Told<'a> {
    stored: &'a Stored,
    last: Option<&'a AttemptView>,
    state: &'a State,
}

impl Facts<DeliveryField> for Told<'_> {
    fn facts(&self, field: DeliveryField) -> Vec<Fact<'_>> {
        let Stored { delivery, kind, state, created_at, updated_at, .. } = self.stored;
        let detail = self.last.and_then(|last| last.detail.as_deref());
        match field {
            DeliveryField::State => name(state.as_str()),
            DeliveryField::Channel => name(delivery.target.channel.as_str()),
            DeliveryField::Recipient => name(&delivery.target.recipient),
            DeliveryField::Incident => delivery.incident.into_iter().map(Fact::Number).collect(),
            DeliveryField::Error => {
                let code = self.last.and_then(|last| last.code.as_deref());
                let words = [self.stored.dead_reason, self.stored.last_outcome, code];
                let words = words.into_iter().flatten().map(|word| Fact::Name(Cow::Borrowed(word)));
                words.chain(detail.map(text)).collect()
            }
            DeliveryField::Kind => name(kind.as_str()),
            DeliveryField::Source => {
                let notification = self.state.notifications.get(&delivery.notification);
                let event = notification.and_then(|told| self.state.events.get(&told.event?));
                names(event.map(|event| event.view.source.as_str()))
            }
            DeliveryField::CreatedAt => vec![Fact::Time(*created_at)],
            DeliveryField::UpdatedAt => vec![Fact::Time(*updated_at)],
            DeliveryField::Letter => name(if self.stored.settled_at.is_none() { "open" } else { "settled" }),
            DeliveryField::Call => name(if self.state.is_over(self.stored) { "over" } else { "live" }),
            DeliveryField::Text => {
                [Some(&*delivery.target.recipient), detail].into_iter().flatten().map(text).collect()
            }
        }
    }
}

impl Facts<LetterField> for DeadLetterView {
    fn facts(&self, field: LetterField) -> Vec<Fact<'_>> {
        match field {
            LetterField::Source => name(&self.source),
            LetterField::Error => vec![Fact::Name(self.reason.as_str().into()), text(&self.detail)],
            LetterField::Reason => name(&self.reason),
            LetterField::QuarantinedAt => vec![Fact::Time(self.quarantined_at)],
            LetterField::Text => vec![text(&self.detail)],
        }
    }
}

impl Facts<EventField> for KeptEvent {
    fn facts(&self, field: EventField) -> Vec<Fact<'_>> {
        match field {
            EventField::Source => name(&self.view.source),
            EventField::Incident => self.view.incident_number.into_iter().map(Fact::Number).collect(),
            EventField::Decision => name(self.view.decision),
            EventField::ReceivedAt => vec![Fact::Time(self.view.received_at)],
            EventField::Text => vec![Fact::Text(String::from_utf8_lossy(&self.kept.raw))],
        }
    }
}

impl State {
    /// A delivery, to be asked about.
    pub(super) fn tell<'a>(&'a self, stored: &'a Stored) -> Told<'a> {
        let last = self.attempts.get(&(stored.delivery.id, stored.attempts));
        Told { stored, last, state: self }
    }

    /// Every dead letter that fits, newest first.
    pub(super) fn dead_letters(&self, query: &DeadLetterQuery) -> Vec<DeadLetterRef> {
        match query {
            DeadLetterQuery::Delivery(query) => {
                let found = self.deliveries.values().rev().filter(|stored| query.matches(&self.tell(stored)));
                found.map(|stored| DeadLetterRef::Delivery(stored.delivery.id)).collect()
            }
            DeadLetterQuery::Event(query) => {
                let found = self.letters.values().rev().filter(|letter| query.matches(*letter));
                found.map(|letter| DeadLetterRef::Event(letter.id)).collect()
            }
        }
    }

    /// What is not over.
    pub(super) fn incident_counts(&self) -> Vec<IncidentCount> {
        let mut counts = Vec::new();
        for status in [IncidentStatus::Open, IncidentStatus::Acknowledged] {
            for severity in Severity::ALL {
                let all = self.incidents.values();
                let count = all.filter(|i| i.status == status && i.severity == severity).count() as u64;
                if count > 0 {
                    counts.push(IncidentCount { status, severity, count });
                }
            }
        }
        counts
    }
}
