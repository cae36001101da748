//! Silences: incidents that are known to come, such as those of a maintenance window, open and are
//! recorded, and nobody is told while it lasts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::event::IncidentEvent;
use super::names::{SilenceName, SourceName};
use super::pattern::Pattern;
use super::routes::{Field, all_match};

/// `[silences.NAME]`
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// Its name.
    pub name: SilenceName,
    /// Which incidents, as a route says it; at least one field.
    pub matches: BTreeMap<Field, Vec<Pattern>>,
    /// From this moment; from ever where none is said.
    pub from: Option<Timestamp>,
    /// Up to this moment.
    pub until: Timestamp,
    /// Why, for people.
    pub comment: String,
    /// Who wants it.
    pub by: String,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SilencePhase)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It holds.
    Active,
    /// It will.
    Pending,
    /// It did.
    Over,
}

impl Phase {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Over => "over",
        }
    }
}

impl Silence {
    /// Where it stands at `at`.
    pub fn phase(&self, at: Timestamp) -> Phase {
        match self.from {
            _ if self.until <= at => Phase::Over,
            Some(from) if at < from => Phase::Pending,
            _ => Phase::Active,
        }
    }
}

/// A silence that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SilenceHeld)]
pub struct Held {
    /// Its name; of several, the one that lasts longest.
    pub silence: SilenceName,
    /// When none holds any more, those counted that take over in time.
    pub until: Timestamp,
}

/// What silences `event` at `at`, and how long.
pub fn held(silences: &[Silence], event: &IncidentEvent, source: &SourceName, at: Timestamp) -> Option<Held> {
    let longest = |at: Timestamp| {
        let active = silences.iter().filter(|one| one.phase(at) == Phase::Active);
        active.filter(|one| all_match(&one.matches, event, source)).max_by_key(|one| one.until)
    };
    let first = longest(at)?;
    let mut until = first.until;
    while let Some(next) = longest(until) {
        until = next.until;
    }
    Some(Held { silence: first.name.clone(), until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::route_test::Question;
    use crate::domain::severity::{Severity, SeverityAliases};

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).expect("in range")
    }

    fn silence(name: &str, service: &str, from: Option<i64>, until: i64) -> Silence {
        Silence {
            name: name.into(),
            matches: BTreeMap::from([(Field::Service, vec![Pattern::new(service)])]),
            from: from.map(at),
            until: at(until),
            comment: String::new(),
            by: String::new(),
        }
    }

    #[test]
    fn it_holds_for_what_matches_while_it_lasts_and_hands_over_to_the_next() {
        let silences = [
            silence("upgrade", "db-*", Some(10), 12),
            silence("long", "db-*", Some(11), 14),
            silence("after", "db-1", Some(14), 15),
            silence("other", "web", None, 20),
        ];
        let table = [
            ("db-1", 9, None),
            ("db-1", 10, Some(("upgrade", 15))),
            ("db-2", 10, Some(("upgrade", 14))),
            ("db-1", 11, Some(("long", 15))),
            ("db-1", 15, None),
            ("web", 0, Some(("other", 20))),
            ("mail", 11, None),
        ];
        for (service, hour, expected) in table {
            let question = Question::of([format!("service={service}").as_str()]).expect("a question");
            let (event, source) =
                question.event(&SeverityAliases::default(), Severity::Critical).expect("an event");
            let found = held(&silences, &event, &source, at(hour));
            let expected =
                expected.map(|(name, until)| Held { silence: SilenceName::from(name), until: at(until) });
            assert_eq!(found, expected, "{service} at {hour}");
        }
    }

    #[test]
    fn it_is_pending_then_active_then_over() {
        let silence = silence("upgrade", "db", Some(10), 12);
        let phases = [9, 10, 11, 12].map(|hour| silence.phase(at(hour)));
        assert_eq!(phases, [Phase::Pending, Phase::Active, Phase::Active, Phase::Over]);
    }
}
