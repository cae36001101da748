//! A policy goes on where it was after the process was killed: a step that was due while nobody lived is
//! taken once, and nobody hears twice.

use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

const PEOPLE: &str = r#"[users.grace]
email = "grace@example.com"
[users.joan]
email = "joan@example.com"
"#;

async fn deliveries(home: &Home) -> Vec<Value> {
    home.list("/api/v1/deliveries?").await
}

/// The clock of the machine is not ours to move: what is due comes nearer instead.
async fn an_hour_passes(home: &Home) {
    let file = format!("sqlite://{}", home.file("foghorn.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("UPDATE timer SET due_at = due_at - 3600000").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_due_while_nobody_lives_is_taken_once() {
    let sink = SmtpSink::start().await;
    let mut draft = Draft::mailing_to(sink.port);
    draft.more = PEOPLE.to_owned();
    let home = Home::of(draft).await;
    home.edit(
        "steps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]",
        "steps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] },\n\
         { after = \"1h\", notify = [\"user:grace\"], via = [\"email\"] },\n\
         { after = \"2h\", notify = [\"user:joan\"], via = [\"email\"] }]",
    );
    let life = home.start().await;
    home.submit("load-first").await;
    home.until("ada is told", async || home.all_sent().await == 1).await;
    let next = home.get("/api/v1/incidents/1").await["next_step"].clone();
    assert_eq!((&next["number"], &next["notify"]), (&2.into(), &serde_json::json!(["user:grace"])));
    let mut life = life;
    for told in [2, 3] {
        life.kill().await;
        an_hour_passes(&home).await;
        life = home.start().await;
        home.until("the next one is told", async || deliveries(&home).await.len() == told).await;
        home.until("they have it", async || home.all_sent().await == told).await;
    }
    let lines = home.get("/api/v1/incidents/1/timeline").await["data"].clone();
    let lines = lines.as_array().unwrap();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "escalated", "escalated"]);
    assert_eq!(lines[1]["step"]["position"], serde_json::json!({ "round": 0, "step": 1 }));
    let mut told: Vec<String> =
        deliveries(&home).await.iter().map(|one| one["recipient"].to_string()).collect();
    told.sort();
    assert_eq!(told, ["\"ada\"", "\"grace\"", "\"joan\""]);
    life.kill().await;
}
