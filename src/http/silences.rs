//! When nobody is told of what: `GET /api/v1/silences`, from the configuration in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

use super::Shared;
use super::problem::Problem;
use super::query::Query;
use super::records::Standing;
use super::routing::patterns;
use crate::domain::Timestamp;
use crate::domain::record::Section;
use crate::domain::silence::{Phase, Silence};
use crate::messages::in_use::InUse;
use crate::store::views::Page;

/// A silence as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Silence)]
pub(super) struct View {
    name: String,
    phase: Phase,
    r#match: BTreeMap<String, Vec<String>>,
    /// None: from ever.
    from: Option<Timestamp>,
    until: Timestamp,
    comment: String,
    by: String,
    #[serde(flatten)]
    standing: Option<Standing>,
}

impl View {
    fn of(silence: &Silence, in_use: &InUse, now: Timestamp) -> Self {
        Self {
            name: silence.name.to_string(),
            phase: silence.phase(now),
            r#match: patterns(&silence.matches),
            from: silence.from,
            until: silence.until,
            comment: silence.comment.clone(),
            by: silence.by.clone(),
            standing: Standing::of(&in_use.tables, Section::Silences, silence.name.as_str()),
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Json<Page<View>>, Problem> {
    // Short, and comes whole.
    Query::parse(&uri, &["limit", "cursor"])?;
    let now = shared.api.clock.now();
    let in_use = shared.api.in_use.borrow().clone();
    let data = in_use.routes.silences.iter().map(|silence| View::of(silence, &in_use, now)).collect();
    Ok(Json(Page { data, next_cursor: None }))
}
