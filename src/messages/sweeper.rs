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
    /// Something new is known about addresses.
    Addresses,
    /// Count what waits.
    Count,
    /// These channels have rows from now on.
    Channels(BTreeMap<ChannelName, ChannelMetrics>),
    /// Somebody was restarted, or a way was shut or opened.
    Introduce(Arc<Peers>),
}
