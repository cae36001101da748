//! What no client should send, between two good requests: a clear refusal or the end of the
//! connection, and the next good request is answered.

use std::sync::Arc;

use foghorn::http::limits::Limits;

use crate::support::absent_store::AbsentStore;
use crate::support::http::Server;

/// What is to come of a request.
#[derive(Debug)]
enum Expected {
    /// One of these statuses.
    Status(&'static [u16]),
    /// One of these statuses, or the end without a word.
    StatusOrEnd(&'static [u16]),
}
use Expected::{Status, StatusOrEnd};

type Row = (&'static str, Vec<u8>, Expected);

async fn try_all(rows: Vec<Row>) {
    let server = Server::start(Arc::new(AbsentStore), Limits::default()).await;
    server.assert_well("the start").await;
    for (name, request, expected) in rows {
        let answer = server.say(request).await;
        match (&expected, &answer) {
            (Status(allowed) | StatusOrEnd(allowed), Some(answer)) => {
                assert!(allowed.contains(&answer.status), "{name}: {expected:?}, but {answer:?}");
            }
            (StatusOrEnd(_), None) => {}
            (Status(_), None) => panic!("{name}: {expected:?}, but the connection ended"),
        }
        server.assert_well(name).await;
    }
}

fn get(line: &str) -> Vec<u8> {
    format!("GET {line} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A POST of an event with these headers. Without actors, a body that is read is a 503.
fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}").into_bytes()
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let event = "{\"title\":\"x\"}";
    let typed = |headers: &str| post(&format!("{headers}Content-Length: {}\r\n", event.len()), event);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    try_all(vec![
        ("JSON", typed(JSON), Status(&[503])),
        ("curl -d", typed(form), Status(&[503])),
        ("a real form", post(&format!("{form}Content-Length: 7\r\n"), "title=x"), Status(&[415])),
        ("no type", typed(""), Status(&[415])),
        ("two types", typed(&format!("{JSON}{JSON}")), Status(&[415])),
        ("a list of types", typed("Content-Type: application/json, text/html\r\n"), Status(&[415])),
        ("compressed", typed(&format!("{JSON}Content-Encoding: gzip\r\n")), Status(&[415])),
        ("UTF-16", typed("Content-Type: application/json; charset=utf-16\r\n"), Status(&[415])),
        (
            "an endless batch",
            post(&format!("{JSON}Content-Length: 1005\r\n"), &format!("[1{}]", ",1".repeat(501))),
            Status(&[413]),
        ),
        ("an empty batch", post(&format!("{JSON}Content-Length: 2\r\n"), "[]"), Status(&[422])),
        ("half a batch", post(&format!("{JSON}Content-Length: 2\r\n"), "[{"), Status(&[400])),
    ])
    .await;
}

#[tokio::test]
async fn a_length_that_cannot_be_is_refused() {
    let sized = |headers: &str| post(&format!("{JSON}{headers}"), "{\"title\":\"x\"}");
    let bad = || Status(&[400]);
    try_all(vec![
        ("no number", sized("Content-Length: x\r\n"), bad()),
        ("negative", sized("Content-Length: -1\r\n"), bad()),
        ("larger than a number", sized("Content-Length: 99999999999999999999999\r\n"), bad()),
        ("two lengths", sized("Content-Length: 13\r\nContent-Length: 14\r\n"), bad()),
        (
            "a length and chunks",
            sized("Content-Length: 13\r\nTransfer-Encoding: chunked\r\n"),
            StatusOrEnd(&[400]),
        ),
        ("a coding nobody knows", sized("Transfer-Encoding: cow\r\n"), StatusOrEnd(&[400, 501])),
        ("chunked is not last", sized("Transfer-Encoding: chunked, identity\r\n"), StatusOrEnd(&[400, 501])),
        (
            "a broken chunk",
            post(&format!("{JSON}Transfer-Encoding: chunked\r\n"), "zz\r\n{}\r\n"),
            StatusOrEnd(&[400]),
        ),
        ("longer than said", post(&format!("{JSON}Content-Length: 2\r\n"), "[{}]smuggled"), Status(&[400])),
    ])
    .await;
}

#[tokio::test]
async fn headers_without_measure_are_refused() {
    let many: String = (0..1000).map(|index| format!("X-{index}: y\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "y".repeat(100_000));
    let with =
        |headers: &str| format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes();
    try_all(vec![
        ("1,000 headers", with(&many), StatusOrEnd(&[431])),
        ("100 kB of header", with(&large), StatusOrEnd(&[431])),
        (
            "65 headers",
            with(&(0..64).map(|i| format!("X-{i}: y\r\n")).collect::<String>()),
            StatusOrEnd(&[431]),
        ),
        ("NUL in a value", with("X-Nul: a\0b\r\n"), StatusOrEnd(&[400])),
        ("a bare CR", with("X-Cr: a\rX-Evil: b\r\n"), StatusOrEnd(&[400])),
        ("a name with a blank", with("X Name: a\r\n"), StatusOrEnd(&[400])),
        ("a folded line", with("X-Fold: a\r\n b\r\n"), StatusOrEnd(&[400])),
        ("a path of 100 kB", get(&format!("/{}", "a".repeat(100_000))), StatusOrEnd(&[414, 431])),
    ])
    .await;
}

#[tokio::test]
async fn request_lines_of_other_worlds_are_refused() {
    try_all(vec![
        ("HTTP/0.9", b"GET /livez\r\n\r\n".to_vec(), StatusOrEnd(&[400])),
        ("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), StatusOrEnd(&[400, 505])),
        ("HTTP/9.9", b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n".to_vec(), StatusOrEnd(&[400, 505])),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(4), StatusOrEnd(&[400])),
        ("another server", get("http://evil.example/api/v1/incidents"), Status(&[421])),
        ("our own address in full", get("http://localhost/api/v1/incidents"), Status(&[503])),
        ("two slashes", get("//api/v1/incidents"), Status(&[404])),
        ("dots", get("/api/v1/../v1/incidents"), Status(&[404])),
        ("encoded dots", get("/api/v1/incidents/%2e%2e"), Status(&[404])),
        ("an encoded slash", get("/api/v1/incidents/1%2ftimeline"), Status(&[404])),
        ("half an encoding", get("/api/v1/incidents/%f"), Status(&[404])),
        ("an encoding of no letter", get("/api/v1/incidents/%ff"), Status(&[400, 404])),
        ("a session in the path", get("/api/v1/incidents;jsessionid=1"), Status(&[404])),
        ("a number past all numbers", get("/api/v1/incidents/18446744073709551616"), Status(&[404])),
        (
            "an unknown method",
            b"BREW /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            Status(&[405]),
        ),
        ("TRACE", b"TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), Status(&[405])),
        (
            "HEAD where one posts",
            b"HEAD /api/v1/events/replay HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            Status(&[405]),
        ),
        (
            "CONNECT",
            b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n".to_vec(),
            Status(&[404, 405, 421]),
        ),
        ("everything", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), Status(&[404, 405])),
    ])
    .await;
}

#[tokio::test]
async fn a_browser_is_no_way_in_for_other_sites() {
    let event = "{\"title\":\"x\"}";
    let from = |origin: &str| {
        let headers = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nOrigin: {origin}\r\nContent-Length: 13\r\n"
        );
        post(&headers, event)
    };
    let hosted = |host: &str| format!("GET /api/v1/incidents HTTP/1.1\r\n{host}\r\n").into_bytes();
    try_all(vec![
        ("a form of another site", from("http://evil.example"), Status(&[403])),
        ("a sandboxed page", from("null"), Status(&[403])),
        ("a page on another port", from("http://localhost:8080"), Status(&[403])),
        ("our own page", from("http://localhost"), Status(&[503])),
        ("the public page", from("https://fog.example"), Status(&[503])),
        ("a name that points here", hosted("Host: rebound.evil.example\r\n"), Status(&[421])),
        ("no host", hosted(""), Status(&[400])),
        ("two hosts", hosted("Host: localhost\r\nHost: evil.example\r\n"), Status(&[400])),
        ("a host that is none", hosted("Host: a b\r\n"), Status(&[400])),
        ("the public name", hosted("Host: fog.example\r\n"), Status(&[503])),
        ("an address", hosted("Host: [::1]:3644\r\n"), Status(&[503])),
    ])
    .await;
}
