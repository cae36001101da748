//! Who would hear of an incident that is not there: `foghorn route test`, over a running Foghorn's
//! table or a file's.
//!
//! The rules are judged one matcher at a time, so that the answer says why; the plan is the one that
//! the router makes of a real event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::event::{EventStatus, IncidentEvent};
use super::names::SourceName;
use super::routes::{Field, OnResolve, Plan, Route, RouteTable};
use super::severity::{Severity, SeverityAliases};
use super::suppression::Suppressions;

/// The keys of a question, for messages.
pub const KEYS: &str = "service, severity, source, title, labels.NAME";

/// The source of an incident that names none.
const USUAL_SOURCE: &str = "api";

/// An incident that is not there; what is not said is not there either.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How bad, by its word or an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Where it would come from; `api` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuestion {
    /// Not `KEY=VALUE`.
    #[error("\"{0}\" is not of the form KEY=VALUE; keys: {KEYS}")]
    NoPair(String),
    /// A key that no route looks at.
    #[error("\"{0}\" is no key that routes look at; there are: {KEYS}")]
    UnknownKey(String),
    /// The same key again.
    #[error("\"{0}\" is given twice")]
    Twice(String),
    /// A severity that nobody knows.
    #[error("severity = \"{word}\" is none of {known}")]
    UnknownSeverity {
        /// What was said.
        word: String,
        /// What could have been.
        known: String,
    },
}

impl Question {
    /// The question of these `KEY=VALUE` pairs.
    ///
    /// # Errors
    /// The first pair that says nothing.
    pub fn of<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidQuestion> {
        let mut question = Self::default();
        for pair in pairs {
            question.add(pair)?;
        }
        Ok(question)
    }

    fn add(&mut self, pair: &str) -> Result<(), InvalidQuestion> {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(InvalidQuestion::NoPair(pair.to_owned()));
        };
        let labels_key = key.strip_prefix("label.").map(|name| format!("labels.{name}"));
        let field = Field::parse(labels_key.as_deref().unwrap_or(key));
        let value = value.to_owned();
        let before = match field {
            Some(Field::Service) => self.service.replace(value),
            Some(Field::Severity) => self.severity.replace(value),
            Some(Field::Source) => self.source.replace(value),
            Some(Field::Title) => self.title.replace(value),
            Some(Field::Label(name)) if !name.is_empty() => self.labels.insert(name, value),
            _ => return Err(InvalidQuestion::UnknownKey(key.to_owned())),
        };
        before.map_or(Ok(()), |_| Err(InvalidQuestion::Twice(key.to_owned())))
    }

    /// The event it is about, with the operator's words for severities and `default` for none.
    ///
    /// # Errors
    /// A severity that nobody knows.
    pub fn event(
        &self,
        aliases: &SeverityAliases,
        default: Severity,
    ) -> Result<(IncidentEvent, SourceName), InvalidQuestion> {
        let severity = match &self.severity {
            None => default,
            Some(word) => aliases.resolve(word).ok_or_else(|| InvalidQuestion::UnknownSeverity {
                word: word.clone(),
                known: known_severities(aliases),
            })?,
        };
        let event = IncidentEvent {
            title: self.title.clone().unwrap_or_default(),
            severity,
            status: EventStatus::Open,
            service: self.service.clone(),
            dedup_key: String::new(),
            description: None,
            labels: self.labels.clone(),
            links: Vec::new(),
            occurred_at: None,
        };
        Ok((event, SourceName::from(self.source.as_deref().unwrap_or(USUAL_SOURCE))))
    }
}

fn known_severities(aliases: &SeverityAliases) -> String {
    let words = Severity::ALL.map(Severity::as_str);
    let words = words.into_iter().chain(aliases.0.keys().map(String::as_str));
    words.collect::<Vec<_>>().join(", ")
}

/// What would be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How bad, aliases resolved.
    pub severity: Severity,
    /// The route that takes it; none: it is recorded and nobody hears.
    pub route: Option<String>,
    /// The policy of that route.
    pub policy: Option<String>,
    /// What people hear when it is over.
    pub on_resolve: Option<OnResolve>,
    /// Who would hear, the first ones first.
    pub told: Vec<Told>,
    /// Who is meant and cannot be reached, in words.
    pub unreachable: Vec<String>,
    /// Every route, top to bottom, and why it takes it or not.
    pub rules: Vec<Rule>,
}

/// One message that would leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How long after the incident opens.
    pub after_s: u64,
    /// How.
    pub channel: String,
    /// Who.
    pub recipient: String,
    /// Where, masked.
    pub to: String,
}

/// How one route was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its place, 1 for the first.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Its policy.
    pub policy: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What it looks at; all must hold. None: it takes everything.
    pub conditions: Vec<Condition>,
}

/// What came of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes the incident.
    Match,
    /// It does not.
    NoMatch,
    /// One above it took the incident.
    NotReached,
}

/// One matcher of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `service`, `labels.env`
    pub field: String,
    /// What the incident has there, if anything.
    pub value: Option<String>,
    /// What it must be one of.
    pub any_of: Vec<String>,
    /// It is.
    pub holds: bool,
}

