//! Which facts a watcher wants: topics, and terms such as `severity:critical service:checkout-*`.
//!
//! All terms have to hold; of several values behind one key (`channel:email,sms`) one has to. A term
//! about something that a fact says nothing of does not hold.

use super::fact::{Fact, Key, Topic};
use crate::domain::pattern::Pattern;

/// Which facts a watcher wants. The default wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Empty for all.
    topics: Vec<Topic>,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    key: Key,
    any_of: Vec<Pattern>,
}

/// Why a filter is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    /// Not of the form `key:value`.
    #[error("\"{0}\" is not of the form key:value; there are {known}", known = known())]
    NoTerm(String),
    /// Facts have no such thing.
    #[error("\"{key}\" is nothing that can be asked for here{}; there are {known}", .meant.map(|key| format!("; did you mean \"{key}\"?")).unwrap_or_default(), known = known())]
    UnknownKey {
        /// What was written.
        key: String,
        /// What comes near it.
        meant: Option<&'static str>,
    },
}

const KEYS: [(&str, Key); 7] = [
    ("severity", Key::Severity),
    ("service", Key::Service),
    ("status", Key::Status),
    ("state", Key::State),
    ("channel", Key::Channel),
    ("incident", Key::Incident),
    ("source", Key::Source),
];

fn known() -> String {
    KEYS.map(|(name, _)| name).join(", ")
}

impl Filter {
    /// The filter of these topics (empty for all) and these terms.
    ///
    /// # Errors
    /// The text is not understood.
    pub fn parse(topics: Vec<Topic>, text: &str) -> Result<Self, FilterProblem> {
        let terms = text.split_whitespace().map(term).collect::<Result<_, _>>()?;
        Ok(Self { topics, terms })
    }

    /// Is this fact wanted?
    pub fn wants(&self, fact: &Fact) -> bool {
        let on_topic = self.topics.is_empty() || self.topics.contains(&fact.topic());
        on_topic && self.terms.iter().all(|term| term.holds(fact))
    }
}

impl Term {
    fn holds(&self, fact: &Fact) -> bool {
        fact.word(self.key).is_some_and(|word| self.any_of.iter().any(|pattern| pattern.matches(&word)))
    }
}

fn term(text: &str) -> Result<Term, FilterProblem> {
    let parts = text.split_once(':').filter(|(_, value)| !value.is_empty());
    let (name, values) = parts.ok_or_else(|| FilterProblem::NoTerm(text.to_owned()))?;
    let key = KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
    let key = key.ok_or_else(|| FilterProblem::UnknownKey { key: name.to_owned(), meant: nearest(name) })?;
    let value = |value: &str| match key {
        Key::Incident => Pattern::new(value.trim_start_matches('#')),
        _ => Pattern::new(value),
    };
    Ok(Term { key, any_of: values.split(',').map(value).collect() })
}

fn nearest(name: &str) -> Option<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    let near = KEYS.iter().map(|(known, _)| (distance(known), *known)).filter(|(far, _)| *far <= 2);
    near.min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, event, incident};
    use super::*;

    fn wants(text: &str, fact: &Fact) -> bool {
        Filter::parse(Vec::new(), text).expect("it is understood").wants(fact)
    }

    #[test]
    fn every_term_has_to_hold_and_one_of_its_values() {
        let fact = delivery(7, "email");
        assert!(wants("", &fact));
        assert!(wants("channel:email incident:#7", &fact));
        assert!(wants("channel:sms,email severity:crit*", &fact));
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
        let filter = Filter::parse(vec![Topic::Incidents], "").expect("it is understood");
        assert!(filter.wants(&incident(1)) && !filter.wants(&event(1)));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_there_is() {
        let told = |text: &str| Filter::parse(Vec::new(), text).expect_err(text).to_string();
        assert_eq!(
            told("severty:high"),
            "\"severty\" is nothing that can be asked for here; did you mean \"severity\"?; \
             there are severity, service, status, state, channel, incident, source"
        );
        assert!(told("timeout").starts_with("\"timeout\" is not of the form key:value"));
        assert!(told("channel:").starts_with("\"channel:\" is not of the form key:value"));
    }
}
