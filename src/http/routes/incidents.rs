//! Events, and the incidents that they are about.

use super::{ADMIN, EVENTS, READ, RESPOND};
use crate::domain::ids::EventId;
use crate::domain::incident::IncidentStatus;
use crate::feed::Topic;
use crate::formats::shapes;
use crate::http::openapi::Kind::{Count, Text, Words};
use crate::http::openapi::Tag::{Events, Incidents};
use crate::http::openapi::{Ask, CURSOR, FILTER, LIMIT, Say};
use crate::http::rule::Verb::{Delete, Get, Patch, Post};
use crate::http::rule::{Route, route};
use crate::http::{actions, events, explanation, incidents, many, replays, stream};
use crate::store::views::{EventView, IncidentView, Page, TimelineView};
use serde_json::json;

const STATUSES: Ask = Ask(
    "status",
    Words(|| IncidentStatus::ALL.map(IncidentStatus::as_str).to_vec()),
    "In these states alone.",
);
const TOPICS: Ask = Ask("topics", Words(|| Topic::ALL.map(Topic::as_str).to_vec()), "Of these alone.");
const LAST_EVENT_ID: Ask = Ask("Last-Event-ID", Text, "Where the reader was; goes before the parameter.");
const AS_SOURCE: Ask =
    Ask("source", Text, "They are records of this source, and read as it reads its own; `api` unless said.");
const IF_MATCH: Ask = Ask("If-Match", Text, "Only if this is still its version, as `ETag` said: `\"v9\"`.");
const IF_NONE_MATCH: Ask = Ask("If-None-Match", Text, "Only if this is not its version any more.");

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [about_events(), about_incidents(), vec![about_many()], about_acting()].into_iter().flatten()
}

fn about_events() -> Vec<Route> {
    vec![
        route(EVENTS, Post, "/api/v1/events", events::submit).told(
            Events,
            "submit_events",
            "Takes in one event, or a list of up to 500; as CloudEvents, too",
            |say| {
                say.takes::<shapes::Event>(json!({
                    "title": "5xx rate above 5%",
                    "severity": "critical",
                    "service": "checkout-api",
                    "dedup_key": "checkout-5xx",
                    "labels": { "region": "eu-west-1" },
                }))
                .takes::<shapes::Notification>(json!(null))
                .takes::<shapes::Records>(json!(null))
                .asks(&[AS_SOURCE])
                .answers::<events::Answer>(202)
                .refuses(&[404])
            },
        ),
        route(READ, Get, "/api/v1/events", events::list).told(
            Events,
            "list_events",
            "Events that were accepted, newest first",
            |say| say.asks(&[FILTER, LIMIT, CURSOR]).answers::<Page<EventView>>(200),
        ),
        route(RESPOND, Post, "/api/v1/events/replay", replays::replay).told(
            Events,
            "replay_events",
            "Takes accepted events in again, by the routes of today",
            |say| {
                say.takes::<replays::Wish>(json!({ "ids": ["evt_01J9X2M4QF5T8V0W3Y6ZABCDEF"] }))
                    .answers::<replays::Answer>(202)
            },
        ),
        route(READ, Get, "/api/v1/events/{id}", events::show).told(
            Events,
            "show_event",
            "One event, as it came",
            |say| say.by::<EventId>("Its id.").answers::<EventView>(200),
        ),
        route(READ, Get, "/api/v1/stream", stream::follow).told(
            Events,
            "follow_stream",
            "What happens, as it happens, as server-sent events",
            |say| {
                let filter = Ask("filter", Text, "Words that all must fit.");
                let last = Ask("last_event_id", Count(0, u64::MAX), "Where the reader was.");
                say.asks(&[TOPICS, filter, last])
                    .wants(&[LAST_EVENT_ID])
                    .answers_text(200, "text/event-stream")
            },
        ),
    ]
}

