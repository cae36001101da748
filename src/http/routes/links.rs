//! What the links in messages lead to: pages for whoever got them, with buttons. The link is the lock.

use super::OPEN;
use crate::http::links;
use crate::http::openapi::Say;
use crate::http::openapi::Tag::Incidents;
use crate::http::rule::Verb::{Get, Post};
use crate::http::rule::{Route, route};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [
        route(OPEN, Get, "/i/{token}", links::show).told(
            Incidents,
            "page_of_link",
            "The incident of a link, with buttons",
            |say| of_link(say).answers_text(200, "text/html"),
        ),
        route(OPEN, Post, "/i/{token}/acknowledge", links::act).told(
            Incidents,
            "acknowledge_by_link",
            "Whoever got the link has it",
            pressed,
        ),
        route(OPEN, Post, "/i/{token}/unacknowledge", links::act).told(
            Incidents,
            "unacknowledge_by_link",
            "Nobody has it any more",
            pressed,
        ),
        route(OPEN, Post, "/i/{token}/resolve", links::act).told(
            Incidents,
            "resolve_by_link",
            "It is over",
            pressed,
        ),
        route(OPEN, Post, "/i/{token}/reopen", links::act).told(
            Incidents,
            "reopen_by_link",
            "It is not over",
            pressed,
        ),
        route(OPEN, Post, "/i/{token}/snooze", links::act).told(
            Incidents,
            "snooze_by_link",
            "Nobody is called for an hour",
            pressed,
        ),
        route(OPEN, Post, "/i/{token}/escalate", links::act).told(
            Incidents,
            "escalate_by_link",
            "The next step is taken now",
            pressed,
        ),
    ]
    .into_iter()
}

fn of_link(say: Say) -> Say {
    say.by::<String>("As it is in the message.").refuses(&[403])
}

/// Done or not, the page says how it stands now.
fn pressed(say: Say) -> Say {
    of_link(say).answers_nothing(303)
}
