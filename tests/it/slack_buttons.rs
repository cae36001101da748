//! Whoever presses a button in Slack takes or closes the incident, once; what Slack did not sign, or did
//! sign long ago, or somebody plays back, does nothing.

use std::time::Duration;

use aws_lc_rs::hmac;
use foghorn::clock::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::process::{Draft, Home, Life};
use crate::support::provider::{Heard, Provider, Reply};
use crate::support::smtp_sink::SmtpSink;

const PUBLIC: &str = "https://fog.example";
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const ADA: &str = "U2CERLKJA";

struct Pressing {
    home: Home,
    slack: Provider,
    life: Life,
}

/// One request of Slack's: body and headers.
#[derive(Clone)]
struct Request {
    body: String,
    moment: String,
    signature: String,
}

impl Request {
    /// As Slack would sign it with `secret`, so long ago.
    fn signed(body: String, secret: &str, ago: Duration) -> Self {
        let moment = (Clock::system().now() - ago).as_second().to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, format!("v0:{moment}:{body}").as_bytes());
        let hexadecimal: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { body, moment, signature: format!("v0={hexadecimal}") }
    }
}

impl Pressing {
    /// A Foghorn that posts to Slack, and one message that is there.
    async fn start() -> Self {
        let sink = SmtpSink::start().await;
        let slack = Provider::always(Reply::Answer(200, Vec::new(), b"ok".to_vec())).await;
        let mut draft = Draft::mailing_to(sink.port);
        draft.more = format!(
            "[channels.ops]\ntype = \"slack\"\nprovider = \"webhook\"\nwebhook_url = \"{}/services/x\"\n\
             signing_secret = \"{SECRET}\"\nallow_private_networks = true\n",
            slack.url()
        );
        let home = Home::of(draft).await;
        home.edit("name = \"harbour\"", &format!("name = \"harbour\"\npublic_url = \"{PUBLIC}\""));
        home.edit("via = [\"email\"]", "via = [\"ops\"]");
        home.edit("email = \"ada@example.com\"", &format!("email = \"ada@example.com\"\nslack = \"{ADA}\""));
        let life = home.start().await;
        home.submit("load-first").await;
        home.all_sent().await;
        Self { home, slack, life }
    }

    /// The value of a button under the first message.
    fn button(&self, action: &str) -> String {
        let message = self.slack.heard()[0].json();
        let blocks = message["blocks"].as_array().unwrap();
        let buttons = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
        let found = buttons.into_iter().find(|button| button["action_id"] == action);
        found.expect("a button")["value"].as_str().unwrap().to_owned()
    }

    fn press(&self, who: &str, action: &str, value: &str) -> Request {
        Request::signed(self.body(who, action, value), SECRET, Duration::ZERO)
    }

    fn body(&self, who: &str, action: &str, value: &str) -> String {
        let payload = json!({
            "type": "block_actions", "user": { "id": who, "username": "somebody" },
            "actions": [{ "type": "button", "action_id": action, "value": value }],
            "response_url": format!("{}/actions/T1/2/3", self.slack.url())
        });
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
    }

