//! The one language of every list: `status:open service:checkout-* age>10m "disk full"`.
//!
//! ```text
//! text ─ syntax ─▶ terms with their columns ─ read, by the keys of a subject ─▶ Query<Field>
//! ```
//!
//! All terms must hold. A term is a word, which the subject's text must contain, or a key with
//! values, one of which must fit. `-` before a term turns it around. What a query means is said
//! once, in [`Query::matches`]; a store that asks a database has to give the same answer.

mod dead_letters;
mod glob;
mod read;
mod subjects;
mod syntax;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::Timestamp;

pub use dead_letters::{DeadLetterKind, DeadLetterQuery};
pub use glob::Glob;
pub use read::{Key, Kind};
pub use subjects::{
    DeliveryField, DeliveryQuery, EventField, EventQuery, IncidentField, IncidentQuery, LetterField,
    LetterQuery, SEVERITIES, STATES, STATUSES,
};
pub use syntax::{LONGEST, MOST_TERMS, QueryError};

/// What a query may ask of one kind of thing.
pub trait Field: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// The things, for people.
    const SUBJECT: &'static str;
    /// What can be asked.
    const KEYS: &'static [Key<Self>];
    /// Where bare words are looked for.
    const TEXT: Self;
}

/// A question: everything in it must hold. Without terms, everything fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<F> {
    terms: Vec<Term<F>>,
}

impl<F> Default for Query<F> {
    fn default() -> Self {
        Self { terms: Vec::new() }
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Term<F> {
    /// Whether the test must hold or must not.
    pub sense: Sense,
    /// What is tested.
    pub test: Test<F>,
}

/// Whether a test must hold or must not. What a thing does not have fits no test, so it passes
/// every one that is turned around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// It must.
    Is,
    /// It must not.
    IsNot,
}

/// What is tested.
#[derive(Debug, Clone, PartialEq)]
pub enum Test<F> {
    /// The field is one of these words of ours.
    OneOf(F, Vec<&'static str>),
    /// The field fits one of these.
    Like(F, Vec<Glob>),
    /// The field is one of these numbers.
    Number(F, Vec<u64>),
    /// The label of this name fits one of these.
    Label(String, Vec<Glob>),
    /// The field is a moment on that side of another.
    Time(F, Side, Timestamp),
}

/// A side of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Earlier.
    Before,
    /// At it or later.
    Since,
}

/// Something that is known of a thing, and how it is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<'a> {
    /// A name or a word: compared as a whole, case matters.
    Name(Cow<'a, str>),
    /// Sentences: looked into, ASCII letters in any case.
    Text(Cow<'a, str>),
    /// A number.
    Number(u64),
    /// A moment, to the millisecond.
    Time(Timestamp),
}

/// A thing that a query can be asked about.
pub trait Facts<F> {
    /// What is known of a field; several where it has several places.
    fn facts(&self, field: F) -> Vec<Fact<'_>>;

    /// The value of a label.
    fn label(&self, _name: &str) -> Option<&str> {
        None
    }
}

impl<F: Field> Query<F> {
    /// Reads a query; ages are counted back from `now`.
    ///
    /// # Errors
    /// What is not understood, with its column, what is known there and what was likely meant.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        read::query(syntax::terms(text)?, F::SUBJECT, now)
    }

    /// Its conditions.
    pub fn terms(&self) -> &[Term<F>] {
        &self.terms
    }

    /// The same with one more condition.
    #[must_use]
    pub fn and(mut self, test: Test<F>) -> Self {
        self.terms.push(Term { sense: Sense::Is, test });
        self
    }

    /// What both ask for.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    /// Does everything in it hold?
    pub fn matches(&self, thing: &impl Facts<F>) -> bool {
        self.terms.iter().all(|term| term.test.holds(thing) == (term.sense == Sense::Is))
    }

    /// Which of `all` words a field may be; `None` if nothing is asked about it.
    pub fn words(&self, field: F, all: &[&'static str]) -> Option<Vec<&'static str>> {
        let mut left: Option<Vec<&'static str>> = None;
        for term in &self.terms {
            if let Test::OneOf(of, words) = &term.test
                && *of == field
            {
                let wanted = |word: &&str| words.contains(word) == (term.sense == Sense::Is);
                left.get_or_insert_with(|| all.to_vec()).retain(wanted);
            }
        }
        left
    }

    /// The one number that a field must be, if that is asked for.
    pub fn number(&self, field: F) -> Option<u64> {
        self.terms.iter().find_map(|term| match (&term.test, term.sense) {
            (Test::Number(of, numbers), Sense::Is) if *of == field => match numbers.as_slice() {
                [number] => Some(*number),
                _ => None,
            },
            _ => None,
        })
    }
}

impl<F: Copy> Test<F> {
    fn holds(&self, thing: &impl Facts<F>) -> bool {
        match self {
            Self::OneOf(field, words) => thing
                .facts(*field)
                .iter()
                .any(|fact| matches!(fact, Fact::Name(name) if words.contains(&name.as_ref()))),
            Self::Like(field, globs) => {
                let facts = thing.facts(*field);
                globs.iter().any(|glob| facts.iter().any(|fact| fact.fits(glob)))
            }
            Self::Number(field, numbers) => thing
                .facts(*field)
                .iter()
                .any(|fact| matches!(fact, Fact::Number(number) if numbers.contains(number))),
            Self::Label(name, globs) => {
                thing.label(name).is_some_and(|value| globs.iter().any(|glob| glob.matches(value)))
            }
            Self::Time(field, side, moment) => thing.facts(*field).iter().any(|fact| match fact {
                Fact::Time(at) => (at.as_millisecond() < moment.as_millisecond()) == (*side == Side::Before),
                Fact::Name(_) | Fact::Text(_) | Fact::Number(_) => false,
            }),
        }
    }
}

impl Fact<'_> {
    fn fits(&self, glob: &Glob) -> bool {
        match self {
            Self::Name(name) => glob.matches(name),
            Self::Text(text) => glob.is_within(text),
            Self::Number(_) | Self::Time(_) => false,
        }
    }
}
