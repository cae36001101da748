//! What signals want.

use std::io;

use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// What a signal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT: drain and end; the second one ends at once.
    End(&'static str),
    /// SIGHUP: read the configuration anew.
    Reload,
    /// SIGUSR1: say in the log how things stand.
    Tell,
    /// SIGUSR2: take nothing more in, go on delivering.
    StopIntake,
}

/// Listens from the moment it is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Listener,
    interrupt: Listener,
    hangup: Listener,
    user1: Listener,
    user2: Listener,
}

impl Signals {
    /// Starts to listen: from now on a signal no longer ends the process by itself.
    ///
    /// # Errors
    /// The operating system will not have it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next one. Cancel safe.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End("SIGTERM"),
            _ = self.interrupt.recv() => Signal::End("SIGINT"),
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.user1.recv() => Signal::Tell,
            _ = self.user2.recv() => Signal::StopIntake,
        }
    }

    /// Waits for the next one that wants an end. Cancel safe.
    pub async fn end(&mut self) -> &'static str {
        loop {
            if let Signal::End(name) = self.next().await {
                return name;
            }
        }
    }
}
