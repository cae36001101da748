//! Deliveries that go out in one message: found when one of them is claimed, in the transaction that takes
//! them in hand.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::bulk::Asks;
use super::reading::{Ask, Dialect};
use super::rows::{CandidateRow, IdRow, candidate_columns, read_all, time};
use super::write::Candidate;
use crate::domain::Timestamp;
use crate::domain::bundle::{Class, Parted, part};
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;

/// What an open transaction can do about messages that go out together. None of the lists is empty.
#[async_trait]
pub(super) trait Bundles: Send {
    /// When something last went to these addresses.
    async fn last_sent(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
    ) -> Result<BTreeMap<String, Timestamp>, StoreError>;

    /// What waits for others to these addresses and goes with what is due now: a digest whenever it is due.
    async fn gathered(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// These wait until their bundle is over, counted from what last went there.
    async fn put_off(&mut self, class: Class, ids: &[DeliveryId]) -> Result<(), StoreError>;

    /// Something goes to these addresses now.
    async fn went(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// What is taken in hand by one claim.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Each in a message of its own.
    pub(super) alone: Vec<Candidate>,
    /// All of one address in one message.
    pub(super) together: Vec<Vec<Candidate>>,
}

impl Gathered {
    pub(super) fn all(&self) -> impl Iterator<Item = &Candidate> {
        self.alone.iter().chain(self.together.iter().flatten())
    }
}

/// Puts `due` together with what goes out with it, and puts off what waits for others.
pub(super) async fn gather<L: Bundles>(
    ledger: &mut L,
    channel: &ChannelName,
    due: Vec<Candidate>,
    now: Timestamp,
) -> Result<Gathered, StoreError> {
    let (flagged, alone): (Vec<_>, Vec<_>) = due.into_iter().partition(|one| one.bundle.is_some());
    let mut gathered = Gathered { alone, together: Vec::new() };
    for class in Class::ALL {
        let of_class = || flagged.iter().filter(|one| Class::of(one.kind) == class);
        let mut addresses: Vec<&str> = of_class().map(|one| one.target.address.expose()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            continue;
        }
        let last = ledger.last_sent(channel, class, &addresses).await?;
        let shown = of_class().map(|one| (one.id, one.target.address.expose(), wait(one)));
        let Parted { going, waiting } = part(shown, &last, now);
        if !waiting.is_empty() {
            ledger.put_off(class, &waiting).await?;
        }
        if !going.is_empty() {
            let mut by_address: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
            for one in ledger.gathered(channel, class, &going, now).await? {
                by_address.entry(one.target.address.expose().to_owned()).or_default().push(one);
            }
            ledger.went(channel, class, &going, now).await?;
            gathered.together.extend(by_address.into_values());
        }
    }
    Ok(gathered)
}

/// How long it waits for others. What was tried before has its own moment.
fn wait(one: &Candidate) -> Duration {
    one.bundle.filter(|_| one.attempts == 0).unwrap_or_default()
}

/// The most that goes out with what a claim takes; the rest goes with the next.
pub(super) const MOST: usize = 2_000;

#[derive(Debug, FromRow)]
struct LastRow {
    address: String,
    sent_at: i64,
}

impl Ask {
    /// `channel = … AND class = … AND address IN (…)`
    fn of(self, channel: &ChannelName, class: Class, addresses: &[&str]) -> Self {
        let ask = self.push("channel = ").text(channel).push(" AND class = ").text(class.as_str());
        ask.push(" AND address IN (").among(addresses).push(")")
    }
}

#[async_trait]
impl<L: Asks> Bundles for L {
    async fn last_sent(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
    ) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let ask = Ask::new("SELECT address, sent_at FROM bundle WHERE ").of(channel, class, addresses);
        let rows: Vec<LastRow> = self.ask(ask).await?;
        rows.into_iter().map(|row| Ok((row.address, time(row.sent_at)?))).collect()
    }

    async fn gathered(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError> {
        let columns = concat!("SELECT ", candidate_columns!(), " FROM delivery AS d JOIN notification AS n ");
        let ask = Ask::new(columns)
            .push(
                "ON n.id = d.notification WHERE d.bundle IS NOT NULL AND d.state IN ('pending', 'retrying') ",
            )
            .push("AND d.channel = ")
            .text(channel)
            .push(" AND d.address IN (")
            .among(addresses)
            .push(match class {
                Class::Incident => ") AND d.kind <> 'direct' AND d.due_at <= ",
                Class::Direct => ") AND d.kind = 'direct' AND d.created_at <= ",
            })
            .number(now.as_millisecond())
            .push(" ORDER BY d.priority, d.id LIMIT ")
            .number(MOST as i64)
            .push(match L::DIALECT {
                Dialect::Sqlite => "",
                Dialect::Postgres => " FOR UPDATE OF d SKIP LOCKED",
            });
        read_all(self.ask::<CandidateRow>(ask).await?)
    }

    async fn put_off(&mut self, class: Class, ids: &[DeliveryId]) -> Result<(), StoreError> {
        let ask = Ask::new(
            "UPDATE delivery SET due_at = b.sent_at + delivery.bundle FROM bundle AS b \
             WHERE b.channel = delivery.channel AND b.address = delivery.address AND b.class = ",
        );
        let ask = ask.text(class.as_str()).push(" AND delivery.id IN (").among(ids);
        self.ask::<IdRow>(ask.push(") RETURNING delivery.id")).await.map(drop)
    }

    async fn went(
        &mut self,
        channel: &ChannelName,
        class: Class,
        addresses: &[&str],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ask = Ask::new("INSERT INTO bundle (channel, class, address, sent_at) VALUES ");
        let ask = ask.each(addresses, ", ", |ask, address| {
            let ask = ask.push("(").text(channel).push(", ").text(class.as_str()).push(", ").text(address);
            ask.push(", ").number(now.as_millisecond()).push(")")
        });
        let ask =
            ask.push(" ON CONFLICT (channel, class, address) DO UPDATE SET sent_at = excluded.sent_at ");
        self.ask::<IdRow>(ask.push("RETURNING address AS id")).await.map(drop)
    }
}
