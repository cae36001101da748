//! The hybrid: rows of a table in PostgreSQL wait to be told of, and a channel of Redis says when there is a new
//! one.
//!
//! The row is the promise and the signal is a hint. Whatever a hint says, the table is asked which rows
//! wait; and it is asked every `poll_every` even if no hint comes, because a signal that nobody listened to
//! is lost. A row is marked as done once it is stored. While Redis is away the source is slower, and that
//! is all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use redis::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::config::RedisSettings;
use super::table::{Place, Table};
use super::trouble;
use crate::domain::event::Position;
use crate::sources::SourceError;
use crate::sources::handover::{Handover, Patience, Portion};
use crate::sources::sessions::Sessions;

/// How often the rows that wait are counted, at most.
const TICK: Duration = Duration::from_secs(1);
/// Most rows of one statement.
const ROWS: usize = 1_000;

/// A table, and who says that there is something new in it.
pub(super) struct Hybrid {
    settings: Arc<RedisSettings>,
    client: Client,
    /// Given and not acknowledged, by what each is called.
    held: HashMap<Arc<str>, Place>,
    /// To be marked as done.
    stored: Vec<Arc<str>>,
    portion: Portion,
}

/// What whoever listens to Redis has to say.
enum Hint {
    /// There may be something new.
    New,
    /// Nobody listens: why, in words.
    Deaf(String),
}

impl Hybrid {
    pub(super) fn of(settings: &Arc<RedisSettings>) -> Result<Self, SourceError> {
        Ok(Self {
            settings: Arc::clone(settings),
            client: settings.client()?,
            held: HashMap::new(),
            stored: Vec::new(),
            portion: Portion::of(settings.max_in_flight),
        })
    }

    /// Marks what is stored. What the table did not hear of is said again by the next session.
    async fn finish(&mut self, table: &Table, handover: &Handover) -> Result<bool, SourceError> {
        self.stored.extend(handover.acknowledged());
        let any = !self.stored.is_empty();
        while !self.stored.is_empty() {
            let count = self.stored.len().min(ROWS);
            let places = self.stored[..count].iter().filter_map(|id| self.held.get(id)).cloned();
            table.finish(&places.collect::<Vec<_>>()).await?;
            for id in self.stored.drain(..count) {
                self.held.remove(&id);
            }
        }
        Ok(any)
    }

    /// Gives what waits. Is there likely to be more?
    async fn look(&mut self, table: &Table, handover: &Handover) -> Result<bool, SourceError> {
        let count = self.portion.count();
        let rows = table.waiting(self.held.values(), count).await?;
        let full = rows.len() == count;
        let mut records = Vec::with_capacity(rows.len());
        for (place, record) in rows {
            if let Position::Message { id, .. } = &record.position {
                self.held.insert(Arc::clone(id), place);
            }
            records.push(record);
        }
        self.portion.came(&records);
        handover.give(records);
        Ok(full)
    }
}

#[async_trait]
impl Sessions for Hybrid {
    fn address(&self) -> String {
        self.settings.table.address()
    }

    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
        let table = Table::open(&self.settings.table).await?;
        handover.up();
        let (said, mut hints) = mpsc::channel(1);
        // Ends with this session.
        let mut listening = JoinSet::new();
        listening.spawn(listen(self.client.clone(), self.settings.channel.clone(), said));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let every = self.settings.table.poll_every;
        // What is new since then is not known.
        let (mut due, mut moved) = (Instant::now(), true);
        loop {
            // Whoever closes said before what is stored.
            let closing = handover.is_closing();
            moved |= self.finish(&table, handover).await?;
            if closing {
                return Ok(());
            }
            if due <= Instant::now() && handover.wants_records() {
                due = Instant::now() + every;
                moved = true;
                if self.look(&table, handover).await? {
                    due = Instant::now();
                }
            }
            tokio::select! {
                hint = hints.recv() => match hint {
                    Some(Hint::New) => {
                        handover.up();
                        (due, moved) = (Instant::now(), true);
                    }
                    Some(Hint::Deaf(why)) => handover.degraded(format!(
                        "no hints come from {}, the table is looked at every {} s: {why}",
                        self.settings.address(),
                        every.as_secs()
                    )),
                    None => return Err(SourceError::Lost("nobody listens for hints".to_owned())),
                },
                () = handover.stirred() => {}
                () = sleep_until(due), if due > Instant::now() => moved = true,
                _ = tick.tick() => if std::mem::take(&mut moved) {
                    handover.lag(table.count().await?);
                },
            }
        }
    }
}

/// Says whenever there may be something new. Hints that come quickly after one another are one.
async fn listen(client: Client, channel: String, said: mpsc::Sender<Hint>) {
    let mut patience = Patience::default();
    loop {
        let why = match heard(&client, &channel, &said, &mut patience).await {
            Ok(()) => "the connection is lost".to_owned(),
            Err(error) => trouble::in_words(&error),
        };
        if said.send(Hint::Deaf(why)).await.is_err() {
            return;
        }
        sleep(patience.next()).await;
    }
}

async fn heard(
    client: &Client,
    channel: &str,
    said: &mpsc::Sender<Hint>,
    patience: &mut Patience,
) -> Result<(), redis::RedisError> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    patience.restore();
    // What was said before we listened, nobody says again.
    let mut hint = said.send(Hint::New).await;
    let mut messages = subscription.into_on_message();
    while hint.is_ok() {
        let Some(_) = messages.next().await else {
            return Ok(());
        };
        hint = match said.try_send(Hint::New) {
            // One that was not looked at yet stands for all that came since.
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(hint)) => Err(mpsc::error::SendError(hint)),
        };
    }
    Ok(())
}
