//! The operator's templates, files of a directory or kept in the store, beside those that are compiled in.
//!
//! A template `welcome` is `welcome.subject.txt`, `welcome.txt` and, for mail, `welcome.html`,
//! whose values are escaped. A variable that is not given is a fault and never an empty word. Some
//! names are taken: they say what Foghorn would say itself (see [`super::BuiltIn`]). `welcome.de` is
//! `welcome` for those who read German. Whatever the operator wrote goes before what is built in, and
//! of either what is written for the language goes before what is written for everybody.
//! Templates reach nothing outside: no loader is set, so `include` finds only those beside them; and
//! each rendering runs on a limited amount of fuel.

mod folder;
mod shelf;

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Map;

pub use self::folder::Folder;
use self::shelf::Shelf;
pub(super) use self::shelf::{Unsaid, bounded, strict};
use super::BuiltIn;
use super::incident::{self, OwnWords};
use crate::domain::notification::NotificationKind;

/// One part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `NAME.subject.txt`
    Subject,
    /// `NAME.txt`
    Text,
    /// `NAME.html`
    Html,
}

impl Part {
    /// Every one; what ends like several ends like the first.
    pub const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    /// Its key in a template of the store.
    pub fn key(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "html",
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Subject => ".subject.txt",
            Self::Text => ".txt",
            Self::Html => ".html",
        }
    }

    /// The file that it is of the template `name`.
    pub fn file(self, name: &str) -> String {
        format!("{name}{}", self.suffix())
    }

    /// The template, and the part of it, that a file of this name is.
    pub fn of(file: &str) -> Option<(&str, Self)> {
        let part = Self::ALL.into_iter().find(|part| file.ends_with(part.suffix()))?;
        let name = file.strip_suffix(part.suffix())?;
        (!name.is_empty() && !name.starts_with('.')).then_some((name, part))
    }
}

/// One part of a template, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Of which template.
    pub name: String,
    /// Which part.
    pub part: Part,
    /// What it says.
    pub source: String,
}

/// A template as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files<T> {
    /// `NAME.subject.txt`, where the medium has a subject or title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<T>,
    /// `NAME.txt`
    pub text: T,
    /// `NAME.html`, for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<T>,
}

impl<T> Files<T> {
    /// Each part that there is.
    pub fn parts(self) -> impl Iterator<Item = (Part, T)> {
        let parts = [(Part::Subject, self.subject), (Part::Text, Some(self.text)), (Part::Html, self.html)];
        parts.into_iter().filter_map(|(part, file)| Some((part, file?)))
    }
}

impl<T: Into<String>> Files<T> {
    /// As the template `name`.
    pub fn sheets(self, name: &str) -> impl Iterator<Item = Sheet> + use<T> {
        let name = name.to_owned();
        self.parts().map(move |(part, source)| Sheet { name: name.clone(), part, source: source.into() })
    }
}

/// What is wrong with a template, before it says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Which.
    pub name: String,
    /// Which part of it, if one is at fault.
    pub part: Option<Part>,
    /// What, and where in it.
    pub what: String,
    /// What is known there.
    pub hint: Option<String>,
}

/// What a template said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedText {
    /// `NAME.subject.txt`; empty where the medium has none.
    pub subject: String,
    /// `NAME.txt`
    pub text: String,
    /// `NAME.html`, if there is one.
    pub html: Option<String>,
}

/// Why a template said nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// No template of this name.
    #[error("no template \"{0}\"")]
    Unknown(String),
    /// It does not fit its variables, or takes too much.
    #[error("template \"{file}\": {message}")]
    Broken {
        /// Which file of it.
        file: String,
        /// What, and where.
        message: String,
    },
}

/// What is compiled in, as templates.
static OURS: LazyLock<Shelf> = LazyLock::new(|| {
    let mut shelf = Shelf::default();
    for (name, files) in BuiltIn::all().flat_map(BuiltIn::templates) {
        for sheet in files.sheets(&name) {
            // They compile: a test renders each.
            let _ = shelf.add(sheet);
        }
    }
    shelf
});

/// Every template there is.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    /// What the operator wrote.
    theirs: Shelf,
    /// `[templates] locale`: what is read by those of whom nothing is known.
    locale: Option<String>,
}

impl Templates {
    /// The operator's templates, compiled; those that say something of incidents are tried on some.
    /// Beside them, whatever is wrong: then they are of no use.
    pub fn of(sheets: impl IntoIterator<Item = Sheet>) -> (Self, Vec<Flaw>) {
        let mut templates = Self::default();
        let added = sheets.into_iter().map(|sheet| templates.theirs.add(sheet));
        let mut flaws: Vec<Flaw> = added.filter_map(Result::err).collect();
        flaws.extend(templates.theirs.names().flat_map(|name| templates.missing(name)));
        let sound = |name: &&str| flaws.iter().all(|flaw| flaw.name != **name);
        let tried: Vec<Flaw> =
            templates.theirs.names().filter(sound).filter_map(|name| templates.try_out(name)).collect();
        flaws.extend(tried);
        (templates, flaws)
    }

