//! What several scenarios need: one file for each fixture.

pub(crate) mod said;
pub(crate) mod services;
pub(crate) mod stores;
