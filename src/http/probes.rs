//! `/livez`, `/readyz`, `/startupz`, `/healthz` and `/metrics`: text, for machines that look after
//! processes. Only the store and the phase gate readiness; sources and channels are reported.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::Shared;
use super::doors::Peer;
use super::envelope::Plain;
use super::problem::Problem;
use super::query::Query;
use crate::config::AuthMode;
use crate::telemetry::health::{Condition, HealthReport, Phase};

pub(super) const LIVEZ: &str = "/livez";
pub(super) const READYZ: &str = "/readyz";
pub(super) const HEALTHZ: &str = "/healthz";
pub(super) const STARTUPZ: &str = "/startupz";
pub(super) const METRICS: &str = "/metrics";

/// Is this the path of a probe or of the scraper?
pub(super) fn is_probe(path: &str) -> bool {
    [LIVEZ, READYZ, HEALTHZ, STARTUPZ, METRICS].contains(&path)
}

pub(super) async fn livez() -> &'static str {
    // That this was polled is the proof.
    "ok\n"
}

pub(super) async fn startupz(State(shared): State<Arc<Shared>>) -> Response {
    match shared.api.health.report().phase {
        Phase::Starting => plain(StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned()),
        Phase::Running | Phase::Draining => plain(StatusCode::OK, "ok\n".to_owned()),
    }
}

/// `?verbose` tells more, to callers on this machine: names of sources and channels are nobody
/// else's business. Where tokens are asked for, it takes the socket: a proxy may be on this machine too.
pub(super) async fn readyz(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["verbose"])?;
    let report = shared.api.health.report();
    let store = check_store(&shared).await;
    let ready = report.is_ready() && store.is_ok();
    let mut text = String::new();
    let inside = match shared.api.auth {
        AuthMode::Token => peer == Peer::Socket,
        AuthMode::None | AuthMode::TrustedNetwork => peer.is_local(),
    };
    if query.has("verbose") && inside {
        text = verbose(&report, &store, &report.config.digest);
    }
    let (status, verdict) =
        if ready { (StatusCode::OK, "passed") } else { (StatusCode::SERVICE_UNAVAILABLE, "failed") };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "readyz check {verdict}");
    Ok(plain(status, text))
}

/// How everything is said to be, and whether this is ready for work.
pub(super) async fn readiness(shared: &Shared) -> (HealthReport, bool) {
    let report = shared.api.health.report();
    let ready = report.is_ready() && check_store(shared).await.is_ok();
    (report, ready)
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = (shared.api.metrics)();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    response.extensions_mut().insert(Plain);
    response
}

/// What the store is, if it answers soon.
#[derive(Debug)]
struct StoreAnswer {
    kind: &'static str,
    schema: i64,
    took_ms: u128,
}

async fn check_store(shared: &Shared) -> Result<StoreAnswer, String> {
    let started = Instant::now();
    match timeout(shared.api.limits.probe_time, shared.api.store.check()).await {
        Ok(Ok(health)) => Ok(StoreAnswer {
            kind: health.kind,
            schema: health.schema,
            took_ms: started.elapsed().as_millis(),
        }),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn verbose(report: &HealthReport, store: &Result<StoreAnswer, String>, config: &str) -> String {
    let mut lines = vec![format!("[+] config ok ({config})")];
    lines.push(match report.phase {
        Phase::Running => "[+] phase running".to_owned(),
        Phase::Starting => "[-] phase starting".to_owned(),
        Phase::Draining => "[-] phase draining".to_owned(),
    });
    match (store, &report.store) {
        (Err(why), _) | (Ok(_), Condition::Down(why)) => {
            lines.push(format!("[-] store down: {}", one_line(why)))
        }
        (Ok(_), Condition::Unknown) => lines.push("[-] store not opened yet".to_owned()),
        (Ok(answer), condition) => {
            let state = match condition {
                Condition::Degraded(why) => format!("degraded: {}", one_line(why)),
                _ => "ok".to_owned(),
            };
            lines.push(format!("[+] store {state} ({}, {}ms)", answer.kind, answer.took_ms));
            lines.push(format!("[+] migrations ok (schema {})", answer.schema));
        }
    }
    let sources = report.sources.iter().map(|(name, how)| ("source", name.as_str(), how));
    let channels = report.channels.iter().map(|(name, how)| ("channel", name.as_str(), how));
    lines.extend(sources.chain(channels).map(|(what, name, how)| part(what, name, how)));
    lines.join("\n") + "\n"
}

fn part(what: &str, name: &str, condition: &Condition) -> String {
    let note = "(does not affect readiness)";
    match condition {
        Condition::Up => format!("[+] {what}/{name} ok"),
        Condition::Unknown => format!("[~] {what}/{name} not known yet  {note}"),
        Condition::Degraded(why) => format!("[~] {what}/{name} degraded: {}  {note}", one_line(why)),
        Condition::Down(why) => format!("[~] {what}/{name} down: {}  {note}", one_line(why)),
    }
}

/// A reason never breaks the lines of the report.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::health::Health;

    #[test]
    fn a_verbose_report_has_one_line_for_each_part() {
        let health = Health::default();
        health.enter(Phase::Running);
        health.store(Condition::Up);
        health.source(&"legacy".into(), None, Condition::Down("connection\nrefused".into()));
        health.channel(&"email".into(), Condition::Up);
        health.channel(&"android".into(), Condition::Degraded("12% unregistered".into()));
        let store = Ok(StoreAnswer { kind: "sqlite", schema: 14, took_ms: 2 });
        assert_eq!(
            verbose(&health.report(), &store, "a81f3c"),
            "[+] config ok (a81f3c)\n\
             [+] phase running\n\
             [+] store ok (sqlite, 2ms)\n\
             [+] migrations ok (schema 14)\n\
             [~] source/legacy down: connection refused  (does not affect readiness)\n\
             [~] channel/android degraded: 12% unregistered  (does not affect readiness)\n\
             [+] channel/email ok\n"
        );
        let dead = Err("no answer in time".to_owned());
        assert!(verbose(&health.report(), &dead, "").contains("[-] store down: no answer in time\n"));
    }
}
