//! What several scenarios need: one file for each fixture.

pub mod absent_store;
pub mod http;
