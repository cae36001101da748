//! GitHub and Sentry post what they post, signed: a source that names their mapper opens and ends incidents, lets
//! greetings go with a 2xx, and hears nothing twice.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home};

const SOURCES: &str = r#"
[sources.github]
type      = "http"
format    = "json"
mapper    = "github"
signature = "github"
secret    = "of-the-hook"
[sources.sentry]
type      = "http"
format    = "json"
mapper    = "sentry"
signature = "sentry"
secret    = "of-the-integration"
[sources.forge]
type      = "http"
format    = "json"
mapper    = "github"
token     = "a-token-of-twenty-letters-and-more"
"#;

async fn home() -> Home {
    Home::of(Draft { more: SOURCES.to_owned(), ..Draft::mailing_to(1) }).await
}

fn signed(secret: &str, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn post(home: &Home, path: &str, lines: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = home.http().post(home.url(path)).header("content-type", "application/json");
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

async fn github(home: &Home, event: &str, delivery: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let signature = format!("sha256={}", signed("of-the-hook", &body));
    let lines =
        [("X-GitHub-Event", event), ("X-GitHub-Delivery", delivery), ("X-Hub-Signature-256", &signature)];
    post(home, "/hooks/github", &lines, &body).await
}

fn issue(action: &str) -> Value {
    json!({ "action": action, "issue": { "number": 7, "title": "Checkout is down", "body": null,
        "html_url": "https://github.example/acme/shop/issues/7" },
        "repository": { "full_name": "acme/shop" }, "sender": { "login": "ada" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn github_opens_and_ends_an_incident_and_its_ping_is_answered_well() {
    let home = home().await;
    let life = home.start().await;
    let (status, told) = github(&home, "ping", "d-0", &json!({ "zen": "Speak like a human." })).await;
    let ignored = json!({ "accepted": 0, "events": [{ "result": "ignored", "rule": "ping" }] });
    assert_eq!((status, told), (202, ignored));
    let result = |told: Value| told["events"][0]["result"].as_str().unwrap_or_default().to_owned();
    let (status, told) = github(&home, "issues", "d-1", &issue("opened")).await;
    assert_eq!((status, result(told)), (202, "opened".to_owned()));
    // Delivered again by hand; and played back by somebody else under another name, which is not signed.
    let (status, told) = github(&home, "issues", "d-1", &issue("opened")).await;
    assert_eq!((status, result(told)), (202, "duplicate".to_owned()));
    let (status, told) = github(&home, "issues", "d-2", &issue("opened")).await;
    assert_eq!((status, &told["errors"][0]["code"]), (422, &json!("id_conflict")), "{told}");
    let (status, told) = github(&home, "issues", "d-3", &issue("closed")).await;
    assert_eq!((status, result(told)), (202, "resolved".to_owned()));
    let (status, told) = github(&home, "star", "d-4", &issue("created")).await;
    assert_eq!((status, result(told)), (202, "quarantined".to_owned()), "what nobody thought of is kept");
    let forged = [("X-GitHub-Event", "issues"), ("X-Hub-Signature-256", "sha256=00")];
    assert_eq!(post(&home, "/hooks/github", &forged, &issue("opened").to_string()).await.0, 401);

    // What is kept says everything that was needed, and no more of the headers.
    let events = home.list("/api/v1/events?").await;
    let event = home.get(&format!("/api/v1/events/{}", events.last().unwrap()["id"].as_str().unwrap())).await;
    let payload: Value = serde_json::from_str(event["payload"].as_str().unwrap()).unwrap();
    let headers = json!({ "x-github-event": "issues", "x-github-delivery": "d-1" });
    assert_eq!((&payload["headers"], &payload["body"]), (&headers, &issue("opened")));
    let letters = home.list("/api/v1/dead-letters?filter=kind:event").await;
    let reasons: Vec<_> = letters.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["schema", "id_conflict"],
        "the one of no rule, and the one played back: {letters:?}"
    );
    let series = r#"foghorn_events_processed_total{source="github",result="ignored"} 1"#;
    assert!(home.metrics().await.lines().any(|line| line == series), "{}", home.metrics().await);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentry_is_heard_once_and_a_delivery_that_is_not_signed_is_known_by_its_header() {
    let home = home().await;
    let life = home.start().await;
    let body = json!({ "action": "created", "data": { "issue": { "id": "11", "title": "KeyError", "level": "fatal",
        "culprit": "pay", "project": { "slug": "shop" }, "web_url": "https://acme.sentry.example/issues/11/" } } });
    let signature = signed("of-the-integration", &body.to_string());
    for result in ["opened", "duplicate"] {
        let lines =
            [("Sentry-Hook-Resource", "issue"), ("Request-ID", "r-1"), ("Sentry-Hook-Signature", &signature)];
        let (status, told) = post(&home, "/hooks/sentry", &lines, &body.to_string()).await;
        assert_eq!((status, &told["events"][0]["result"]), (202, &json!(result)), "{told}");
    }
    for (delivery, result) in [("f-1", "opened"), ("f-1", "duplicate"), ("f-2", "updated")] {
        let lines = [
            ("Authorization", "Bearer a-token-of-twenty-letters-and-more"),
            ("X-GitHub-Event", "issues"),
            ("X-GitHub-Delivery", delivery),
        ];
        let (_, told) = post(&home, "/hooks/forge", &lines, &issue("opened").to_string()).await;
        assert_eq!(told["events"][0]["result"], json!(result), "{delivery}: {told}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_let_go_is_shown_by_whoever_watches_hands_over_and_rehearses() {
    let home = home().await;
    let life = home.start().await;
    let waiting = home.run(&["test", "source", "forge", "--timeout", "50s"]);
    tokio::pin!(waiting);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let lines = [("Authorization", "Bearer a-token-of-twenty-letters-and-more"), ("X-GitHub-Event", "ping")];
    let said = loop {
        tokio::select! {
            said = &mut waiting => break said,
            _ = tick.tick() => assert_eq!(post(&home, "/hooks/forge", &lines, "{}").await.0, 202),
        }
    };
    assert!(said.exit == 0 && said.output.contains("ignored    rule \"ping\" lets it go"), "{said:?}");

    let kept = |event: &str, body: &Value| {
        json!({ "headers": { "x-github-event": event }, "body": body }).to_string()
    };
    let file = home.file("past.jsonl");
    std::fs::write(&file, format!("{}\n{}\n", kept("ping", &json!({})), kept("issues", &issue("opened"))))
        .unwrap();
    let file = file.to_str().unwrap();
    let ingested = home.run(&["ingest", file, "--source", "forge"]).await;
    assert!(ingested.exit == 0 && ingested.errors.contains("1 ignored"), "{ingested:?}");
    assert!(home.has_incident("Checkout is down").await);

    let strict = home.file("strict.toml");
    let config = std::fs::read_to_string(home.file("config.toml")).unwrap();
    let own =
        "[mappers.github]\nheaders = [\"X-GitHub-Event\"]\ntitle = \"{{ headers['x-github-event'] }}\"\n";
    std::fs::write(&strict, format!("{config}\n{own}")).unwrap();
    let strict = strict.to_str().unwrap();
    let rehearsed = home.run(&["simulate", "--config", strict, "--from", file, "--source", "forge"]).await;
    assert!(rehearsed.output.contains("ignored    ping → none"), "{rehearsed:?}");
    life.kill().await;
}
