//! The addresses of the systems that Foghorn takes over from.

use super::{EVENTS, READ, RESPOND};
use crate::domain::incident::IncidentStatus;
use crate::formats::presets::shapes;
use crate::http::compatible::{broker, history, incidents, notifications, preferences};
use crate::http::openapi::Kind::Words;
use crate::http::openapi::Tag::OtherSystems;
use crate::http::openapi::{Ask, CURSOR, FILTER, LIMIT, Say};
use crate::http::rule::Verb::{Delete, Get, Patch, Post, Put};
use crate::http::rule::{Route, route};
use crate::http::{probes, status};
use serde_json::json;

const STATUSES: Ask = Ask(
    "status",
    Words(|| IncidentStatus::ALL.map(IncidentStatus::as_str).to_vec()),
    "In these states alone.",
);

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [about_incidents(), about_notifications(), about_preferences(), about_the_broker()].into_iter().flatten()
}

fn about_incidents() -> Vec<Route> {
    vec![
        route(READ, Get, "/incidents", incidents::list).told(
            OtherSystems,
            "list_incidents_of_teams",
            "Incidents, newest first; `Link` leads to the rest",
            |say| say.asks(&[STATUSES, FILTER, LIMIT, CURSOR]).answers::<incidents::Views>(200),
        ),
        route(EVENTS, Post, "/incidents", incidents::create).told(
            OtherSystems,
            "create_incident",
            "Opens an incident, and tells whom it concerns",
            |say| {
                let example = json!({ "title": "Database is slow", "severity": "high", "team": "payments" });
                say.takes::<incidents::New>(example).answers::<incidents::View>(201)
            },
        ),
        // For browsers a page: messages lead to it.
        route(READ, Get, "/incidents/{number}", incidents::show).told(
            OtherSystems,
            "show_incident_of_team",
            "One incident; a page for whoever asks for HTML",
            |say| by_id(say).answers::<incidents::View>(200).answers_text(200, "text/html"),
        ),
        route(RESPOND, Patch, "/incidents/{number}", incidents::patch).told(
            OtherSystems,
            "change_incident_of_team",
            "Changes what is known of an incident, or where it stands",
            |say| {
                by_id(say)
                    .takes::<incidents::Change>(json!({ "status": "acknowledged" }))
                    .answers::<incidents::View>(200)
                    .refuses(&[409])
            },
        ),
        route(RESPOND, Delete, "/incidents/{number}", incidents::delete).told(
            OtherSystems,
            "delete_incident_of_team",
            "An incident is not there any more",
            |say| by_id(say).answers_nothing(204).refuses(&[409]),
        ),
    ]
}

fn by_id(say: Say) -> Say {
    say.by::<String>("Its id as a UUID or `inc_…`, or its number.")
}

fn about_notifications() -> Vec<Route> {
    vec![
        route(EVENTS, Post, "/send-notification", notifications::send_over_channels).told(
            OtherSystems,
            "send_over_channels",
            "Tells one address something, over each channel that is named",
            |say| {
                say.takes::<shapes::OverChannels>(json!({
                    "content": "You have mail.",
                    "channels": ["email"],
                    "destination": "user@example.com",
                }))
                .answers::<notifications::Taken>(202)
            },
        ),
        route(EVENTS, Post, "/notifications/send", notifications::send_to_address).told(
            OtherSystems,
            "send_to_address",
            "Tells one address something, by a template",
            |say| {
                say.takes::<shapes::ToAddress>(json!({
                    "notification_type": "welcome",
                    "recipient_email": "user@example.com",
                    "subject": "Welcome",
                    "content": "welcome",
                    "template_vars": { "username": "John Doe" },
                }))
                .answers::<notifications::Taken>(202)
            },
        ),
        route(READ, Get, "/notifications/history/{userid}", history::list).told(
            OtherSystems,
            "show_history",
            "What a user was told, newest first",
            |say| by_user(say).asks(&[LIMIT, CURSOR]).answers::<history::History>(200),
        ),
    ]
}

fn by_user(say: Say) -> Say {
    say.by::<String>("The name of the user.")
}

fn about_preferences() -> Vec<Route> {
    vec![
        route(RESPOND, Post, "/notifications/preferences", preferences::create).told(
            OtherSystems,
            "create_preferences",
            "Adds a user, and says what they want to hear",
            |say| wanted(say).answers::<preferences::View>(201),
        ),
        route(RESPOND, Get, "/notifications/preferences/{userid}", preferences::show).told(
            OtherSystems,
            "show_preferences",
            "What a user wants to hear",
            |say| by_user(say).answers::<preferences::View>(200),
        ),
        route(RESPOND, Put, "/notifications/preferences/{userid}", preferences::update).told(
            OtherSystems,
            "change_preferences",
            "Says what a user wants to hear; who is not there is added",
            |say| wanted(by_user(say)).answers::<preferences::View>(200).answers::<preferences::View>(201),
        ),
    ]
}

fn wanted(say: Say) -> Say {
    let example = json!({ "notification_email": "user@example.com", "preferences": { "welcome": false } });
    say.takes::<preferences::Wanted>(example).refuses(&[409, 412, 422])
}

fn about_the_broker() -> Vec<Route> {
    vec![
        route(READ, Get, "/broker/health", broker::health).told(
            OtherSystems,
            "show_broker_health",
            "The store, the sources and the channels, each in one word",
            |say| say.answers::<broker::Health>(200).answers::<broker::Health>(503),
        ),
        route(READ, Get, "/broker/metrics", status::show).told(
            OtherSystems,
            "show_broker_metrics",
            "How everything stands",
            |say| say.answers::<status::Status>(200),
        ),
        route(READ, Get, "/broker/prometheus", probes::metrics).told(
            OtherSystems,
            "show_broker_prometheus",
            "Figures in the Prometheus text format",
            |say| say.answers_text(200, "text/plain"),
        ),
    ]
}