    async fn call(&self, request: &Request) -> (StatusCode, String) {
        let answer = self.home.http().post(self.home.url("/callbacks/ops"));
        let answer = answer.header("content-type", "application/x-www-form-urlencoded");
        let answer = answer.header("x-slack-request-timestamp", &request.moment);
        let answer = answer.header("x-slack-signature", &request.signature).body(request.body.clone());
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Presses, and hears what is said to whoever pressed.
    async fn pressed(&self, who: &str, action: &str, value: &str) -> String {
        self.answered(&self.press(who, action, value)).await
    }

    async fn answered(&self, request: &Request) -> String {
        let known = self.whispers().len();
        let (status, body) = self.call(request).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""), "the words go where Slack wants them");
        let whisper = self.whispered(known + 1).await[known].clone();
        assert_eq!(whisper["response_type"], "ephemeral");
        assert_eq!(whisper["replace_original"], false);
        whisper["text"].as_str().unwrap().to_owned()
    }

    /// What was said to whoever pressed.
    fn whispers(&self) -> Vec<Value> {
        let heard = self.slack.heard();
        heard.iter().filter(|heard| heard.path == "/actions/T1/2/3").map(Heard::json).collect()
    }

    /// The same, once there are `count`.
    async fn whispered(&self, count: usize) -> Vec<Value> {
        loop {
            // Messages may come in between.
            let heard = self.slack.heard().len();
            let whispers = self.whispers();
            if whispers.len() >= count {
                return whispers;
            }
            self.slack.wait_for(heard + 1).await;
        }
    }

    async fn incident(&self) -> Value {
        let number = self.home.get("/api/v1/incidents?limit=1").await["data"][0]["number"].clone();
        self.home.get(&format!("/api/v1/incidents/{number}")).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_takes_an_incident_once_and_says_so() {
    let pressing = Pressing::start().await;
    let (ack, resolve) = (pressing.button("acknowledge"), pressing.button("resolve"));
    let stranger = pressing.pressed("U0STRANGER", "acknowledge", &ack).await;
    assert!(
        stranger.contains("nobody here has your member id") && stranger.contains("U0STRANGER"),
        "{stranger}"
    );
    assert_eq!(pressing.incident().await["status"], "open");

    let said = pressing.pressed(ADA, "acknowledge", &ack).await;
    assert!(said.contains("acked by you at "), "{said}");
    let taken = pressing.incident().await;
    assert_eq!((&taken["status"], &taken["title"]), (&"acknowledged".into(), &"load-first".into()));
    assert!(pressing.pressed(ADA, "acknowledge", &ack).await.contains("was already acked"));
    assert_eq!(pressing.incident().await["version"], taken["version"], "pressed twice is pressed once");

    assert!(pressing.pressed(ADA, "resolve", &resolve).await.contains("resolved by you at "));
    assert_eq!(pressing.incident().await["status"], "resolved");
    assert!(pressing.pressed(ADA, "acknowledge", &ack).await.contains("was already resolved"));
    pressing.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_just_now_is_not_heard() {
    let pressing = Pressing::start().await;
    let body = pressing.body(ADA, "resolve", &pressing.button("resolve"));
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut changed = Request::signed(body.clone(), SECRET, Duration::ZERO);
    changed.body.push_str("&x=1");
    let mut renewed = Request::signed(body.clone(), SECRET, minutes(6));
    renewed.moment = Request::signed(String::new(), SECRET, Duration::ZERO).moment;
    for request in [
        Request::signed(body.clone(), "another", Duration::ZERO),
        Request::signed(body.clone(), SECRET, minutes(6)),
        changed,
        renewed,
    ] {
        assert_eq!(pressing.call(&request).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(pressing.incident().await["status"], "open");
    let nonsense = Request::signed("payload=%7B".to_owned(), SECRET, Duration::ZERO);
    assert_eq!(pressing.call(&nonsense).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let elsewhere = Request::signed(pressing.body(ADA, "open", ""), SECRET, Duration::ZERO);
    assert_eq!(pressing.call(&elsewhere).await.0, StatusCode::OK, "a button that only opens a page");
    assert_eq!(pressing.slack.heard().len(), 1, "nobody was told anything");
    pressing.life.kill().await;
}

/// Within its five minutes a request counts once, however often somebody plays it back, and a message of
/// an earlier episode takes no later one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_played_back_changes_nothing() {
    let pressing = Pressing::start().await;
    let request = pressing.press(ADA, "acknowledge", &pressing.button("acknowledge"));
    let all = futures::future::join_all((0..5).map(|_| pressing.call(&request))).await;
    assert!(all.iter().all(|(status, _)| *status == StatusCode::OK), "{all:?}");
    pressing.whispered(all.len()).await;
    let taken = pressing.incident().await;
    assert_eq!((&taken["status"], &taken["version"]), (&"acknowledged".into(), &2.into()), "{taken}");

    let say = async |status: &str| {
        let key = taken["dedup_key"].clone();
        let event = json!({ "title": "load-first", "dedup_key": key, "status": status, "severity": "low" });
        let answer = pressing.home.http().post(pressing.home.url("/api/v1/events")).json(&event).send().await;
        assert!(answer.unwrap().status().is_success());
    };
    say("resolved").await;
    say("open").await;
    let again = pressing.incident().await;
    assert_eq!(again["status"], "open");
    pressing.home.all_sent().await;
    pressing.answered(&request).await;
    let late = pressing.pressed(ADA, "resolve", &pressing.button("resolve")).await;
    assert!(late.contains("open again since then"), "{late}");
    let now = pressing.incident().await;
    assert_eq!((&now["status"], &now["version"]), (&"open".into(), &again["version"]));
    pressing.life.kill().await;
}
