//! Dead letters are deliveries or records; `kind:` says which, because a list is of one of them.

use std::fmt;

use super::read::{self, Key, Kind};
use super::syntax::{self, Written, wrong};
use super::{DeliveryField, DeliveryQuery, Field, LetterField, LetterQuery, Query, QueryError, Sense, Test};
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;

/// Which dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterKind {
    /// Deliveries that ran out.
    Delivery,
    /// Records that could not become events.
    Event,
}

impl DeadLetterKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Delivery, Self::Event];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Event => "event",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for DeadLetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A question about dead letters of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum DeadLetterQuery {
    /// About deliveries, which it asks to be dead.
    Delivery(DeliveryQuery),
    /// About records.
    Event(LetterQuery),
}

/// What is asked first: the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WhichKind;

impl Field for WhichKind {
    const SUBJECT: &'static str = "dead letters";
    const TEXT: Self = Self;
    const KEYS: &'static [Key<Self>] = &[Key {
        name: "kind",
        field: Self,
        kind: Kind::Words(&["delivery", "event"], |text| {
            DeadLetterKind::parse(text).map(DeadLetterKind::as_str)
        }),
    }];
}

/// A dead delivery: its age is counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dead(DeliveryField);

impl Field for Dead {
    const SUBJECT: &'static str = "dead letters of kind delivery";
    const TEXT: Self = Self(DeliveryField::Text);
    const KEYS: &'static [Key<Self>] = &[
        Key { name: "kind", field: Self(DeliveryField::Kind), kind: Kind::Glob },
        Key { name: "channel", field: Self(DeliveryField::Channel), kind: Kind::Glob },
        Key { name: "recipient", field: Self(DeliveryField::Recipient), kind: Kind::Glob },
        Key { name: "incident", field: Self(DeliveryField::Incident), kind: Kind::Number },
        Key { name: "error", field: Self(DeliveryField::Error), kind: Kind::Glob },
        Key { name: "source", field: Self(DeliveryField::Source), kind: Kind::Glob },
        Key { name: "age", field: Self(DeliveryField::UpdatedAt), kind: Kind::Age },
        Key { name: "since", field: Self(DeliveryField::UpdatedAt), kind: Kind::Since },
        Key { name: "before", field: Self(DeliveryField::UpdatedAt), kind: Kind::Before },
    ];
}

impl DeadLetterQuery {
    /// Everything of a kind.
    pub fn all(kind: DeadLetterKind) -> Self {
        match kind {
            DeadLetterKind::Delivery => Self::Delivery(dead(DeliveryQuery::default())),
            DeadLetterKind::Event => Self::Event(LetterQuery::default()),
        }
    }

    /// Reads a query; ages are counted back from `now`. Without `kind:` it is about `kind`, or else
    /// about deliveries.
    ///
    /// # Errors
    /// What is not understood, with its column.
    pub fn parse(text: &str, kind: Option<DeadLetterKind>, now: Timestamp) -> Result<Self, QueryError> {
        let is_kind = |term: &Written| matches!(&term.key, Some((key, _)) if key == "kind");
        let (kinds, rest): (Vec<_>, Vec<_>) = syntax::terms(text)?.into_iter().partition(is_kind);
        match which(kinds, kind, now)? {
            DeadLetterKind::Event => {
                Ok(Self::Event(read::query::<LetterField>(rest, LetterField::SUBJECT, now)?))
            }
            DeadLetterKind::Delivery => {
                let query = read::query::<Dead>(rest, Dead::SUBJECT, now)?;
                Ok(Self::Delivery(dead(Query {
                    terms: query.terms.into_iter().map(super::Term::<DeliveryField>::of_delivery).collect(),
                })))
            }
        }
    }

    /// Which kind it asks for.
    pub fn kind(&self) -> DeadLetterKind {
        match self {
            Self::Delivery(_) => DeadLetterKind::Delivery,
            Self::Event(_) => DeadLetterKind::Event,
        }
    }
}

fn which(
    kinds: Vec<Written>,
    given: Option<DeadLetterKind>,
    now: Timestamp,
) -> Result<DeadLetterKind, QueryError> {
    let Some(first) = kinds.first() else {
        return Ok(given.unwrap_or(DeadLetterKind::Delivery));
    };
    let column = first.column;
    let asked = read::query::<WhichKind>(kinds, WhichKind::SUBJECT, now)?;
    let words = asked.words(WhichKind, &["delivery", "event"]).unwrap_or_default();
    let given = |kind: &DeadLetterKind| given.is_none_or(|given| given == *kind);
    let mut left = words.into_iter().filter_map(DeadLetterKind::parse).filter(given);
    match (left.next(), left.next()) {
        (Some(kind), None) => Ok(kind),
        _ => Err(wrong(column, "a list is of one kind: kind:delivery or kind:event")),
    }
}

fn dead(query: DeliveryQuery) -> DeliveryQuery {
    query.in_states(&[DeliveryState::Dead]).open_letters()
}

impl super::Term<DeliveryField> {
    fn of_delivery(term: super::Term<Dead>) -> Self {
        let sense: Sense = term.sense;
        let test = match term.test {
            Test::OneOf(Dead(field), words) => Test::OneOf(field, words),
            Test::Like(Dead(field), globs) => Test::Like(field, globs),
            Test::Number(Dead(field), numbers) => Test::Number(field, numbers),
            Test::Label(name, globs) => Test::Label(name, globs),
            Test::Time(Dead(field), side, moment) => Test::Time(field, side, moment),
        };
        Self { sense, test }
    }
}