    /// The templates in `dir`; none without one.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(dir: Option<&Path>) -> Result<Self, Vec<String>> {
        let Some(dir) = dir else { return Ok(Self::default()) };
        let folder = Folder::read(dir)?;
        let (templates, flaws) = Self::of(folder.sheets().iter().cloned());
        if flaws.is_empty() {
            Ok(templates)
        } else {
            Err(flaws.iter().map(|flaw| folder.told(flaw)).collect())
        }
    }

    /// The same, where whoever says nothing else reads `locale`.
    #[must_use]
    pub fn read_in(self, locale: Option<String>) -> Self {
        Self { locale, ..self }
    }

    /// What whoever reads a message reads, of whom nothing else is known.
    pub fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }

    /// The name of each that the operator wrote, and whether it has HTML.
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.theirs.names().map(|name| (name, self.theirs.has(name, Part::Html)))
    }

    /// Did the operator write one of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.theirs.contains(name)
    }

    /// The name of everything that can be said.
    pub fn all_names(&self) -> impl Iterator<Item = String> {
        self.theirs.names().map(str::to_owned).chain(self.built_in().map(|(name, _)| name))
    }

    /// What is built in and not taken over.
    pub fn built_in(&self) -> impl Iterator<Item = (String, Files<&'static str>)> {
        let taken = |name: &str| self.theirs.contains(name) || self.theirs.contains(base(name));
        BuiltIn::all().flat_map(BuiltIn::templates).filter(move |(name, _)| !taken(name))
    }

    /// What the operator says on this occasion to those who read `locale`: what is written for the
    /// occasion goes before what is written for all of them.
    pub(super) fn theirs_for(
        &self,
        words: OwnWords,
        occasion: NotificationKind,
        locale: Option<&str>,
    ) -> Option<String> {
        words.names(occasion).into_iter().find_map(|name| found(&self.theirs, &name, locale))
    }

    /// What the template `name` says to those who read `locale`, as far as it is there in that language.
    ///
    /// # Errors
    /// There is none, or it does not fit `vars`.
    pub fn render_for(
        &self,
        name: &str,
        locale: Option<&str>,
        vars: &Map<String, serde_json::Value>,
    ) -> Result<RenderedText, TemplateFault> {
        let locale = locale.or(self.locale());
        match found(&self.theirs, name, locale) {
            Some(name) => self.theirs.render(&name, vars),
            None => self.render_ours(name, locale, vars),
        }
    }

    /// What is built in under this name, whoever took it over.
    ///
    /// # Errors
    /// Nothing is.
    pub(super) fn render_ours(
        &self,
        name: &str,
        locale: Option<&str>,
        vars: &Map<String, serde_json::Value>,
    ) -> Result<RenderedText, TemplateFault> {
        let ours = found(&OURS, name, locale.or(self.locale()));
        ours.map_or_else(|| Err(unknown(name)), |name| OURS.render(&name, vars))
    }

    /// What the template of exactly this name says with `vars`. What is said on one occasion alone is
    /// said by what is said on all of them, if nobody wrote it.
    ///
    /// # Errors
    /// There is none, or it does not fit `vars`.
    pub fn render(
        &self,
        name: &str,
        vars: &Map<String, serde_json::Value>,
    ) -> Result<RenderedText, TemplateFault> {
        let general = general(name);
        let names = [Some(name), general.as_deref()];
        let shelves = [&self.theirs, &*OURS];
        let mut found = names.into_iter().flatten().flat_map(|name| shelves.map(|shelf| (shelf, name)));
        let found = found.find(|(shelf, name)| shelf.contains(name));
        found.map_or_else(|| Err(unknown(name)), |(shelf, name)| shelf.render(name, vars))
    }

    fn missing(&self, name: &str) -> Vec<Flaw> {
        let needs_subject = OwnWords::of_template(name).is_none_or(|(words, _)| words.has_subject());
        let needed: &[Part] = if needs_subject { &[Part::Subject, Part::Text] } else { &[Part::Text] };
        let missing = needed.iter().filter(|part| !self.theirs.has(name, **part));
        let flaw = |part: &Part| Flaw {
            name: name.to_owned(),
            part: None,
            what: format!("template \"{name}\" has no {}", part.file(name)),
            hint: None,
        };
        missing.map(flaw).collect()
    }

    /// What is wrong with what the operator says of incidents, before there is one.
    fn try_out(&self, name: &str) -> Option<Flaw> {
        let mut samples = incident::samples(name)?.into_iter();
        let fault = samples.find_map(|vars| self.theirs.render(name, &vars).err())?;
        let part = match &fault {
            TemplateFault::Broken { file, .. } => Part::of(file).map(|(_, part)| part),
            TemplateFault::Unknown(_) => None,
        };
        let known: Vec<String> = incident::example(name).into_iter().map(|(name, _)| name).collect();
        let hint = Some(format!("of an incident is known: {}", known.join(", ")));
        Some(Flaw { name: name.to_owned(), part, what: fault.to_string(), hint })
    }
}

fn unknown(name: &str) -> TemplateFault {
    TemplateFault::Unknown(name.chars().take(100).collect())
}

/// `welcome` of `welcome.de`.
fn base(name: &str) -> &str {
    name.split_once('.').map_or(name, |(base, _)| base)
}

/// `incident-sms.de` of `incident-sms-resolved.de`.
fn general(name: &str) -> Option<String> {
    let (words, occasion) = OwnWords::of_template(name)?;
    occasion.map(|_| format!("{}{}", words.name(), &name[base(name).len()..]))
}

/// `name` on `shelf`, in this language if it is there in it.
fn found(shelf: &Shelf, name: &str, locale: Option<&str>) -> Option<String> {
    let marked = spellings(locale.unwrap_or_default()).map(|locale| format!("{name}.{locale}"));
    marked.chain([name.to_owned()]).find(|name| shelf.contains(name))
}

/// `de-AT`, then `de`; as they are written in names of files.
fn spellings(locale: &str) -> impl Iterator<Item = String> {
    let whole = locale.replace('_', "-");
    let language = whole.split('-').next().unwrap_or_default().to_ascii_lowercase();
    [whole, language].into_iter().filter(|spelling| !spelling.is_empty())
}

#[cfg(test)]
mod tests;
