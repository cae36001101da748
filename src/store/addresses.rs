//! What is known against addresses: rows, so that a dead device is not tried again after a restart,
//! nor by another node.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::reading::{Ask, Fetch};
use super::rows::{Readable, corrupt, id, number, read_all, time};
use crate::domain::suppression::{AddressChange, Mark, Suppression};

/// What an open transaction can do about addresses.
#[async_trait]
pub(super) trait Addresses: Send {
    /// Writes down what is new about addresses, in this order.
    async fn addresses(&mut self, changes: &[AddressChange]) -> Result<(), StoreError>;
}

/// `$1` channel, `$2` address, `$3` id, `$4` recipient, `$5` mark, `$6` code, `$7` detail,
/// `$8` delivery, `$9` now. The same delivery said again is no second strike.
pub(super) const MARK: &str = "INSERT INTO suppression \
     (channel, address, id, recipient, mark, strikes, code, detail, delivery, since, last_at) \
     VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $9) \
     ON CONFLICT (channel, address) DO UPDATE SET \
     strikes = suppression.strikes + CASE WHEN suppression.delivery = excluded.delivery THEN 0 ELSE 1 END, \
     mark = excluded.mark, code = excluded.code, detail = excluded.detail, \
     delivery = excluded.delivery, last_at = excluded.last_at";

/// `$1` channel, `$2` address. A server that takes a mail and sends it back later has reached nobody: what
/// it said then stays.
pub(super) const REACHED: &str = "DELETE FROM suppression WHERE channel = $1 AND address = $2 AND NOT EXISTS \
     (SELECT 1 FROM receipt WHERE receipt.delivery = suppression.delivery AND receipt.kind = 'bounced')";

/// `$1` id.
pub(super) const LIFT: &str = "DELETE FROM suppression WHERE id = $1";

/// The parameters of [`MARK`].
macro_rules! mark {
    ($one:expr) => {{
        let one = $one;
        sqlx::query(crate::store::addresses::MARK)
            .bind(one.channel.as_str())
            .bind(one.address.expose())
            .bind(one.id.to_string())
            .bind(&*one.recipient)
            .bind(one.mark.as_str())
            .bind(&one.code)
            .bind(&one.detail)
            .bind(one.delivery.to_string())
            .bind(one.last_at.as_millisecond())
    }};
}
pub(super) use mark;

/// Everything that is known, the newest first.
pub(super) async fn suppressions(source: &impl Fetch) -> Result<Vec<Suppression>, StoreError> {
    let ask = Ask::new(
        "SELECT channel, address, id, recipient, mark, strikes, code, detail, delivery, since, last_at \
         FROM suppression ORDER BY last_at DESC, id DESC",
    );
    let rows: Vec<SuppressionRow> = source.fetch(ask).await?;
    read_all(rows)
}

#[derive(Debug, FromRow)]
struct SuppressionRow {
    channel: String,
    address: String,
    id: String,
    recipient: String,
    mark: String,
    strikes: i64,
    code: String,
    detail: String,
    delivery: String,
    since: i64,
    last_at: i64,
}

impl Readable for SuppressionRow {
    type Value = Suppression;

    fn read(self) -> Result<Suppression, StoreError> {
        Ok(Suppression {
            id: id(&self.id)?,
            channel: self.channel.into(),
            address: self.address.into(),
            recipient: self.recipient.into(),
            mark: Mark::parse(&self.mark).ok_or_else(|| corrupt(format!("no mark {}", self.mark)))?,
            strikes: number(self.strikes)?,
            code: self.code,
            detail: self.detail,
            delivery: id(&self.delivery)?,
            since: time(self.since)?,
            last_at: time(self.last_at)?,
        })
    }
}
