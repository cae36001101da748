//! Why a record is no event, told so that the sender can mend it.

use std::fmt;

use serde::Serialize;

/// Why a record is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformation {
    /// Not readable as JSON.
    Parse,
    /// JSON, but not an event.
    Schema,
    /// More bytes, keys or depth than allowed.
    TooLarge,
    /// A direct notification that reaches nobody.
    Unroutable,
    /// An id that was used before for something else.
    IdConflict,
    /// Reading it killed the reader.
    Poison,
    /// Foghorn's own dead letter came back.
    Loop,
}

impl Malformation {
    /// Every malformation.
    pub const ALL: [Self; 7] = [
        Self::Parse,
        Self::Schema,
        Self::TooLarge,
        Self::Unroutable,
        Self::IdConflict,
        Self::Poison,
        Self::Loop,
    ];

    /// The word used in the store, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Schema => "schema",
            Self::TooLarge => "too_large",
            Self::Unroutable => "unroutable",
            Self::IdConflict => "id_conflict",
            Self::Poison => "poison",
            Self::Loop => "loop",
        }
    }
}

/// One thing that is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Flaw)]
pub struct Problem {
    /// JSON Pointer to the place; empty for the whole.
    pub pointer: String,
    /// One stable word: `not_json`, `unknown_field`, `missing`, `wrong_type`, `not_allowed`, `too_long`,
    /// `duplicate_key`, `control_character`, `too_deep`, `too_large`, `too_many_keys`, `empty`.
    pub code: &'static str,
    /// What, for people; never the record's own bytes at length.
    pub detail: String,
    /// What was likely meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A record that is no event, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The kind of all problems together.
    pub reason: Malformation,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(
                f,
                "{separator}{}{}{}",
                problem.pointer,
                if problem.pointer.is_empty() { "" } else { ": " },
                problem.detail
            )?;
            if let Some(hint) = &problem.hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}
