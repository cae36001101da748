//! What other systems send, at addresses of their own. Each source has a lock of its own.

use axum::routing::post;

use super::OPEN;
use crate::http::events;
use crate::http::hooks::{self, opsgenie, pager_duty, prometheus};
use crate::http::openapi::Say;
use crate::http::openapi::Tag::OtherSystems;
use crate::http::rule::Verb::{Get, Post, Put};
use crate::http::rule::{Route, made, route};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [of_anybody(), of_prometheus(), of_pager_duty(), of_opsgenie()].into_iter().flatten()
}

fn of_anybody() -> Vec<Route> {
    // The only address that is asked with OPTIONS: a sender of CloudEvents may want to know first.
    let posted = post(hooks::take).options(hooks::greet);
    vec![
        made(OPEN, Post, "/hooks/{name}", posted).told(
            OtherSystems,
            "take_from_sender",
            "Takes in what the sender of a source says, in its own format",
            |say| taken(of_source(say)),
        ),
        route(OPEN, Put, "/hooks/{name}", hooks::take).told(
            OtherSystems,
            "take_from_sender_by_put",
            "The same, for senders that put",
            |say| taken(of_source(say)),
        ),
    ]
}

fn of_source(say: Say) -> Say {
    say.by::<String>("The name of the source, or what its path says.")
}

fn locked(say: Say) -> Say {
    say.takes_anything().refuses(&[401, 404, 408, 413, 415])
}

/// As the sender of the source has it.
fn taken(say: Say) -> Say {
    let say = locked(say).answers::<events::Answer>(202).refuses(&[400, 403, 422, 429]);
    let say = say.answers::<pager_duty::TakenFirst>(200).answers::<pager_duty::Taken>(202);
    let say = say.answers::<opsgenie::Taken>(202).answers::<String>(400);
    let of_pager_duty = [400, 403, 429];
    let say = of_pager_duty.into_iter().fold(say, |say, status| say.answers::<pager_duty::Refused>(status));
    [400, 401, 422].into_iter().fold(say, |say, status| say.answers::<opsgenie::Refused>(status))
}

fn of_prometheus() -> Vec<Route> {
    vec![
        route(OPEN, Post, "/api/v2/alerts", prometheus::alerts).told(
            OtherSystems,
            "take_from_prometheus",
            "Takes in alerts of Prometheus, as an Alertmanager does",
            |say| locked(say).answers_nothing(200).answers::<String>(400),
        ),
        route(OPEN, Post, "/hooks/{name}/api/v2/alerts", prometheus::alerts_of).told(
            OtherSystems,
            "take_from_prometheus_of_source",
            "The same for one of several sources: path_prefix = \"/hooks/NAME\"",
            |say| locked(of_source(say)).answers_nothing(200).answers::<String>(400),
        ),
    ]
}

fn of_pager_duty() -> Vec<Route> {
    vec![
        route(OPEN, Post, "/v2/enqueue", pager_duty::enqueue).told(
            OtherSystems,
            "take_from_pagerduty_client",
            "Takes in an event of PagerDuty's API, version 2",
            |say| {
                locked(say)
                    .answers::<pager_duty::Taken>(202)
                    .answers::<pager_duty::Refused>(400)
                    .answers::<pager_duty::Refused>(429)
            },
        ),
        route(OPEN, Post, "/generic/2010-04-15/create_event.json", pager_duty::create_event).told(
            OtherSystems,
            "take_from_first_pagerduty_client",
            "Takes in an event of PagerDuty's API, version 1",
            |say| {
                locked(say)
                    .answers::<pager_duty::TakenFirst>(200)
                    .answers::<pager_duty::Refused>(400)
                    .answers::<pager_duty::Refused>(403)
            },
        ),
        route(OPEN, Post, "/v2/change/enqueue", pager_duty::change).told(
            OtherSystems,
            "refuse_change_of_pagerduty_client",
            "What changed is no incident: it is refused in PagerDuty's words",
            |say| locked(say).answers::<pager_duty::Refused>(400),
        ),
    ]
}

fn of_opsgenie() -> Vec<Route> {
    vec![
        route(OPEN, Post, "/v2/alerts", opsgenie::create).told(
            OtherSystems,
            "take_from_opsgenie_client",
            "Takes in an alert of Opsgenie's API",
            answered,
        ),
        route(OPEN, Get, "/v2/alerts/requests/{id}", opsgenie::outcome).told(
            OtherSystems,
            "show_outcome_to_opsgenie_client",
            "What became of a request of Opsgenie's API",
            |say| {
                say.by::<String>("As the request was answered.")
                    .answers::<opsgenie::Outcome>(200)
                    .answers::<opsgenie::Refused>(401)
                    .answers::<opsgenie::Refused>(404)
                    .refuses(&[401, 404])
            },
        ),
        route(OPEN, Post, "/v2/alerts/{id}/{deed}", opsgenie::act).told(
            OtherSystems,
            "act_as_opsgenie_client",
            "Does something to an alert of Opsgenie's API",
            about_alert,
        ),
        route(OPEN, Put, "/v2/alerts/{id}/{deed}", opsgenie::act).told(
            OtherSystems,
            "change_as_opsgenie_client",
            "Changes what an alert of Opsgenie's API says",
            about_alert,
        ),
    ]
}

fn about_alert(say: Say) -> Say {
    let say = say.by::<String>("The alert: by its id, or by what ?identifierType= says, alias or tiny.");
    let say = say.by_word(opsgenie::DEEDS, "What to do.");
    answered(say).answers::<opsgenie::Refused>(404)
}

fn answered(say: Say) -> Say {
    let say = locked(say).answers::<opsgenie::Taken>(202).answers::<opsgenie::Refused>(400);
    say.answers::<opsgenie::Refused>(401).answers::<opsgenie::Refused>(422)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_sender_is_open_and_has_a_lock_of_its_own() {
        assert!(all().all(|route| route.rule.needs == OPEN));
        assert_eq!(all().count(), 11);
    }
}
