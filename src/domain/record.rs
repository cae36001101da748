//! What the API owns of the configuration: *records*, each one table of it, kept in the store instead
//! of a file.
//!
//! A record has the shape that its section has in the file, so it is read, checked and merged by the
//! same code. Changes are counted for all records together: the number of a change is the version of
//! the record that it wrote, so no version ever comes back, and one number says whether anything is new.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Timestamp;

/// A table of the configuration, as JSON.
pub type Document = Map<String, Value>;

/// A part of the configuration that records may stand in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[schema(as = RecordSection)]
pub enum Section {
    /// `[users.NAME]`
    Users,
    /// `[teams.NAME]`
    Teams,
    /// `[policies.NAME]`
    Policies,
    /// `[[routes]]`
    Routes,
    /// `[silences.NAME]`
    Silences,
    /// Files of `[templates] dir`; in the store, one table for those of one name.
    Templates,
}

impl Section {
    /// All of them, each before those that name it.
    pub const ALL: [Self; 6] =
        [Self::Users, Self::Teams, Self::Policies, Self::Routes, Self::Silences, Self::Templates];

    /// Its key in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Teams => "teams",
            Self::Policies => "policies",
            Self::Routes => "routes",
            Self::Silences => "silences",
            Self::Templates => "templates",
        }
    }

    /// What one of them is called.
    pub fn one(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Teams => "team",
            Self::Policies => "policy",
            Self::Routes => "route",
            Self::Silences => "silence",
            Self::Templates => "template",
        }
    }

    /// Do its tables stand in the file, or beside it?
    pub fn is_in_the_file(self) -> bool {
        self != Self::Templates
    }

    /// The section with this key.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == text)
    }
}

/// One table of the configuration, kept in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it stands.
    pub section: Section,
    /// Its name there.
    pub name: String,
    /// What it says.
    pub document: Document,
    /// The number of the change that wrote it.
    pub version: u64,
    /// When.
    pub updated_at: Timestamp,
    /// Who.
    pub updated_by: String,
}

/// All records at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// The number of the last change.
    pub revision: u64,
    /// Those that there are, by section and name.
    pub all: Vec<Record>,
}

/// A record to be written or taken away.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChange {
    /// The last change that its author knew of. It is done only if that is still the last one: what was
    /// checked together with it is what it comes to stand beside.
    pub based_on: u64,
    /// Where.
    pub section: Section,
    /// Which.
    pub name: String,
    /// What it says from now on; `None` takes it away.
    pub document: Option<Document>,
    /// When.
    pub at: Timestamp,
    /// Who wants it.
    pub by: String,
}

impl Records {
    /// One of them.
    pub fn find(&self, section: Section, name: &str) -> Option<&Record> {
        self.all.iter().find(|record| record.section == section && record.name == name)
    }

    /// What they are once `change` is done.
    #[must_use]
    pub fn after(&self, change: &RecordChange) -> Self {
        let revision = change.based_on + 1;
        let other = |record: &&Record| (record.section, &record.name) != (change.section, &change.name);
        let mut all: Vec<Record> = self.all.iter().filter(other).cloned().collect();
        all.extend(change.document.as_ref().map(|document| Record {
            section: change.section,
            name: change.name.clone(),
            document: document.clone(),
            version: revision,
            updated_at: change.at,
            updated_by: change.by.clone(),
        }));
        all.sort_by(|one, other| (one.section, &one.name).cmp(&(other.section, &other.name)));
        Self { revision, all }
    }
}

/// What may be asked of a record before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Whatever,
    /// There is none yet.
    Nothing,
    /// There is one, of whatever version.
    Something,
    /// It is of this version.
    Version(u64),
}

impl Expected {
    /// Does `found` fit?
    pub fn fits(self, found: Option<&Record>) -> bool {
        match self {
            Self::Whatever => true,
            Self::Nothing => found.is_none(),
            Self::Something => found.is_some(),
            Self::Version(version) => found.is_some_and(|record| record.version == version),
        }
    }
}

/// Lays `patch` over `target`: objects are merged, `null` takes away, everything else replaces
/// (RFC 7396).
pub fn merge_patch(target: &mut Document, patch: Document) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.remove(&key)),
            Value::Object(inner) => {
                let mut below = match target.remove(&key) {
                    Some(Value::Object(below)) => below,
                    _ => Document::new(),
                };
                merge_patch(&mut below, inner);
                target.insert(key, Value::Object(below));
            }
            value => drop(target.insert(key, value)),
        }
    }
}

/// Where a table of the configuration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "origin", rename_all = "lowercase")]
pub enum Origin {
    /// In Foghorn itself; what is written over it goes before it.
    #[serde(rename = "built_in")]
    BuiltIn,
    /// In a file, or in the environment: nobody else changes it.
    File {
        /// Where, such as `config.toml:12`.
        place: String,
    },
    /// In the store.
    Store {
        /// The number of the change that wrote it.
        version: u64,
        /// When.
        updated_at: Timestamp,
        /// Who.
        updated_by: String,
        /// Why it is not in use, if it is not.
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<String>,
    },
}

impl Origin {
    /// Of a record that is in use.
    pub fn of(record: &Record) -> Self {
        Self::Store {
            version: record.version,
            updated_at: record.updated_at,
            updated_by: record.updated_by.clone(),
            left_out: None,
        }
    }
}

/// One table of the configuration, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Of which section.
    pub section: Section,
    /// Its name there.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
    /// What it says, secrets masked.
    pub document: Document,
}

/// The tables that could stand in the store, wherever they do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables(pub Vec<Entry>);

impl Tables {
    /// Those of a section, in their order.
    pub fn of(&self, section: Section) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| entry.section == section)
    }

    /// One of them.
    pub fn find(&self, section: Section, name: &str) -> Option<&Entry> {
        self.of(section).find(|entry| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(json: Value) -> Document {
        json.as_object().expect("an object").clone()
    }

    /// The examples of RFC 7396, appendix A, that are about objects.
    #[test]
    fn a_patch_merges_objects_and_null_takes_away() {
        let table = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (target, patch, expected) in table {
            let mut patched = document(target.clone());
            merge_patch(&mut patched, document(patch.clone()));
            assert_eq!(Value::Object(patched), expected, "{target} and {patch}");
        }
    }

    #[test]
    fn a_version_never_comes_back() {
        let change = |based_on, document| RecordChange {
            based_on,
            section: Section::Users,
            name: "ada".to_owned(),
            document,
            at: Timestamp::UNIX_EPOCH,
            by: "api".to_owned(),
        };
        let once = Records::default().after(&change(0, Some(Document::new())));
        assert_eq!(once.find(Section::Users, "ada").map(|record| record.version), Some(1));
        let gone = once.after(&change(1, None));
        assert_eq!((gone.revision, gone.all.len()), (2, 0));
        let again = gone.after(&change(2, Some(Document::new())));
        assert!(!Expected::Version(1).fits(again.find(Section::Users, "ada")));
        assert!(Expected::Version(3).fits(again.find(Section::Users, "ada")));
    }
}
