//! The process itself, and who may do what with it.

use super::{ADMIN, OPEN, READ, SOMEBODY, TOKEN, explain, whole_list};
use crate::channels::oidc::CALLBACK;
use crate::domain::audit::AuditEntry;
use crate::domain::ids::TokenId;
use crate::http::openapi::Kind::{Flag, Text};
use crate::http::openapi::Tag::{Access, Deliveries, Upkeep};
use crate::http::openapi::{Ask, CURSOR, LIMIT, Say};
use crate::http::problem::{Code, PAGES};
use crate::http::rule::Verb::{Delete, Get, Post, Put};
use crate::http::rule::{Route, route};
use crate::http::{audit, control, explorer, oidc, openapi, outbox, probes, sign_in, status, tokens};
use crate::messages::control::Reloaded;
use crate::store::views::Page;
use serde_json::json;

const PLAIN: &str = "text/plain";
const HTML: &str = "text/html";

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    [about_access(), about_upkeep(), for_browsers(), for_machines()].into_iter().flatten()
}

fn about_access() -> Vec<Route> {
    vec![
        route(SOMEBODY, Get, "/api/v1/session", sign_in::show).told(
            Access,
            "show_session",
            "Who asks, and what they may do",
            |say| say.answers::<sign_in::View>(200),
        ),
        route(TOKEN, Post, "/api/v1/session", sign_in::begin)
            .told(
                Access,
                "sign_in",
                "Gives a browser a session for the token that it shows, once; none where nobody is asked for a token",
                |say| say.answers::<sign_in::View>(200).answers::<sign_in::View>(201),
            )
            .once(),
        route(SOMEBODY, Delete, "/api/v1/session", sign_in::end).told(
            Access,
            "sign_out",
            "The session counts no more",
            |say| say.answers_nothing(204),
        ),
        route(ADMIN, Get, "/api/v1/tokens", tokens::list).told(
            Access,
            "list_tokens",
            "Tokens: all but what they are",
            |say| whole_list(say).answers::<Page<tokens::View>>(200),
        ),
        route(ADMIN, Post, "/api/v1/tokens", tokens::create)
            .told(Access, "create_token", "Makes a token; its secret is told once", |say| {
                let example = json!({ "name": "prometheus", "scopes": ["read"], "expires_in": "90d" });
                say.takes::<tokens::Wish>(example).answers::<tokens::Made>(201)
            })
            .once(),
        route(ADMIN, Delete, "/api/v1/tokens/{id}", tokens::revoke).told(
            Access,
            "revoke_token",
            "A token counts no more",
            |say| say.by::<TokenId>("Its id.").answers::<tokens::View>(200).refuses(&[405]),
        ),
        route(ADMIN, Get, "/api/v1/audit", audit::list).told(
            Access,
            "list_audit",
            "Who did what, newest first",
            |say| say.asks(&[LIMIT, CURSOR]).answers::<Page<AuditEntry>>(200),
        ),
    ]
}

fn about_upkeep() -> Vec<Route> {
    vec![
        route(READ, Get, "/api/v1/status", status::show).told(
            Upkeep,
            "show_status",
            "How everything stands",
            |say| say.answers::<status::Status>(200),
        ),
        route(READ, Get, "/api/v1/openapi.json", openapi::serve).told(
            Upkeep,
            "show_openapi",
            "This document",
            |say| say.answers::<openapi::Document>(200),
        ),
        route(ADMIN, Post, "/api/v1/admin/reload", control::reload).told(
            Upkeep,
            "reload",
            "Reads the configuration anew, and works by it or leaves everything",
            |say| say.answers::<Reloaded>(200).refuses(&[422]),
        ),
        route(ADMIN, Post, "/api/v1/admin/drain", control::drain).told(
            Upkeep,
            "drain",
            "Takes nothing more in, and stores what came",
            |say| say.answers::<control::DrainAnswer>(200),
        ),
        route(READ, Get, "/api/v1/admin/log-level", control::log_level).told(
            Upkeep,
            "show_log_level",
            "How much is logged",
            |say| say.answers::<control::LevelAnswer>(200).refuses(&[404]),
        ),
        route(ADMIN, Put, "/api/v1/admin/log-level", control::set_log_level).told(
            Upkeep,
            "set_log_level",
            "Logs more or less, for a while",
            |say| {
                say.takes::<control::Wish>(json!({ "level": "debug", "for": "10m" }))
                    .answers::<control::LevelAnswer>(200)
            },
        ),
    ]
}

