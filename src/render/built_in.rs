//! What Foghorn says of its own accord, and an operator may take over.

use super::language::Language;
use super::templates::Files;
use super::{OwnWords, notice};
use crate::domain::notice::Notice;
use crate::domain::notification::NotificationKind;

/// A template that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// What is said of incidents: on every occasion, or on this one alone.
    Incident(OwnWords, Option<NotificationKind>),
    /// What services have their users told.
    Notice(Notice),
}

impl BuiltIn {
    /// Every one. What is said on one occasion is in what is said on all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let incidents = OwnWords::ALL.into_iter().map(|words| Self::Incident(words, None));
        incidents.chain(Notice::ALL.into_iter().map(Self::Notice))
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Incident(words, None) => words.name().to_owned(),
            Self::Incident(words, Some(occasion)) => words.name_on(occasion),
            Self::Notice(notice) => notice.as_str().to_owned(),
        }
    }

    /// The one of this name, whatever language is behind it.
    pub fn parse(name: &str) -> Option<Self> {
        let base = name.split('.').next().unwrap_or_default();
        let of_incidents =
            || OwnWords::of_template(base).map(|(words, occasion)| Self::Incident(words, occasion));
        Notice::parse(base).map(Self::Notice).or_else(of_incidents)
    }

    /// It as templates, by name: one for each language.
    pub fn templates(self) -> Vec<(String, Files<&'static str>)> {
        let name = self.name();
        let marked = Language::ALL.into_iter().map(|language| match language {
            Language::English => (name.clone(), self.files(language)),
            other => (format!("{name}.{}", other.tag()), self.files(other)),
        });
        marked.collect()
    }

    fn files(self, language: Language) -> Files<&'static str> {
        match self {
            Self::Incident(words, _) => words.files_in(language),
            Self::Notice(notice) => notice::files(notice, language),
        }
    }
}
