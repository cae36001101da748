//! Logs, metrics and health: what the process says of itself.
//!
//! - [`names`] is the one table of metrics: name, kind, labels and what it means for the operator.
//!   [`labels`] are the words that may stand in a label; never anything that came from outside.
//! - [`metrics`] keeps the values and renders them; [`handles`] and [`actor`] are what the hot path
//!   holds: looked up once, then a few nanoseconds a call.
//! - [`logs`] writes one line for each event to stderr, `folding` counts those that repeat themselves, [`panics`] makes a panic one such line.
//! - [`health`] is the notice board of the probes.

pub mod actor;
pub mod events_out;
mod folding;
pub mod handles;
pub mod health;
pub mod incidents;
pub mod labels;
pub mod level;
mod lines;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod panics;
