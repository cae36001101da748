//! What the API owns of the configuration: taken on at the start, changed on request, and followed when
//! another node has changed it.
//!
//! A change goes the way of a reload: everything that can fail is done first, with the change already
//! in; then it is written, on the condition that nobody else has written meanwhile; then it is in use. The
//! files are not read again: they are what they were when somebody last had them read.

use std::time::Duration;

use super::Foghorn;
use super::assembly::Shared;
use super::reload::{Configuration, taken};
use crate::catalogue::Code;
use crate::config::{Composed, LeftOut, Loaded, Problem};
use crate::domain::Timestamp;
use crate::domain::malformed::Problem as Flaw;
use crate::domain::record::{
    Document, Entry, Expected, Origin, Record, RecordChange, Records, Section, merge_patch,
};
use crate::messages::control::{RecordAct, RecordChanged, RecordRefused, RecordWish};
use crate::messages::status::StatusMessage;
use crate::store::{Store, StoreError};

/// Whoever asks hears something after this long, and nobody else is served meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often others may come between.
const TRIES: usize = 5;

/// What `loaded`, which is valid, comes to with what the API owns.
pub(super) async fn at_start(loaded: &Loaded, store: &dyn Store) -> Result<(Composed, Records), StoreError> {
    let records = store.records().await?;
    Ok((what_fits(loaded.clone(), &records), records))
}

/// Records never keep a process from starting, whatever they say.
fn what_fits(loaded: Loaded, records: &Records) -> Composed {
    if records.all.is_empty() {
        return Composed { loaded, left_out: Vec::new() };
    }
    loaded.files.with(&records.all, |_| true).unwrap_or_else(|problems| {
        // A secret that was there a moment ago.
        let why = problems.iter().find(|problem| problem.is_error()).map(|problem| problem.what.clone());
        let why = why.unwrap_or_default();
        let left = |record: &Record| LeftOut {
            section: record.section,
            name: record.name.clone(),
            why: why.clone(),
        };
        Composed { left_out: records.all.iter().map(left).collect(), loaded }
    })
}

/// Makes known which records are not in use, and logs those that were a moment ago.
pub(super) fn tell(before: &[LeftOut], now: &[LeftOut], shared: &Shared) {
    for left in now.iter().filter(|left| !before.contains(left)) {
        tracing::warn!(
            code = %Code::RecordLeftOut,
            section = left.section.as_str(),
            name = left.name,
            why = left.why,
            "a stored record does not fit the configuration and is left out"
        );
    }
    let line = |left: &LeftOut| format!("{}/{}: {}", left.section.as_str(), left.name, left.why);
    shared.health.left_out(now.iter().map(line).collect());
}

impl Configuration {
    /// Changes a record and has `foghorn` work by it.
    ///
    /// # Errors
    /// Why not; then nothing was changed, unless it says that this is not known.
    pub async fn change(
        &mut self,
        wish: &RecordWish,
        foghorn: &Foghorn,
        shared: &Shared,
    ) -> Result<RecordChanged, RecordRefused> {
        for _ in 0..TRIES {
            let records = known(shared).await.ok_or(RecordRefused::Unavailable)?;
            if let Some(changed) = self.try_change(wish, &records, foghorn, shared).await? {
                taken(&self.digest(), shared);
                tracing::info!(
                    section = wish.section.as_str(),
                    name = wish.name,
                    by = wish.by,
                    digest = self.digest(),
                    "a stored record was changed"
                );
                return Ok(changed);
            }
        }
        Err(RecordRefused::Unavailable)
    }

    /// `None` if somebody else wrote meanwhile.
    async fn try_change(
        &mut self,
        wish: &RecordWish,
        records: &Records,
        foghorn: &Foghorn,
        shared: &Shared,
    ) -> Result<Option<RecordChanged>, RecordRefused> {
        let RecordWish { section, name, .. } = wish;
        let found = records.find(*section, name);
        self.refuse_owned(wish, found)?;
        let change = RecordChange {
            based_on: records.revision,
            section: *section,
            name: name.clone(),
            document: wanted(wish, found)?,
            at: in_whole_milliseconds(shared.clock.now()),
            by: wish.by.clone(),
        };
        let after = records.after(&change);
        // What this node does not know yet fits another one, and maybe not this one.
        let known = self.records.revision;
        let others = |record: &Record| {
            (record.section, &record.name) != (*section, name)
                && (record.version > known || self.is_left_out(record))
        };
        let composed = self.files.with(&after.all, others);
        let composed =
            composed.map_err(|problems| RecordRefused::Invalid(flaws(&problems, *section, name)))?;
        let warnings = dubious(&composed.loaded.warnings, *section, name);
        let prepared = self.prepare(composed, after, shared).map_err(|problems| {
            RecordRefused::Invalid(
                problems.into_iter().map(|problem| of_all(Code::WrongValue, problem)).collect(),
            )
        })?;
        if !committed(change, foghorn).await? {
            return Ok(None);
        }
        let before = found.map(entry);
        self.take_on(prepared, foghorn, shared).await;
        let after = self.records.find(*section, name).map(entry);
        Ok(Some(RecordChanged { before, after, warnings }))
    }

