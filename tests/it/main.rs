//! The one integration binary: one scenario per file.

mod kafka_source;
