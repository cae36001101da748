//! One action on every incident that fits: looked at first, done through the same path as single actions,
//! and no more than a thousand in one request.

use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;
use crate::support::terminal::Terminal;

const PATH: &str = "/api/v1/incidents/bulk";

async fn post(home: &Home, body: &Value) -> (u16, Value) {
    let answer = home.http().post(home.url(PATH)).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn submit(home: &Home, service: &str, count: usize) {
    let event = |n: usize| json!({"title": format!("{service} {n}"), "dedup_key": format!("{service}-{n}"), "service": service});
    let events: Vec<Value> = (0..count).map(event).collect();
    for chunk in events.chunks(250) {
        let answer = home.http().post(home.url("/api/v1/events")).json(&chunk).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
    }
}

async fn of_status(home: &Home, status: &str) -> usize {
    home.list(&format!("/api/v1/incidents?status={status}")).await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_is_looked_at_and_then_taken() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let _life = home.start().await;
    submit(&home, "checkout-api", 3).await;
    submit(&home, "search", 2).await;
    let wish = |dry_run: bool| json!({"filter": "service:checkout-*", "action": "acknowledge", "by": "ada", "note": "storm", "dry_run": dry_run});
    let (status, preview) = post(&home, &wish(true)).await;
    assert_eq!((status, &preview["matched"], &preview["matched_exact"]), (200, &json!(3), &json!(true)));
    assert_eq!(preview["first"].as_array().unwrap().len(), 3, "{preview}");
    assert_eq!(of_status(&home, "open").await, 5, "looking changes nothing");

    let (status, done) = post(&home, &wish(false)).await;
    assert_eq!(
        (status, &done["done"], &done["already"], &done["refused"]),
        (200, &json!(3), &json!(0), &json!(0))
    );
    assert_eq!(of_status(&home, "acknowledged").await, 3);
    let first = home.get("/api/v1/incidents/1").await;
    assert_eq!(first["acknowledged_by"], "ada", "{first}");
    let again = json!({"filter": "", "action": "acknowledge"});
    let (_, done) = post(&home, &again).await;
    assert_eq!((&done["done"], &done["already"]), (&json!(2), &json!(3)), "{done}");

    home.run(&["incident", "resolve", "1"]).await;
    let (_, done) = post(&home, &json!({"filter": "status:resolved", "action": "acknowledge"})).await;
    assert_eq!((&done["refused"], &done["refusals"][0]["number"]), (&json!(1), &json!(1)), "{done}");
    let (_, done) = post(&home, &json!({"filter": "", "action": "reopen"})).await;
    assert_eq!((&done["done"], &done["matched"]), (&json!(1), &json!(1)), "only what is over: {done}");
    for bad in [
        json!({"action": "acknowledge"}),
        json!({"filter": "", "action": "explode"}),
        json!({"filter": "", "action": "snooze"}),
        json!({"filter": "", "action": "notes"}),
        json!({"filter": "", "action": "resolve", "for": "1h"}),
        json!({"filter": "", "action": "resolve", "numbers": [1]}),
    ] {
        assert_eq!(post(&home, &bad).await.0, 422, "{bad}");
    }
    assert_eq!(post(&home, &json!({"filter": "servce:x", "action": "resolve"})).await.0, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks_and_goes_on_until_all_are_done() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let _life = home.start().await;
    submit(&home, "bulk", 1_100).await;
    let url = home.url("");
    let line = ["incident", "ack", "--filter", "service:bulk", "--url", &url];
    let mut terminal = Terminal::run(&line, &[]);
    terminal.shows("Acknowledge 1000 or more? [y/N]").await;
    terminal.press("n\r");
    assert_eq!(terminal.exit().await, 1);
    assert_eq!(of_status(&home, "acknowledged").await, 0);

    let said = home.run(&line[..4]).await;
    assert_eq!(said.exit, 2, "nobody can be asked: {said:?}");
    let said =
        home.run(&["incident", "snooze", "--filter", "service:bulk", "--for", "1h", "--dry-run"]).await;
    assert!(said.exit == 0 && said.errors.contains("1000 incidents fit, or more."), "{said:?}");

    let (_, done) = post(&home, &json!({"filter": "service:bulk title:*7", "action": "resolve"})).await;
    assert_eq!((&done["done"], &done["next_cursor"]), (&json!(290), &Value::Null), "{done}");
    let (_, done) =
        post(&home, &json!({"filter": "service:bulk status:open,resolved", "action": "snooze", "for": "1h"}))
            .await;
    assert_eq!(done["matched"], 1_000, "no more in one request: {}", done["next_cursor"]);
    assert!(done["next_cursor"].is_string());
    let said = home.run(&["incident", "ack", "--filter", "service:bulk", "--yes"]).await;
    assert_eq!((said.exit, said.output.as_str()), (0, "810 acknowledged\n"), "{said:?}");
    assert_eq!(of_status(&home, "open").await, 0);
}
