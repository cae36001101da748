//! One connection's life: what is pending is read first, then what is new, and what others left alone;
//! what is stored is acknowledged.
//!
//! Two connections, because a read that waits holds up everything behind it on its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisError, Value, cmd};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::config::RedisSettings;
use super::wire::{self, Entry};
use super::{trouble, wire::Group};
use crate::sources::called::id_of;
use crate::sources::handover::{Handover, Portion};
use crate::sources::settings::Start;
use crate::sources::{Polled, SourceError};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a read waits for something new.
const BLOCK: Duration = Duration::from_secs(1);
/// How often the lag is asked for, and whether it is time to see what others left alone.
const TICK: Duration = Duration::from_secs(1);
/// Most ids of one command.
const IDS: usize = 1_000;

/// Which stream is read, and as whom.
pub(super) struct Reading {
    pub(super) client: Client,
    pub(super) settings: Arc<RedisSettings>,
    pub(super) stream: Arc<str>,
    pub(super) consumer: Arc<str>,
}

/// What outlives a connection.
pub(super) struct Held {
    /// Given and not acknowledged: what the entry of each id is called. What comes again of it is not given again.
    /// An id of a stream that was made anew is the new entry's.
    names: HashMap<Arc<str>, Arc<str>>,
    /// Ids to be acknowledged; Redis has not heard of them yet.
    stored: Vec<Arc<str>>,
    portion: Portion,
    /// Where a group begins that is not there.
    begin: &'static str,
}

impl Held {
    pub(super) fn nothing(settings: &RedisSettings) -> Self {
        Self {
            names: HashMap::new(),
            stored: Vec::new(),
            portion: Portion::of(settings.max_in_flight),
            begin: match settings.start {
                Start::Earliest => "0",
                Start::Latest => "$",
            },
        }
    }
}

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cursor {
    /// Behind this entry of those that were handed to us before.
    Ours(String),
    /// With what nobody was handed yet.
    New,
}

/// What is read, and from where on.
type Answer = BoxFuture<'static, (Cursor, Result<Value, RedisError>)>;

/// Two connections that work.
pub(super) struct Session<'a> {
    reading: &'a Reading,
    held: &'a mut Held,
    handover: &'a Handover,
    /// For reads that wait.
    reader: MultiplexedConnection,
    /// For everything else.
    control: MultiplexedConnection,
    cursor: Cursor,
    /// Where the search for what others left alone goes on.
    claim: String,
    claimed: Option<Instant>,
}

impl<'a> Session<'a> {
    /// Connects, and makes the group if it is not there.
    pub(super) async fn open(
        reading: &'a Reading,
        held: &'a mut Held,
        handover: &'a Handover,
    ) -> Result<Self, SourceError> {
        let reader = connect(&reading.client, BLOCK + ANSWER).await?;
        let control = connect(&reading.client, ANSWER).await?;
        let mut session = Self {
            reading,
            held,
            handover,
            reader,
            control,
            cursor: Cursor::Ours("0".to_owned()),
            claim: "0-0".to_owned(),
            claimed: None,
        };
        session.make_group().await?;
        Ok(session)
    }

    /// Until the source is closed, or something goes wrong.
    pub(super) async fn run(mut self) -> Result<(), SourceError> {
        let mut renew = every(self.reading.settings.claim_idle / 3);
        let mut tick = every(TICK);
        let mut answer: Option<Answer> = None;
        loop {
            // Whoever closes said before what is stored.
            let closing = self.handover.is_closing();
            self.acknowledge().await?;
            if closing {
                return Ok(());
            }
            if answer.is_none() && self.handover.wants_records() {
                answer = Some(self.ask());
            }
            let read = async {
                match answer.as_mut() {
                    Some(answer) => answer.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                (cursor, read) = read => {
                    answer = None;
                    self.take_read(cursor, read).await?;
                }
                () = self.handover.stirred() => {}
                _ = renew.tick() => self.renew().await?,
                _ = tick.tick() => self.look_around().await?,
            }
        }
    }

    /// Begins to read on. What is pending is there at once; what is new may take a while.
    fn ask(&self) -> Answer {
        let mut connection = self.reader.clone();
        let cursor = self.cursor.clone();
        let from = match &cursor {
            Cursor::Ours(id) => id.clone(),
            Cursor::New => ">".to_owned(),
        };
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.reading.settings.group).arg(&*self.reading.consumer);
        read.arg("COUNT").arg(self.held.portion.count());
        read.arg("BLOCK").arg(BLOCK.as_millis() as u64);
        read.arg("STREAMS").arg(&*self.reading.stream).arg(from);
        async move { (cursor, read.query_async(&mut connection).await) }.boxed()
    }

