//! The one integration binary: one scenario per file.

mod config_cases;
mod kafka_source;
