//! What several scenarios need: one file for each fixture.

pub(crate) mod absent_store;
pub(crate) mod http;
