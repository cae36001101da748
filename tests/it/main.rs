//! The one integration binary: one scenario per file.

#[path = "../support/mod.rs"]
mod support;

mod floor_plan;
mod http_bad_input;
mod http_limits;
mod http_lists;
