//! Actor statistics: how many messages wait, how many were handled and in what time, how often an
//! actor died, how much work it has taken on.
//!
//! An actor makes an [`ActorLife`] when it starts and hands clones of it to whoever sends to it.
//! Who sends says [`ActorLife::received`]; the actor wraps what it does with a message in
//! [`ActorLife::handling`]. What it never came to handle, because it died with a full mailbox, is
//! taken off the gauges when the last clone is gone.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use tokio::time::Instant;

use super::labels::ActorKind;
use super::names::Metric;
use super::panics;

/// The series of all actors of a kind.
pub struct ActorMetrics {
    depth: Gauge,
    messages: Counter,
    handling: Histogram,
    restarts: Counter,
    credits: Gauge,
}

impl ActorMetrics {
    /// The series of this kind. Free to call.
    pub fn of(kind: ActorKind) -> &'static Self {
        static OF_KIND: OnceLock<Vec<ActorMetrics>> = OnceLock::new();
        let of_kind =
            OF_KIND.get_or_init(|| ActorKind::ALL.iter().map(|kind| Self::look_up(*kind)).collect());
        &of_kind[kind as usize]
    }

    fn look_up(kind: ActorKind) -> Self {
        let actor = [kind.as_str()];
        Self {
            depth: Metric::ActorMailboxDepth.gauge(&actor),
            messages: Metric::ActorMessages.counter(&actor),
            handling: Metric::ActorHandling.histogram(&actor),
            restarts: Metric::ActorRestarts.counter(&actor),
            credits: Metric::ActorCredits.gauge(&actor),
        }
    }

    /// A message was sent to one of them.
    pub fn received(&self) {
        self.depth.increment(1.0);
    }

    /// So many messages will never be handled: the actor was gone, or died with them.
    pub fn lost(&self, messages: usize) {
        self.depth.decrement(messages as f64);
    }

    /// One of them is done with a message.
    pub fn handled(&self, elapsed: Duration) {
        self.depth.decrement(1.0);
        self.messages.increment(1);
        self.handling.record(elapsed);
    }

    /// One of them died and was started again.
    pub fn restarted(&self) {
        self.restarts.increment(1);
    }

    /// One of them took on so much work.
    pub fn credits_taken(&self, credits: usize) {
        self.credits.increment(credits as f64);
    }

    /// So much of it is finished.
    pub fn credits_returned(&self, credits: usize) {
        self.credits.decrement(credits as f64);
    }
}

/// One life of one actor, from its start to its stop or death. All clones are one life.
#[derive(Clone)]
pub struct ActorLife(Arc<Life>);

struct Life {
    name: Arc<str>,
    metrics: &'static ActorMetrics,
    waiting: AtomicUsize,
    credits: AtomicUsize,
}

impl ActorLife {
    /// A life begins. `name` is for logs: `delivery/email/3`.
    pub fn begin(kind: ActorKind, name: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Life {
            name: name.into(),
            metrics: ActorMetrics::of(kind),
            waiting: AtomicUsize::new(0),
            credits: AtomicUsize::new(0),
        }))
    }

    /// The actor's name, for logs.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// A message was sent to it.
    pub fn received(&self) {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        self.0.metrics.received();
    }

    /// The message could not be sent: it is gone.
    pub fn refused(&self) {
        self.0.metrics.lost(take(&self.0.waiting, 1));
    }

    /// Does what the actor does with one message, and counts it, even if it panics; the panic's one
    /// log line carries the actor's name. A message nobody announced, a timer of the actor itself,
    /// counts as handled and never waited.
    pub async fn handling<F: Future>(&self, work: F) -> F::Output {
        let _counted = Handling { life: &self.0, started: Instant::now() };
        panics::while_handling(Arc::clone(&self.0.name), work).await
    }

    /// It took on so much work.
    pub fn credits_taken(&self, credits: usize) {
        self.0.credits.fetch_add(credits, Ordering::Relaxed);
        self.0.metrics.credits_taken(credits);
    }

    /// So much of it is finished.
    pub fn credits_returned(&self, credits: usize) {
        self.0.metrics.credits_returned(take(&self.0.credits, credits));
    }
}

struct Handling<'a> {
    life: &'a Life,
    started: Instant,
}

impl Drop for Handling<'_> {
    fn drop(&mut self) {
        if take(&self.life.waiting, 1) == 0 {
            self.life.metrics.received();
        }
        self.life.metrics.handled(self.started.elapsed());
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.metrics.lost(*self.waiting.get_mut());
        self.metrics.credits_returned(*self.credits.get_mut());
    }
}

/// Takes up to `wanted` off the count and says how many it was.
fn take(count: &AtomicUsize, wanted: usize) -> usize {
    let before = count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_sub(wanted)))
        .unwrap_or_else(|now| now);
    before.min(wanted)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::telemetry::metrics;

    /// The value of a series of the sweeper, which no other unit test starts.
    fn sweeper(series: &str) -> f64 {
        let page = metrics::install().render();
        let start = format!("foghorn_actor_{series}{{actor=\"sweeper\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&start));
        line.expect("registered").parse().expect("a number")
    }

    #[tokio::test]
    async fn what_dies_with_an_actor_is_taken_off_the_gauges() {
        let life = ActorLife::begin(ActorKind::Sweeper, "sweeper");
        let sender = life.clone();
        for _ in 0..5 {
            sender.received();
        }
        life.credits_taken(3);
        life.credits_returned(1);
        assert_eq!(sweeper("mailbox_depth"), 5.0);
        assert_eq!(sweeper("credits_in_use"), 2.0);

        life.handling(async {}).await;
        sender.refused();
        let crashed = std::panic::AssertUnwindSafe(life.handling(async { panic!("on purpose") }));
        assert!(crashed.catch_unwind().await.is_err());
        assert_eq!(sweeper("mailbox_depth"), 2.0, "a panicking handler counts too");
        assert_eq!(sweeper("messages_total"), 2.0);
        assert_eq!(sweeper("handling_seconds_count"), 2.0);

        drop((life, sender));
        assert_eq!(sweeper("mailbox_depth"), 0.0);
        assert_eq!(sweeper("credits_in_use"), 0.0);

        let life = ActorLife::begin(ActorKind::Sweeper, "sweeper");
        life.handling(async {}).await;
        drop(life);
        assert_eq!(sweeper("mailbox_depth"), 0.0, "a timer's message never waited");
        assert_eq!(sweeper("messages_total"), 3.0);
    }
}
