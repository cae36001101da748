//! What a mapper did with a record, step by step, for people.

use serde::{Deserialize, Serialize};

/// What each rule said, and each field of the one that took the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// Every rule, top to bottom.
    pub rules: Vec<Tried>,
    /// Every field of the rule that took it.
    pub fields: Vec<Filled>,
}

/// How one rule was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MapperRule)]
pub struct Tried {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What it wants; none: it takes everything.
    pub conditions: Vec<Checked>,
}

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MapperVerdict)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes the record.
    Match,
    /// It does not.
    NoMatch,
    /// One above it took the record.
    NotReached,
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MapperCondition)]
pub struct Checked {
    /// Where it looks.
    pub pointer: String,
    /// What it wants there.
    pub wanted: String,
    /// What is there.
    pub found: String,
    /// It is so.
    pub holds: bool,
}

/// One field that was filled, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MapperField)]
pub struct Filled {
    /// `severity`, `labels.env`
    pub field: String,
    /// Where it is taken from.
    pub from: String,
    /// What lies there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What it became; nothing if it was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub became: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}
