//! One session with Pub/Sub: it asks how the subscription is, reads ahead and answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_pubsub::Error;
use google_cloud_pubsub::client::SubscriptionAdmin;
use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::handler::Handler;
use google_cloud_pubsub::subscriber::{MessageStream, ShutdownBehavior, ShutdownToken};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::config::PubSubSettings;
use super::message::record;
use crate::sources::handover::Handover;
use crate::sources::{MOST_RECORDS, Record, SourceError};

/// How often it is asked whether the subscription is there, while no message says so.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long an answer to that may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Most bytes of messages that are read ahead.
const BYTES_AHEAD: i64 = 64 << 20;

/// How long a message is ours without a word: after a crash it comes again that much later.
const LEASE: Duration = Duration::from_secs(10);

type Came = Result<(Message, Handler), Error>;

/// One stream, whose messages are leased to us for as long as it lives.
pub(super) struct Link {
    admin: SubscriptionAdmin,
    path: String,
    subscription: Arc<str>,
    came: mpsc::Receiver<Came>,
    pump: JoinHandle<()>,
    token: ShutdownToken,
    /// Each message by what it is called, with what answers it. One that comes again while it is in hand has
    /// two.
    in_hand: HashMap<Arc<str>, Vec<Handler>>,
}

impl Link {
    pub(super) async fn open(
        settings: &PubSubSettings,
        subscription: &Arc<str>,
    ) -> Result<Self, SourceError> {
        let clients = settings.clients().await?;
        let path = settings.path(subscription);
        ask(&clients.admin, &path).await?;
        let most = i64::try_from(settings.max_in_flight).unwrap_or(i64::MAX);
        let stream = clients
            .subscriber
            .subscribe(&path)
            .set_max_outstanding_messages(most)
            .set_max_outstanding_bytes(BYTES_AHEAD)
            .set_max_lease_extension(LEASE)
            .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
            .build();
        let (token, (tell, came)) = (stream.shutdown_token(), mpsc::channel(MOST_RECORDS));
        let pump = tokio::spawn(pump(stream, tell));
        let (admin, subscription) = (clients.admin, Arc::clone(subscription));
        Ok(Self { admin, path, subscription, came, pump, token, in_hand: HashMap::new() })
    }

    /// Until it is to leave, or breaks.
    pub(super) async fn serve(mut self, handover: &Handover) -> Result<(), SourceError> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        loop {
            for id in handover.acknowledged() {
                for handler in self.in_hand.remove(&id).into_iter().flatten() {
                    handler.ack();
                }
            }
            if handover.is_closing() {
                // Says what is to be said, and hands back the rest.
                self.token.shutdown().await;
                return Ok(());
            }
            tokio::select! {
                biased;
                () = handover.stirred() => {}
                came = self.came.recv(), if handover.wants_records() => {
                    let Some(came) = came else {
                        return Err(SourceError::Lost("the stream of messages ended".to_owned()));
                    };
                    let records = self.gather(came)?;
                    handover.up();
                    handover.give(records);
                    look.reset();
                }
                _ = look.tick() => match ask(&self.admin, &self.path).await {
                    Ok(()) => handover.up(),
                    // The stream mends itself, and the leases are kept meanwhile.
                    Err(SourceError::Lost(why)) => handover.down(why),
                    Err(refused) => return Err(refused),
                },
            }
        }
    }

    /// `first` and what lies ready behind it, so that a burst is one wake-up.
    fn gather(&mut self, first: Came) -> Result<Vec<Record>, SourceError> {
        let mut records = vec![self.take(first)?];
        while records.len() < MOST_RECORDS
            && let Ok(came) = self.came.try_recv()
        {
            records.push(self.take(came)?);
        }
        Ok(records)
    }

    fn take(&mut self, came: Came) -> Result<Record, SourceError> {
        let (message, handler) = came.map_err(|error| judge(&error))?;
        let (record, id) = record(&self.subscription, message, handler.delivery_attempt());
        self.in_hand.entry(id).or_default().push(handler);
        Ok(record)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // With the stream its leases end, and what is not answered comes again.
        self.pump.abort();
    }
}

/// Opening a stream must not be interrupted: what it is given meanwhile would be given again only when its
/// lease ends. So nobody but this one waits for it.
async fn pump(mut stream: MessageStream, tell: mpsc::Sender<Came>) {
    while let Some(came) = stream.next().await {
        if tell.send(came).await.is_err() {
            return;
        }
    }
}

/// Whether the subscription is there. Who may read need not be allowed to ask; that he is told so is an answer.
pub(super) async fn ask(admin: &SubscriptionAdmin, path: &str) -> Result<(), SourceError> {
    let asked = admin.get_subscription().set_subscription(path).send();
    match timeout(ANSWER_WITHIN, asked).await {
        Err(_) => Err(SourceError::Lost(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if code(&error) == Some("PERMISSION_DENIED") => Ok(()),
        Ok(Err(error)) => Err(judge(&error)),
    }
}

fn code(error: &Error) -> Option<&'static str> {
    error.status().map(|status| status.code.name())
}

/// Whether waiting helps.
fn judge(error: &Error) -> SourceError {
    const FOR_THE_OPERATOR: [&str; 5] =
        ["NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT", "FAILED_PRECONDITION"];
    match error.status() {
        Some(status) if FOR_THE_OPERATOR.contains(&status.code.name()) => {
            SourceError::Refused(format!("{}: {}", status.code.name(), status.message))
        }
        Some(status) => SourceError::Lost(format!("{}: {}", status.code.name(), status.message)),
        None if error.is_authentication() => SourceError::Refused(error.to_string()),
        None => SourceError::Lost(error.to_string()),
    }
}
