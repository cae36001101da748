//! `/docs`: the API to look at and to try, in a browser. Everything comes out of this process, and its pages
//! may load nothing from anywhere else: it works without a network, and tells nobody that it is looked at.
//!
//! The document is served beside it, too, to whoever may see the explorer: a page cannot ask for a token
//! before it is there. It is the same for every Foghorn and says nothing about this one.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::Config;

use super::Shared;
use super::openapi::{self, Document};
use super::problem::{Code, Problem};
use crate::config::Explorer;

/// Where it is.
pub(super) const PAGE: &str = "/docs";
const DOCUMENT: &str = "openapi.json";

/// It styles itself as it runs; its scripts are files of ours, and none is written into a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Addresses are from the page, so that a proxy may put it below another path. Nothing is asked of a validator
/// somewhere else.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new([format!("docs/{DOCUMENT}")]);
    Arc::new(config.validator_url("none").try_it_out_enabled(true).deep_linking(true).filter(true))
});

pub(super) async fn page(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let page = file(&shared, "index.html")?;
    // Its files are below its own address, which has no slash at its end.
    let html = String::from_utf8_lossy(&page.bytes)
        .replace("\"./", "\"docs/")
        .replace("\"index.css\"", "\"docs/index.css\"")
        .replace("<title>Swagger UI</title>", "<title>Foghorn API</title>");
    Ok(written(&page.content_type, html.into_bytes()))
}

pub(super) async fn part(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let part = file(&shared, &name)?;
    Ok(written(&part.content_type, part.bytes.into_owned()))
}

pub(super) async fn document(State(shared): State<Arc<Shared>>) -> Result<Json<Document>, Problem> {
    is_served(&shared)?;
    Ok(openapi::serve().await)
}

fn file(shared: &Shared, name: &str) -> Result<utoipa_swagger_ui::SwaggerFile<'static>, Problem> {
    is_served(shared)?;
    let file = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, "a part of the explorer could not be made");
        Problem::new(Code::Internal, "the explorer could not be made; the log has more")
    })?;
    file.ok_or_else(|| Problem::new(Code::NotFound, "the explorer has no such file"))
}

fn is_served(shared: &Shared) -> Result<(), Problem> {
    match shared.api.explorer {
        Explorer::Served => Ok(()),
        Explorer::Off => Err(Problem::new(Code::NotFound, "the explorer is off: [http] docs = false")),
    }
}

fn written(content_type: &str, bytes: Vec<u8>) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, bytes).into_response()
}
