//! What may be said to each actor, and nothing of what they do about it.
//!
//! The naming law: *imperative* for a wish (`Route`, `Deliver`), *past participle* for a fact
//! (`Attempted`, `Settled`), *noun* with a reply port for a question. Everything that must not be
//! lost is a question in this sense: the sender keeps it until the answer comes, and says it again
//! when it is introduced to a new peer, because a mailbox dies with its actor.

pub mod control;
pub mod delivery;
pub mod dlq;
pub mod in_use;
pub mod ingest;
pub mod post;
pub mod publisher;
pub mod renewal;
pub mod router;
pub mod status;
pub mod supervisor;
pub mod sweeper;

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::ActorId;

use crate::domain::names::{ChannelName, SourceName};
use crate::domain::suppression::Suppressions;
use crate::domain::way::Paused;
use delivery::DeliveryMessage;
use dlq::DlqMessage;
use ingest::IngestMessage;
use post::Post;
use router::RouterMessage;
use status::StatusMessage;

/// Who is there to talk to. The supervisor hands it out anew whenever one of them was restarted.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// Persists everything.
    pub status: Option<Post<StatusMessage>>,
    /// Looks after what cannot be delivered or read.
    pub dlq: Option<Post<DlqMessage>>,
    /// Plans who hears of an event.
    pub router: Option<Post<RouterMessage>>,
    /// One pool for each channel.
    pub pools: BTreeMap<ChannelName, Post<DeliveryMessage>>,
    /// One ingest actor for each topic, and one for each HTTP source.
    pub ingests: BTreeMap<IngestKey, Post<IngestMessage>>,
    /// Ways in and out that an operator shut.
    pub paused: Paused,
    /// Addresses that providers have spoken against.
    pub suppressed: Arc<Suppressions>,
}

/// See [`Peers::lives`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// The router's.
    pub router: Option<ActorId>,
    /// The DLQ actor's.
    pub dlq: Option<ActorId>,
    /// The status actor's.
    pub status: Option<ActorId>,
}

/// Which ingest actor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IngestKey {
    /// `[sources.NAME]`
    pub source: SourceName,
    /// The topic, for sources that have topics.
    pub topic: Option<Arc<str>>,
}

impl Peers {
    /// Which lives of router, dlq and status these are: when one changes, what was sent to it and not
    /// answered has to be sent again.
    pub fn lives(&self) -> Lives {
        Lives {
            router: self.router.as_ref().map(|router| router.id()),
            dlq: self.dlq.as_ref().map(|dlq| dlq.id()),
            status: self.status.as_ref().map(|status| status.id()),
        }
    }

    /// The ingest actor of an HTTP source.
    pub fn http_ingest(&self, source: &SourceName) -> Option<&Post<IngestMessage>> {
        self.ingests.get(&IngestKey { source: source.clone(), topic: None })
    }
}
