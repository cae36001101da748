//! Records that could not become events and are not in the topic of their source yet.

use sqlx::FromRow;

use super::StoreError;
use super::reading::{Ask, Fetch};
use super::rows::{Readable, column, id, number, read_all};
use crate::domain::letter::Letter;
use crate::domain::malformed::Malformation;
use crate::domain::names::SourceName;

#[derive(Debug, FromRow)]
struct LetterRow {
    id: String,
    source: String,
    position: String,
    reason: String,
    came_back: i64,
    raw: Vec<u8>,
}

impl Readable for LetterRow {
    type Value = Letter;

    fn read(self) -> Result<Letter, StoreError> {
        Ok(Letter {
            id: id(&self.id)?,
            source: self.source.into(),
            position: self.position,
            reason: self.reason,
            came_back: number(self.came_back)?,
            raw: self.raw.into(),
        })
    }
}

/// The oldest of `source`, but for those that go round: they stay here.
pub(super) async fn unexported(
    from: &impl Fetch,
    source: &SourceName,
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    let ask =
        Ask::new("SELECT id, source, position, reason, came_back, raw FROM dead_letter WHERE source = ");
    let ask = ask.text(source).push(" AND exported_at IS NULL AND reason <> '");
    let ask = ask.push(Malformation::Loop.as_str()).push("' ORDER BY id LIMIT ");
    read_all(from.fetch::<LetterRow>(ask.number(column(limit as u64))).await?)
}
