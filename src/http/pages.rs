//! A page as an answer.

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::problem::{Code, Problem};
use crate::render::pages::{self, Page};

/// `page` about `what`.
pub(super) fn written(page: Page, what: impl Serialize) -> Result<Response, Problem> {
    let page = pages::write(page, what).map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Problem::new(Code::Internal, "the page could not be written; the log has more")
    })?;
    Ok(([(CONTENT_SECURITY_POLICY, pages::POLICY)], Html(page)).into_response())
}
