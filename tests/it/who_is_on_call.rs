//! Who is on call: asked of a process, told by mail, and read by a calendar.

use std::str::FromStr;

use icalendar::{Calendar, Component};
use serde_json::Value;

use crate::support::process::{Draft, Home, event};
use crate::support::smtp_sink::SmtpSink;

const TEAMS: &str = r#"[users.grace]
name = "Grace Hopper, Rear Admiral"
email = "grace@example.com"
[users.joan]
email = "joan@example.com"
[teams.payments]
members = ["ada", "grace"]
rotation = { every = "7d", starts = "2026-01-05T09:00:00", timezone = "Europe/London" }
[[teams.payments.overrides]]
user = "joan"
from = "2026-03-27T09:00:00"
until = "2026-03-28T09:00:00"
[teams.night]
members = ["grace"]
rotation = { every = "1d", starts = 2001-01-01T00:00:00Z }
[teams.web]
members = ["ada"]
"#;

async fn home() -> (Home, SmtpSink) {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { more: TEAMS.to_owned(), ..Draft::mailing_to(sink.port) }).await;
    home.edit("notify = [\"user:ada\"]", "notify = [\"oncall:night\"]");
    (home, sink)
}

async fn answer(home: &Home, path: &str) -> (u16, String) {
    let answer = home.http().get(home.url(path)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_on_call_is_told_and_mailed() {
    let (home, sink) = home().await;
    let life = home.start().await;
    home.submit("disk").await;
    assert_eq!(home.all_sent().await, 1);
    assert_eq!(home.list("/api/v1/deliveries?").await[0]["recipient"], "grace");
    let mut direct = event("hello");
    direct = serde_json::json!({ "kind": "notification", "to": "oncall:night", "via": "email",
        "subject": direct["title"], "body": "b", "type": "receipt" });
    let posted = home.http().post(home.url("/api/v1/events")).json(&direct).send().await.unwrap();
    assert_eq!(posted.status(), 202);
    home.until("both are mailed", async || sink.count() == 2).await;

    // The week of the change of the clocks, with a day that joan stands in.
    let told = home.list("/api/v1/oncall?at=2026-03-26T12:00:00Z").await;
    let payments = told.iter().find(|one| one["team"] == "payments").unwrap();
    assert_eq!((&payments["user"], &payments["because"]), (&"grace".into(), &"turn".into()), "{payments}");
    assert_eq!(payments["since"], "2026-03-23T09:00:00Z");
    assert_eq!(
        (&payments["until"], &payments["next"]["user"]),
        (&"2026-03-27T09:00:00Z".into(), &"joan".into())
    );
    assert_eq!(told.len(), 2, "a team that takes no turns is not told");

    let teams = home.list("/api/v1/teams?").await;
    let turning: Vec<_> = teams.iter().map(|team| (&team["name"], &team["order"])).collect();
    let expected = serde_json::json!([["night", ["grace"]], ["payments", ["ada", "grace"]], ["web", []]]);
    assert_eq!(serde_json::json!(turning), expected);

    let table = home.run(&["oncall", "--at", "2026-03-27T12:00:00Z"]).await;
    let line = table.output.lines().find(|line| line.starts_with("payments")).unwrap();
    assert!(line.contains("joan (standing in)") && line.contains("Sat 2026-03-28 09:00 GMT"), "{line}");
    let shifts = home.run(&["oncall", "payments", "--at", "2026-03-27T12:00:00Z", "--days", "5"]).await;
    let shown: Vec<&str> = shifts.output.lines().skip(1).collect();
    assert_eq!(shown.len(), 3, "{shifts:?}");
    assert!(shown[2].contains("Mon 2026-03-30 09:00 BST") && shown[2].ends_with("ada"), "{shifts:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_test_says_who_is_on_call_at_any_moment() {
    let (home, _sink) = home().await;
    home.edit("oncall:night", "oncall:payments");
    let life = home.start().await;
    for (at, who) in
        [("2026-03-30T07:59:59Z", "grace"), ("2026-03-30T08:00:00Z", "ada"), ("2026-03-27T12:00:00Z", "joan")]
    {
        let asked = home.run(&["route", "test", "service=db", "--at", at, "--json"]).await;
        let answer: Value = serde_json::from_str(&asked.output).unwrap();
        assert_eq!(
            (&answer["told"][0]["recipient"], &answer["on_call"][0]["user"]),
            (&who.into(), &who.into()),
            "{at}"
        );
    }
    let shown = home.run(&["route", "test", "service=db", "--at", "2026-03-27T12:00:00Z"]).await;
    assert!(
        shown.output.contains("on call   payments: joan until 2026-03-28 09:00:00Z, standing in"),
        "{shown:?}"
    );
    let early = home.run(&["route", "test", "service=db", "--at", "2020-01-01T00:00:00Z"]).await;
    assert!(early.output.contains("not told: nobody of team payments is on call yet"), "{early:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_that_subscribes_reads_the_shifts_that_the_api_tells() {
    let (home, _sink) = home().await;
    let life = home.start().await;
    let answer = home.http().get(home.url("/api/v1/teams/night/oncall.ics")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
    let calendar = Calendar::from_str(&answer.text().await.unwrap()).expect("it is a calendar");
    let read: Vec<(String, String, String)> = calendar
        .events()
        .map(|event| {
            let value = |key: &str| event.property_value(key).unwrap_or_default().to_owned();
            (value("UID"), value("DTSTART"), value("DTEND"))
        })
        .collect();
    assert!((91..=92).contains(&read.len()), "ninety days, and the ones at the ends: {}", read.len());
    assert!(read.windows(2).all(|pair| pair[0].2 == pair[1].1), "{read:?}");
    let summary = calendar.events().next().and_then(|event| event.get_summary()).unwrap();
    assert_eq!(summary, "Grace Hopper, Rear Admiral is on call for night");

    let again = home.http().get(home.url("/api/v1/teams/night/oncall.ics")).send().await.unwrap();
    let again = Calendar::from_str(&again.text().await.unwrap()).unwrap();
    let uids: Vec<_> = again.events().filter_map(|event| event.get_uid().map(str::to_owned)).collect();
    assert_eq!(uids[1..], read.iter().map(|one| one.0.clone()).collect::<Vec<_>>()[1..], "a UID stays");

    let told = home.get("/api/v1/teams/night/oncall").await;
    let first = told["shifts"][0]["from"].as_str().unwrap().replace(['-', ':'], "");
    assert!(read.iter().any(|one| one.1 == first), "{first}");

    // A program that subscribes shows no token: the address is its key.
    let address = home.run(&["oncall", "night", "--calendar"]).await.output;
    let (_, file) = address.trim().rsplit_once("/calendar/").unwrap();
    let at = |file: &str| home.http().get(home.url(&format!("/calendar/{file}"))).send();
    let subscribed = at(file).await.unwrap();
    assert_eq!(subscribed.headers()["content-type"], "text/calendar; charset=utf-8");
    let subscribed = Calendar::from_str(&subscribed.text().await.unwrap()).unwrap();
    assert_eq!(subscribed.events().count(), read.len());
    for wrong in [file.replacen("night", "payments", 1), "night-aaaaaaaaaaaaaaaa.ics".to_owned()] {
        assert_eq!(at(&wrong).await.unwrap().status(), 403, "{wrong}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_said() {
    let (home, _sink) = home().await;
    let life = home.start().await;
    for (path, status, words) in [
        ("/api/v1/teams/none/oncall", 404, "there are: night, payments, web"),
        ("/api/v1/teams/web/oncall.ics", 404, "it has no rotation"),
        ("/api/v1/oncall?at=tomorrow", 400, "2026-01-05T09:00:00Z"),
        ("/api/v1/oncall?when=x", 400, "unknown parameter"),
        (
            "/api/v1/teams/night/oncall?from=2026-01-01T00:00:00Z&until=2028-01-01T00:00:00Z",
            400,
            "within a year",
        ),
        (
            "/api/v1/teams/night/oncall?from=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
            400,
            "within a year",
        ),
    ] {
        let (got, body) = answer(&home, path).await;
        assert!(got == status && body.contains(words), "{path}: {got} {body}");
    }
    assert_eq!(home.run(&["oncall", "none"]).await.exit, 3);
    assert_eq!(home.run(&["oncall", "--at", "tomorrow"]).await.exit, 2);
    life.kill().await;
}
