//! What is stored is checked together with everything else, in the words of `foghorn check`; what a file
//! has is read-only; and of two who change the same thing one wins.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::{leading_to, mailing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_document_changes_nothing_and_is_told_as_a_bad_file() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let before = home.get("/api/v1/status").await["config"]["digest"].clone();
    let bad = mailing(&["user:grace", "user:ada"]);
    let refused = home.put("policies/page", bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert_eq!((refused.code(), refused.pointers()), ("FH0754", vec!["/steps/0/notify/0"]), "{refused:?}");

    let file = fs::read_to_string(home.file("config.toml")).unwrap();
    let same = "[policies.page]\nsteps = [{ after = \"0s\", notify = [\"user:grace\", \"user:ada\"], via = [\"email\"] }]\n";
    fs::write(home.file("same.toml"), format!("{file}{same}")).unwrap();
    let path = home.file("same.toml");
    let checked = said(&["check", path.to_str().unwrap()], std::process::Stdio::piped()).await;
    let error = &refused.body["errors"][0];
    let told = format!("error {}: {}", error["code"].as_str().unwrap(), error["detail"].as_str().unwrap());
    let output = format!("{}{}", checked.output, checked.errors);
    assert!(output.contains(&told), "no {told} in {output}");

    assert_eq!(home.get("/api/v1/status").await["config"]["digest"], before);
    let policies = home.get("/api/v1/policies").await;
    assert_eq!(policies["data"].as_array().unwrap().len(), 1, "{policies}");
    life.kill().await;
    let life = home.start().await;
    assert_eq!(home.get("/api/v1/status").await["config"]["digest"], before);

    // Not what the table may hold, and no table at all.
    let odd = home.put("users/grace", json!({"emial": "grace@example.com"})).await;
    assert_eq!((odd.status, odd.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/emial"]), "{odd:?}");
    assert!(odd.body["errors"][0]["hint"].as_str().unwrap().contains("Did you mean \"email\"?"), "{odd:?}");
    assert_eq!(home.put("users/grace", json!([])).await.code(), "FH0712");
    assert_eq!(home.put("users/gr%2Fce", json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(home.put("routes/x", json!({"name": "y", "policy": "mail"})).await.pointers(), ["/name"]);
    let unaddressable = json!({"name": "test", "document": {"policy": "mail"}});
    assert_eq!(home.tell(Method::POST, "routes", None, Some(unaddressable)).await.code(), "FH0712");
    assert_eq!(home.remove("users/grace").await.status, StatusCode::NOT_FOUND);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_file_has_is_read_only_and_says_where_it_is() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let changes = [
        (Method::PUT, "users/ada", Some(json!({"email": "eve@example.com"})), "config.toml:20"),
        (Method::PATCH, "users/ada", Some(json!({"email": "eve@example.com"})), "config.toml:20"),
        (Method::DELETE, "users/ada", None, "config.toml:20"),
        (Method::POST, "users", Some(json!({"name": "ada", "document": {}})), "config.toml:20"),
        (Method::DELETE, "routes/everything", None, "config.toml:22"),
        (Method::PUT, "policies/mail", Some(mailing(&["user:ada"])), "config.toml:25"),
    ];
    for (method, table, body, place) in changes {
        let refused = home.tell(method.clone(), table, None, body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::CONFLICT, "FH0751"),
            "{method} {refused:?}"
        );
        assert!(refused.body["detail"].as_str().unwrap().contains(place), "{method} {table}: {refused:?}");
    }
    let shown = home.get("/api/v1/users/ada").await;
    assert_eq!((&shown["origin"], &shown["document"]["email"]), (&json!("file"), &json!("ada@example.com")));

    // The same name in the file afterwards: a reload is refused, and a start leaves the record out.
    assert_eq!(home.put("users/grace", json!({"email": "g@example.com"})).await.status, StatusCode::CREATED);
    assert_eq!(home.put("users/hopper", json!({"email": "h@example.com"})).await.status, StatusCode::CREATED);
    home.edit("[users.ada]", "[users.grace]\nemail = \"grace@example.com\"\n[users.ada]");
    let reloaded = home.run(&["reload"]).await;
    assert_eq!(reloaded.exit, 78, "{reloaded:?}");
    assert!(reloaded.errors.contains("store:users/grace"), "{reloaded:?}");
    life.kill().await;
    let life = home.start().await;
    let shown = home.get("/api/v1/users/grace").await;
    assert_eq!(shown["document"]["email"], "grace@example.com", "{shown}");
    let status = home.get("/api/v1/status").await;
    let left = status["config"]["left_out"][0].as_str().unwrap();
    assert!(left.starts_with("users/grace: ") && life.log().contains("FH0531"), "{status}\n{}", life.log());
    assert_eq!(status["config"]["left_out"].as_array().map(Vec::len), Some(1), "{status}");
    let hopper = home.get("/api/v1/users/hopper").await;
    assert_eq!((&hopper["origin"], hopper.get("left_out")), (&json!("store"), None), "the rest is in use");
    assert_eq!(home.put("policies/hopper", mailing(&["user:hopper"])).await.status, StatusCode::CREATED);
    assert_eq!(home.remove("users/grace").await.status, StatusCode::OK, "what is in nobody's way");
    assert_eq!(home.get("/api/v1/status").await["config"]["left_out"], Value::Array(Vec::new()));
    assert_eq!(home.remove("users/grace").await.status, StatusCode::CONFLICT);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_neither_fails_over_a_file_that_is_being_edited_nor_takes_it_along() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.edit("workers = 4", "workers = 2\nwrokers =");
    let added = home.put("users/grace", json!({"email": "grace@example.com"})).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    home.edit("\nwrokers =", "");
    assert_eq!(home.put("users/hopper", json!({"email": "h@example.com"})).await.status, StatusCode::CREATED);
    let reloaded = home.run(&["reload"]).await;
    assert_eq!((reloaded.exit, reloaded.output.as_str()), (0, "~ channels.email.workers = 4 → 2\n"));
    assert_eq!(home.get("/api/v1/users").await["data"].as_array().unwrap().len(), 3);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_who_saw_the_same_one_wins() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    assert_eq!(
        home.put("users/grace", json!({"email": "0@example.com"})).await.etag.as_deref(),
        Some("\"v1\"")
    );
    let write = async |number: usize| {
        let document = json!({"email": format!("{number}@example.com")});
        home.tell(Method::PUT, "users/grace", Some("\"v1\""), Some(document)).await
    };
    let written = futures::future::join_all((1..=8).map(write)).await;
    let won: Vec<_> = written.iter().filter(|told| told.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1, "{written:?}");
    for lost in written.iter().filter(|told| told.status != StatusCode::OK) {
        assert_eq!((lost.status, lost.code()), (StatusCode::PRECONDITION_FAILED, "FH0753"), "{lost:?}");
        assert!(lost.body["detail"].as_str().unwrap().contains("\"v2\""), "{lost:?}");
    }
    let shown = home.tell(Method::GET, "users/grace", None, None).await;
    assert_eq!((shown.etag.as_deref(), &shown.body["document"]), (Some("\"v2\""), &won[0].body["document"]));

    // Adding does not write over, and what was taken away and added anew is another one.
    let again = json!({"name": "grace", "document": {}});
    assert_eq!(home.tell(Method::POST, "users", None, Some(again)).await.code(), "FH0752");
    assert_eq!(home.tell(Method::DELETE, "users/grace", Some("\"v1\""), None).await.code(), "FH0753");
    assert_eq!(home.tell(Method::DELETE, "users/grace", Some("\"v2\""), None).await.status, StatusCode::OK);
    assert_eq!(home.put("users/grace", json!({})).await.status, StatusCode::CREATED);
    assert_eq!(home.tell(Method::PUT, "users/grace", Some("\"v2\""), Some(json!({}))).await.code(), "FH0753");
    let route = home.put("routes/mine", leading_to("mail", "mine")).await;
    assert_eq!(route.status, StatusCode::CREATED, "{route:?}");
    let shown = home.tell(Method::GET, "routes/mine", None, None).await;
    assert_eq!((shown.etag, &shown.body["number"]), (route.etag, &json!(1)), "{:?}", shown.body);
    life.kill().await;
}
