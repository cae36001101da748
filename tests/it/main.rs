//! The one integration binary: one scenario per file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod a_dead_process_is_adopted;
mod absurd_renderings;
mod attempts_run_out;
mod bad_events_by_request;
mod bad_records_of_a_topic;
mod broker_down;
mod channel_contract;
mod config_cases;
mod database_down;
mod dead_provider_burns_no_attempts;
mod drain_finishes_what_runs;
mod every_actor_may_die;
mod floor_plan;
mod http_bad_input;
mod http_hosts;
mod http_limits;
mod http_lists;
mod http_store_stalls;
mod incidents_tell_the_right_people;
mod inventory;
mod kafka_batches;
mod kafka_login;
mod kafka_source;
mod kafka_start;
mod kafka_tls;
mod kafka_to_smtp_250;
mod kafka_topic_anew;
mod kafka_transactions;
mod kill_nine;
mod large_records_weigh_more;
mod mail_headers;
mod mail_injection;
mod odd_events_by_request;
mod outbox_failures;
mod retry_is_a_delayed_row;
mod same_text_from_every_store;
mod second_process;
mod sigterm_drains;
mod smtp_connections;
mod smtp_replies;
mod smtp_tls;
mod source_metrics;
mod spent_budget_degrades_a_lane;
mod store_contract;
mod store_nodes;
mod store_outage_is_weather;
mod store_refusals;
mod throttling_costs_no_attempt;
mod unknown_is_a_decision;
mod unwritable_event_is_isolated;
mod worker_deaths_are_verdicts;
