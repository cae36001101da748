//! Events out: rows that are written in the transaction of what they tell of, and are gone when their
//! sink took them.
//!
//! One node at a time hands over to a sink: it has the *turn*, which runs out by itself, so that the order
//! stands with several nodes and nothing stands still when one is gone.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::batch::{Attempted, Batch, Committed, Turn};
use super::bulk::Asks;
use super::reading::{Ask, Fetch};
use super::rows::{CandidateRow, Readable, WordRow, candidate_columns, column, number, read_all, time};
use super::write::{Candidate, Ending, Ledger, UNKNOWN};
use crate::domain::Timestamp;
use crate::domain::delivery::{DeadReason, DeliveryState, Lease};
use crate::domain::ids::DeliveryId;
use crate::domain::names::{ChannelName, SinkName};
use crate::domain::notification::{Content, NotificationKind};
use crate::domain::outgoing::{Ended, EventsOut, Outgoing, OutgoingKind, Parcel};
use crate::domain::record::{Record, RecordChange, Section};

/// What an open transaction can do about events out.
#[async_trait]
pub(super) trait Posts: Send {
    /// Writes these down, in their order; one that waits already is not written again.
    async fn post(&mut self, now: Timestamp, outgoing: &[Outgoing]) -> Result<(), StoreError>;

    /// Strikes out what was taken, and puts off what was refused.
    async fn handed(&mut self, turn: &Turn) -> Result<(), StoreError>;

    /// Takes or keeps the turn of a sink, unless another node has it.
    async fn hold(&mut self, lease: &Lease, now: Timestamp, turn: &Turn) -> Result<bool, StoreError>;

    /// What waits for a sink and may go, the oldest first: nothing that comes after something about the
    /// same thing that was put off.
    async fn parcels(&mut self, now: Timestamp, turn: &Turn) -> Result<Vec<Parcel>, StoreError>;

    /// What the node, in whatever life, has in hand on `channel`.
    async fn held_by(&mut self, lease: &Lease, channel: &ChannelName) -> Result<Vec<Candidate>, StoreError>;
}

/// Those of the batch's outcomes that will end a delivery, if anybody wants to hear of it: to be asked
/// before they do.
pub(super) async fn ending<L: Ledger>(
    ledger: &mut L,
    batch: &Batch,
) -> Result<HashSet<DeliveryId>, StoreError> {
    let events_out = &batch.rules.events_out;
    let wanted = |attempted: &&Attempted| {
        kind_of(Ending::of(attempted).state).is_some_and(|kind| events_out.wants(kind))
    };
    if events_out.is_off() {
        return Ok(HashSet::new());
    }
    let attempts: Vec<_> =
        batch.attempted.iter().filter(wanted).map(|attempted| (attempted.id, attempted.attempt)).collect();
    if attempts.is_empty() {
        return Ok(HashSet::new());
    }
    ledger.in_hand(&batch.lease, &attempts).await
}

fn kind_of(state: DeliveryState) -> Option<OutgoingKind> {
    match state {
        DeliveryState::Sent => Some(OutgoingKind::NotificationSent),
        DeliveryState::Dead => Some(OutgoingKind::NotificationFailed),
        _ => None,
    }
}

/// Writes down what the batch did and somebody wants to hear: how deliveries ended, and what became of
/// incidents.
pub(super) async fn post<L: Posts>(
    ledger: &mut L,
    batch: &Batch,
    mut ending: HashSet<DeliveryId>,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let events_out = &batch.rules.events_out;
    if events_out.is_off() {
        return Ok(());
    }
    let mut outgoing = Vec::new();
    for attempted in &batch.attempted {
        // The first of two that say the same is the one that counted.
        if ending.remove(&attempted.id) {
            outgoing.extend(told(events_out, attempted));
        }
    }
    let rows = &committed.rows;
    for entry in &rows.timeline {
        // Of several states of one incident in a batch, the one that this change led to.
        let of_this = rows.incidents.iter().filter(|incident| incident.number == entry.incident);
        let after = of_this.filter(|incident| incident.version >= entry.version);
        if let Some(incident) = after.min_by_key(|incident| incident.version) {
            outgoing.extend(events_out.incident(entry, incident));
        }
    }
    write(ledger, batch.now, &outgoing, committed).await
}

