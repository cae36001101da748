//! The one integration binary: one scenario per file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod config_cases;
mod kafka_source;
mod mail_headers;
mod mail_injection;
mod outbox_failures;
mod retry_is_a_delayed_row;
mod smtp_connections;
mod smtp_replies;
mod smtp_tls;
mod spent_budget_degrades_a_lane;
mod store_outage_is_weather;
mod throttling_costs_no_attempt;
mod unknown_is_a_decision;
mod worker_deaths_are_verdicts;
