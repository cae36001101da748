//! The one integration binary: one scenario per file.

mod floor_plan;
mod inventory;
mod kafka_source;
