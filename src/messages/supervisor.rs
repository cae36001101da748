//! What may be said to the root supervisor.

use std::fmt;
use std::sync::Arc;

use ractor::{ActorId, RpcReplyPort};

use super::IngestKey;
use super::renewal::Renewal;
use crate::catalogue::Code;
use crate::domain::names::{ChannelName, SinkName};
use crate::domain::suppression::Suppressions;
use crate::domain::way::{FlowChange, Paused};

/// What may be said to the root supervisor.
#[derive(Debug)]
pub enum SupervisorMessage {
    /// Start this child again.
    Restart(Child),
    /// The process must not go on: another one took over, or stable storage failed.
    Fatal(Fatality),
    /// Work by this from now on, and answer when everybody was told. What is in flight ends as it began.
    Renew {
        /// What takes the place of what was.
        renewal: Box<Renewal>,
        /// Answered when new work goes the new way.
        reply: RpcReplyPort<()>,
    },
    /// This life of a child has finished what it had and is wanted no more.
    Retired(Child, ActorId),
    /// These ways are shut or open now.
    Flow(Vec<FlowChange>),
    /// Something new is known about addresses: the store has it.
    AddressesChanged,
    /// This is known against addresses, as the store says.
    Suppressed(Arc<Suppressions>),
    /// The store says that other ways are shut than was known when it was asked.
    Paused {
        /// What was known.
        known: Paused,
        /// What is.
        found: Paused,
    },
    /// Take nothing more in, finish what came, and go on delivering; then answer.
    StopIntake(RpcReplyPort<()>),
    /// Stop in order, from the sources inward, then answer.
    Drain(RpcReplyPort<()>),
}

/// A place in the fixed tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Child {
    /// The single writer.
    Status,
    /// Dead letters.
    Dlq,
    /// The planner.
    Router,
    /// The pool of a channel.
    Pool(ChannelName),
    /// The reader of a topic or of requests.
    Ingest(IngestKey),
    /// The one that looks for forgotten rows.
    Sweeper,
    /// The one that hands events out to a sink.
    Publisher(SinkName),
}

/// Why the process must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fatality {
    /// Another process has this node's name.
    Fenced(String),
    /// Stable storage failed a sync.
    StorageBroken(String),
    /// An actor that nothing works without keeps dying.
    BudgetSpent(String),
}

impl Fatality {
    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::Fenced(_) => Code::Fenced,
            Self::StorageBroken(_) => Code::StorageBroken,
            Self::BudgetSpent(_) => Code::TreeBroken,
        }
    }
}

impl fmt::Display for Fatality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced(why) | Self::StorageBroken(why) | Self::BudgetSpent(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Dlq => f.write_str("dlq"),
            Self::Router => f.write_str("router"),
            Self::Pool(channel) => write!(f, "pool/{channel}"),
            Self::Ingest(IngestKey { source, topic: Some(topic) }) => write!(f, "ingest/{source}/{topic}"),
            Self::Ingest(IngestKey { source, topic: None }) => write!(f, "ingest/{source}"),
            Self::Sweeper => f.write_str("sweeper"),
            Self::Publisher(sink) => write!(f, "publisher/{sink}"),
        }
    }
}