fn about_incidents() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/incidents", incidents::list).told(
            Incidents,
            "list_incidents",
            "Incidents, newest first",
            |say| say.asks(&[STATUSES, FILTER, LIMIT, CURSOR]).answers::<Page<IncidentView>>(200),
        ),
        route(READ, Get, "/api/v1/incidents/{number}", incidents::show).told(
            Incidents,
            "show_incident",
            "One incident, and what its policy does next",
            |say| {
                one_incident(say)
                    .wants(&[IF_NONE_MATCH])
                    .answers::<incidents::Alone>(200)
                    .answers_nothing(304)
            },
        ),
        route(READ, Get, "/api/v1/incidents/{number}/timeline", incidents::timeline).told(
            Incidents,
            "show_timeline",
            "What happened to an incident, oldest first",
            |say| one_incident(say).answers::<Page<TimelineView>>(200),
        ),
        route(READ, Get, "/api/v1/incidents/{number}/explanation", explanation::explain).told(
            Incidents,
            "explain_incident",
            "Why who was told of an incident, and who was not",
            |say| {
                let user = Ask("user", Text, "Of this user alone, with a verdict in words.");
                one_incident(say).asks(&[user]).answers::<explanation::Explanation>(200)
            },
        ),
        route(RESPOND, Patch, "/api/v1/incidents/{number}", actions::patch).told(
            Incidents,
            "change_incident",
            "Changes what is known of an incident, or where it stands",
            |say| {
                let example = json!({ "severity": "high", "labels": { "region": "eu-west-1", "old": null } });
                changed(one_incident(say).may_take::<actions::Patch>(example))
            },
        ),
        route(ADMIN, Delete, "/api/v1/incidents/{number}", actions::delete).told(
            Incidents,
            "delete_incident",
            "An incident is not there any more; its number never comes back",
            |say| one_incident(say).wants(&[IF_MATCH]).answers_nothing(204).refuses(&[409, 412]),
        ),
    ]
}

fn about_acting() -> Vec<Route> {
    vec![
        route(RESPOND, Post, "/api/v1/incidents/{number}/acknowledge", actions::act).told(
            Incidents,
            "acknowledge_incident",
            "Somebody has it: nobody else is called",
            |say| acted(say, json!({ "note": "Looking at it." })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/unacknowledge", actions::act).told(
            Incidents,
            "unacknowledge_incident",
            "Nobody has it any more: calling goes on",
            |say| acted(say, json!({ "note": "I cannot reach the site." })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/resolve", actions::act).told(
            Incidents,
            "resolve_incident",
            "It is over",
            |say| acted(say, json!({ "note": "A bad deploy, rolled back." })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/reopen", actions::act).told(
            Incidents,
            "reopen_incident",
            "It is not over",
            |say| acted(say, json!({ "note": "It is back." })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/snooze", actions::act).told(
            Incidents,
            "snooze_incident",
            "Nobody is called for a while",
            |say| acted(say, json!({ "for": "1h" })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/unsnooze", actions::act).told(
            Incidents,
            "unsnooze_incident",
            "The snooze ends now",
            |say| acted(say, json!({})),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/escalate", actions::act).told(
            Incidents,
            "escalate_incident",
            "The next step of its policy is taken now",
            |say| acted(say, json!({ "note": "I need somebody of the database team." })),
        ),
        route(RESPOND, Post, "/api/v1/incidents/{number}/notes", actions::act).told(
            Incidents,
            "note_on_incident",
            "Something is written down",
            |say| acted(say, json!({ "note": "The provider knows of it." })),
        ),
    ]
}

fn about_many() -> Route {
    route(RESPOND, Post, "/api/v1/incidents/bulk", many::act).told(
        Incidents,
        "act_on_many_incidents",
        "One action on all that fit",
        |say| {
            let example = json!({ "filter": "service:db-*", "action": "acknowledge", "dry_run": true });
            say.takes::<many::Wish>(example)
                .answers::<many::Preview>(200)
                .answers::<many::Done>(200)
                .refuses(&[409])
        },
    )
}

fn one_incident(say: Say) -> Say {
    say.by::<u64>("Its number.")
}

/// A change of an incident, which is answered with how it stands then.
fn changed(say: Say) -> Say {
    say.wants(&[IF_MATCH]).answers::<IncidentView>(200).refuses(&[409, 412])
}

fn acted(say: Say, example: serde_json::Value) -> Say {
    changed(one_incident(say).may_take::<actions::Words>(example))
}
