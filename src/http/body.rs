//! Reads a body within its bounds: its own size and time, and the bytes of all bodies together.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Shared;
use super::limits::Limits;
use super::problem::{Code, Problem};

/// A body, and its share of what all bodies may hold, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads the JSON body of `request`.
///
/// `application/json` is asked for. The type of an HTML form is taken too if the body begins like
/// JSON, because that is what `curl -d` says; a real form never does. No page of another site can
/// use that: [`super::guard`] refuses what has a foreign `Origin`.
pub(super) async fn read_json(shared: &Shared, request: Request) -> Result<Held, Problem> {
    let kind = content_type(request.headers())?;
    let told_to_wait = request.headers().contains_key(EXPECT);
    let limits = &shared.api.limits;
    let held = timeout(limits.body_time, collect(request.into_body(), told_to_wait, limits, &shared.bodies))
        .await
        .map_err(|_| late(limits))??;
    let begins_like_json = matches!(held.bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if kind == ContentType::Form && !begins_like_json {
        return Err(unknown_type("the content type of a form, and a body that is no JSON"));
    }
    Ok(held)
}

/// Reads the body of `request`, whatever it is, unless it is compressed.
pub(super) async fn read_plain(shared: &Shared, request: Request) -> Result<Held, Problem> {
    not_encoded(request.headers())?;
    read_bytes(shared, request).await
}

/// Reads the body of `request`, whatever it is.
pub(super) async fn read_bytes(shared: &Shared, request: Request) -> Result<Held, Problem> {
    let told_to_wait = request.headers().contains_key(EXPECT);
    let limits = &shared.api.limits;
    let reading = collect(request.into_body(), told_to_wait, limits, &shared.bodies);
    timeout(limits.body_time, reading).await.map_err(|_| late(limits))?
}

fn late(limits: &Limits) -> Problem {
    Problem::new(Code::TooSlow, format!("the body was not complete after {:?}", limits.body_time))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentType {
    Json,
    Form,
}

fn content_type(headers: &HeaderMap) -> Result<ContentType, Problem> {
    not_encoded(headers)?;
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return Err(unknown_type("there must be one Content-Type header"));
    };
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let foreign_charset = parameters
        .split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("charset="))
        .any(|charset| charset.trim_matches('"') != "utf-8");
    if foreign_charset {
        return Err(unknown_type("JSON is UTF-8"));
    }
    match essence.trim() {
        "application/json" | "application/merge-patch+json" => Ok(ContentType::Json),
        "application/x-www-form-urlencoded" => Ok(ContentType::Form),
        _ => Err(unknown_type("only application/json is read")),
    }
}

fn not_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let encoded = headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity");
    if encoded { Err(unknown_type("compressed bodies are not read")) } else { Ok(()) }
}

fn unknown_type(detail: &'static str) -> Problem {
    Problem::new(Code::ContentType, detail)
}

async fn collect(
    mut body: Body,
    told_to_wait: bool,
    limits: &Limits,
    bodies: &Arc<Semaphore>,
) -> Result<Held, Problem> {
    let announced = body.size_hint().lower();
    if announced > limits.body_bytes as u64 {
        if !told_to_wait {
            discard(&mut body, limits.discard_bytes).await;
        }
        return Err(too_large(limits.body_bytes));
    }
    let mut bytes = Vec::new();
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::new(Code::BadRequest, "the body broke off or is not framed right"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limits.body_bytes {
            discard(&mut body, limits.discard_bytes).await;
            return Err(too_large(limits.body_bytes));
        }
        let more = u32::try_from(data.len())
            .ok()
            .and_then(|count| Arc::clone(bodies).try_acquire_many_owned(count).ok())
            .ok_or_else(|| Problem::new(Code::Unavailable, "too many requests are being read at once"))?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Held { bytes, _share: share })
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("a body may have {limit} bytes"))
}

/// Most clients write everything before they read: hear them out for a while.
async fn discard(body: &mut Body, most: usize) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, |data| data.len());
        if seen > most {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn told(headers: &[(axum::http::HeaderName, &'static str)]) -> Result<ContentType, Code> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        content_type(&map).map_err(|problem| problem.code())
    }

    #[test]
    fn json_and_what_curl_says_are_read_and_nothing_else() {
        let refused = Err(Code::ContentType);
        assert_eq!(told(&[(CONTENT_TYPE, "application/json")]), Ok(ContentType::Json));
        assert_eq!(told(&[(CONTENT_TYPE, "Application/JSON; charset=\"UTF-8\"")]), Ok(ContentType::Json));
        assert_eq!(told(&[(CONTENT_TYPE, "application/x-www-form-urlencoded")]), Ok(ContentType::Form));
        assert_eq!(told(&[]), refused);
        assert_eq!(told(&[(CONTENT_TYPE, "application/json; charset=utf-16")]), refused);
        assert_eq!(told(&[(CONTENT_TYPE, "text/plain")]), refused);
        assert_eq!(told(&[(CONTENT_TYPE, "application/json, text/plain")]), refused);
        let json = (CONTENT_TYPE, "application/json");
        assert_eq!(told(&[json.clone(), json.clone()]), refused);
        assert_eq!(told(&[json, (CONTENT_ENCODING, "gzip")]), refused);
    }
}
