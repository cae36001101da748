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
//! Nothing is guessed. A record that no rule takes is refused with what each rule missed in it, and one that
//! its rule cannot make an event of with the rule, the place, and what was found there. Both are kept as
//! dead letters, which are read again once the mapper was mended.

mod compile;
mod condition;
mod excerpt;
mod expression;
mod field;
mod pointer;
mod rule;
mod told;
mod value;

#[cfg(test)]
mod tests;

pub use self::compile::{Objection, RULE_KEYS, SHARED_KEYS};
pub use self::field::FIELD_NAMES;
pub use self::told::{Checked, Filled, Steps, Tried, Verdict};

use self::rule::Rule;
use self::value::Record;
use super::strict_json::{self, Node};
use super::{Parsed, Words};
use crate::domain::Timestamp;
use crate::domain::malformed::{Malformation, Malformed, Problem};
use crate::domain::severity::SeverityAliases;

/// The most rules that a refusal speaks of.
const TOLD: usize = 20;

/// Rules that make records of our own of somebody else's.
#[derive(Debug)]
pub struct Mapper {
    rules: Vec<Rule>,
    /// What it was made of, which tells one from another.
    written: toml::Table,
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
        let rules = compile::rules(name, written, aliases)?;
        Ok(Self { rules, written: written.clone() })
    }

    /// What a record says.
    ///
    /// # Errors
    /// Everything that is wrong with it, or with the rule that took it.
    pub fn parse(&self, raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
        let root = strict_json::parse(raw, &words.bounds)?;
        self.read(&root, words, now)
    }

    /// The same with all that was done on the way, unless the record is no JSON.
    pub fn explain(
        &self,
        raw: &[u8],
        words: &Words,
        now: Timestamp,
    ) -> (Option<Steps>, Result<Parsed, Malformed>) {
        match strict_json::parse(raw, &words.bounds) {
            Ok(root) => (Some(self.steps(&root, words)), self.read(&root, words, now)),
            Err(malformed) => (None, Err(malformed)),
        }
    }

    /// What the record in `root` says.
    pub(super) fn read(&self, root: &Node<'_>, words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
        match self.rules.iter().find(|rule| rule.takes(root)) {
            Some(rule) => rule.read(&Record::new(root, &words.bounds), words, now),
            None => Err(self.not_taken(root)),
        }
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
