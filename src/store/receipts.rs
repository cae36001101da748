//! Receipts: rows of their own, so that what comes late costs the way out nothing.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::reading::{Ask, Fetch, Value};
use super::rows::{Readable, corrupt, id, read_all, time};
use crate::domain::ids::DeliveryId;
use crate::domain::receipt::{Receipt, ReceiptKind};

/// What an open transaction can do about receipts.
#[async_trait]
pub(super) trait Receipts: Send {
    /// Keeps receipts of deliveries that there are; the first of each counts.
    async fn receipts(&mut self, receipts: &[Receipt]) -> Result<(), StoreError>;
}

/// `$1` delivery, `$2` kind, `$3` code, `$4` detail, `$5` at.
pub(super) const KEEP: &str = "INSERT INTO receipt (delivery, kind, code, detail, at) \
     SELECT id, $2, $3, $4, $5 FROM delivery WHERE id = $1 ON CONFLICT (delivery) DO NOTHING";

/// What was said about a delivery.
pub(super) async fn receipt(source: &impl Fetch, id: DeliveryId) -> Result<Option<Receipt>, StoreError> {
    let mut ask = Ask::new("SELECT delivery, kind, code, detail, at FROM receipt WHERE delivery = $1");
    ask.values.push(Value::Text(id.to_string()));
    let rows: Vec<ReceiptRow> = source.fetch(ask).await?;
    Ok(read_all(rows)?.pop())
}

#[derive(Debug, FromRow)]
struct ReceiptRow {
    delivery: String,
    kind: String,
    code: String,
    detail: String,
    at: i64,
}

impl Readable for ReceiptRow {
    type Value = Receipt;

    fn read(self) -> Result<Receipt, StoreError> {
        Ok(Receipt {
            delivery: id(&self.delivery)?,
            kind: ReceiptKind::parse(&self.kind)
                .ok_or_else(|| corrupt(format!("no receipt {}", self.kind)))?,
            code: self.code,
            detail: self.detail,
            at: time(self.at)?,
        })
    }
}
