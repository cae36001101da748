//! What may be asked of the process itself: by a signal, or over its API.

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::domain::malformed::Problem as Flaw;
use crate::domain::record::{Document, Entry, Expected, Section};

/// How to ask.
pub type Control = mpsc::Sender<ControlMessage>;

/// What may be asked of the process.
#[derive(Debug)]
pub enum ControlMessage {
    /// Read the configuration anew and work by it, or leave everything as it is.
    Reload(oneshot::Sender<Result<Reloaded, ReloadRefused>>),
    /// Change what the API owns of the configuration, and work by it.
    Record(Box<RecordWish>, oneshot::Sender<Result<RecordChanged, RecordRefused>>),
    /// Take nothing more in and go on delivering; answered when what came in is stored.
    Drain(oneshot::Sender<Drained>),
}

/// A configuration that is in use now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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

/// What is to become of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordWish {
    /// Where it stands.
    pub section: Section,
    /// Its name there.
    pub name: String,
    /// What is to become of it.
    pub act: RecordAct,
    /// What it has to be like before.
    pub expected: Expected,
    /// Who wants it.
    pub by: String,
}

/// What is to become of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordAct {
    /// It says this.
    Put(Document),
    /// This is laid over what it says.
    Patch(Document),
    /// It is taken away.
    Remove,
}

/// A record that was changed: the configuration in use has it, or has it no more.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChanged {
    /// As it was.
    pub before: Option<Entry>,
    /// As it is.
    pub after: Option<Entry>,
    /// What is dubious about it, as `foghorn check` tells it.
    pub warnings: Vec<String>,
}

/// Why a record is what it was.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordRefused {
    /// A file has it, at this place.
    Owned(String),
    /// There is none.
    Absent,
    /// There is one already.
    Present,
    /// It is not as it was expected: its version, if there is one.
    Outdated(Option<u64>),
    /// The configuration would not be valid.
    Invalid(Vec<Flaw>),
    /// Nobody knows whether it was written.
    Unconfirmed,
    /// The store does not answer.
    Unavailable,
}
