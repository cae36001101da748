//! `[mappers.NAME]`: other people's JSON, read by rules that the operator wrote.
//!
//! ```text
//! record ─ strict_json ─▶ tree ─ the first rule that takes it ─▶ tree of our own ─ native ─▶ Body
//! ```
//!
//! A rule says when it takes a record, and for each field where its value is: at a place in the record
//! (a JSON Pointer), in an expression over it, or in the mapper. What it makes is a record of our own, which
//! the reader of our own records reads: so bounds, refusals and what is taken out of texts are the same,
//! and a mapper can make nothing that a sender could not have sent.
//!
//! A record may hold several events, in a list that the mapper names (`each`): it is cut into parts before any
//! of them is read. What its sender says in headers is read where the mapper names them, and kept with it.
//!
//! Nothing is guessed. A record that no rule takes is refused with what each rule missed in it, and one that
//! its rule cannot make an event of with the rule, the place, and what was found there. Both are kept as
//! dead letters, which are read again once the mapper was mended. A record is let go without either if a rule
//! says so, and only then.

mod carrier;
mod compile;
mod condition;
mod excerpt;
mod expression;
mod field;
mod filters;
mod pointer;
pub mod ready;
mod rule;
mod told;
mod value;

#[cfg(test)]
mod tests;

pub use self::compile::{Objection, RULE_KEYS, SHARED_KEYS};
pub use self::field::FIELD_NAMES;
pub use self::told::{Checked, Filled, Steps, Tried, Verdict};

use self::field::Kind;
use self::pointer::Pointer;
use self::rule::Rule;
use self::value::Record;
use super::strict_json::{self, Node};
use super::{Headers, Parsed, Parts, Words, envelope};
use crate::domain::Timestamp;
use crate::domain::event::Bounds;
use crate::domain::malformed::{Malformation, Malformed, Problem};
use crate::domain::severity::SeverityAliases;

/// The most rules that a refusal speaks of.
const TOLD: usize = 20;

/// Rules that make records of our own of somebody else's.
#[derive(Debug)]
pub struct Mapper {
    /// The headers that are read and kept with a record, in lower case.
    headers: Vec<String>,
    /// The list whose items are events by themselves.
    each: Option<Pointer>,
    rules: Vec<Rule>,
    /// What it was made of, which tells one from another.
    written: toml::Table,
}

/// What a mapper makes of a record.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is an event")]
pub enum Mapped {
    /// An event.
    Event(Parsed),
    /// Nothing: the rule of this name lets it go.
    Ignored(String),
}

impl PartialEq for Mapper {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Mapper {
    /// The mapper that the operator wrote as `[mappers.NAME]`, whose own words for severities are `aliases`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(
        name: &str,
        written: &toml::Table,
        aliases: &SeverityAliases,
    ) -> Result<Self, Vec<Objection>> {
        let compile::Compiled { headers, each, rules } = compile::compiled(name, written, aliases)?;
        Ok(Self { headers, each, rules, written: written.clone() })
    }

    /// Are some of the headers of a record read?
    pub fn reads_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Each event of a record by itself, with the headers that are read.
    ///
    /// # Errors
    /// There are too many of them, or too much is around them.
    pub fn parts(&self, raw: &[u8], header: Headers<'_, '_>, bounds: &Bounds) -> Result<Parts, Malformed> {
        let carried = match self.reads_headers() {
            true => carrier::carried(&self.headers, raw, header),
            false => None,
        };
        let record = carried.as_deref().unwrap_or(raw);
        let parts = match &self.each {
            Some(each) => envelope::cut_at(record, &self.bounds(bounds), each.steps())?,
            None => Parts::Whole,
        };
        Ok(match (parts, carried) {
            (Parts::Whole, Some(whole)) => Parts::Each(vec![whole]),
            (parts, _) => parts,
        })
    }

    fn bounds(&self, bounds: &Bounds) -> Bounds {
        if self.reads_headers() { carrier::widened(bounds) } else { bounds.clone() }
    }

    /// What a record says.
    ///
    /// # Errors
    /// Everything that is wrong with it, or with the rule that took it.
    pub fn parse(&self, raw: &[u8], words: &Words, now: Timestamp) -> Result<Mapped, Malformed> {
        let root = strict_json::parse(raw, &self.bounds(&words.bounds))?;
        self.read(&root, words, now)
    }

    /// The same with all that was done on the way, unless the record is no JSON.
    pub fn explain(
        &self,
        raw: &[u8],
        words: &Words,
        now: Timestamp,
    ) -> (Option<Steps>, Result<Mapped, Malformed>) {
        match strict_json::parse(raw, &self.bounds(&words.bounds)) {
            Ok(root) => (Some(self.steps(&root, words)), self.read(&root, words, now)),
            Err(malformed) => (None, Err(malformed)),
        }
    }

    /// What the record in `root` says.
    fn read(&self, root: &Node<'_>, words: &Words, now: Timestamp) -> Result<Mapped, Malformed> {
        match self.rules.iter().find(|rule| rule.takes(root)) {
            Some(rule) if rule.kind == Kind::Ignored => Ok(Mapped::Ignored(rule.name.clone())),
            _ if self.holds_none(root) => Err(self.without_events()),
            Some(rule) => rule.read(&Record::new(root, &words.bounds), words, now).map(Mapped::Event),
            None => Err(self.not_taken(root)),
        }
    }

    /// Is the list of its events there, and empty?
    fn holds_none(&self, root: &Node<'_>) -> bool {
        let list = self.each.as_ref().and_then(|each| each.find(root));
        matches!(list, Some(Node::List(items)) if items.is_empty())
    }

    /// No rule makes an event of what is not there, also if it takes everything.
    fn without_events(&self) -> Malformed {
        let pointer = self.each.as_ref().map_or("", Pointer::as_str).to_owned();
        let hint = format!(
            "a rule may let it go: kind = \"ignored\", when = {{ \"{pointer}/0\" = {{ exists = false }} }}"
        );
        let detail = "the list has no events".to_owned();
        let problem = Problem { pointer, code: "empty", detail, hint: Some(hint) };
        Malformed { reason: Malformation::Schema, problems: vec![problem] }
    }

    fn not_taken(&self, root: &Node<'_>) -> Malformed {
        let each = self.rules.iter().filter_map(|rule| rule.refusal(root));
        let mut problems: Vec<Problem> = each.take(TOLD).collect();
        if let Some(last) = problems.last_mut() {
            last.hint =
                Some("add a rule for such records; one without \"when\" takes all that are left".to_owned());
        }
        Malformed { reason: Malformation::Schema, problems }
    }

    fn steps(&self, root: &Node<'_>, words: &Words) -> Steps {
        let mut steps = Steps { rules: Vec::with_capacity(self.rules.len()), fields: Vec::new() };
        let mut taken = None;
        for rule in &self.rules {
            let tried = rule.tried(root, taken.is_some());
            if tried.verdict == Verdict::Match {
                taken = Some(rule);
            }
            steps.rules.push(tried);
        }
        if let Some(rule) = taken {
            steps.fields = rule.filled(&Record::new(root, &words.bounds));
        }
        steps
    }
}
