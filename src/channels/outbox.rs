//! The provider that keeps every message inside Foghorn, to be looked at. Every type of channel
//! has it: the type says how to render, the outbox keeps what came out.
//!
//! `fail` makes it a provider that is unwell, `fail_times` for how many attempts, so that what
//! Foghorn does about failures can be seen without breaking anything.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::settings::Reader;
use super::{Built, Channel, Settings, Surroundings, talk};
use crate::clock::Clock;
use crate::domain::delivery::{Address, Job};
use crate::domain::fault::{Failure, Fault, Outcome, Permanent, Receipt, Scope, Transient};
use crate::domain::ids::DeliveryId;
use crate::domain::names::ChannelName;
use crate::render::{Letterhead, TemplateFault};

/// Keys of `provider = "outbox"`.
pub(super) const KEYS: &[&str] = &["fail", "fail_times"];

/// How many messages are kept unless told otherwise.
const KEPT: usize = 1_000;

/// One message as it would have left.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMessage {
    /// 1 for the first since the start.
    pub seq: u64,
    /// When it was sent.
    pub at: Timestamp,
    /// Through which channel.
    pub channel: ChannelName,
    /// Of which type.
    pub channel_type: &'static str,
    /// For which delivery.
    pub delivery: DeliveryId,
    /// Where to. Printed masked, like every address.
    pub to: Address,
    /// Its words.
    pub draft: Draft,
}

/// What a type of channel makes of a job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// Subject or title, where the medium has one.
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// The alternative, where the medium has one.
    pub html: Option<String>,
    /// What a provider's interface would be given, where it takes JSON.
    pub payload: Option<serde_json::Value>,
    /// What people should know beside the words, such as what they cost.
    pub note: Option<String>,
}

/// The last messages of all `outbox` channels.
pub struct Outbox {
    messages: Mutex<VecDeque<Arc<OutboxMessage>>>,
    capacity: usize,
    /// How many there ever were.
    total: watch::Sender<u64>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::with_capacity(KEPT)
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("len", &self.len()).field("total", &*self.total.borrow()).finish()
    }
}

impl Outbox {
    /// An outbox that keeps the last `capacity` messages.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { messages: Mutex::default(), capacity, total: watch::Sender::new(0) }
    }

    /// The messages kept, oldest first.
    pub fn messages(&self) -> Vec<Arc<OutboxMessage>> {
        self.lock().iter().cloned().collect()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True before the first message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Follows how many there ever were; also after old ones were dropped.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.total.subscribe()
    }

    /// Keeps a message, and drops the oldest if there is no room. Gives its number.
    fn keep(&self, number: impl FnOnce(u64) -> OutboxMessage) -> u64 {
        let mut messages = self.lock();
        let seq = *self.total.borrow() + 1;
        messages.push_back(Arc::new(number(seq)));
        while messages.len() > self.capacity {
            messages.pop_front();
        }
        self.total.send_replace(seq);
        seq
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<OutboxMessage>>> {
        // A reader that panicked left the messages whole.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a type of channel renders; `now` is the moment of sending.
type Compose = dyn Fn(&Job, &Letterhead, Timestamp) -> Result<Draft, TemplateFault> + Send + Sync;

/// What it was told to do instead of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    Transient,
    Permanent,
    Throttle,
    Hang,
    Crash,
    Misconfigured,
}

const MISHAPS: &[(&str, Mishap)] = &[
    ("transient", Mishap::Transient),
    ("permanent", Mishap::Permanent),
    ("throttle", Mishap::Throttle),
    ("hang", Mishap::Hang),
    ("crash", Mishap::Crash),
    ("misconfigured", Mishap::Misconfigured),
];

struct OutboxChannel {
    channel_type: &'static str,
    compose: Box<Compose>,
    letterhead: Letterhead,
    clock: Clock,
    outbox: Arc<Outbox>,
    mishap: Option<Mishap>,
    /// How often it still happens.
    mishaps_left: AtomicU64,
}

/// The `outbox` channel of one type.
pub(super) fn build(
    channel_type: &'static str,
    compose: impl Fn(&Job, &Letterhead, Timestamp) -> Result<Draft, TemplateFault> + Send + Sync + 'static,
    settings: &Settings,
    surroundings: &Surroundings,
) -> Built {
    build_from(channel_type, compose, Reader::new(settings), surroundings)
}

/// The same, of a type that has taken settings of its own already.
pub(super) fn build_from(
    channel_type: &'static str,
    compose: impl Fn(&Job, &Letterhead, Timestamp) -> Result<Draft, TemplateFault> + Send + Sync + 'static,
    mut reader: Reader,
    surroundings: &Surroundings,
) -> Built {
    let told_to_fail = reader.has("fail");
    let mishap = reader.choice("fail", MISHAPS);
    let times = reader.number("fail_times", 0, u64::MAX);
    if times.is_some() && !told_to_fail {
        reader.problem("fail_times", "says how often to fail; say how with fail");
    }
    let problems = reader.finish();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(OutboxChannel {
        channel_type,
        compose: Box::new(compose),
        letterhead: surroundings.letterhead(),
        clock: surroundings.clock,
        outbox: Arc::clone(&surroundings.outbox),
        mishap,
        mishaps_left: AtomicU64::new(times.unwrap_or(u64::MAX)),
    }))
}

#[async_trait]
impl Channel for OutboxChannel {
    async fn send(&self, job: &Job) -> Outcome {
        talk::begin("outbox");
        if let Some(mishap) = self.next_mishap() {
            return happen(mishap).await;
        }
        let now = self.clock.now();
        let draft = match self.draft(job) {
            Ok(draft) => draft,
            Err(failure) => return Outcome::Failed(failure),
        };
        let seq = self.outbox.keep(|seq| OutboxMessage {
            seq,
            at: now,
            channel: job.target.channel.clone(),
            channel_type: self.channel_type,
            delivery: job.id,
            to: job.target.address.clone(),
            draft,
        });
        talk::heard(&format!("kept as message {seq}"));
        Outcome::Sent(Receipt {
            provider_id: Some(format!("outbox-{seq}")),
            answer: "kept in the outbox".to_owned(),
        })
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        let drafted = (self.compose)(job, &self.letterhead, self.clock.now());
        drafted.map_err(|fault| super::unrenderable(&fault))
    }

    async fn probe(&self) -> Result<String, String> {
        match self.mishap {
            None => Ok("messages stay inside Foghorn".to_owned()),
            Some(_) => Ok("messages stay inside Foghorn; told to fail".to_owned()),
        }
    }
}

impl OutboxChannel {
    fn next_mishap(&self) -> Option<Mishap> {
        let mishap = self.mishap?;
        let one_less = |left: u64| match left {
            u64::MAX => Some(left),
            _ => left.checked_sub(1),
        };
        self.mishaps_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok().map(|_| mishap)
    }
}

async fn happen(mishap: Mishap) -> Outcome {
    let (fault, code) = match mishap {
        Mishap::Transient => (Fault::Transient(Transient::Unavailable), "unavailable"),
        Mishap::Permanent => (Fault::Permanent(Permanent::Refused), "refused"),
        Mishap::Throttle => (
            Fault::Throttled { retry_after: Some(Duration::from_secs(1)), scope: Scope::Channel },
            "throttled",
        ),
        Mishap::Misconfigured => (Fault::Misconfigured, "misconfigured"),
        Mishap::Hang => std::future::pending().await,
        Mishap::Crash => panic!("the outbox was told to crash"),
    };
    Outcome::Failed(Failure {
        fault,
        code: code.to_owned(),
        detail: "the outbox was told to fail".to_owned(),
    })
}
