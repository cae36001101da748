//! What a provider says later, and what people answer, reaches the delivery and the incident it is about;
//! what nobody signed reaches nothing.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

use crate::support::process::{Draft, Home, Life};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;

const PUBLIC: &str = "https://fog.example";
const SID: &str = "SM0123456789abcdef0123456789abcdef";

struct Texting {
    home: Home,
    twilio: Provider,
    life: Life,
}

impl Texting {
    /// A Foghorn that texts ada, and one text that left.
    async fn start() -> Self {
        let sink = SmtpSink::start().await;
        let twilio =
            Provider::always(Reply::json(201, &format!(r#"{{"sid":"{SID}","status":"queued"}}"#))).await;
        let mut draft = Draft::mailing_to(sink.port);
        draft.more = format!(
            "[channels.sms]\ntype = \"sms\"\nprovider = \"twilio\"\naccount_sid = \"AC{0}\"\n\
             auth_token = \"12345\"\nfrom = \"+15550100\"\nbase_url = \"{1}\"\nreplies = true\n\
             allow_private_networks = true\n[users.vera]\nphone = \"+15550122\"\nrole = \"viewer\"\n",
            "0".repeat(32),
            twilio.url()
        );
        let home = Home::of(draft).await;
        home.edit("name = \"harbour\"", &format!("name = \"harbour\"\npublic_url = \"{PUBLIC}\""));
        home.edit("via = [\"email\"]", "via = [\"sms\"]");
        home.edit("email = \"ada@example.com\"", "email = \"ada@example.com\"\nphone = \"+15550111\"");
        let life = home.start().await;
        home.submit("load-first").await;
        home.all_sent().await;
        Self { home, twilio, life }
    }

    /// Where Twilio was told to say how it went: path and query.
    fn callback(&self) -> String {
        let sent = self.twilio.heard()[0].text();
        let url = form_urlencoded::parse(sent.as_bytes()).find(|(name, _)| name == "StatusCallback");
        url.expect("a callback was asked for").1.strip_prefix(PUBLIC).expect("ours").to_owned()
    }

    async fn delivery(&self) -> Value {
        let delivery = self.home.get("/api/v1/deliveries?limit=1").await["data"][0]["id"].clone();
        self.home.get(&format!("/api/v1/deliveries/{}", delivery.as_str().unwrap())).await
    }

    /// As Twilio calls, signed with `token`.
    async fn call(&self, token: &str, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let sorted: BTreeMap<_, _> = form.iter().copied().collect();
        let signed = sorted.iter().fold(format!("{PUBLIC}{path}"), |all, (name, value)| all + name + value);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let request = self.home.http().post(self.home.url(path)).header("x-twilio-signature", signature);
        let answer = request.form(form).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn status(&self, path: &str, status: &str, error: &str) -> StatusCode {
        let form =
            [("MessageSid", SID), ("MessageStatus", status), ("ErrorCode", error), ("To", "+15550111")];
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.call("12345", path, &form).await.0
    }

    async fn say(&self, from: &str, text: &str) -> String {
        let form = [("MessageSid", SID), ("From", from), ("To", "+15550100"), ("Body", text)];
        let (status, answer) = self.call("12345", "/callbacks/sms", &form).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_final_word_about_a_message_counts_and_only_the_providers() {
    let texting = Texting::start().await;
    let path = texting.callback();
    let delivered = [("MessageSid", SID), ("MessageStatus", "delivered")];
    let (forged, answer) = texting.call("another", &path, &delivered).await;
    assert_eq!(forged, StatusCode::UNAUTHORIZED, "{answer}");
    assert_eq!(texting.delivery().await["receipt"], Value::Null);

    for status in ["sent", "queued", "delivered", "queued", "delivered"] {
        assert_eq!(texting.status(&path, status, "").await, StatusCode::OK);
    }
    assert_eq!(texting.status(&path, "undelivered", "30005").await, StatusCode::OK);
    for _ in 0..1_000 {
        assert_eq!(texting.status(&path, "delivered", "").await, StatusCode::OK);
    }
    let delivery = texting.delivery().await;
    assert_eq!((&delivery["state"], &delivery["receipt"]["kind"]), (&"sent".into(), &"delivered".into()));
    let heard = texting.twilio.heard()[0].text();
    let sent = form_urlencoded::parse(heard.as_bytes()).find(|(name, _)| name == "Body").unwrap().1;
    assert_eq!(delivery["rendered"]["text"], *sent, "its words are shown as they were sent");
    assert_eq!(delivery["rendered"]["note"], "1 part in gsm7");
    assert!(!delivery.to_string().contains("+15550111"), "the number is masked: {delivery}");

    let unknown = path.split("del_").next().unwrap().to_owned() + "del_00000000000000000000000000";
    assert_eq!(
        texting.status(&unknown, "delivered", "").await,
        StatusCode::OK,
        "nobody learns what there is"
    );
    texting.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_did_not_arrive_says_why_and_marks_the_address() {
    let texting = Texting::start().await;
    assert_eq!(texting.status(&texting.callback(), "undelivered", "30005").await, StatusCode::OK);
    let receipt = texting.delivery().await["receipt"].clone();
    assert_eq!((&receipt["kind"], &receipt["code"]), (&"undelivered".into(), &"30005".into()));
    let known = texting.home.get("/api/v1/suppressions").await;
    assert_eq!((&known["data"][0]["recipient"], &known["data"][0]["mark"]), (&"ada".into(), &"gone".into()));
    texting.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_takes_an_incident_once_and_says_so() {
    let texting = Texting::start().await;
    let number = texting.home.get("/api/v1/incidents?limit=1").await["data"][0]["number"].clone();
    let incident = async || texting.home.get(&format!("/api/v1/incidents/{number}")).await;
    assert!(texting.say("+15550199", &format!("{number}A")).await.contains("belongs to nobody here"));
    assert!(texting.say("+15550122", &format!("{number}A")).await.contains("you may look at"));
    assert_eq!(incident().await["status"], "open");

    let answer = texting.say("+15550111", &format!(" ack {number} ")).await;
    assert!(answer.contains(&format!("<Message>Foghorn: #{number} acked by you at ")), "{answer}");
    assert_eq!(incident().await["status"], "acknowledged");
    assert!(texting.say("+15550111", &format!("{number}A")).await.contains("was already acked"));
    assert!(texting.say("+15550111", &format!("{number}R")).await.contains("resolved by you"));
    assert_eq!(incident().await["status"], "resolved");
    assert_eq!(incident().await["title"], "load-first", "an answer changes nothing else");
    for (said, answered) in [("99999A", "no incident #99999"), ("help", "reply 1042A ack"), ("akc", "HELP")] {
        let answer = texting.say("+15550111", said).await;
        assert!(answer.contains(answered), "{said}: {answer}");
    }
    texting.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_is_heeded_until_start() {
    let texting = Texting::start().await;
    assert!(!texting.say("+15550111", "STOP").await.contains("Message"), "the carrier answers by itself");
    let known = texting.home.get("/api/v1/suppressions").await;
    assert_eq!(
        (&known["data"][0]["recipient"], &known["data"][0]["mark"]),
        (&"ada".into(), &"opted_out".into())
    );
    texting.say("+15550111", "start").await;
    assert_eq!(texting.home.get("/api/v1/suppressions").await["data"], Value::Array(Vec::new()));
    texting.life.kill().await;
}
