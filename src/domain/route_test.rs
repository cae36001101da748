//! Who would hear of an incident that is not there: `foghorn route test`, over a running Foghorn's
//! table or a file's.
//!
//! The rules are judged one matcher at a time, so that the answer says why; the plan is the one that
//! the router makes of a real event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::dedup::Keyspace;
use super::event::{EventStatus, IncidentEvent};
use super::names::{PolicyName, SourceName, TeamName};
use super::on_call::OnCall;
use super::people::Recipient;
use super::policy::{News, Policy, Position};
use super::retry::later;
use super::routes::{Field, PlannedDelivery, Route, RouteTable};
use super::severity::{Severity, SeverityAliases};
use super::silence::{self, Held};
use super::suppression::Suppressions;
use super::withheld::Withheld;

/// The keys of a question, for messages.
const KEYS: &str = "service, severity, source, title, labels.NAME";

/// The source of an incident that names none.
const USUAL_SOURCE: &str = "api";

/// An incident that is not there; what is not said is not there either.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteQuestion)]
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
    /// When it would open; now unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
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
            keyspace: Keyspace::Shared,
            description: None,
            labels: self.labels.clone(),
            links: Vec::new(),
            occurred_at: None,
            expires_at: None,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteAnswer)]
pub struct Answer {
    /// How bad, aliases resolved.
    pub severity: Severity,
    /// The route that takes it; none: it is recorded and nobody hears.
    pub route: Option<String>,
    /// The policy of that route.
    pub policy: Option<String>,
    /// What people hear when it is over.
    pub on_resolve: Option<News>,
    /// How often the steps are taken again if nobody takes the incident.
    #[serde(default)]
    pub repeat: u32,
    /// Who would hear, the first ones first.
    pub told: Vec<Told>,
    /// Who is meant and would not hear.
    pub withheld: Vec<NotTold>,
    /// Who is on call in the teams of whom that is asked.
    #[serde(default)]
    pub on_call: Vec<OnCall>,
    /// Because of which silence nobody would hear, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Held>,
    /// Every route, top to bottom, and why it takes it or not.
    pub rules: Vec<Rule>,
}

/// One message that would leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WouldHear)]
pub struct Told {
    /// How long after the incident opens, or the notification comes.
    pub after_s: u64,
    /// How.
    pub channel: String,
    /// Who.
    pub recipient: String,
    /// Where, masked.
    pub to: String,
    /// They have quiet hours, until this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Timestamp>,
}

/// One message that would not leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WouldNotHear)]
pub struct NotTold {
    /// Who, on which channel and why, for machines.
    #[serde(flatten)]
    pub withheld: Withheld,
    /// For people.
    pub words: String,
}

/// How one route was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteJudged)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteVerdict)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteCondition)]
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
        let unrouted = Answer { rules, ..Answer::nobody(event.severity) };
        let Some(route) = self.routes.iter().find(|route| route.takes(event, source)) else {
            return unrouted;
        };
        let Some(policy) = self.policies.get(&route.policy) else {
            return unrouted;
        };
        let answer = Answer { route: Some(route.name.to_string()), ..unrouted };
        self.hear((&route.policy, policy), (event, source), now, answer)
    }

    /// Who would hear if a policy began at `at` with an incident like this; `None` if there is no such
    /// policy.
    pub fn preview(
        &self,
        name: &PolicyName,
        event: &IncidentEvent,
        source: &SourceName,
        at: Timestamp,
    ) -> Option<Answer> {
        let policy = self.policies.get(name)?;
        Some(self.hear((name, policy), (event, source), at, Answer::nobody(event.severity)))
    }

    /// Adds to `answer` who hears by `policy`, step by step.
    fn hear(
        &self,
        (name, policy): (&PolicyName, &Policy),
        about: (&IncidentEvent, &SourceName),
        now: Timestamp,
        answer: Answer,
    ) -> Answer {
        let mut answer = Answer {
            policy: Some(name.to_string()),
            on_resolve: Some(policy.on_resolve),
            repeat: policy.repeat,
            on_call: self.on_call(name, now),
            silence: silence::held(&self.silences, about.0, about.1, now),
            ..answer
        };
        let (mut position, mut after) = (Position::default(), policy.begins_after());
        // Rounds repeat the first one.
        while position.round == 0 && !policy.at(position).is_empty() {
            let moment = later(now, after);
            let known = Suppressions::default();
            let plan = self.plan_steps((name, policy), Some(position), about, moment, &known);
            answer.told.extend(plan.deliveries.iter().map(|planned| Told::of(planned, now, moment)));
            answer.withheld.extend(plan.withheld.into_iter().map(NotTold::of));
            let Some((next, wait)) = policy.next(position) else { break };
            (position, after) = (next, after + wait);
        }
        answer
    }
}

impl Answer {
    /// Nobody hears of it.
    fn nobody(severity: Severity) -> Self {
        Self {
            severity,
            route: None,
            policy: None,
            on_resolve: None,
            repeat: 0,
            told: Vec::new(),
            withheld: Vec::new(),
            on_call: Vec::new(),
            silence: None,
            rules: Vec::new(),
        }
    }
}

impl Told {
    /// Of what is planned at `now` for the moment `due`.
    pub(super) fn of(planned: &PlannedDelivery, now: Timestamp, due: Timestamp) -> Self {
        Self {
            after_s: u64::try_from(due.duration_since(now).as_secs()).unwrap_or_default(),
            channel: planned.target.channel.to_string(),
            recipient: planned.target.recipient.to_string(),
            to: planned.target.address.masked(),
            quiet_until: (planned.due_at > due).then_some(planned.due_at),
        }
    }
}

impl NotTold {
    pub(super) fn of(withheld: Withheld) -> Self {
        Self { words: withheld.words(), withheld }
    }
}

impl RouteTable {
    /// Who is on call in the teams that `policy` asks it of, each team once.
    fn on_call(&self, policy: &PolicyName, at: Timestamp) -> Vec<OnCall> {
        let steps = self.policies.get(policy).map(|policy| policy.steps.as_slice()).unwrap_or_default();
        let mut teams: Vec<&TeamName> = Vec::new();
        for recipient in steps.iter().flat_map(|step| &step.notify) {
            if let Recipient::OnCall(team) = recipient
                && !teams.contains(&team)
            {
                teams.push(team);
            }
        }
        let rotation = |team: &TeamName| self.directory.teams.get(team)?.rotation.as_ref();
        let told = |team: &TeamName| Some(self.directory.on_call_in(team, rotation(team)?, at));
        teams.into_iter().filter_map(told).collect()
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
    use std::sync::Arc;

    use super::*;
    use crate::domain::pattern::Pattern;

    fn route(name: &str, matches: &[(&str, &[&str])]) -> Route {
        let matcher = |(key, patterns): &(&str, &[&str])| {
            let patterns = patterns.iter().map(|pattern| Pattern::new(*pattern)).collect();
            (Field::parse(key).expect("a field"), patterns)
        };
        Route {
            name: name.into(),
            matches: matches.iter().map(matcher).collect(),
            policy: "page".into(),
            group_by: Vec::new(),
        }
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
            policies: Arc::new(BTreeMap::from([("page".into(), Default::default())])),
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
