//! From a file and an environment to a [`Config`], or to everything that is wrong with them.
//!
//! ```text
//! file, and those it includes ─ parse ─▶ tree ─▶ FOGHORN_* over it, other services' names under it
//!      ─▶ records of the store beside it ─▶ secrets read
//!      ─▶ checked along the schema ─▶ laid over the compiled-in defaults ─▶ composed, laws checked
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::check::check;
use super::compose::compose;
use super::environment;
use super::files::Files;
use super::include::{include, include_again};
use super::problem::{Code, Location, Problem};
use super::renamed;
use super::report::Report;
use super::secrets;
use super::settings::Config;
use super::snapshot::Snapshot;
use super::stored;
use super::templates;
use super::tree::{self, Place, Table};
use crate::domain::record::Record;
use crate::render::templates::Folder;

/// The reference: every key with its default, and the defaults themselves.
pub const REFERENCE: &str = include_str!("../../config.toml");

/// Where a file is looked for when none is named.
const USUAL_PLACES: [&str; 2] = ["config.toml", "/etc/foghorn/config.toml"];

/// No configuration is longer than this.
const LONGEST: u64 = 16 << 20;

/// A configuration and what to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is dubious.
    pub warnings: Vec<Problem>,
    /// The file it came from; `None` if there is none.
    pub origin: Option<PathBuf>,
    /// The files that it includes.
    pub included: Vec<PathBuf>,
    /// Variables of other services that were of use.
    pub borrowed: Vec<String>,
    /// How many keys were written, file and environment together.
    pub keys: usize,
    /// How many secrets were read.
    pub secrets: usize,
    /// What the files said, to be composed anew with other records.
    pub files: Files,
    /// What it amounts to, to be compared with the next one.
    pub snapshot: Snapshot,
}

/// Finds and reads the configuration: `explicit`, else `$FOGHORN_CONFIG`, else `./config.toml`,
/// else `/etc/foghorn/config.toml`, else the defaults alone.
///
/// # Errors
/// Everything that is wrong with it, warnings included.
pub fn load(explicit: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Loaded, Vec<Problem>> {
    let found = find(explicit, env)?;
    Config::parse(&found.text, found.path.as_deref(), env)
}

/// The same for whoever needs `[store]` alone, as a job that makes backups has no secrets of channels:
/// if the whole is not valid, what `[server]` and `[store]` say, and nothing else.
///
/// # Errors
/// Everything that is wrong with those two.
pub fn load_for_store(
    explicit: Option<&Path>,
    env: &BTreeMap<String, String>,
) -> Result<Loaded, Vec<Problem>> {
    let found = find(explicit, env)?;
    let whole = Config::parse(&found.text, found.path.as_deref(), env);
    whole.or_else(|_| {
        let reading =
            Reading { only: &["server", "store"], ..Reading::of(&found.text, found.path.as_deref(), env) };
        parsed(&reading)
    })
}

/// A configuration as it was found: the text, and the file it is from.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) path: Option<PathBuf>,
}

/// Finds the configuration that [`load`] reads.
pub(super) fn find(explicit: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Found, Vec<Problem>> {
    let named = explicit.map(Path::to_owned).or_else(|| {
        let path = env.get("FOGHORN_CONFIG").filter(|path| !path.is_empty())?;
        Some(PathBuf::from(path))
    });
    let path = named.or_else(|| USUAL_PLACES.map(PathBuf::from).into_iter().find(|path| path.exists()));
    let text = path.as_deref().map(read).transpose()?.unwrap_or_default();
    Ok(Found { text, path })
}

pub(super) fn read(path: &Path) -> Result<String, Vec<Problem>> {
    let unreadable = |why: String| {
        let what = format!("cannot read the configuration {}", path.display());
        let problem = Problem::new(Code::Unreadable, what).label(why);
        vec![problem.located(Some(Location::Whole(path.display().to_string())))]
    };
    let length = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > LONGEST {
        return Err(unreadable(format!("it is longer than {} MiB", LONGEST >> 20)));
    }
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(format!("it is not UTF-8 text (line {line})"))
    })
}

impl Config {
    /// The configuration of `text`, which was read from `path`, in the environment `env`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file, warnings included.
    pub fn parse(
        text: &str,
        path: Option<&Path>,
        env: &BTreeMap<String, String>,
    ) -> Result<Loaded, Vec<Problem>> {
        parsed(&Reading::of(text, path, env))
    }
}

