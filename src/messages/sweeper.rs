//! What may be said to the sweeper.

use std::sync::Arc;

use super::Peers;

/// What may be said to the sweeper.
#[derive(Debug)]
pub enum SweeperMessage {
    /// Look for due rows that nobody armed.
    Sweep,
    /// Count what waits.
    Count,
    /// Somebody was restarted.
    Introduce(Arc<Peers>),
}
