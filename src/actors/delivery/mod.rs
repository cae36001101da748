//! The delivery pools: one for each channel, with linked workers.
//!
//! ```text
//! Deliver / Claimed ─► queue ─► worker ─► Attempted ─► judge ─► status | dlq ─► Recorded
//! ```
//!
//! A delivery is in hand from the moment its `sending` row is handed over until the store has
//! recorded how the attempt ended; everything else waits in the store. A pool that has just been
//! started holds nothing, so it first has the rows adopted that its predecessor held.

pub mod desk;
pub mod failover;
mod pace;
mod pool;
mod queue;
mod renewal;
mod starting;
mod telling;
mod verdict;
pub mod worker;

pub use pool::{DeliveryPool, PoolArguments};
