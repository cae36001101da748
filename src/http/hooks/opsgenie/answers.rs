//! What Opsgenie says, and the headers that it says it with.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::Timestamp;
use crate::http::hooks::in_their_words;
use crate::store::views::IncidentView;

/// It is taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieTaken)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Taken {
    result: &'static str,
    took: f64,
    /// What became of it can be asked by this.
    request_id: String,
}

/// What became of a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieOutcome)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Outcome {
    pub(super) data: Done,
    pub(super) took: f64,
    pub(super) request_id: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieDone)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    success: bool,
    is_success: bool,
    status: &'static str,
    /// Of what was an event of its own: what it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    /// And when.
    #[serde(skip_serializing_if = "Option::is_none")]
    processed_at: Option<Timestamp>,
    alert_id: String,
    alias: String,
}

/// It is not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpsgenieRefused)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Refused {
    message: String,
    took: f64,
    request_id: String,
}

/// What a request said, as it is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    action: Option<String>,
    alias: Option<String>,
}

impl Done {
    /// What became of what was `said` of `incident`.
    pub(super) fn of(incident: Option<IncidentView>, said: Said, processed_at: Option<Timestamp>) -> Self {
        let action = match said.action.as_deref() {
            None => "Create",
            Some("close") => "Close",
            Some(_) => "Acknowledge",
        };
        let known = incident.as_ref().map(|incident| incident.dedup_key.clone());
        Self {
            success: incident.is_some(),
            is_success: incident.is_some(),
            status: if incident.is_some() { "Done" } else { "Alert does not exist" },
            action: processed_at.map(|_| action),
            processed_at,
            alert_id: incident.map(|incident| uuid(incident.id.bits())).unwrap_or_default(),
            alias: said.alias.or(known).unwrap_or_default(),
        }
    }
}

/// Its request is known by these bits.
pub(super) fn taken(bits: u128, begun: Instant) -> Response {
    let took = begun.elapsed().as_secs_f64();
    let taken = Taken { result: "Request will be processed", took, request_id: uuid(bits) };
    timed((StatusCode::ACCEPTED, Json(&taken)).into_response(), &taken.request_id, begun)
}

/// With the headers that Opsgenie answers with.
pub(super) fn timed(mut response: Response, request_id: &str, begun: Instant) -> Response {
    let took = format!("{:.3}", begun.elapsed().as_secs_f64());
    let said = [("x-request-id", request_id), ("x-response-time", &took), ("x-ratelimit-state", "OK")];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// It is not, and why.
pub(super) fn refused(status: StatusCode, message: &str, begun: Instant) -> Response {
    let (took, request_id) = (begun.elapsed().as_secs_f64(), uuid(fastrand::u128(..)));
    let refused = Refused { message: message.to_owned(), took, request_id };
    timed(in_their_words(status, Json(&refused)), &refused.request_id, begun)
}

/// As everybody writes 128 bits.
pub(super) fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The bits of [`uuid`].
pub(super) fn bits(text: &str) -> Option<u128> {
    let is_uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|place| text.as_bytes()[*place] == b'-');
    let hex: String = text.chars().filter(|letter| *letter != '-').collect();
    let fits = is_uuid && hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| u128::from_str_radix(&hex, 16).ok())?
}
