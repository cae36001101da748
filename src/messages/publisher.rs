//! What may be said to a publisher, which hands events out to one sink.

use std::sync::Arc;

use super::Peers;
use crate::domain::handover::Taking;
use crate::domain::outgoing::Parcel;

/// What may be said to a publisher.
#[derive(Debug)]
pub enum PublisherMessage {
    /// Something was written down for its sink.
    Due,
    /// Look whether something waits, whoever wrote it.
    Look,
    /// The answer to a turn: what to hand over next.
    Parcels(Vec<Parcel>),
    /// What the sink did with what it was offered.
    Offered(Vec<Taking>),
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
