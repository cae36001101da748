//! What several scenarios need: one file for each fixture.

pub mod said;
pub mod services;
pub mod stores;
