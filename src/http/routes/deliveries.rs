//! Deliveries, and what could not be delivered.

use super::{READ, RESPOND, whole_list};
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::domain::ids::JobId;
use crate::domain::ids::NotificationId;
use crate::domain::ids::SuppressionId;
use crate::domain::query::DeadLetterKind;
use crate::http::openapi::Kind::{Count, Text, Word, Words};
use crate::http::openapi::Tag::{DeadLetters, Deliveries};
use crate::http::openapi::{Ask, CURSOR, FILTER, LIMIT, Say};
use crate::http::rule::Verb::{Delete, Get, Post};
use crate::http::rule::{Route, route};
use crate::http::{archive, dead_letters, deliveries, handling, jobs, outbox, suppressions};
use crate::store::views::{DeadLetterRef, DeadLetterView, DeliveryView, Page};
use serde_json::json;

const CHANNEL: Ask = Ask("channel", Text, "Of this channel alone.");
const INCIDENT: Ask = Ask("incident", Count(0, u32::MAX as u64), "Of the incident with this number alone.");
const STATES: Ask =
    Ask("state", Words(|| DeliveryState::ALL.map(DeliveryState::as_str).to_vec()), "In these states alone.");
const KIND: Ask = Ask(
    "kind",
    Word(|| DeadLetterKind::ALL.map(DeadLetterKind::as_str).to_vec()),
    "Deliveries that ran out, which is usual, or records that could not become events.",
);

const ADDRESSES: Ask = Ask(
    "addresses",
    Word(|| vec!["masked", "clear"]),
    "Whether whole addresses are told; `masked` unless said.",
);

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [about_deliveries(), about_dead_letters(), about_jobs()].into_iter().flatten()
}

fn about_deliveries() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/deliveries", deliveries::list).told(
            Deliveries,
            "list_deliveries",
            "Deliveries, newest first",
            |say| {
                say.asks(&[STATES, CHANNEL, INCIDENT, FILTER, LIMIT, CURSOR])
                    .answers::<Page<DeliveryView>>(200)
            },
        ),
        route(READ, Get, "/api/v1/deliveries/{id}", deliveries::show).told(
            Deliveries,
            "show_delivery",
            "One delivery with its attempts and its words",
            |say| say.by::<DeliveryId>("Its id.").answers::<deliveries::DeliveryWithAttempts>(200),
        ),
        route(RESPOND, Post, "/api/v1/deliveries/{id}/cancel", handling::cancel).told(
            Deliveries,
            "cancel_delivery",
            "What waits is not sent",
            handled,
        ),
        route(RESPOND, Post, "/api/v1/deliveries/{id}/retry", handling::retry).told(
            Deliveries,
            "retry_delivery",
            "What waits is tried now, and what ran out again",
            handled,
        ),
        route(RESPOND, Post, "/api/v1/notifications/{id}/cancel", handling::cancel_all).told(
            Deliveries,
            "cancel_notification",
            "A direct notification is taken back, as far as it still waits",
            |say| say.by::<NotificationId>("Its id.").answers::<handling::Withdrawn>(200).refuses(&[409]),
        ),
        route(READ, Get, "/api/v1/suppressions", suppressions::list).told(
            Deliveries,
            "list_suppressions",
            "Addresses that providers have spoken against",
            |say| whole_list(say).answers::<Page<suppressions::View>>(200),
        ),
        route(RESPOND, Delete, "/api/v1/suppressions/{id}", suppressions::lift).told(
            Deliveries,
            "lift_suppression",
            "An address is written to again",
            |say| say.by::<SuppressionId>("Its id.").answers::<suppressions::View>(200),
        ),
        route(READ, Get, "/api/v1/outbox", outbox::list).told(
            Deliveries,
            "list_outbox",
            "What outbox channels kept instead of sending it",
            |say| say.asks(&[LIMIT, CURSOR]).answers::<Page<outbox::OutboxView>>(200),
        ),
        route(READ, Get, "/api/v1/outbox/{seq}", outbox::show).told(
            Deliveries,
            "show_outbox_message",
            "One message, as it would have left",
            |say| say.by::<u64>("Its number.").answers::<outbox::OutboxView>(200),
        ),
    ]
}

