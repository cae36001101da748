//! Ways in and ways out that an operator can shut for a while: what came in or waits stays where it
//! is, and nothing of it is lost.

use std::collections::BTreeSet;
use std::fmt;

use super::names::{ChannelName, SourceName};

/// A way in or a way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A source, with all its topics.
    Source(SourceName),
    /// A channel.
    Channel(ChannelName),
}

/// Whether anything moves on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// It does.
    #[default]
    Running,
    /// Nothing new is read or sent; what is under way ends.
    Paused,
}

/// The ways that are paused.
pub type Paused = BTreeSet<Way>;

/// What an operator wants of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowChange {
    /// Which way.
    pub way: Way,
    /// What is to be.
    pub flow: Flow,
}

impl Way {
    /// `source` or `channel`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Channel(_) => "channel",
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Source(name) => name.as_str(),
            Self::Channel(name) => name.as_str(),
        }
    }

    /// The way of this kind and name.
    pub fn named(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "source" => Some(Self::Source(name.into())),
            "channel" => Some(Self::Channel(name.into())),
            _ => None,
        }
    }

    /// What `paused` says of it.
    pub fn flow(&self, paused: &Paused) -> Flow {
        if paused.contains(self) { Flow::Paused } else { Flow::Running }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}
