//! Who is added over the API is told at once, and after a restart; who is taken away is told no more. What
//! was answered survives a kill at any moment, and what was not is there as a whole or not at all.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use crate::support::database::Database;
use crate::support::load::mails;
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::{leading_to, mailing};

/// To whom the mails about `title` went, by name.
fn recipients(sink: &SmtpSink, title: &str) -> Vec<String> {
    let about = sink.messages().into_iter().filter(|mail| String::from_utf8_lossy(&mail.raw).contains(title));
    let address = |rcpt: &String| rcpt.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
    let mut found: Vec<_> = about.flat_map(|mail| mail.to.iter().map(address).collect::<Vec<_>>()).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    told(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    if services::require("postgres") {
        let database = Database::create().await;
        told(Some(database.url.clone())).await;
    }
}

async fn told(store: Option<String>) {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { store, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let user = json!({"email": "grace@example.com"});
    let added = json!({"name": "grace", "document": user});
    let added = home.tell(Method::POST, "users", None, Some(added)).await;
    assert_eq!((added.status, added.etag.as_deref()), (StatusCode::CREATED, Some("\"v1\"")), "{added:?}");
    assert_eq!(
        home.put("teams/core", json!({"members": ["grace", "ada"]})).await.status,
        StatusCode::CREATED
    );
    assert_eq!(home.put("policies/team", mailing(&["team:core"])).await.status, StatusCode::CREATED);
    let route = home.put("routes/team", leading_to("team", "load-")).await;
    assert_eq!(route.status, StatusCode::CREATED, "{route:?}");

    home.submit("load-before").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-before"), ["ada@example.com", "grace@example.com"]);
    let listed = home.get("/api/v1/users").await;
    let origins = |name: &str| {
        let found = listed["data"].as_array().unwrap().iter().find(|user| user["name"] == name);
        found.map(|user| (user["origin"].clone(), user["document"]["email"].clone()))
    };
    assert_eq!(origins("ada"), Some((json!("file"), json!("ada@example.com"))));
    assert_eq!(origins("grace"), Some((json!("store"), json!("grace@example.com"))));
    let routes = home.get("/api/v1/routes").await;
    let names: Vec<_> = routes["data"].as_array().unwrap().iter().map(|route| &route["name"]).collect();
    assert_eq!(names, ["team", "everything"], "the file's last, which takes everything, stays the last");

    life.kill().await;
    let life = home.start().await;
    home.submit("load-after").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-after"), ["ada@example.com", "grace@example.com"]);

    // She is needed, and then she is not.
    let needed = home.remove("users/grace").await;
    assert_eq!(needed.status, StatusCode::UNPROCESSABLE_ENTITY, "{needed:?}");
    assert!(needed.body["errors"][0]["detail"].as_str().unwrap().contains("store:teams/core"), "{needed:?}");
    let patch = json!({"members": ["ada"]});
    assert_eq!(home.tell(Method::PATCH, "teams/core", None, Some(patch)).await.status, StatusCode::OK);
    let gone = home.remove("users/grace").await;
    assert_eq!((gone.status, &gone.body["name"]), (StatusCode::OK, &json!("grace")), "{gone:?}");
    home.submit("load-last").await;
    home.all_sent().await;
    assert_eq!(recipients(&sink, "load-last"), ["ada@example.com"]);
    assert_eq!(mails(&sink).len(), 3, "incidents");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill_and_the_rest_is_whole_or_not_there() {
    const KILLS: usize = 12;
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let mut answered = Vec::new();
    for number in 0..KILLS {
        let life = home.start().await;
        let known = home.get("/api/v1/users").await["data"].as_array().unwrap().len();
        assert!(known > answered.len(), "{known} users after {answered:?}");
        let (name, moment) = (format!("u{number}"), Duration::from_millis(fastrand::u64(0..=25)));
        let url = home.url(&format!("/api/v1/users/{name}"));
        let request = home.http().put(url).json(&json!({"email": format!("{name}@example.com")}));
        let wish = tokio::spawn(request.send());
        sleep(moment).await;
        life.kill().await;
        if wish.await.unwrap().is_ok_and(|answer| answer.status() == StatusCode::CREATED) {
            answered.push(name);
        }
    }
    let life = home.start().await;
    let listed = home.get("/api/v1/users").await;
    for user in listed["data"].as_array().unwrap() {
        let name = user["name"].as_str().unwrap();
        assert_eq!(user["document"]["email"], format!("{name}@example.com"), "{user}");
    }
    for name in &answered {
        let policy = mailing(&[&format!("user:{name}")]);
        let kept = home.put("policies/kept", policy).await;
        assert!(kept.status.is_success(), "{name} was answered: {kept:?}");
    }
    life.kill().await;
}
