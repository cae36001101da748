//! What may be said to the router.

use std::sync::Arc;

use super::Peers;
use super::ingest::IngestMessage;
use super::post::Post;
use crate::domain::event::Event;
use crate::domain::routes::RouteTable;

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
    /// Plan by this table from now on.
    Routes(Arc<RouteTable>),
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
