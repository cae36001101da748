//! What may be asked of the process itself: by a signal, or over its API.

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// How to ask.
pub type Control = mpsc::Sender<ControlMessage>;

/// What may be asked of the process.
#[derive(Debug)]
pub enum ControlMessage {
    /// Read the configuration anew and work by it, or leave everything as it is.
    Reload(oneshot::Sender<Result<Reloaded, ReloadRefused>>),
    /// Take nothing more in and go on delivering; answered when what came in is stored.
    Drain(oneshot::Sender<Drained>),
}

/// A configuration that is in use now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// What is different, a line each.
    pub changes: Vec<String>,
    /// What is dubious about it, as `foghorn check` tells it.
    pub warnings: Vec<String>,
    /// Tells configurations apart.
    pub digest: String,
}

/// Why the configuration is what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadRefused {
    /// Everything that is wrong, as `foghorn check` tells it.
    pub problems: Vec<String>,
}

/// How far a drain came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything that came in is stored.
    Completely,
    /// Something was not stored in time. It is read again by whoever reads next.
    OutOfTime,
}
