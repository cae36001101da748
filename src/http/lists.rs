//! Pages of lists, single things, and what a store's error becomes.

use axum::Json;
use axum::http::header::LINK;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use url::form_urlencoded;

use super::problem::{Code, Problem};
use crate::store::StoreError;
use crate::store::views::Page;

/// The answer with a page, and a `Link` to the next.
pub(super) fn paged<T: Serialize>(uri: &Uri, page: Page<T>) -> Response {
    let link = page.next_cursor.as_deref().and_then(|cursor| next_link(uri, cursor));
    let mut response = Json(page).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    response
}

fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept.filter(|(key, _)| key != "cursor"))
        .append_pair("cursor", cursor)
        .finish();
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

/// The answer with one thing, if there is one.
pub(super) fn found<T>(thing: Option<T>, what: &str) -> Result<T, Problem> {
    thing.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no such {what}")))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(_) => {
                tracing::error!(%error, "a request met a row that cannot be read");
                Self::new(Code::Internal, "the store holds something unexpected; the log has more")
            }
            _ => {
                tracing::warn!(%error, "a request met a store that does not answer");
                Self::new(Code::Unavailable, "the store does not answer")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_has_the_same_filters_and_the_new_cursor() {
        let uri: Uri = "/api/v1/incidents?status=open&cursor=old&limit=2".parse().expect("a path");
        let link = next_link(&uri, "a/b").expect("a header");
        assert_eq!(
            link.to_str().expect("ASCII"),
            "</api/v1/incidents?status=open&limit=2&cursor=a%2Fb>; rel=\"next\""
        );
    }
}