/// Writes down what somebody wants to hear from now on.
pub(super) async fn wishes<L: Posts>(
    ledger: &mut L,
    batch: &Batch,
    change: &RecordChange,
    before: Option<&Record>,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let Some(after) = change.document.as_ref().filter(|_| change.section == Section::Users) else {
        return Ok(());
    };
    let (version, before) = (change.based_on + 1, before.map(|record| &record.document));
    let outgoing = batch.rules.events_out.preferences(&change.name, version, change.at, (before, after));
    write(ledger, batch.now, &outgoing, committed).await
}

async fn write<L: Posts>(
    ledger: &mut L,
    now: Timestamp,
    outgoing: &[Outgoing],
    committed: &mut Committed,
) -> Result<(), StoreError> {
    if outgoing.is_empty() {
        return Ok(());
    }
    committed.posted.extend(outgoing.iter().map(|outgoing| outgoing.sink.clone()));
    ledger.post(now, outgoing).await
}

fn told(events_out: &EventsOut, attempted: &Attempted) -> Vec<Outgoing> {
    let Some(about) = &attempted.about else { return Vec::new() };
    let (kind, incident) = match &*about.content {
        Content::Direct(_) | Content::Bundle(_) => (NotificationKind::Direct, None),
        Content::Incident(facts) => (facts.kind, Some(facts.number)),
    };
    let ending = Ending::of(attempted);
    events_out.delivery(&Ended {
        id: attempted.id,
        state: ending.state,
        kind,
        incident,
        channel: &about.target.channel,
        recipient: &about.target.recipient,
        to: &about.target.address,
        attempt: attempted.attempt,
        outcome: attempted.outcome,
        code: &attempted.code,
        reason: ending.dead_reason,
        provider_id: attempted.provider_id.as_deref(),
        at: attempted.at,
    })
}

/// Writes down which deliveries end because nobody knows whether they were sent: to be asked before they
/// do. `holding` are not among them.
pub(super) async fn given_up<L: Posts>(
    ledger: &mut L,
    batch: &Batch,
    channel: &ChannelName,
    holding: &[DeliveryId],
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let events_out = &batch.rules.events_out;
    if !events_out.wants(OutgoingKind::NotificationFailed) {
        return Ok(());
    }
    let mut outgoing = Vec::new();
    for lost in ledger.held_by(&batch.lease, channel).await? {
        if !holding.contains(&lost.id) {
            outgoing.extend(events_out.delivery(&Ended {
                id: lost.id,
                state: DeliveryState::Dead,
                kind: lost.kind,
                incident: lost.incident,
                channel: &lost.target.channel,
                recipient: &lost.target.recipient,
                to: &lost.target.address,
                attempt: lost.attempts,
                outcome: UNKNOWN,
                code: "",
                reason: Some(DeadReason::Unknown.as_str()),
                provider_id: None,
                at: batch.now,
            }));
        }
    }
    write(ledger, batch.now, &outgoing, committed).await
}

/// Does what publishers ask for: what was handed over is struck out, and they get what is next.
pub(super) async fn turns<L: Posts>(
    ledger: &mut L,
    batch: &Batch,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    for turn in &batch.turns {
        if !turn.done.is_empty() || !turn.refused.is_empty() {
            ledger.handed(turn).await?;
        }
        let parcels = match turn.limit > 0 && ledger.hold(&batch.lease, batch.now, turn).await? {
            true => ledger.parcels(batch.now, turn).await?,
            false => Vec::new(),
        };
        committed.parcels.push(parcels);
    }
    Ok(())
}