fn for_browsers() -> Vec<Route> {
    vec![
        route(OPEN, Get, oidc::LOGIN, oidc::leave).told(
            Access,
            "sign_in_with_provider",
            "Sends a browser to the identity provider of `[auth.oidc]`",
            |say| {
                let to = Ask("to", Text, "Where to go on, a path on this server; `/docs` unless said.");
                say.asks(&[to]).answers_nothing(303).refuses(&[403, 404, 429, 502])
            },
        ),
        route(OPEN, Get, CALLBACK, oidc::come_back).told(
            Access,
            "come_back_from_provider",
            "Signs in whoever comes back from the identity provider",
            |say| say.answers_text(200, HTML).refuses(&[403, 404, 429, 502]),
        ),
        route(READ, Get, "/outbox", outbox::list_page).told(
            Deliveries,
            "page_of_outbox",
            "What outbox channels kept, for people",
            |say| say.asks(&[LIMIT, CURSOR]).answers_text(200, HTML),
        ),
        route(READ, Get, "/outbox/{seq}", outbox::message_page).told(
            Deliveries,
            "page_of_outbox_message",
            "One message, for people",
            |say| say.by::<u64>("Its number.").answers_text(200, HTML),
        ),
        route(OPEN, Get, explorer::PAGE, explorer::page).told(
            Upkeep,
            "page_of_api",
            "This API to look at and to try, for people",
            |say| say.answers_text(200, HTML).refuses(&[404]),
        ),
        route(OPEN, Get, "/docs/openapi.json", explorer::document).told(
            Upkeep,
            "show_openapi_of_page",
            "This document, for the page that shows it",
            |say| say.answers::<openapi::Document>(200).refuses(&[404]),
        ),
        route(OPEN, Get, "/docs/{file}", explorer::part).told(
            Upkeep,
            "part_of_page_of_api",
            "What the page about this API is made of",
            |say| say.by::<String>("Its name.").answers_text(200, "*/*"),
        ),
        route(OPEN, Get, PAGES, async || Code::list()).told(
            Upkeep,
            "list_errors",
            "Every error there is",
            |say| say.answers_text(200, PLAIN),
        ),
        route(OPEN, Get, "/docs/errors/{code}", explain).told(
            Upkeep,
            "explain_error",
            "What an error means, and how to mend it",
            |say| say.by::<String>("Its code.").answers_text(200, PLAIN),
        ),
    ]
}

fn for_machines() -> Vec<Route> {
    vec![
        route(OPEN, Get, probes::LIVEZ, probes::livez).told(
            Upkeep,
            "livez",
            "Is the process alive?",
            |say| say.answers_text(200, PLAIN),
        ),
        route(OPEN, Get, probes::READYZ, probes::readyz).told(
            Upkeep,
            "readyz",
            "Does it take events in?",
            readiness,
        ),
        route(OPEN, Get, probes::HEALTHZ, probes::readyz).told(
            Upkeep,
            "healthz",
            "The same, under the name of other systems",
            readiness,
        ),
        route(OPEN, Get, probes::STARTUPZ, probes::startupz).told(
            Upkeep,
            "startupz",
            "Has it started?",
            |say| say.answers_text(200, PLAIN).answers_text(503, PLAIN),
        ),
        // It names channels and sources.
        route(READ, Get, probes::METRICS, probes::metrics).told(
            Upkeep,
            "metrics",
            "Figures in the Prometheus text format",
            |say| say.answers_text(200, PLAIN),
        ),
    ]
}

fn readiness(say: Say) -> Say {
    let verbose = Ask("verbose", Flag, "Says more, to callers on this machine.");
    say.asks(&[verbose]).answers_text(200, PLAIN).answers_text(503, PLAIN)
}
