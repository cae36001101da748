//! What the API owns of the configuration. A change is done only on what its author knew of, so two
//! nodes that write at once do not end up with a configuration that nobody has checked.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::batch::{Batch, Committed};
use super::outgoing::{Posts, wishes};
use super::reading::{Ask, Fetch};
use super::rows::{NumberRow, Readable, corrupt, json, number, read_all, time};
use crate::domain::record::{Document, Record, RecordChange, Records, Section};

/// What an open transaction can do about records.
#[async_trait]
pub(super) trait Configured: Send {
    /// All records; nobody else changes them until the end of this transaction.
    async fn records(&mut self) -> Result<Records, StoreError>;

    /// Writes a change as the one after [`RecordChange::based_on`], without a further question.
    async fn put_record(&mut self, change: &RecordChange) -> Result<(), StoreError>;
}

/// Does what the batch says about records.
pub(super) async fn keep<L: Configured + Posts>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    if batch.records.is_empty() {
        return Ok(());
    }
    let mut known = ledger.records().await?;
    for change in &batch.records {
        let fits = known.revision == change.based_on;
        if fits {
            ledger.put_record(change).await?;
            let before = known.find(change.section, &change.name);
            wishes(ledger, batch, change, before, committed).await?;
            known = known.after(change);
        }
        committed.records.push(fits || was_done(&known, change));
    }
    Ok(())
}

/// Was this very change written before? A batch whose commit was not heard of comes again.
fn was_done(known: &Records, change: &RecordChange) -> bool {
    let version = change.based_on + 1;
    let found = known.find(change.section, &change.name);
    match &change.document {
        Some(document) => {
            found.is_some_and(|record| record.version == version && record.document == *document)
        }
        None => known.revision == version && found.is_none(),
    }
}

/// `$1` section, `$2` name, `$3` document, `$4` version, `$5` when, `$6` who.
pub(super) const PUT: &str = "INSERT INTO record (section, name, document, version, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (section, name) DO UPDATE SET \
     document = excluded.document, version = excluded.version, \
     updated_at = excluded.updated_at, updated_by = excluded.updated_by";

/// The parameters of [`PUT`].
macro_rules! put {
    ($change:expr) => {{
        let change = $change;
        let document =
            change.document.clone().map(|document| serde_json::Value::Object(document).to_string());
        sqlx::query(crate::store::records::PUT)
            .bind(change.section.as_str())
            .bind(change.name.as_str())
            .bind(document)
            .bind(crate::store::rows::column(change.based_on + 1))
            .bind(change.at.as_millisecond())
            .bind(change.by.as_str())
    }};
}
pub(super) use put;

/// Rows that were taken away count as changes and are nothing else.
pub(super) fn all() -> Ask {
    Ask::new(
        "SELECT section, name, document, version, updated_at, updated_by FROM record ORDER BY section, name",
    )
}

/// All records.
pub(super) async fn records(source: &impl Fetch) -> Result<Records, StoreError> {
    of_rows(source.fetch(all()).await?)
}

/// All records, of the rows of [`all`].
pub(super) fn of_rows(rows: Vec<RecordRow>) -> Result<Records, StoreError> {
    let revision = rows.iter().map(|row| row.version).max().unwrap_or_default();
    // A section that this version does not know is of no use to it.
    let rows =
        rows.into_iter().filter(|row| row.document.is_some() && Section::parse(&row.section).is_some());
    let mut all = read_all(rows.collect())?;
    all.sort_by(|one: &Record, other| (one.section, &one.name).cmp(&(other.section, &other.name)));
    Ok(Records { revision: number(revision)?, all })
}

/// The number of the last change.
pub(super) async fn revision(source: &impl Fetch) -> Result<u64, StoreError> {
    let rows: Vec<NumberRow> =
        source.fetch(Ask::new("SELECT coalesce(max(version), 0) AS value FROM record")).await?;
    number(rows.first().and_then(|row| row.value).unwrap_or_default())
}

#[derive(Debug, FromRow)]
pub(super) struct RecordRow {
    section: String,
    name: String,
    document: Option<String>,
    version: i64,
    updated_at: i64,
    updated_by: String,
}

impl Readable for RecordRow {
    type Value = Record;

    fn read(self) -> Result<Record, StoreError> {
        let document: Document = json(&self.document.unwrap_or_default())?;
        let section =
            Section::parse(&self.section).ok_or_else(|| corrupt(format!("no section {}", self.section)))?;
        Ok(Record {
            section,
            name: self.name,
            document,
            version: number(self.version)?,
            updated_at: time(self.updated_at)?,
            updated_by: self.updated_by,
        })
    }
}
