//! An operator takes back what waits to be sent, has it tried now, and sends what is dead to somebody else.

use serde_json::{Value, json};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::{Act, At, SmtpSink};

async fn post(home: &Home, path: &str, body: &Value) -> (u16, Value) {
    let answer = home.http().post(home.url(path)).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn direct(more: &str) -> Value {
    let text = format!(
        r#"{{"kind":"notification","to":["user:ada"],"via":["email"],"subject":"s","body":"b"{more}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

async fn deliveries(home: &Home) -> Vec<Value> {
    home.list("/api/v1/deliveries?").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_taken_back_or_tried_now() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let _life = home.start().await;
    for _ in 0..3 {
        let (status, body) =
            post(&home, "/api/v1/events", &direct(r#","send_at":"2126-11-21T00:00:00Z""#)).await;
        assert_eq!(status, 202, "{body}");
    }
    let waiting = deliveries(&home).await;
    let id = |place: usize| waiting[place]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/deliveries/{}/cancel", id(0));
    for _ in 0..2 {
        let (status, body) = post(&home, &path, &json!({})).await;
        assert_eq!((status, &body["state"]), (200, &json!("canceled")), "{body}");
    }
    let (status, body) = post(&home, &format!("/api/v1/deliveries/{}/retry", id(0)), &json!({})).await;
    assert_eq!((status, &body["code"]), (409, &json!("FH0720")), "{body}");

    let notification = waiting[1]["notification_id"].as_str().unwrap();
    let said = home.run(&["delivery", "cancel", notification, &id(0)]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(said.output, format!("{notification}  1 delivery canceled\n{}  canceled\n", id(0)));

    let said = home.run(&["delivery", "retry", &id(2), "del_00000000000000000000000000"]).await;
    assert_ne!(said.exit, 0, "one of them is not there: {said:?}");
    assert!(said.output.contains("is tried now"), "{said:?}");
    home.until("it is sent", async || {
        home.get(&format!("/api/v1/deliveries/{}", id(2))).await["state"] == "sent"
    })
    .await;
    assert_eq!(smtp.count(), 1, "nothing else left");
    let said = home.run(&["delivery", "cancel", &id(2)]).await;
    assert!(said.exit != 0 && said.errors.contains("it was sent"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dead_is_sent_to_somebody_else() {
    let smtp = SmtpSink::start().await;
    smtp.always(At::Rcpt, Act::Say("550 5.1.1 no such user"));
    let more = "[users.grace]\nemail = 'grace@example.com'\n[channels.hook]\ntype = 'webhook'\n\
                provider = 'outbox'\n";
    let mut draft = Draft::mailing_to(smtp.port);
    draft.more = more.to_owned();
    let home = Home::of(draft).await;
    let life = home.start().await;
    for _ in 0..3 {
        post(&home, "/api/v1/events", &direct("")).await;
    }
    home.until("all are dead", async || home.list("/api/v1/dead-letters?").await.len() == 3).await;
    life.kill().await;
    let taking = SmtpSink::start().await;
    home.edit(&format!("port = {}", smtp.port), &format!("port = {}", taking.port));
    let _life = home.start().await;
    let dead = home.list("/api/v1/dead-letters?").await;
    let ids: Vec<&str> = dead.iter().map(|letter| letter["id"].as_str().unwrap()).collect();

    let retry = "/api/v1/dead-letters/retry";
    for (to, via, words) in [
        ("nobody", "email", "nobody"),
        ("+15550111", "email", "is no address for channel email"),
        ("team:x", "email", "one person"),
        ("grace", "fax", "no channel \"fax\""),
    ] {
        let (status, body) = post(&home, retry, &json!({"ids": [ids[0]], "to": to, "via": via})).await;
        assert!(matches!(status, 404 | 422) && body["detail"].as_str().unwrap().contains(words), "{body}");
    }
    assert_eq!(home.list("/api/v1/dead-letters?").await.len(), 3, "nothing was repeated");

    let said = home.run(&["dlq", "retry", ids[0], "--to", "user:grace"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    let said = home.run(&["dlq", "retry", ids[1], "--to", "new@example.com", "--via", "email"]).await;
    assert_eq!(said.exit, 0, "{said:?}");
    home.until("both are sent", async || taking.count() == 2).await;
    let (_, child) = post(&home, &format!("/api/v1/deliveries/{}/retry", ids[0]), &json!({})).await;
    assert_eq!(
        (&child["replay_of"], &child["recipient"], &child["to"]),
        (&json!(ids[0]), &json!("grace"), &json!("g***@example.com"))
    );
    let (status, again) = post(&home, &format!("/api/v1/deliveries/{}/retry", ids[2]), &json!({})).await;
    assert_eq!((status, &again["replay_of"], &again["recipient"]), (200, &json!(ids[2]), &json!("ada")));
}