fn handled(say: Say) -> Say {
    say.by::<DeliveryId>("Its id.").answers::<deliveries::DeliveryWithAttempts>(200).refuses(&[409])
}

fn about_dead_letters() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/dead-letters/export", archive::export).told(
            DeadLetters,
            "export_dead_letters",
            "Dead letters with everything, to be kept elsewhere",
            |say| say.asks(&[KIND, FILTER, ADDRESSES, LIMIT, CURSOR]).answers::<Page<archive::Letter>>(200),
        ),
        route(RESPOND, Post, "/api/v1/dead-letters/import", archive::import).told(
            DeadLetters,
            "import_dead_letters",
            "Exported records are taken in, each once",
            |say| {
                let raw = "eyJ0aXRsZSI6ICI1eHggcmF0ZSBhYm92ZSA1JSJ9";
                let letter = json!({ "id": "dle_01J9X2M4QF5T8V0W3Y6ZABCDEF", "source": "api", "raw": raw });
                say.takes::<archive::Wish>(json!({ "letters": [letter] })).answers::<archive::Imported>(202)
            },
        ),
        route(READ, Get, "/api/v1/dead-letters", dead_letters::list).told(
            DeadLetters,
            "list_dead_letters",
            "Deliveries that ran out, or records that were refused",
            |say| {
                say.asks(&[KIND, CHANNEL, INCIDENT, FILTER, LIMIT, CURSOR])
                    .answers::<Page<DeliveryView>>(200)
                    .answers::<Page<DeadLetterView>>(200)
            },
        ),
        route(RESPOND, Post, "/api/v1/dead-letters/retry", dead_letters::retry).told(
            DeadLetters,
            "retry_dead_letters",
            "Repeats dead letters: some, the newest, or all that fit",
            |say| {
                say.takes::<dead_letters::Wish>(json!({ "all": true, "limit": 100 }))
                    .takes::<jobs::BulkWish>(json!(null))
                    .answers::<dead_letters::Retried>(202)
                    .answers::<jobs::Job>(202)
                    .answers::<jobs::Preview>(200)
            },
        ),
        route(RESPOND, Post, "/api/v1/dead-letters/discard", dead_letters::discard).told(
            DeadLetters,
            "discard_dead_letters",
            "Takes all that fit off the list; their history stays",
            |say| {
                say.takes::<jobs::BulkWish>(json!({ "filter": "error:timeout", "dry_run": true }))
                    .answers::<jobs::Preview>(200)
                    .answers::<jobs::Job>(202)
            },
        ),
        route(READ, Get, "/api/v1/dead-letters/{id}", dead_letters::show).told(
            DeadLetters,
            "show_dead_letter",
            "One dead letter",
            |say| {
                say.by::<DeadLetterRef>("Its id, of either kind.")
                    .answers::<deliveries::DeliveryWithAttempts>(200)
                    .answers::<DeadLetterView>(200)
            },
        ),
    ]
}

fn about_jobs() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/jobs", jobs::list).told(
            DeadLetters,
            "list_jobs",
            "Bulk jobs, newest first",
            |say| say.asks(&[LIMIT]).answers::<Page<jobs::Job>>(200),
        ),
        route(READ, Get, "/api/v1/jobs/{id}", jobs::show).told(
            DeadLetters,
            "show_job",
            "How far a job is",
            one_job,
        ),
        route(RESPOND, Delete, "/api/v1/jobs/{id}", jobs::stop).told(
            DeadLetters,
            "stop_job",
            "A job does no more",
            one_job,
        ),
        route(RESPOND, Post, "/api/v1/jobs/{id}/continue", jobs::go_on).told(
            DeadLetters,
            "continue_job",
            "A job goes on behind its canary",
            one_job,
        ),
    ]
}

fn one_job(say: Say) -> Say {
    say.by::<JobId>("Its id.").answers::<jobs::Job>(200)
}
