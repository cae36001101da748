//! The one integration binary: one scenario per file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod channel_contract;
mod mail_headers;
mod mail_injection;
mod outbox_failures;
mod smtp_connections;
mod smtp_replies;
mod smtp_tls;
