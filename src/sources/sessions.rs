//! A source whose bus is talked to by a task, one session after the other: connect, talk until something goes
//! wrong, wait a little longer each time, connect again. The two sides meet at a [`Handover`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::handover::{Handover, Patience};
use super::{Polled, Source, SourceError};

/// How to talk to one bus.
#[async_trait]
pub(super) trait Sessions: Send + 'static {
    /// Who is talked to, without secrets.
    fn address(&self) -> String;

    /// Connects, says so ([`Handover::up`]), and talks until the source is closed or something goes wrong.
    async fn session(&mut self, handover: &Handover) -> Result<(), SourceError>;
}

/// A source that is talked to by a task of its own.
pub struct SessionSource {
    handover: Arc<Handover>,
    address: String,
    /// Gone once it is closed.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for SessionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSource").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SessionSource {
    /// Begins to talk. Must be called inside a tokio runtime.
    pub(super) fn start(sessions: impl Sessions) -> Self {
        let handover = Arc::new(Handover::default());
        let address = sessions.address();
        let task = tokio::spawn(keep_talking(sessions, Arc::clone(&handover)));
        Self { handover, address, task: Mutex::new(Some(task)) }
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Session after session, until the source is closed or somebody has to do something.
async fn keep_talking(mut sessions: impl Sessions, handover: Arc<Handover>) {
    let mut patience = Patience::default();
    loop {
        let end = sessions.session(&handover).await;
        if handover.is_up() {
            patience.restore();
        }
        match end {
            Ok(()) => return,
            Err(_) if handover.is_closing() => return,
            Err(refused @ SourceError::Refused(_)) => return handover.end(refused),
            Err(SourceError::Lost(why)) => {
                handover.down(format!("{}: {why}", sessions.address()));
                handover.rest(patience.next()).await;
            }
        }
    }
}

#[async_trait]
impl Source for SessionSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.handover.poll().await
    }

    fn acknowledge(&self, ids: &[Arc<str>]) {
        self.handover.acknowledge(ids);
    }

    fn set_aside(&self, ids: &[Arc<str>]) {
        self.handover.set_aside(ids);
    }

    fn pause(&self) {
        self.handover.pause();
    }

    fn resume(&self) {
        self.handover.resume();
    }

    async fn close(&self, deadline: Duration) {
        self.handover.close();
        let Some(mut task) = self.take_task() else {
            return;
        };
        if tokio::time::timeout(deadline, &mut task).await.is_err() {
            task.abort();
            let address = &self.address;
            tracing::warn!(address, "not left in time: the last messages may come again");
        }
        self.handover.end(SourceError::Lost("the source is closed".to_owned()));
    }
}

impl Drop for SessionSource {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bus that does as it is told.
    struct Scripted(Vec<Result<(), SourceError>>, Arc<Mutex<usize>>);

    #[async_trait]
    impl Sessions for Scripted {
        fn address(&self) -> String {
            "bus".to_owned()
        }

        async fn session(&mut self, handover: &Handover) -> Result<(), SourceError> {
            *self.1.lock().unwrap() += 1;
            match self.0.pop() {
                Some(end) => end,
                None => {
                    handover.up();
                    while !handover.is_closing() {
                        handover.stirred().await;
                    }
                    Ok(())
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_bus_is_tried_again_and_a_refusal_ends_it() {
        let sessions = Arc::new(Mutex::new(0));
        let lost = || Err(SourceError::Lost("away".to_owned()));
        let source = SessionSource::start(Scripted(vec![lost(), lost()], Arc::clone(&sessions)));
        assert_eq!(source.poll().await.unwrap(), Polled::Down("bus: away".to_owned()));
        assert_eq!(source.poll().await.unwrap(), Polled::Up);
        assert_eq!(*sessions.lock().unwrap(), 3);
        source.close(Duration::from_secs(1)).await;

        let refused = Err(SourceError::Refused("no".to_owned()));
        let source = SessionSource::start(Scripted(vec![refused], sessions));
        assert!(matches!(source.poll().await, Err(SourceError::Refused(why)) if why == "no"));
    }
}
