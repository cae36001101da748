//! Many dead letters at once: paced, stoppable, and each repeated once whatever becomes of the process.

use serde_json::{Value, json};

use crate::support::process::{Draft, Home, event};
use crate::support::smtp_sink::{Act, At, SmtpSink};
use crate::support::terminal::Terminal;

const DEAD: usize = 300;

/// A process with so many dead deliveries, whose mail server takes everything from now on.
async fn many_dead(count: usize) -> (SmtpSink, Home, crate::support::process::Life) {
    let refusing = SmtpSink::start().await;
    // Not of the address: one that is known to be gone is not written to again.
    refusing.always(At::Rcpt, Act::Say("550 5.6.0 not as it is written"));
    let home = Home::of(Draft::mailing_to(refusing.port)).await;
    let life = home.start().await;
    let events: Vec<Value> = (0..count).map(|n| event(&format!("disk-{n}"))).collect();
    for chunk in events.chunks(100) {
        let answer = home.http().post(home.url("/api/v1/events")).json(&chunk).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
    }
    home.until_quiet().await;
    life.kill().await;
    let taking = SmtpSink::start().await;
    home.edit(&format!("port = {}", refusing.port), &format!("port = {}", taking.port));
    let life = home.start().await;
    (taking, home, life)
}

async fn post(home: &Home, path: &str, body: Value) -> Value {
    let answer = home.http().post(home.url(path)).json(&body).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{status} {:?}", answer.text().await);
    answer.json().await.unwrap()
}

async fn dead_letters(home: &Home) -> usize {
    home.list("/api/v1/dead-letters?").await.len()
}

async fn until_state(home: &Home, id: &str, state: &str) -> Value {
    let path = format!("/api/v1/jobs/{id}");
    home.until(&format!("{id} is {state}"), async || home.get(&path).await["state"] == state).await;
    home.get(&path).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_after_kill_nine_and_repeats_each_once() {
    let (smtp, home, life) = many_dead(DEAD).await;
    let wish = json!({"filter": "channel:email", "rate": "100/s"});
    let path = "/api/v1/dead-letters/retry";
    let preview = post(&home, path, json!({"filter": "channel:email", "dry_run": true})).await;
    assert_eq!((&preview["matched"], &preview["estimated_seconds"]), (&json!(DEAD), &json!(30)));
    assert_eq!(preview["reasons"][0]["reason"], "rejected");
    assert_eq!(home.get("/api/v1/jobs").await["data"], json!([]), "a dry run changes nothing");

    let job = post(&home, path, wish).await;
    let id = job["job_id"].as_str().unwrap();
    let job_path = format!("/api/v1/jobs/{id}");
    home.until("it is under way", async || home.get(&job_path).await["done"].as_u64() >= Some(30)).await;
    life.kill().await;
    let _second = home.start().await;
    let job = until_state(&home, id, "done").await;
    assert_eq!((&job["done"], &job["skipped"]), (&json!(DEAD), &json!(0)));
    home.until_quiet().await;
    let repeats = home.list("/api/v1/deliveries?state=sent").await;
    let mut of: Vec<&str> = repeats.iter().map(|delivery| delivery["replay_of"].as_str().unwrap()).collect();
    of.sort_unstable();
    of.dedup();
    assert_eq!((of.len(), repeats.len()), (DEAD, DEAD));
    assert!(smtp.count() >= DEAD);
    assert_eq!(dead_letters(&home).await, 0);
    let made =
        |delivery: &Value| delivery["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let first = repeats.iter().map(made).min().unwrap();
    let last = repeats.iter().map(made).max().unwrap();
    let took = last.duration_since(first).as_millis();
    assert!(took >= 2_500, "300 at 100 a second took {took} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_after_its_canary_and_is_stopped_where_it_is() {
    let (_smtp, home, _life) = many_dead(20).await;
    let wish = json!({"filter": "", "rate": "20/s", "canary": 5});
    let job = post(&home, "/api/v1/dead-letters/retry", wish).await;
    let id = job["job_id"].as_str().unwrap();
    let job = until_state(&home, id, "waiting_canary").await;
    assert_eq!(job["done"], 5);
    let path = format!("/api/v1/jobs/{id}");
    home.until("the canary is sent", async || home.get(&path).await["succeeded"] == 5).await;
    assert_eq!(dead_letters(&home).await, 15);
    let said = home.run(&["dlq", "stop", id]).await;
    assert!(said.output.contains("stopped: 5 of 20"), "{said:?}");

    let said = home.run(&["dlq", "discard", "--all"]).await;
    assert_eq!(said.exit, 2, "nobody can be asked: {said:?}");
    assert_eq!(dead_letters(&home).await, 15);
    let said = home.run(&["dlq", "discard", "--all", "--rate", "1000/s", "--yes"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.output.contains("discarded 15"), "{said:?}");
    assert_eq!(dead_letters(&home).await, 0);
    assert_eq!(home.list("/api/v1/deliveries?state=dead").await.len(), 20, "their history stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks_shows_how_far_it_is_and_control_c_stops_the_job() {
    let (_smtp, home, _life) = many_dead(20).await;
    let url = home.url("");
    let line = ["dlq", "retry", "--all", "--rate", "5/s", "--url", &url];
    let mut terminal = Terminal::run(&line, &[]);
    terminal.shows("Retry 20? [y/N]").await;
    terminal.press("n\r");
    assert_eq!(terminal.exit().await, 1);
    assert_eq!(home.get("/api/v1/jobs").await["data"], json!([]));

    let mut terminal = Terminal::run(&line, &[]);
    let screen = terminal.shows("Retry 20? [y/N]").await;
    assert!(screen.contains("20 match (20 rejected).\n"), "{screen}");
    assert!(screen.contains("Will retry 20 at 5/s ≈ 4s."), "{screen}");
    terminal.press("y\r");
    terminal.shows("of 20 █").await;
    terminal.press("\u{3}");
    assert_eq!(terminal.exit().await, 130);
    assert!(terminal.text().contains("stopped: "), "{}", terminal.text());
    let job = home.get("/api/v1/jobs").await["data"][0].clone();
    assert_eq!(job["state"], "stopped", "{job}");
    let left = dead_letters(&home).await as u64;
    assert_eq!(left, 20 - job["done"].as_u64().unwrap());
}
