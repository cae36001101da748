//! Who hears of what, and on which way.

use super::{ADMIN, OPEN, READ, RESPOND, whole_list};
use crate::domain::names::ChannelName;
use crate::domain::names::PolicyName;
use crate::domain::names::RouteName;
use crate::domain::names::SourceName;
use crate::domain::names::TeamName;
use crate::domain::on_call::OnCall;
use crate::domain::route_test::{Answer as RouteAnswer, Question as RouteQuestion};
use crate::http::openapi::Kind::{Moment, Text};
use crate::http::openapi::Tag::{People, Routing, Ways};
use crate::http::openapi::{Ask, Say};
use crate::http::rule::Verb::{Get, Post};
use crate::http::rule::{Route, route};
use crate::http::{callbacks, channel_test, flow, on_call, routing, silences, status, trial};
use crate::store::views::Page;
use serde_json::json;

const AT: Ask = Ask("at", Moment, "Not now, but at this moment.");

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [about_routing(), about_people(), about_ways()].into_iter().flatten()
}

fn about_routing() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/routes", routing::routes).told(
            Routing,
            "list_routes",
            "Routes, top to bottom",
            |say| whole_list(say).answers::<Page<routing::RouteView>>(200),
        ),
        route(READ, Get, "/api/v1/routes/{name}", routing::route).told(
            Routing,
            "show_route",
            "One route",
            |say| say.by::<RouteName>("Its name.").answers::<routing::RouteView>(200),
        ),
        route(READ, Post, "/api/v1/routes/test", routing::test).told(
            Routing,
            "test_routes",
            "Who would hear of an incident that is not there, and why",
            |say| {
                say.takes::<RouteQuestion>(json!({ "service": "checkout-api", "severity": "critical" }))
                    .answers::<RouteAnswer>(200)
            },
        ),
        route(READ, Get, "/api/v1/policies", routing::policies).told(
            Routing,
            "list_policies",
            "Policies",
            |say| whole_list(say).answers::<Page<routing::PolicyView>>(200),
        ),
        route(READ, Get, "/api/v1/policies/{name}", routing::policy).told(
            Routing,
            "show_policy",
            "One policy, and how its channels are retried",
            |say| say.by::<PolicyName>("Its name.").answers::<routing::PolicyView>(200),
        ),
        route(READ, Get, "/api/v1/policies/{name}/preview", routing::preview).told(
            Routing,
            "preview_policy",
            "Who would hear, and when, if a policy began",
            |say| {
                let severity = Ask("severity", Text, "By its word or an alias.");
                let service = Ask("service", Text, "Of this service.");
                let source = Ask("source", Text, "From this source; `api` unless said.");
                say.by::<PolicyName>("Its name.")
                    .asks(&[AT, severity, service, source])
                    .answers::<RouteAnswer>(200)
            },
        ),
        route(READ, Get, "/api/v1/silences", silences::list).told(
            Routing,
            "list_silences",
            "When nobody is told of what",
            |say| whole_list(say).answers::<Page<silences::View>>(200),
        ),
    ]
}

fn about_people() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/oncall", on_call::now).told(
            People,
            "show_on_call",
            "Who is on call, in every team that takes turns",
            |say| whole_list(say).asks(&[AT]).answers::<Page<OnCall>>(200),
        ),
        route(READ, Get, "/api/v1/teams", on_call::teams)
            .told(People, "list_teams", "Teams", |say| whole_list(say).answers::<Page<on_call::Team>>(200)),
        route(READ, Get, "/api/v1/teams/{name}/oncall", on_call::shifts).told(
            People,
            "show_shifts",
            "The shifts of a team",
            |say| {
                let from = Ask("from", Moment, "From when; now unless said.");
                let until = Ask("until", Moment, "Until when, at most a year; two weeks unless said.");
                say.by::<TeamName>("Its name.").asks(&[from, until]).answers::<on_call::Shifts>(200)
            },
        ),
        route(READ, Get, "/api/v1/teams/{name}/oncall.ics", on_call::subscribed).told(
            People,
            "subscribe_to_shifts",
            "The shifts of a team as a calendar",
            |say| say.by::<TeamName>("Its name.").answers_text(200, "text/calendar"),
        ),
        route(OPEN, Get, "/calendar/{file}", on_call::by_address).told(
            People,
            "subscribe_by_address",
            "The shifts of a team, for calendars that subscribe and show no token",
            |say| {
                let say = say.by::<String>("As calendar_url has it.").refuses(&[403]);
                say.answers_text(200, "text/calendar")
            },
        ),
    ]
}

fn about_ways() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/sources", status::sources).told(
            Ways,
            "list_sources",
            "Ways in, and how they are",
            |say| say.answers::<Page<status::Source>>(200),
        ),
        route(ADMIN, Post, "/api/v1/sources/{name}/{flow}", flow::source).told(
            Ways,
            "turn_source",
            "Shuts a way in for a while, or opens it again",
            |say| turned(say.by::<SourceName>("Its name.")),
        ),
        route(READ, Post, "/api/v1/sources/{name}/test", trial::test).told(
            Ways,
            "test_source",
            "What a record of this source would become, and who would hear; nothing is taken in",
            |say| {
                say.by::<SourceName>("Its name.")
                    .takes::<trial::Wish>(
                        json!({ "record": "{\"title\":\"Disk full\",\"service\":\"db-1\"}" }),
                    )
                    .answers::<trial::Outcome>(200)
            },
        ),
        route(READ, Get, "/api/v1/channels", status::channels).told(
            Ways,
            "list_channels",
            "Ways out, and how they are",
            |say| say.answers::<Page<status::Channel>>(200),
        ),
        route(ADMIN, Post, "/api/v1/channels/{name}/{flow}", flow::channel).told(
            Ways,
            "turn_channel",
            "Shuts a way out for a while, or opens it again",
            |say| turned(say.by::<ChannelName>("Its name.")),
        ),
        route(RESPOND, Post, "/api/v1/channels/{name}/test", channel_test::test).told(
            Ways,
            "test_channel",
            "Sends one real message, and says how it went",
            |say| {
                say.by::<ChannelName>("Its name.")
                    .takes::<channel_test::Wish>(json!({ "to": "ada", "severity": "high" }))
                    .answers::<channel_test::Tested>(200)
            },
        ),
        // The channel knows its provider by the signature.
        route(OPEN, Post, "/callbacks/{channel}", callbacks::hear).told(
            Ways,
            "hear_callback",
            "What a provider sends of its own accord, signed by it",
            |say| {
                say.by::<ChannelName>("The channel it is about.")
                    .takes_anything()
                    .answers_text(200, "*/*")
                    .refuses(&[401])
            },
        ),
    ]
}

fn turned(say: Say) -> Say {
    say.by_word(&["pause", "resume"], "What is to become of it.").answers::<flow::Answer>(200)
}
