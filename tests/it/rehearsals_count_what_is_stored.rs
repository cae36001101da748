//! A file is tried as a reload would take it: with what stands in the store beside it. And what tells people directly is
//! compared, too.

use std::fs;

use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::mailing;

async fn post(home: &Home, event: &Value) {
    let answer = home.http().post(home.url("/api/v1/events")).json(event).send().await.unwrap();
    assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_tried_with_what_stands_in_the_store_beside_it() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    assert_eq!(home.put("users/grace", json!({ "email": "grace@example.com" })).await.status, 201);
    assert_eq!(home.put("policies/night", mailing(&["user:grace"])).await.status, 201);
    let route = json!({ "match": { "service": "db" }, "policy": "night" });
    assert_eq!(home.put("routes/databases", route).await.status, 201);
    post(&home, &json!({ "title": "Disk full", "dedup_key": "disk", "service": "db" })).await;
    home.until("grace is told", async || smtp.count() == 1).await;

    let (config, new) = (home.file("config.toml"), home.file("new.toml"));
    let text = fs::read_to_string(&config).unwrap();
    let tried = async |text: &str| {
        fs::write(&new, text).unwrap();
        home.run(&["simulate", "--config", new.to_str().unwrap()]).await
    };
    let same = tried(&text).await;
    assert!(same.output.contains("1 would open an incident, 0 heard of differently"), "{same:?}");

    // The file takes the name of the user; the record, and nothing else, stands aside.
    let taken = tried(&format!("{text}\n[users.grace]\nemail = \"grace@example.org\"\n")).await;
    assert!(taken.errors.contains("users/grace of the store does not fit"), "{taken:?}");
    assert!(taken.output.contains("0 heard of differently"), "she hears all the same: {taken:?}");

    let unsettled =
        text.replacen("[channels.email]", "[channels.mail]", 1).replace("\"email\"]", "\"mail\"]");
    let unsettled = tried(&unsettled).await;
    assert!(unsettled.errors.contains("policies/night of the store does not fit"), "{unsettled:?}");
    for line in
        ["route      databases → everything", "- now      email        grace", "+ now      mail         ada"]
    {
        assert!(unsettled.output.contains(line), "{line} in {unsettled:?}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_directly_is_compared_too() {
    let smtp = SmtpSink::start().await;
    let grace = "[users.grace]\nemail = \"grace@example.com\"\n";
    let home = Home::of(Draft { more: grace.to_owned(), ..Draft::mailing_to(smtp.port) }).await;
    let life = home.start().await;
    let direct = |to: &str, subject: &str| json!({ "kind": "notification", "to": [to], "via": ["email"], "subject": subject, "body": "b" });
    post(&home, &direct("user:ada", "Welcome, Ada")).await;
    post(&home, &direct("user:grace", "Welcome, Grace")).await;
    let dead = home.http().post(home.url("/api/v1/events")).json(&direct("user:nobody", "Welcome, whoever"));
    assert_eq!(dead.send().await.unwrap().status(), 422, "it is a dead letter");
    home.until("both are told", async || smtp.count() == 2).await;
    let text = fs::read_to_string(home.file("config.toml")).unwrap();
    let new = home.file("new.toml");
    let nobody = "[users.nobody]\nemail = \"nobody@example.com\"\n";
    fs::write(&new, text.replace(grace, nobody)).unwrap();
    let told = home.run(&["simulate", "--config", new.to_str().unwrap()]).await;
    assert_eq!(told.exit, 0, "{told:?}");
    for line in [
        "Welcome, Grace",
        "refused    none → unroutable",
        "- now      email        grace",
        "Welcome, whoever",
        "refused    unroutable → none",
        "+ now      email        nobody",
        "3 records read, 0 would open an incident, 3 would tell people directly, 2 heard of differently: \
         2 messages before, 2 after",
    ] {
        assert!(told.output.contains(line), "{line} in\n{}\n{}", told.output, told.errors);
    }
    assert!(!told.output.contains("Welcome, Ada"), "{told:?}");
    assert_eq!(smtp.count(), 2, "nobody is told");
    life.kill().await;
}
