//! The one integration binary: one scenario per file.

#[path = "../support/mod.rs"]
mod support;

mod every_actor_may_die;
mod floor_plan;
mod inventory;
mod kafka_source;
