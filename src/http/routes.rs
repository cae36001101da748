//! Every address that is served, with what it needs, what it takes and what it answers. A route that is not
//! in these tables does not exist: the router is made of them, and so are the API's reference
//! ([`super::openapi`]) and the tests that walk it.
//!
//! A row is local: `route(NEEDS, METHOD, path, handler)` and behind it `.told(tag, name, summary, |say| …)`,
//! where `say` names the types that the handler reads and writes.

mod compatible;
mod deliveries;
mod hooks;
mod incidents;
mod links;
mod records;
mod routing;
mod upkeep;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::Method;
use axum::middleware::from_fn_with_state;

use super::openapi::Kind::Text;
use super::openapi::{Ask, Say};
use super::problem::{Code, Problem};
use super::rule::Route;
pub use super::rule::{Needs, Rule, Verb};
use super::{Shared, access};
use crate::domain::token::Scope;

const OPEN: Needs = Needs::Nothing;
const TOKEN: Needs = Needs::Token;
const SOMEBODY: Needs = Needs::Somebody;
const EVENTS: Needs = Needs::Scope(Scope::EventsWrite);
const READ: Needs = Needs::Scope(Scope::Read);
const RESPOND: Needs = Needs::Scope(Scope::Respond);
const ADMIN: Needs = Needs::Scope(Scope::Admin);

/// Every route, in the words of the API's reference.
pub(super) fn all() -> Vec<Route> {
    incidents::all()
        .chain(deliveries::all())
        .chain(routing::all())
        .chain(records::all())
        .chain(upkeep::all())
        .chain(links::all())
        .chain(hooks::all())
        .chain(compatible::all())
        .collect()
}

/// A short list, which comes whole, however many were asked for.
fn whole_list(say: Say) -> Say {
    say.asks(&[
        Ask("limit", Text, "Makes no difference here."),
        Ask("cursor", Text, "Makes no difference here."),
    ])
}

/// What is said of every route.
pub fn rules() -> Vec<Rule> {
    all().into_iter().map(|route| route.rule).collect()
}

/// The router: each handler behind its own rule.
pub(super) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    all().into_iter().fold(Router::new(), |router, Route { rule, handler, .. }| {
        let guarded = from_fn_with_state((Arc::clone(shared), rule), access::enter);
        router.route(rule.path, handler.route_layer(guarded))
    })
}

/// The page that `type` of a problem leads to.
async fn explain(Path(code): Path<String>) -> Result<String, Problem> {
    let known = Code::named(&code).ok_or_else(|| Problem::new(Code::NotFound, "no error has this code"))?;
    Ok(known.page())
}

/// What cannot be asked for in this way.
pub(super) async fn no_such_method(method: Method) -> Problem {
    Problem::new(Code::Method, format!("{method} is not possible here"))
}
