//! What the files of a configuration said when they were read, and what that comes to together with
//! the records of the store.
//!
//! The files stand on their own: what `foghorn check` passes is what starts. A record is written only if
//! everything together is valid; one that does not fit any more, because a file changed under it, is left
//! out and told, for a pager that does not start over somebody's row is worse than one without it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Loaded, Reading, parsed};
use super::problem::Problem;
use crate::domain::record::{Entry, Origin, Record, Section};
use crate::render::templates::Folder;

/// The files of a configuration, as they were read.
#[derive(Clone)]
pub struct Files {
    text: Arc<str>,
    path: Option<PathBuf>,
    included: Arc<[(PathBuf, String)]>,
    templates: Arc<Folder>,
    env: Arc<BTreeMap<String, String>>,
}

/// They may hold secrets.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A configuration of files and records.
#[derive(Debug, Clone)]
pub struct Composed {
    /// What it comes to.
    pub loaded: Loaded,
    /// Records that do not fit.
    pub left_out: Vec<LeftOut>,
}

/// A record that is not in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub section: Section,
    /// Its name there.
    pub name: String,
    /// What is wrong with it, or with what it stands beside.
    pub why: String,
}

impl Files {
    pub(super) fn new(
        text: &str,
        path: Option<&Path>,
        included: Vec<(PathBuf, String)>,
        templates: Arc<Folder>,
        env: &BTreeMap<String, String>,
    ) -> Self {
        let path = path.map(Path::to_owned);
        Self { text: text.into(), path, included: included.into(), templates, env: Arc::new(env.clone()) }
    }

    /// What they come to together with `records`. Of those, the ones that do not fit and that
    /// `may_be_left_out` are left out.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn with(
        &self,
        records: &[Record],
        may_be_left_out: impl Fn(&Record) -> bool,
    ) -> Result<Composed, Vec<Problem>> {
        let mut kept = records.to_vec();
        let mut left: Vec<(Record, String)> = Vec::new();
        loop {
            let problems = match self.alone_with(&kept) {
                Ok(loaded) => return Ok(composed(loaded, &left)),
                Err(problems) => problems,
            };
            let (misfits, rest) = kept.into_iter().partition::<Vec<_>, _>(|record| {
                may_be_left_out(record) && blame(&problems, record).is_some()
            });
            kept = rest;
            if misfits.is_empty() {
                // Nobody is named: the last one to come is the likeliest.
                let newest = kept.iter().enumerate().filter(|(_, record)| may_be_left_out(record));
                match newest.max_by_key(|(_, record)| record.version).map(|(at, _)| at) {
                    Some(at) => left.push((kept.remove(at), first(&problems))),
                    None => return Err(problems),
                }
            }
            for record in misfits {
                let why = blame(&problems, &record).map_or_else(String::new, |problem| problem.what.clone());
                left.push((record, why));
            }
        }
    }

    fn alone_with(&self, records: &[Record]) -> Result<Loaded, Vec<Problem>> {
        parsed(&Reading {
            included: Some(&self.included),
            folder: Some(&self.templates),
            records,
            ..Reading::of(&self.text, self.path.as_deref(), &self.env)
        })
    }
}

/// The error that lies in this record.
fn blame<'a>(problems: &'a [Problem], record: &Record) -> Option<&'a Problem> {
    problems.iter().filter(|problem| problem.is_error()).find(|problem| {
        let place = problem.record.as_ref();
        place.is_some_and(|place| (place.section, &place.name) == (record.section, &record.name))
    })
}

fn first(problems: &[Problem]) -> String {
    problems
        .iter()
        .find(|problem| problem.is_error())
        .map_or_else(String::new, |problem| problem.what.clone())
}

fn composed(mut loaded: Loaded, left: &[(Record, String)]) -> Composed {
    let tables = Arc::make_mut(&mut loaded.config.tables);
    // What a record would have been said instead of is shown as that record.
    let is_left = |entry: &Entry| {
        left.iter().any(|(record, _)| (record.section, &record.name) == (entry.section, &entry.name))
    };
    tables.0.retain(|entry| entry.origin != Origin::BuiltIn || !is_left(entry));
    tables.0.extend(left.iter().map(|(record, why)| Entry {
        section: record.section,
        name: record.name.clone(),
        origin: match Origin::of(record) {
            Origin::Store { version, updated_at, updated_by, .. } => {
                Origin::Store { version, updated_at, updated_by, left_out: Some(why.clone()) }
            }
            elsewhere => elsewhere,
        },
        document: record.document.clone(),
    }));
    let left_out = left.iter().map(|(record, why)| LeftOut {
        section: record.section,
        name: record.name.clone(),
        why: why.clone(),
    });
    Composed { left_out: left_out.collect(), loaded }
}
