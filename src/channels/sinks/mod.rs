//! Where events out go: `[events_out.NAME]`.
//!
//! A sink takes events one after the other and says of each what it did with it. Whether it is offered
//! again, and when, is not its business.

pub mod kafka;
pub mod rabbitmq;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::domain::handover::Taking;
use crate::domain::outgoing::Parcel;
pub use webhook::{KEYS as WEBHOOK_KEYS, webhook};

/// Who is told.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Offers these, in their order: what was done with each, up to the first that the sink was away
    /// for, or that there was no time for any more. Begins nothing after `until`.
    async fn publish(&self, parcels: &[Parcel], until: Instant) -> Vec<Taking>;

    /// Asks whether it is there, for `foghorn check --connect`; nothing is handed over. Says what it saw.
    ///
    /// # Errors
    /// As [`super::Channel::probe`].
    async fn probe(&self, within: Duration) -> Result<String, String>;
}

/// What a sink has begun with it ends within this time after the moment it was given.
pub const LONGEST_HANDING: Duration = super::LONGEST_ATTEMPT;

/// What the bytes of an event are.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";
