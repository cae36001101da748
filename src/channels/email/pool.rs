//! Connections that are open and idle. As many as there are workers are kept, each for
//! [`IDLE`] at most.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::conversation::Conversation;

/// How long a connection is kept without use. Servers close theirs after 1 to 5 minutes.
const IDLE: Duration = Duration::from_secs(60);

pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
    capacity: usize,
    /// A task is about to look for connections that were idle for too long.
    is_watched: AtomicBool,
}

struct Idle {
    conversation: Conversation,
    since: Instant,
}

impl Pool {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            capacity: capacity.max(1),
            is_watched: AtomicBool::new(false),
        })
    }

    /// The connection that was used last, so that the others can grow old.
    pub(super) fn take(&self) -> Option<Conversation> {
        let idle = self.lock().pop()?;
        (idle.since.elapsed() < IDLE).then_some(idle.conversation)
    }

    /// Keeps a connection that is ready for `MAIL`.
    pub(super) fn put(self: &Arc<Self>, conversation: Conversation) {
        let mut idle = self.lock();
        if idle.len() < self.capacity {
            idle.push(Idle { conversation, since: Instant::now() });
        }
        drop(idle);
        if !self.is_watched.swap(true, Ordering::AcqRel) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Every idle connection.
    pub(super) fn drain(&self) -> Vec<Conversation> {
        let idle = std::mem::take(&mut *self.lock());
        idle.into_iter().map(|idle| idle.conversation).collect()
    }

    /// Drops what was idle for too long; false if nothing is left.
    fn drop_old(&self) -> bool {
        let mut idle = self.lock();
        idle.retain(|idle| idle.since.elapsed() < IDLE);
        if idle.is_empty() {
            self.is_watched.store(false, Ordering::Release);
        }
        !idle.is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // Whoever panicked left the list whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for old connections until there are none, or the pool is gone.
async fn watch(pool: Weak<Pool>) {
    loop {
        sleep(IDLE).await;
        match pool.upgrade() {
            Some(pool) if pool.drop_old() => {}
            _ => return,
        }
    }
}
