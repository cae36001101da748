//! What may be said to the router.

use std::sync::Arc;

use super::Peers;
use super::ingest::IngestMessage;
use super::post::Post;
use super::sweeper::SweeperMessage;
use crate::domain::event::Event;
use crate::domain::incident::Incident;
use crate::domain::routes::RouteTable;
use crate::domain::timer::Timer;

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
    /// Plan whom the steps tell that these timers are for, and have them fired. `from` hears
    /// [`SweeperMessage::Fired`].
    Fire {
        /// The first due first.
        due: Vec<(Timer, Incident)>,
        /// Who waits for them.
        from: Post<SweeperMessage>,
    },
    /// Plan by this table from now on.
    Routes(Arc<RouteTable>),
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
