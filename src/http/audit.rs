//! `GET /api/v1/audit`: who did what, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::Shared;
use super::lists::paged;
use super::problem::Problem;
use super::query::Query;
use crate::domain::ids::AuditId;

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["limit", "cursor"])?;
    let page = shared.api.store.audit(&query.paging::<AuditId>()?).await?;
    Ok(paged(&uri, page))
}