impl RouteTable {
    /// Who would hear of this event if it opened an incident now.
    pub fn would(&self, event: &IncidentEvent, source: &SourceName, now: Timestamp) -> Answer {
        let mut rules: Vec<Rule> = Vec::new();
        for (place, route) in self.routes.iter().enumerate() {
            let conditions = conditions(route, event, source);
            let verdict = match () {
                () if rules.iter().any(|rule| rule.verdict == Verdict::Match) => Verdict::NotReached,
                () if conditions.iter().all(|condition| condition.holds) => Verdict::Match,
                () => Verdict::NoMatch,
            };
            rules.push(Rule {
                number: place + 1,
                name: route.name.to_string(),
                policy: route.policy.to_string(),
                verdict,
                conditions,
            });
        }
        let unrouted = Answer {
            severity: event.severity,
            route: None,
            policy: None,
            on_resolve: None,
            told: Vec::new(),
            unreachable: Vec::new(),
            rules,
        };
        let Plan::Routed { route, policy, on_resolve, deliveries, unreachable } =
            self.plan_incident(event, source, now, &Suppressions::default())
        else {
            return unrouted;
        };
        let told = deliveries.iter().map(|planned| Told {
            after_s: u64::try_from(planned.due_at.duration_since(now).as_secs()).unwrap_or_default(),
            channel: planned.target.channel.to_string(),
            recipient: planned.target.recipient.to_string(),
            to: planned.target.address.masked(),
        });
        Answer {
            route: Some(route.to_string()),
            policy: Some(policy.to_string()),
            on_resolve: Some(on_resolve),
            told: told.collect(),
            unreachable,
            ..unrouted
        }
    }
}

fn conditions(route: &Route, event: &IncidentEvent, source: &SourceName) -> Vec<Condition> {
    let condition = |(field, patterns): (&Field, &Vec<super::pattern::Pattern>)| {
        let value = field.of(event, source);
        Condition {
            field: field.to_string(),
            value: value.map(str::to_owned),
            any_of: patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            holds: value.is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(value))),
        }
    };
    route.matches.iter().map(condition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Pattern;

    fn route(name: &str, matches: &[(&str, &[&str])]) -> Route {
        let matcher = |(key, patterns): &(&str, &[&str])| {
            let patterns = patterns.iter().map(|pattern| Pattern::new(*pattern)).collect();
            (Field::parse(key).expect("a field"), patterns)
        };
        Route { name: name.into(), matches: matches.iter().map(matcher).collect(), policy: "page".into() }
    }

    fn asked(table: &RouteTable, pairs: &[&str]) -> Answer {
        let question = Question::of(pairs.iter().copied()).expect("a question");
        let (event, source) =
            question.event(&SeverityAliases::default(), Severity::Medium).expect("an event");
        table.would(&event, &source, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_first_match_wins_and_every_rule_says_why() {
        let table = RouteTable {
            routes: vec![
                route("web", &[("service", &["web-*"])]),
                route("bad", &[("severity", &["critical", "high"]), ("labels.env", &["prod"])]),
                route("rest", &[]),
            ],
            policies: BTreeMap::from([("page".into(), Default::default())]),
            ..RouteTable::default()
        };
        let answer = asked(&table, &["service=db", "severity=HIGH", "label.env=prod"]);
        assert_eq!((answer.route.as_deref(), answer.policy.as_deref()), (Some("bad"), Some("page")));
        let verdicts: Vec<_> = answer.rules.iter().map(|rule| rule.verdict).collect();
        assert_eq!(verdicts, [Verdict::NoMatch, Verdict::Match, Verdict::NotReached]);
        let service = &answer.rules[0].conditions[0];
        assert_eq!(
            (service.field.as_str(), service.value.as_deref(), service.holds),
            ("service", Some("db"), false)
        );
        assert!(answer.rules[2].conditions.is_empty());

        let answer = asked(&table, &["severity=high"]);
        assert_eq!(answer.route.as_deref(), Some("rest"), "a label that is not there matches nothing");
        assert_eq!(answer.rules[1].conditions[1].value, None);
    }

    #[test]
    fn the_verdict_is_that_of_the_router() {
        let table =
            RouteTable { routes: vec![route("web", &[("service", &["web-*"])])], ..RouteTable::default() };
        for service in ["web-1", "db"] {
            let question = Question::of([format!("service={service}").as_str()]).expect("a question");
            let (event, source) =
                question.event(&SeverityAliases::default(), Severity::Low).expect("an event");
            let verdict = table.would(&event, &source, Timestamp::UNIX_EPOCH).rules[0].verdict;
            assert_eq!(verdict == Verdict::Match, table.routes[0].takes(&event, &source), "{service}");
        }
    }

    #[test]
    fn what_cannot_be_asked_says_what_can() {
        for (pair, word) in [("servce=x", "labels.NAME"), ("service", "KEY=VALUE"), ("labels.=x", "no key")] {
            let error = Question::of([pair]).expect_err(pair).to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Question::of(["service=a", "service=b"]).is_err());
        let aliases = SeverityAliases(BTreeMap::from([("P1".to_owned(), Severity::Critical)]));
        let question = |word: &str| Question::of([format!("severity={word}").as_str()]).expect("a question");
        assert!(question("p1").event(&aliases, Severity::Low).is_ok());
        let error = question("sev9").event(&aliases, Severity::Low).expect_err("unknown").to_string();
        assert!(error.contains("critical") && error.contains("P1"), "{error}");
    }
}
