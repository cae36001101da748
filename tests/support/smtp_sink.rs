//! A mail server over real TCP that takes mail, and says and does what it is told at each stage of
//! the conversation.

mod session;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::tls;

/// A stage of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// `DATA` although no recipient was taken, which happens where commands come at once.
    DataForNobody,
    /// While the message comes in.
    Body,
    /// After the final dot.
    Dot,
}

/// What to do there instead of the usual.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Says these lines, each ended by CRLF.
    Say(&'static str),
    /// Says these bytes.
    Bytes(Vec<u8>),
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Resets the connection when this much of the message has come in.
    ResetAfter(usize),
    /// Does the usual, after so long.
    Late(Duration),
    /// Says nothing any more.
    Hang,
    /// Says one letter, for ever, without an end of line.
    Babble,
}

/// A message as it came in, dots unstuffed.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) raw: Vec<u8>,
    /// Number of the connection it came by, 1 for the first.
    pub(crate) connection: usize,
}

/// How the sink talks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Not at all.
    No,
    /// After `STARTTLS`.
    Start,
    /// From the first byte.
    Implicit,
}

#[derive(Default)]
struct Shared {
    script: Mutex<HashMap<At, Vec<Act>>>,
    always: Mutex<HashMap<At, Act>>,
    messages: Mutex<Vec<Received>>,
    /// Every line that came in, the messages left out.
    commands: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    received: watch::Sender<usize>,
    offers_auth: bool,
    offers_pipelining: AtomicBool,
}

/// The server. Ends with this value.
pub(crate) struct SmtpSink {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpSink {
    /// A sink without TLS and without logins.
    pub(crate) async fn start() -> Self {
        Self::start_with(Tls::No, "server", false).await
    }

    /// A sink with the certificate `tests/support/tls/CERTIFICATE.pem`.
    pub(crate) async fn start_with(tls: Tls, certificate: &str, offers_auth: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { offers_auth, ..Shared::default() });
        let acceptor = tls::acceptor(certificate);
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(session::serve(stream, tls, acceptor.clone(), Arc::clone(&shared)));
                }
            }
        });
        Self { port, shared, task }
    }

    /// From the next connection on, several commands may come at once.
    pub(crate) fn offer_pipelining(&self) {
        self.shared.offers_pipelining.store(true, Ordering::Relaxed);
    }

    /// The next time at this stage; several are taken in turn.
    pub(crate) fn once(&self, at: At, act: Act) {
        self.shared.script.lock().unwrap().entry(at).or_default().push(act);
    }

    /// Every time at this stage.
    pub(crate) fn always(&self, at: At, act: Act) {
        self.shared.always.lock().unwrap().insert(at, act);
    }

    /// How many messages have come in.
    pub(crate) fn count(&self) -> usize {
        *self.shared.received.borrow()
    }

    /// What has come in.
    pub(crate) fn messages(&self) -> Vec<Received> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// Every command that came in, whether in the clear or not.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// The first `count` messages, once they are there.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let enough = received.wait_for(|received| *received >= count);
        tokio::time::timeout(Duration::from_secs(20), enough)
            .await
            .unwrap_or_else(|_| panic!("only {} of {count} messages came", self.messages().len()))
            .unwrap();
        self.messages()
    }
}
