//! What other systems say when they tell of an alert, each in its own format.
//!
//! A sender's free texts are its users' business: what is too long is cut, what is no address is left out,
//! a word for a severity that nobody knows is the severity of an event that names none. What its
//! specification demands is demanded, and what it does not name is ignored, as it asks for.

pub(super) mod alertmanager;
pub(super) mod cloud_events;
pub(super) mod opsgenie;
pub(super) mod pager_duty;
pub(super) mod sniff;
mod texts;

pub use texts::{line, lines};

#[cfg(test)]
mod tests;
