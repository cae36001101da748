//! Which facts a watcher wants: topics, and a query in the language of the lists
//! ([`crate::domain::query`]), such as `severity:critical service:checkout-*`.

use super::fact::{Fact, Key, Topic};
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::incident::IncidentStatus;
use crate::domain::query::{self, Field, Kind, Query, QueryError};
use crate::domain::severity::Severity;

/// Which facts a watcher wants. The default wants all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Empty for all.
    topics: Vec<Topic>,
    query: Query<Key>,
}

impl Field for Key {
    const SUBJECT: &'static str = "changes";
    const TEXT: Self = Self::Text;
    const KEYS: &'static [query::Key<Self>] = &[
        key(
            "severity",
            Self::Severity,
            words(query::SEVERITIES, |text| Severity::parse(text).map(Severity::as_str)),
        ),
        key("service", Self::Service, Kind::Glob),
        key(
            "status",
            Self::Status,
            words(query::STATUSES, |text| IncidentStatus::parse(text).map(IncidentStatus::as_str)),
        ),
        key(
            "state",
            Self::State,
            words(query::STATES, |text| DeliveryState::parse(text).map(DeliveryState::as_str)),
        ),
        key("channel", Self::Channel, Kind::Glob),
        key("incident", Self::Incident, Kind::Number),
        key("source", Self::Source, Kind::Glob),
    ];
}

const fn key(name: &'static str, field: Key, kind: Kind) -> query::Key<Key> {
    query::Key { name, field, kind }
}

const fn words(all: &'static [&'static str], read: fn(&str) -> Option<&'static str>) -> Kind {
    Kind::Words(all, read)
}

impl query::Facts<Key> for Fact {
    fn facts(&self, field: Key) -> Vec<query::Fact<'_>> {
        let said = match field {
            Key::Incident => self.incident().map(query::Fact::Number),
            Key::Text => self.text().map(|text| query::Fact::Text(text.into())),
            _ => self.word(field).map(|word| query::Fact::Name(word.into())),
        };
        said.into_iter().collect()
    }
}

impl Filter {
    /// The filter of these topics (empty for all) and this query.
    ///
    /// # Errors
    /// The text is not understood.
    pub fn parse(topics: Vec<Topic>, text: &str, now: Timestamp) -> Result<Self, QueryError> {
        Ok(Self { topics, query: Query::parse(text, now)? })
    }

    /// Is this fact wanted?
    pub fn wants(&self, fact: &Fact) -> bool {
        let on_topic = self.topics.is_empty() || self.topics.contains(&fact.topic());
        on_topic && self.query.matches(fact)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, event, incident};
    use super::*;

    fn wants(text: &str, fact: &Fact) -> bool {
        Filter::parse(Vec::new(), text, Timestamp::UNIX_EPOCH).expect("it is understood").wants(fact)
    }

    #[test]
    fn every_term_has_to_hold_and_one_of_its_values() {
        let fact = delivery(7, "email");
        assert!(wants("", &fact));
        assert!(wants("channel:email incident:#7", &fact));
        assert!(wants("channel:sms,email severity:critical", &fact));
        assert!(!wants("channel:email incident:8", &fact));
        assert!(!wants("state:dead", &fact));
        assert!(wants("status:open service:db-*", &incident(7)));
    }

    #[test]
    fn a_term_about_what_a_fact_says_nothing_of_does_not_hold() {
        assert!(!wants("channel:*", &incident(7)));
        assert!(!wants("status:open", &delivery(7, "email")));
        assert!(wants("source:api", &event(7)) && !wants("source:kafka", &event(7)));
    }

    #[test]
    fn only_the_topics_asked_for_are_told() {
        let filter =
            Filter::parse(vec![Topic::Incidents], "", Timestamp::UNIX_EPOCH).expect("it is understood");
        assert!(filter.wants(&incident(1)) && !filter.wants(&event(1)));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_there_is() {
        let told =
            |text: &str| Filter::parse(Vec::new(), text, Timestamp::UNIX_EPOCH).expect_err(text).to_string();
        let known = "severity, service, status, state, channel, incident, source";
        assert!(told("severty:high").contains("severity") && told("severty:high").contains(known));
        assert!(told("state:gone").contains("retrying"));
    }

    #[test]
    fn words_are_looked_for_in_titles_and_a_term_can_be_turned_around() {
        assert!(wants("wrong", &incident(7)) || wants("disk", &incident(7)));
        assert!(!wants("nothing-of-the-kind", &incident(7)));
        assert!(wants("-severity:info", &incident(7)) && !wants("-severity:critical", &incident(7)));
    }
}