    async fn take_read(
        &mut self,
        cursor: Cursor,
        read: Result<Value, RedisError>,
    ) -> Result<(), SourceError> {
        let answer = match read {
            Ok(answer) => answer,
            Err(error) if trouble::is_gone(&error) => return self.make_group().await,
            Err(error) => return Err(trouble::judge(&error)),
        };
        let entries = wire::read(answer).ok_or_else(senseless)?;
        if let Cursor::Ours(_) = cursor {
            self.cursor = match entries.last() {
                Some(last) => Cursor::Ours(last.id().to_string()),
                None => Cursor::New,
            };
        }
        self.take(entries).await
    }

    /// Gives what is not in hand yet; says of what is gone that it is.
    async fn take(&mut self, entries: Vec<Entry>) -> Result<(), SourceError> {
        let (mut records, mut gone) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Whole(id, fields) => {
                    let name = wire::called(&id, &fields);
                    let before = self.held.names.insert(id, Arc::clone(&name));
                    if before.as_ref() != Some(&name) {
                        let field = &self.reading.settings.field;
                        records.push(wire::record(&self.reading.stream, field, name, fields));
                    }
                }
                Entry::Gone(id) if !self.held.names.contains_key(&id) => gone.push(id),
                Entry::Gone(_) => {}
            }
        }
        self.held.portion.came(&records);
        self.handover.give(records);
        if !gone.is_empty() {
            // Or it would come again and again.
            self.held.stored.extend(gone.iter().cloned());
            self.handover.tell(Polled::Missing { stream: Arc::clone(&self.reading.stream), ids: gone });
        }
        Ok(())
    }

    /// Acknowledges what is stored. What Redis did not hear of is said again by the next session. Of an entry whose
    /// id is another one's by now there is nothing to say.
    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        for name in self.handover.acknowledged() {
            if let Some((id, newest)) = self.held.names.get_key_value(id_of(&name))
                && *newest == name
            {
                self.held.stored.push(Arc::clone(id));
            }
        }
        while !self.held.stored.is_empty() {
            let count = self.held.stored.len().min(IDS);
            let mut xack = self.on_group("XACK");
            for id in &self.held.stored[..count] {
                xack.arg(&**id);
            }
            self.control(&xack).await.map_err(|error| trouble::judge(&error))?;
            for id in self.held.stored.drain(..count) {
                self.held.names.remove(&id);
            }
        }
        Ok(())
    }

    async fn look_around(&mut self) -> Result<(), SourceError> {
        let idle = self.reading.settings.claim_idle;
        let due = self.claimed.is_none_or(|claimed| claimed.elapsed() >= idle / 2);
        if due && self.cursor == Cursor::New && self.handover.wants_records() {
            self.claim().await?;
        }
        self.tell_lag().await
    }

    /// What is in hand for long is not idle: nobody else is to take it.
    async fn renew(&mut self) -> Result<(), SourceError> {
        let ids: Vec<Arc<str>> = self.held.names.keys().cloned().collect();
        for ids in ids.chunks(IDS) {
            let mut claim = self.on_group("XCLAIM");
            claim.arg(&*self.reading.consumer).arg(0);
            for id in ids {
                claim.arg(&**id);
            }
            claim.arg("JUSTID");
            self.unless_gone(&claim).await?;
        }
        Ok(())
    }

    /// Takes over what was left alone, by whoever.
    async fn claim(&mut self) -> Result<(), SourceError> {
        let idle = u64::try_from(self.reading.settings.claim_idle.as_millis()).unwrap_or(u64::MAX);
        let mut claim = self.on_group("XAUTOCLAIM");
        claim.arg(&*self.reading.consumer).arg(idle).arg(&self.claim);
        claim.arg("COUNT").arg(self.held.portion.count());
        let Some(answer) = self.unless_gone(&claim).await? else {
            return Ok(());
        };
        let (next, entries) = wire::claimed(answer).ok_or_else(senseless)?;
        // Until it was once around, it goes on at the next look.
        self.claimed = (next == "0-0").then(Instant::now);
        self.claim = next;
        self.take(entries).await
    }

    /// Everything that is not acknowledged yet, by whoever.
    async fn tell_lag(&mut self) -> Result<(), SourceError> {
        let mut info = cmd("XINFO");
        info.arg("GROUPS").arg(&*self.reading.stream);
        let answer = self.unless_gone(&info).await?;
        let group = answer.and_then(|answer| wire::group(&answer, &self.reading.settings.group));
        let Some(Group { pending, waiting, last }) = group else {
            return Ok(());
        };
        let waiting = match waiting {
            Some(waiting) => waiting,
            None => self.at_most_waiting(&last).await?,
        };
        self.handover.lag(pending.saturating_add(waiting));
        Ok(())
    }

    /// Entries that were deleted out of the middle spoil Redis' count, and older servers have none: then all
    /// that the stream keeps counts, unless everything was handed out.
    async fn at_most_waiting(&mut self, last: &str) -> Result<u64, SourceError> {
        let mut behind = cmd("XRANGE");
        behind.arg(&*self.reading.stream).arg(format!("({last}")).arg("+").arg("COUNT").arg(1);
        if let Some(Value::Array(next)) = self.unless_gone(&behind).await?
            && next.is_empty()
        {
            return Ok(0);
        }
        let mut length = cmd("XLEN");
        length.arg(&*self.reading.stream);
        match self.control(&length).await {
            Ok(Value::Int(length)) => Ok(u64::try_from(length).unwrap_or_default()),
            Ok(_) => Err(senseless()),
            Err(error) => Err(trouble::judge(&error)),
        }
    }

    /// Makes the group, and the stream. A group that was there and is not any more begins at the beginning, so
    /// that nothing is skipped that came meanwhile: the store knows what it has.
    async fn make_group(&mut self) -> Result<(), SourceError> {
        let begin = std::mem::replace(&mut self.held.begin, "0");
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&*self.reading.stream).arg(&self.reading.settings.group).arg(begin);
        create.arg("MKSTREAM");
        match self.control(&create).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            Err(error) => Err(trouble::judge(&error)),
        }
    }

    fn on_group(&self, command: &str) -> Cmd {
        let mut command = cmd(command);
        command.arg(&*self.reading.stream).arg(&self.reading.settings.group);
        command
    }

    async fn control(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        command.query_async(&mut self.control).await
    }

    /// `None` if stream or group are not there: the next read makes them.
    async fn unless_gone(&mut self, command: &Cmd) -> Result<Option<Value>, SourceError> {
        match self.control(command).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if trouble::is_gone(&error) => Ok(None),
            Err(error) => Err(trouble::judge(&error)),
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

pub(super) async fn connect(client: &Client, answer: Duration) -> Result<MultiplexedConnection, SourceError> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(answer));
    let connected = client.get_multiplexed_async_connection_with_config(&config).await;
    connected.map_err(|error| trouble::judge(&error))
}

fn senseless() -> SourceError {
    SourceError::Lost("Redis gave an answer that makes no sense".to_owned())
}
