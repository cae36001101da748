//! A route: what it needs, how it is asked for, where, who answers, and what is said of it.

use std::sync::Arc;

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::Shared;
use super::openapi::{Say, Tag, Told};
use crate::domain::token::Scope;

/// What a route needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing that is anybody's business, or has a lock of its own.
    Nothing,
    /// A token itself, whatever it is good for: a session is made for it.
    Token,
    /// A token or a session, whatever it is good for.
    Somebody,
    /// This scope.
    Scope(Scope),
}

/// How often a request may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// With an `Idempotency-Key`, as often as one likes.
    ByKey,
    /// Its answer holds a secret, which is not kept to be said again.
    Never,
}

/// What is said of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// `GET` stands for `HEAD` too.
    pub method: Verb,
    /// As axum writes it: `/api/v1/events/{id}`.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
    pub(super) repeats: Repeats,
}

/// The methods that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what HTTP calls them")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// A rule, who answers, and what is said of it.
pub(super) struct Route {
    pub(super) rule: Rule,
    pub(super) handler: MethodRouter<Arc<Shared>>,
    pub(super) told: Told,
}

/// A route of which nothing is said yet. It is none: what is served is described.
pub(super) struct Untold {
    rule: Rule,
    handler: MethodRouter<Arc<Shared>>,
}

/// What it needs, how it is asked for, where, and who answers.
pub(super) fn route<H, T>(needs: Needs, method: Verb, path: &'static str, handler: H) -> Untold
where
    H: Handler<T, Arc<Shared>>,
    T: 'static,
{
    made(needs, method, path, on(method.filter(), handler))
}

/// The same, where whoever answers knows the method.
pub(super) fn made(
    needs: Needs,
    method: Verb,
    path: &'static str,
    handler: MethodRouter<Arc<Shared>>,
) -> Untold {
    Untold { rule: Rule { method, path, needs, repeats: Repeats::ByKey }, handler }
}

impl Untold {
    /// Says under which heading it is found, its name for programs, what it does in a line, and then what it
    /// takes and answers. The name stays for ever: clients are generated from it.
    pub(super) fn told(
        self,
        tag: Tag,
        id: &'static str,
        summary: &'static str,
        say: fn(Say) -> Say,
    ) -> Route {
        let Self { rule, handler } = self;
        Route { rule, handler, told: Told::new(tag, id, summary, say) }
    }
}

impl Route {
    /// Its answer holds a secret.
    pub(super) fn once(mut self) -> Self {
        self.rule.repeats = Repeats::Never;
        self
    }
}
