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

use crate::domain::malformed::Problem as Flaw;

/// What kind of problem. The code of each is stable for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    NotJson,
    /// No event of the body is valid.
    InvalidEvent,
    /// The body, or the batch in it, is too large.
    TooLarge,
    /// The body is of a type that is not understood.
    ContentType,
    /// The body took too long to arrive.
    TooSlow,
    /// The query is not understood.
    Query,
    /// There is no such thing.
    NotFound,
    /// It cannot be asked for in this way.
    Method,
    /// A page of another site sent it.
    CrossOrigin,
    /// It was sent to a name that is not ours.
    ForeignHost,
    /// It is not a request that HTTP allows.
    BadRequest,
    /// The body is valid JSON but not what this address takes.
    InvalidBody,
    /// Not now: overloaded, draining, or the store is away.
    Unavailable,
    /// A bug.
    Internal,
}

impl Code {
    /// Every code, for the pages that explain them.
    pub fn all() -> impl Iterator<Item = Self> {
        ENTRIES.iter().map(|entry| entry.kind)
    }

    /// `FHnnnn`
    pub fn as_str(self) -> &'static str {
        self.entry().code
    }

    /// The status it is sent with.
    pub fn status(self) -> StatusCode {
        self.entry().status
    }

    /// What it is, in one line.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        self.entry().advice
    }

    fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// The code for an error response that some framework made.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::REQUEST_TIMEOUT => Self::TooSlow,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::ContentType,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

/// One line of the table of codes.
struct Entry {
    kind: Code,
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    advice: &'static str,
}

/// In the order of [`Code`].
const ENTRIES: [Entry; 14] = [
    Entry {
        kind: Code::NotJson,
        code: "FH0701",
        status: StatusCode::BAD_REQUEST,
        title: "The body is not JSON",
        advice: "Send UTF-8 JSON without a byte order mark: one object, or an array of objects.",
    },
    Entry {
        kind: Code::InvalidEvent,
        code: "FH0702",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "The event is not valid",
        advice: "Each entry of `errors` names a place in the body and what is wrong with it. Nothing was kept.",
    },
    Entry {
        kind: Code::TooLarge,
        code: "FH0703",
        status: StatusCode::PAYLOAD_TOO_LARGE,
        title: "The request is too large",
        advice: "Send fewer or smaller events in one request; `detail` says the limit.",
    },
    Entry {
        kind: Code::ContentType,
        code: "FH0704",
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        title: "The content type is not understood",
        advice: "Send `Content-Type: application/json` and no `Content-Encoding`.",
    },
    Entry {
        kind: Code::TooSlow,
        code: "FH0705",
        status: StatusCode::REQUEST_TIMEOUT,
        title: "The body took too long to arrive",
        advice: "Send it again. If it happens often, look at the network or send smaller bodies.",
    },
    Entry {
        kind: Code::Query,
        code: "FH0706",
        status: StatusCode::BAD_REQUEST,
        title: "The query is not understood",
        advice: "`detail` names the parameter and what it may be.",
    },
    Entry {
        kind: Code::NotFound,
        code: "FH0707",
        status: StatusCode::NOT_FOUND,
        title: "There is no such thing",
        advice: "Check the path and the id. The API begins with /api/v1.",
    },
    Entry {
        kind: Code::Method,
        code: "FH0708",
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "This address does not take this method",
        advice: "The `Allow` header names the methods it takes.",
    },
    Entry {
        kind: Code::CrossOrigin,
        code: "FH0709",
        status: StatusCode::FORBIDDEN,
        title: "A page of another site may not do this",
        advice: "Browsers may only write from Foghorn's own pages. Programs send no `Origin` header.",
    },
    Entry {
        kind: Code::ForeignHost,
        code: "FH0710",
        status: StatusCode::MISDIRECTED_REQUEST,
        title: "This server does not go by that name",
        advice: "Use localhost, an IP address, or the host of [server] public_url; or add the name to [http] hosts.",
    },
    Entry {
        kind: Code::BadRequest,
        code: "FH0711",
        status: StatusCode::BAD_REQUEST,
        title: "This is not a request that HTTP allows",
        advice: "`detail` says what is wrong with it.",
    },
    Entry {
        kind: Code::InvalidBody,
        code: "FH0712",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "The body is not what this address takes",
        advice: "`detail` says what is expected.",
    },
    Entry {
        kind: Code::Unavailable,
        code: "FH0713",
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Not now",
        advice: "Send the same again after the seconds in `Retry-After`. An event that was kept after all is recognised by its `event_id`, and an incident by its `dedup_key`.",
    },
    Entry {
        kind: Code::Internal,
        code: "FH0799",
        status: StatusCode::INTERNAL_SERVER_ERROR,
        title: "Foghorn made a mistake",
        advice: "The log has more under the request id. Please report it.",
    },
];

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

    /// Its kind.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The body for the request `instance`.
    pub(super) fn body(&self, public_url: &str, instance: &str, request_id: &str) -> Vec<u8> {
        let body = Body {
            r#type: format!("{public_url}/docs/errors/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
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
        let mut response = self.code.status().into_response();
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
    fn every_code_is_listed_once_and_stands_for_an_error() {
        let mut codes: Vec<_> = ENTRIES.iter().map(|entry| entry.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ENTRIES.len());
        for (place, code) in Code::all().enumerate() {
            assert_eq!(code as usize, place, "{code:?} is out of order");
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert_eq!(
                Code::of_status(code.status()).status(),
                match code.status() {
                    StatusCode::SERVICE_UNAVAILABLE => StatusCode::INTERNAL_SERVER_ERROR,
                    StatusCode::FORBIDDEN
                    | StatusCode::MISDIRECTED_REQUEST
                    | StatusCode::UNPROCESSABLE_ENTITY => {
                        StatusCode::BAD_REQUEST
                    }
                    status => status,
                }
            );
        }
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
                "type": "https://fog.example/docs/errors/FH0702",
                "title": "The event is not valid",
                "status": 422,
                "code": "FH0702",
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
