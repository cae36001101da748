//! What may be said to the router.

use std::sync::Arc;

use super::Peers;
use super::ingest::IngestMessage;
use super::post::Post;
use crate::domain::event::Event;

/// What may be said to the router.
#[derive(Debug)]
pub enum RouterMessage {
    /// Plan these and have them accepted, in this order. `from` hears when they are settled.
    Route {
        /// In the order of their source.
        events: Vec<Arc<Event>>,
        /// Who waits for them.
        from: Post<IngestMessage>,
    },
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