    /// What a file has is changed there. A record that it took the name from may still be taken away.
    fn refuse_owned(&self, wish: &RecordWish, found: Option<&Record>) -> Result<(), RecordRefused> {
        let origin = self.tables.find(wish.section, &wish.name).map(|entry| &entry.origin);
        match origin {
            Some(Origin::File { place }) if wish.act != RecordAct::Remove || found.is_none() => {
                Err(RecordRefused::Owned(place.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Takes on what another node, or an earlier wish whose end nobody heard of, has written. Whatever does
    /// not fit is left out.
    pub async fn follow(&mut self, revision: u64, foghorn: &Foghorn, shared: &Shared) {
        if revision == self.records.revision || self.refused == Some(revision) {
            return;
        }
        // No news is heard of again with the next look.
        let Some(records) = known(shared).await else { return };
        let Ok(composed) = self.files.with(&records.all, |_| true) else { return };
        match self.prepare(composed, records, shared) {
            Ok(prepared) => {
                self.take_on(prepared, foghorn, shared).await;
                taken(&self.digest(), shared);
                tracing::info!(revision, digest = self.digest(), "stored records were changed elsewhere");
            }
            Err(problems) => {
                self.refused = Some(revision);
                tracing::warn!(
                    first = problems.first(),
                    "stored records that were changed elsewhere do not fit"
                );
            }
        }
    }
}

/// All records; `None` if the store does not answer in time.
async fn known(shared: &Shared) -> Option<Records> {
    tokio::time::timeout(PATIENCE, shared.store.records()).await.ok()?.ok()
}

/// What the record is to say.
fn wanted(wish: &RecordWish, found: Option<&Record>) -> Result<Option<Document>, RecordRefused> {
    if !wish.expected.fits(found) {
        return Err(match wish.expected {
            Expected::Nothing => RecordRefused::Present,
            _ => RecordRefused::Outdated(found.map(|record| record.version)),
        });
    }
    match (&wish.act, found) {
        (RecordAct::Put(document), _) => Ok(Some(document.clone())),
        (_, None) => Err(RecordRefused::Absent),
        (RecordAct::Remove, Some(_)) => Ok(None),
        (RecordAct::Patch(patch), Some(record)) => {
            let mut document = record.document.clone();
            merge_patch(&mut document, patch.clone());
            Ok(Some(document))
        }
    }
}

async fn committed(change: RecordChange, foghorn: &Foghorn) -> Result<bool, RecordRefused> {
    let status = foghorn.peers().borrow().status.clone().ok_or(RecordRefused::Unavailable)?;
    let ask = |reply| StatusMessage::Record { change: Box::new(change), reply };
    status.ask(ask, PATIENCE).await.ok_or(RecordRefused::Unconfirmed)
}

/// As it comes back from the store.
fn in_whole_milliseconds(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn entry(record: &Record) -> Entry {
    Entry {
        section: record.section,
        name: record.name.clone(),
        origin: Origin::of(record),
        document: record.document.clone(),
    }
}

/// What lies in the record itself has a pointer into it; the rest says where it is.
fn flaws(problems: &[Problem], section: Section, name: &str) -> Vec<Flaw> {
    let errors = problems.iter().filter(|problem| problem.is_error());
    errors
        .map(|problem| match &problem.record {
            Some(place) if (place.section, place.name.as_str()) == (section, name) => {
                let more: Vec<String> = problem.label.iter().chain(&problem.notes).cloned().collect();
                Flaw {
                    pointer: place.pointer.clone(),
                    code: problem.code.as_str(),
                    detail: problem.what.clone(),
                    hint: (!more.is_empty()).then(|| more.join("; ")),
                }
            }
            _ => of_all(problem.code, problem.render()),
        })
        .collect()
}

/// What is dubious about this record, and not about the rest.
fn dubious(warnings: &[Problem], section: Section, name: &str) -> Vec<String> {
    let own = |problem: &&Problem| {
        let place = problem.record.as_ref();
        place.is_some_and(|place| (place.section, place.name.as_str()) == (section, name))
    };
    warnings.iter().filter(own).map(Problem::render).collect()
}

fn of_all(code: Code, detail: String) -> Flaw {
    Flaw { pointer: String::new(), code: code.as_str(), detail, hint: None }
}