/// What a configuration is read from.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) path: Option<&'a Path>,
    pub(super) env: &'a BTreeMap<String, String>,
    /// What it includes, if that was read before.
    pub(super) included: Option<&'a [(PathBuf, String)]>,
    /// What lies in the directory of templates, if that was read before.
    pub(super) folder: Option<&'a Arc<Folder>>,
    /// What the API owns of it.
    pub(super) records: &'a [Record],
    /// The tables that are wanted; all of them if none is named.
    pub(super) only: &'a [&'a str],
}

impl<'a> Reading<'a> {
    pub(super) fn of(text: &'a str, path: Option<&'a Path>, env: &'a BTreeMap<String, String>) -> Self {
        Self { text, path, env, included: None, folder: None, records: &[], only: &[] }
    }
}

/// What it comes to.
pub(super) fn parsed(reading: &Reading<'_>) -> Result<Loaded, Vec<Problem>> {
    let Reading { text, path, env, folder, records, only, .. } = *reading;
    let shown = path.map(|path| path.display().to_string()).unwrap_or_default();
    let text = without_mark(text);
    let mut report = Report::new(text, &shown);
    let (mut tree, borrowed) = written(&Reading { text, ..*reading }, &mut report)?;
    if !only.is_empty() {
        tree.entries.retain(|entry| only.contains(&entry.key.as_str()));
    }
    report.hide_secrets_of(&tree);
    let secrets = secrets::resolve(&mut tree, env, &mut report);
    let mut tables = stored::tables(&tree, records, &report);
    check(&mut tree, &mut report);
    let keys = tree.count_leaves();
    let mut whole = defaults();
    whole.lay(tree);
    let snapshot = Snapshot::of(&whole);
    let (templates, folder) = templates::read(whole.table("templates"), folder, records, &mut report);
    tables.0.extend(templates::entries(&templates.all, &folder, records));
    let config = Config { tables: Arc::new(tables), ..compose(&whole, templates, &mut report) };
    let included = report.texts().included();
    let included: Vec<_> = included.map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect();
    let problems = report.finish();
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    Ok(Loaded {
        config,
        warnings: problems,
        origin: path.map(Path::to_owned),
        included: included.iter().map(|(path, _)| path.clone()).collect(),
        files: Files::new(text, path, included, folder, env),
        borrowed,
        keys,
        secrets,
        snapshot,
    })
}

/// A byte order mark is no part of the first key.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// What file and environment say together, nothing of it checked and no secret read. Beside it, the
/// variables of other services that were of use.
pub(super) fn written(
    reading: &Reading<'_>,
    report: &mut Report<'_>,
) -> Result<(Table, Vec<String>), Vec<Problem>> {
    let Reading { text, path, env, included, records, .. } = *reading;
    let mut tree = parse_text(text, report)?;
    match included {
        None => include(&mut tree, path, report),
        Some(files) => include_again(&mut tree, files, report),
    }
    renamed::rename(&mut tree, report);
    environment::overrides(&mut tree, env, report);
    let borrowed = environment::foreign(&mut tree, env);
    stored::merge(&mut tree, records, report);
    Ok((tree, borrowed))
}

fn parse_text(text: &str, report: &mut Report<'_>) -> Result<Table, Vec<Problem>> {
    match DeTable::parse(text) {
        Ok(document) => Ok(tree::from_document(document.get_ref(), &Place::File)),
        Err(error) => {
            report.at(&Place::File(error.span().unwrap_or_default()), syntax_error(&error));
            Err(report.take())
        }
    }
}

pub(super) fn syntax_error(error: &toml::de::Error) -> Problem {
    let what = if error.message() == "duplicate key" { "this is written twice" } else { "this is not TOML" };
    Problem::new(Code::Syntax, what).label(error.message())
}

/// The tree of the compiled-in reference.
pub(super) fn defaults() -> Table {
    let document = DeTable::parse(REFERENCE).expect("the reference is TOML: a test reads it");
    tree::from_document(document.get_ref(), &|_| Place::Default)
}

/// The retry policy that the reference writes down.
#[cfg(test)]
pub(super) fn reference_retry() -> crate::domain::retry::RetryPolicy {
    super::channels::policy(
        crate::domain::retry::RetryPolicy {
            base: std::time::Duration::ZERO,
            cap: std::time::Duration::ZERO,
            max_attempts: 0,
            max_age: std::time::Duration::ZERO,
            jitter: 0.0,
            on_unknown: crate::domain::retry::OnUnknown::Hold,
        },
        defaults().table("delivery").table("retry"),
    )
}
