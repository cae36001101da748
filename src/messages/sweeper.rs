//! What may be said to the sweeper.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Peers;
use crate::domain::names::ChannelName;
use crate::telemetry::handles::ChannelMetrics;

/// What may be said to the sweeper.
#[derive(Debug)]
pub enum SweeperMessage {
    /// Look for due rows that nobody armed.
    Sweep,
    /// Look for timers that are due.
    Timers,
    /// The timers that were handed over are fired, or were not wanted any more.
    Fired,
    /// Something new is known about addresses.
    Addresses,
    /// Count what waits.
    Count,
    /// Have what is too old taken away.
    Purge,
    /// These channels have rows from now on.
    Channels(BTreeMap<ChannelName, ChannelMetrics>),
    /// Somebody was restarted, or a way was shut or opened.
    Introduce(Arc<Peers>),
}
