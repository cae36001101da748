//! What operators do to single deliveries, and which records have left for their topic, in an open transaction: the row is read again, decided upon
//! ([`decide`]) and written, so that an attempt that begins at the same moment comes before or after.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::batch::{Batch, Committed, Ended};
use super::bulk::{Asks, Bulks};
use super::reading::{Ask, Dialect};
use super::repeating::{Replay, count, repeat};
use super::rows::{IdRow, Readable, corrupt, id, number, optional, read_all, word};
use super::write::Ledger;
use crate::domain::Timestamp;
use crate::domain::delivery::{DeliveryState, Target};
use crate::domain::event::Priority;
use crate::domain::handling::{Afterlife, Deed, Handled, Handling, Standing, decide};
use crate::domain::ids::{DeadLetterId, DeliveryId};

/// What an open transaction can do about it.
#[async_trait]
pub(super) trait Handlings: Send {
    /// What `wish` is about, which nobody else changes until the end of this transaction.
    async fn standings(&mut self, wish: Handling) -> Result<Vec<Standing>, StoreError>;

    /// These, which wait, are canceled.
    async fn cancel(&mut self, now: Timestamp, ids: &[DeliveryId]) -> Result<(), StoreError>;

    /// This one, which waits, is due now.
    async fn hurry(&mut self, now: Timestamp, id: DeliveryId) -> Result<(), StoreError>;

    /// These records are in their topic of dead letters, too.
    async fn exported(&mut self, now: Timestamp, ids: &[DeadLetterId]) -> Result<(), StoreError>;
}

/// Does what operators want, one after the other.
pub(super) async fn handle<L: Ledger + Bulks + Handlings>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    for wish in &batch.handlings {
        let found = ledger.standings(*wish).await?;
        let handled = match decide(*wish, &found) {
            Deed::Nothing(handled) => handled,
            Deed::Cancel(ids) => {
                ledger.cancel(batch.now, &ids).await?;
                let canceled = found.into_iter().filter(|one| ids.contains(&one.id));
                committed.withdrawn.extend(canceled.map(withdrawn));
                Handled::Done(ids)
            }
            Deed::Hurry(id) => {
                ledger.hurry(batch.now, id).await?;
                found.iter().for_each(|one| waits(one, committed));
                Handled::Done(vec![id])
            }
            Deed::Repeat(dead) => {
                let replay = Replay::of(dead.into(), batch.now);
                let child = replay.child;
                let repeated = repeat(ledger, batch.now, &[replay], committed).await?;
                if repeated.contains(&child) { Handled::Repeated(child) } else { Handled::NotFound }
            }
        };
        committed.handled.push(handled);
    }
    Ok(())
}

fn withdrawn(one: Standing) -> Ended {
    let Standing { id, target, kind, incident, .. } = one;
    Ended { id, state: DeliveryState::Canceled, target, kind, incident }
}

/// Its pool hears that it is due.
fn waits(one: &Standing, committed: &mut Committed) {
    count(&mut committed.waiting, &one.target.channel);
    if one.priority == Priority::Critical {
        committed.urgent.insert(one.target.channel.clone());
    }
}

/// A delivery that an operator wants something of.
#[derive(Debug, FromRow)]
struct StandingRow {
    id: String,
    state: String,
    settled_at: Option<i64>,
    channel: String,
    recipient: String,
    address: String,
    kind: String,
    incident: Option<i64>,
    priority: i16,
    child: Option<String>,
}

impl Readable for StandingRow {
    type Value = Standing;

    fn read(self) -> Result<Standing, StoreError> {
        Ok(Standing {
            id: id(&self.id)?,
            state: word(&self.state)?,
            target: Target {
                recipient: self.recipient.into(),
                channel: self.channel.into(),
                address: self.address.into(),
            },
            kind: word(&self.kind)?,
            incident: optional(self.incident, number)?,
            priority: Priority::of_rank(self.priority)
                .ok_or_else(|| corrupt(format!("no priority {}", self.priority)))?,
            afterlife: match (self.child, self.settled_at) {
                (Some(child), _) => Afterlife::Repeated(id(&child)?),
                (None, Some(_)) => Afterlife::Discarded,
                (None, None) => Afterlife::Open,
            },
        })
    }
}

const STANDING: &str = "SELECT d.id, d.state, d.settled_at, d.channel, d.recipient, d.address, d.kind, d.incident, \
     d.priority, (SELECT c.id FROM delivery AS c WHERE c.replay_of = d.id) AS child FROM delivery AS d WHERE ";

#[async_trait]
impl<L: Asks> Handlings for L {
    async fn standings(&mut self, wish: Handling) -> Result<Vec<Standing>, StoreError> {
        let ask = Ask::new(STANDING);
        let ask = match wish {
            Handling::Cancel(id) | Handling::Retry(id) => ask.push("d.id = ").text(id),
            Handling::CancelAll(id) => ask.push("d.kind = 'direct' AND d.notification = ").text(id),
        };
        let ask = ask.push(" ORDER BY d.id").push(match L::DIALECT {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE OF d",
        });
        read_all(self.ask::<StandingRow>(ask).await?)
    }

    async fn cancel(&mut self, now: Timestamp, ids: &[DeliveryId]) -> Result<(), StoreError> {
        let ask = Ask::new("UPDATE delivery SET state = 'canceled', updated_at = ");
        let ask = ask.number(now.as_millisecond()).push(" WHERE id IN (").among(ids);
        self.ask::<IdRow>(ask.push(") RETURNING id")).await.map(drop)
    }

    async fn hurry(&mut self, now: Timestamp, id: DeliveryId) -> Result<(), StoreError> {
        let now = now.as_millisecond();
        let ask = Ask::new("UPDATE delivery SET due_at = ").number(now).push(", updated_at = ").number(now);
        self.ask::<IdRow>(ask.push(" WHERE id = ").text(id).push(" RETURNING id")).await.map(drop)
    }

    async fn exported(&mut self, now: Timestamp, ids: &[DeadLetterId]) -> Result<(), StoreError> {
        let ask = Ask::new("UPDATE dead_letter SET exported_at = ").number(now.as_millisecond());
        let ask = ask.push(" WHERE id IN (").among(ids);
        self.ask::<IdRow>(ask.push(") RETURNING id")).await.map(drop)
    }
}
