//! What is stored on one node is taken on by the others of the database, as far as it fits there.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::database::Database;
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::{leading_to, mailing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_node_takes_it_on_and_two_that_write_lose_nothing() {
    if !services::require("postgres") {
        return;
    }
    let database = Database::create().await;
    let sink = SmtpSink::start().await;
    let draft = || Draft { store: Some(database.url.clone()), ..Draft::mailing_to(sink.port) };
    let (one, other) = (Home::of(draft()).await, Home::of(draft()).await);
    other.edit("name = \"harbour\"", "name = \"quay\"");
    let (life, second) = (one.start().await, other.start().await);

    let users = async |home: &Home, from: usize| {
        for number in from..from + 6 {
            let document = json!({"email": format!("u{number}@example.com")});
            let told = home.put(&format!("users/u{number}"), document).await;
            assert_eq!(told.status, StatusCode::CREATED, "{told:?}");
        }
    };
    futures::future::join(users(&one, 0), users(&other, 6)).await;
    for home in [&one, &other] {
        home.until("both know all of them", async || {
            home.get("/api/v1/users").await["data"].as_array().unwrap().len() == 13
        })
        .await;
    }

    assert_eq!(one.put("policies/page", mailing(&["user:u7"])).await.status, StatusCode::CREATED);
    assert_eq!(one.put("routes/page", leading_to("page", "load-")).await.status, StatusCode::CREATED);
    other
        .until("the other one has the route", async || {
            other.get("/api/v1/routes").await["data"].as_array().unwrap().len() == 2
        })
        .await;
    other.submit("load-there").await;
    other.all_sent().await;
    let to: Vec<_> = sink.messages().iter().flat_map(|mail| mail.to.clone()).collect();
    assert_eq!(to, ["RCPT TO:<u7@example.com>"]);
    // What one node still needs, the other one does not take away.
    let needed = other.remove("users/u7").await;
    assert_eq!(needed.status, StatusCode::UNPROCESSABLE_ENTITY, "{needed:?}");
    life.kill().await;
    second.kill().await;
}
