//! Logs, metrics and health: what the process says of itself.

pub mod health;
