//! The one integration binary: one scenario per file.

#[path = "../support/mod.rs"]
mod support;

mod http_bad_input;
mod http_limits;
