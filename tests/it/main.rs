//! The one integration binary: one scenario per file.

#[path = "../support/mod.rs"]
mod support;

mod store_contract;
mod store_nodes;
mod store_refusals;
