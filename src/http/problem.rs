//! What goes wrong, as `application/problem+json` (RFC 9457) with a stable code.
//!
//! A handler returns a [`Problem`]; the address of the request and its id are added on the way out
//! by `envelope`, which also turns every other error response into a problem, so that no
//! client ever meets a bare status.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::catalogue::Effect;
use crate::domain::malformed::{Malformation, Malformed, Problem as Flaw};

pub use crate::catalogue::Code;

/// The status that a problem is sent with.
fn status(code: Code) -> StatusCode {
    match code.effect() {
        Effect::Answers(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        // Not one of a request.
        Effect::Refuses | Effect::Warns | Effect::Ends(_) | Effect::Logs | Effect::Stops(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// The code for an error response that some framework made.
pub(super) fn of_status(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::Method,
        StatusCode::REQUEST_TIMEOUT => Code::TooSlow,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::ContentType,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    }
}

/// Where the pages of the catalogue are.
pub(super) const PAGES: &str = "/docs/errors";

/// What went wrong with a request.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<Flaw>,
}

impl Problem {
    /// A problem, told for people.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new() }
    }

    /// A problem with several places.
    pub fn with_errors(code: Code, errors: Vec<Flaw>) -> Self {
        let detail = match errors.len() {
            1 => "1 problem in the body".to_owned(),
            count => format!("{count} problems in the body"),
        };
        Self { code, detail: detail.into(), errors }
    }

    /// A problem that lists what is behind it.
    pub fn told(code: Code, detail: String, errors: Vec<Flaw>) -> Self {
        Self { code, detail: detail.into(), errors }
    }

    /// Of what cannot be read as JSON, is too much, or else is `otherwise`.
    pub(super) fn malformed(otherwise: Code, malformed: Malformed) -> Self {
        let code = match malformed.reason {
            Malformation::Parse => Code::NotJson,
            Malformation::TooLarge => Code::TooLarge,
            _ => return Self::with_errors(otherwise, malformed.problems),
        };
        Self::new(code, malformed.to_string())
    }

    /// Its kind.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in a line, for answers that are no problem+json.
    pub(super) fn words(&self) -> String {
        let flaws = self.errors.iter().map(|flaw| match flaw.pointer.as_str() {
            "" => flaw.detail.clone(),
            pointer => format!("{pointer}: {}", flaw.detail),
        });
        match self.errors.is_empty() {
            true => self.detail.to_string(),
            false => flaws.collect::<Vec<_>>().join("; "),
        }
    }

    /// The status that it is sent with.
    pub(super) fn status(&self) -> StatusCode {
        status(self.code)
    }

    /// The body for the request `instance`.
    pub(super) fn body(&self, public_url: &str, instance: &str, request_id: &str) -> Vec<u8> {
        let body = Body {
            r#type: format!("{public_url}{PAGES}/{}", self.code),
            title: self.code.title(),
            status: self.status().as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[Flaw]>::is_empty")]
    errors: &'a [Flaw],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unavailable {
            // Spread out, so that everybody does not come back at the same moment.
            headers.insert(RETRY_AFTER, HeaderValue::from(fastrand::u16(1..=5)));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_framework_answers_becomes_the_code_of_that_status() {
        let table =
            [(404, Code::NotFound), (405, Code::Method), (413, Code::TooLarge), (415, Code::ContentType)];
        for (number, code) in table {
            let framework = StatusCode::from_u16(number).expect("a status");
            assert_eq!((of_status(framework), status(code)), (code, framework));
        }
        assert_eq!(of_status(StatusCode::CONFLICT), Code::BadRequest);
        assert_eq!(of_status(StatusCode::BAD_GATEWAY), Code::Internal);
    }

    #[test]
    fn a_problem_says_what_where_and_which_request() {
        let problem = Problem::with_errors(
            Code::InvalidEvent,
            vec![Flaw {
                pointer: "/titel".into(),
                code: "unknown_field",
                detail: "unknown field".into(),
                hint: Some("did you mean \"title\"?".into()),
            }],
        );
        let body: serde_json::Value =
            serde_json::from_slice(&problem.body("https://fog.example", "/api/v1/events", "req_1"))
                .expect("it is JSON");
        assert_eq!(
            body,
            serde_json::json!({
                "type": format!("https://fog.example/docs/errors/{}", Code::InvalidEvent),
                "title": "The event is not valid",
                "status": 422,
                "code": Code::InvalidEvent.as_str(),
                "detail": "1 problem in the body",
                "instance": "/api/v1/events",
                "request_id": "req_1",
                "errors": [{
                    "pointer": "/titel",
                    "code": "unknown_field",
                    "detail": "unknown field",
                    "hint": "did you mean \"title\"?"
                }]
            })
        );
    }

    #[test]
    fn not_now_says_when_to_come_back() {
        for _ in 0..50 {
            let response = Problem::new(Code::Unavailable, "draining").into_response();
            let seconds: u16 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=5).contains(&seconds));
        }
    }
}