/// [`Posts::hold`] of both SQL stores: whoever comes second waits for the row, and then finds it taken.
pub(super) async fn hold(
    ledger: &mut impl Asks,
    lease: &Lease,
    now: Timestamp,
    turn: &Turn,
) -> Result<bool, StoreError> {
    let ask = Ask::new("INSERT INTO outgoing_turn (sink, node, held_until) VALUES (").text(&turn.sink);
    let ask = ask.push(", ").text(&lease.node).push(", ").number(turn.until.as_millisecond());
    let ask = ask
        .push(
            ") ON CONFLICT (sink) DO UPDATE SET node = excluded.node, held_until = excluded.held_until \
             WHERE outgoing_turn.node = excluded.node OR outgoing_turn.held_until <= ",
        )
        .number(now.as_millisecond())
        .push(" RETURNING sink AS word");
    Ok(!ledger.ask::<WordRow>(ask).await?.is_empty())
}

/// [`Posts::parcels`] of both SQL stores.
pub(super) async fn parcels(
    ledger: &mut impl Asks,
    now: Timestamp,
    turn: &Turn,
) -> Result<Vec<Parcel>, StoreError> {
    let now = now.as_millisecond();
    let ask = Ask::new(
        "SELECT number, sink, event, kind, about, payload, created_at, attempts FROM outgoing AS o \
         WHERE sink = ",
    );
    let ask = ask.text(&turn.sink).push(" AND due_at <= ").number(now).push(
        " AND NOT EXISTS (SELECT 1 FROM outgoing AS e WHERE e.sink = o.sink AND e.about = o.about \
         AND e.number < o.number AND e.attempts > 0 AND e.due_at > ",
    );
    let ask = ask.number(now).push(") ORDER BY number LIMIT ").number(column(turn.limit as u64));
    read_all(ledger.ask::<ParcelRow>(ask).await?)
}

/// [`Posts::held_by`] of both SQL stores.
pub(super) async fn held_by(
    ledger: &mut impl Asks,
    lease: &Lease,
    channel: &ChannelName,
) -> Result<Vec<Candidate>, StoreError> {
    let columns = concat!("SELECT ", candidate_columns!(), " FROM delivery AS d JOIN notification AS n ");
    let ask = Ask::new(columns).push("ON n.id = d.notification WHERE d.state = 'sending' AND d.owner = ");
    let ask = ask.text(&lease.node).push(" AND d.channel = ").text(channel);
    read_all(ledger.ask::<CandidateRow>(ask).await?)
}

/// No more are counted.
pub(super) const COUNTED: usize = 10_000;

/// How much waits for a sink, up to [`COUNTED`], and since when.
pub(super) async fn waiting(
    source: &impl Fetch,
    sink: &SinkName,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let ask = Ask::new(
        "SELECT count(*) AS count, min(created_at) AS oldest FROM \
         (SELECT created_at FROM outgoing WHERE sink = ",
    );
    let ask = ask.text(sink).push(" ORDER BY number LIMIT ").number(column(COUNTED as u64)).push(") AS head");
    let rows: Vec<WaitingRow> = source.fetch(ask).await?;
    Ok(read_all(rows)?.pop().unwrap_or_default())
}

#[derive(Debug, FromRow)]
struct WaitingRow {
    count: i64,
    oldest: Option<i64>,
}

impl Readable for WaitingRow {
    type Value = (u64, Option<Timestamp>);

    fn read(self) -> Result<Self::Value, StoreError> {
        Ok((number(self.count)?, self.oldest.map(time).transpose()?))
    }
}

#[derive(Debug, FromRow)]
struct ParcelRow {
    number: i64,
    sink: String,
    event: String,
    kind: String,
    about: String,
    payload: String,
    created_at: i64,
    attempts: i64,
}

impl Readable for ParcelRow {
    type Value = Parcel;

    fn read(self) -> Result<Parcel, StoreError> {
        let outgoing = Outgoing {
            sink: self.sink.into(),
            id: self.event,
            kind: self.kind,
            about: self.about,
            payload: self.payload,
        };
        Ok(Parcel {
            number: self.number,
            outgoing,
            created_at: time(self.created_at)?,
            attempts: number(self.attempts)?,
        })
    }
}
