//! How bad it is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// From worst to mildest, which is also the order of delivery.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody must act now, day or night.
    Critical,
    /// Somebody must act today.
    High,
    /// Worth a look.
    Medium,
    /// Can wait.
    Low,
    /// For the record.
    Info,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word used in configuration, API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// Exactly one of the five words, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The operator's own words for severities: `[incidents.severity_aliases]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SeverityAliases(pub BTreeMap<String, Severity>);

impl SeverityAliases {
    /// A severity by its word or one of the operator's aliases; `None` for a word nobody knows.
    pub fn resolve(&self, text: &str) -> Option<Severity> {
        Severity::parse(text).or_else(|| {
            self.0.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text)).map(|(_, severity)| *severity)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_win_over_aliases_and_case_does_not_matter() {
        let aliases = SeverityAliases(BTreeMap::from([
            ("P1".to_owned(), Severity::Critical),
            ("high".to_owned(), Severity::Info),
        ]));
        assert_eq!(aliases.resolve("CRITICAL"), Some(Severity::Critical));
        assert_eq!(aliases.resolve("p1"), Some(Severity::Critical));
        assert_eq!(aliases.resolve("high"), Some(Severity::High));
        assert_eq!(aliases.resolve(" high"), None);
        assert_eq!(aliases.resolve("sev-one"), None);
    }
}
