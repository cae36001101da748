//! What may be said to each actor, and nothing of what they do about it.
//!
//! The naming law: *imperative* for a wish (`Route`, `Deliver`), *past participle* for a fact
//! (`Attempted`, `Settled`), *noun* with a reply port for a question. Everything that must not be
//! lost is a question in this sense: the sender keeps it until the answer comes, and says it again
//! when it is introduced to a new peer, because a mailbox dies with its actor.

pub mod delivery;
pub mod dlq;
pub mod ingest;
pub mod router;
pub mod status;
pub mod supervisor;
pub mod sweeper;

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::ActorRef;

use crate::domain::names::{ChannelName, SourceName};
use delivery::DeliveryMessage;
use dlq::DlqMessage;
use ingest::IngestMessage;
use router::RouterMessage;
use status::StatusMessage;

/// Who is there to talk to. The supervisor hands it out anew whenever one of them was restarted.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// Persists everything.
    pub status: Option<ActorRef<StatusMessage>>,
    /// Looks after what cannot be delivered or read.
    pub dlq: Option<ActorRef<DlqMessage>>,
    /// Plans who hears of an event.
    pub router: Option<ActorRef<RouterMessage>>,
    /// One pool for each channel.
    pub pools: BTreeMap<ChannelName, ActorRef<DeliveryMessage>>,
    /// One ingest actor for each topic, and one for each HTTP source.
    pub ingests: BTreeMap<IngestKey, ActorRef<IngestMessage>>,
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
    /// The ingest actor of an HTTP source.
    pub fn http_ingest(&self, source: &SourceName) -> Option<&ActorRef<IngestMessage>> {
        self.ingests.get(&IngestKey {
            source: source.clone(),
            topic: None,
        })
    }
}
