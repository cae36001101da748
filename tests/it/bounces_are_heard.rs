//! A mail that comes back is the last word about its delivery, whoever reports it and in whatever form;
//! what nobody vouches for, or what says nothing, changes nothing and is not lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use foghorn::domain::fault::Outcome;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::jobs::{channel, direct, surroundings};
use crate::support::process::{Draft, Home, Life, PATIENCE};
use crate::support::relay::{FAR, Relay};
use crate::support::smtp_sink::{Act, At, SmtpSink};

const SECRET: &str = "a-secret-of-the-mail-server";
const FORMS: [(&str, &str, &str); 4] = [
    ("postfix", include_str!("../fixtures/bounces/postfix.eml"), "550 5.1.1"),
    ("exim", include_str!("../fixtures/bounces/exim.eml"), "550 5.1.1"),
    ("exchange", include_str!("../fixtures/bounces/exchange.eml"), "550 5.1.10"),
    ("gmail", include_str!("../fixtures/bounces/gmail.eml"), "550 5.1.1"),
];

struct Mailing {
    home: Home,
    life: Life,
}

impl Mailing {
    /// A Foghorn that mails ada over `port`.
    async fn over(port: u16) -> Self {
        let home = Home::of(Draft::mailing_to(port)).await;
        home.edit("security = \"none\"", &format!("security = \"none\"\nbounce_secret = \"{SECRET}\""));
        let life = home.start().await;
        Self { home, life }
    }

    /// One more mail that left: its delivery. Critical, so that it leaves whatever is known of ada.
    async fn sent(&self, key: &str) -> String {
        let event = json!({ "title": key, "dedup_key": key, "event_id": key, "severity": "critical" });
        let posted = self.home.http().post(self.home.url("/api/v1/events")).json(&event).send().await;
        assert_eq!(posted.unwrap().status(), StatusCode::ACCEPTED);
        self.home.all_sent().await;
        let delivery = self.home.get("/api/v1/deliveries?limit=1").await["data"][0]["id"].clone();
        delivery.as_str().unwrap().to_owned()
    }

    async fn receipt(&self, delivery: &str) -> Value {
        let delivery = self.home.get(&format!("/api/v1/deliveries/{delivery}")).await;
        assert_eq!(delivery["state"], "sent", "a receipt is no state");
        delivery["receipt"].clone()
    }

    async fn suppressed(&self) -> Vec<Value> {
        self.home.get("/api/v1/suppressions").await["data"].as_array().unwrap().clone()
    }

    async fn post(&self, password: Option<&str>, mail: impl Into<Vec<u8>>) -> (StatusCode, String) {
        let request = self.home.http().post(self.home.url("/callbacks/email"));
        let request = request.header("content-type", "message/rfc822").body(mail.into());
        let request = match password {
            Some(password) => request.basic_auth("mta", Some(password)),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// `foghorn bounce`, with `mail` on its standard input: how it ended, and what it said.
    async fn bounce(&self, arguments: &[&str], mail: impl AsRef<[u8]>) -> (i32, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_foghorn"))
            .arg("bounce")
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // It may stop reading before the end.
        let _ = input.write_all(mail.as_ref()).await;
        drop(input);
        let ended = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        assert!(ended.stdout.is_empty(), "{ended:?}");
        (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
    }

    fn socket(&self) -> String {
        format!("unix:{}", self.home.file("foghorn.sock").display())
    }

    /// Where the secret is, for whom it may concern.
    fn secret_file(&self) -> String {
        let path = self.home.file("bounce-secret");
        fs::write(&path, format!("{SECRET}\n")).unwrap();
        path.display().to_string()
    }
}

fn about(form: &str, delivery: &str) -> String {
    form.replace("{DELIVERY}", delivery)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_s_report_is_the_last_word_about_its_delivery() {
    let sink = SmtpSink::start().await;
    let mailing = Mailing::over(sink.port).await;
    for (before, (name, form, code)) in FORMS.iter().enumerate() {
        let delivery = mailing.sent(name).await;
        assert_eq!(mailing.receipt(&delivery).await, Value::Null);
        // As a server hands it over, and as it is kept in files.
        let mail = about(form, &delivery).replace('\n', if before % 2 == 0 { "\r\n" } else { "\n" });
        let (status, answer) = mailing.post(Some(SECRET), mail.clone()).await;
        assert_eq!((status, answer.as_str()), (StatusCode::OK, ""), "{name}");
        let receipt = mailing.receipt(&delivery).await;
        assert_eq!((&receipt["kind"], &receipt["code"]), (&"bounced".into(), &(*code).into()), "{name}");
        // Said twice, it counts once.
        assert_eq!(mailing.post(Some(SECRET), mail).await.0, StatusCode::OK);
        let known = mailing.suppressed().await;
        assert_eq!(known.len(), 1, "{name}: {known:?}");
        assert_eq!((&known[0]["mark"], &known[0]["recipient"]), (&"gone".into(), &"ada".into()));
        assert_eq!(known[0]["strikes"], before + 1, "{name}");
    }
    mailing.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_about_the_address_marks_nobody() {
    let sink = SmtpSink::start().await;
    let mailing = Mailing::over(sink.port).await;
    let (_, postfix, _) = FORMS[0];
    let cases = [
        ("full", "5.1.1", "5.2.2", "bounced"),
        ("spam", "5.1.1", "5.7.1", "bounced"),
        (
            "elsewhere",
            "rfc822; ada@example.com\nOriginal-Recipient: rfc822;ada@example.com",
            "rfc822; bob@example.com",
            "bounced",
        ),
        ("arrived", "Action: failed", "Action: delivered", "delivered"),
    ];
    for (key, before, after, kind) in cases {
        let delivery = mailing.sent(key).await;
        let mail = about(&postfix.replace(before, after), &delivery);
        assert_eq!(mailing.post(Some(SECRET), mail).await.0, StatusCode::OK, "{key}");
        assert_eq!(mailing.receipt(&delivery).await["kind"], kind, "{key}");
        assert_eq!(mailing.suppressed().await, Vec::<Value>::new(), "{key}");
    }
    let delivery = mailing.sent("late").await;
    let late = about(&postfix.replace("Action: failed", "Action: delayed"), &delivery);
    assert_eq!(mailing.post(Some(SECRET), late).await.0, StatusCode::OK);
    assert_eq!(mailing.receipt(&delivery).await, Value::Null, "it is on its way");
    mailing.life.kill().await;
}

/// A server that repeats an id in its reports gets one; others would refuse the word.
#[tokio::test]
async fn a_server_that_keeps_an_id_for_its_reports_is_told_the_delivery() {
    for (offers, told) in [("250-sink\r\n250 DSN", true), ("250-sink\r\n250 8BITMIME", false)] {
        let sink = SmtpSink::start().await;
        sink.always(At::Ehlo, Act::Say(offers));
        let settings = format!("host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='f@example.com'", sink.port);
        let job = direct("ada@example.com", "s", "b");
        let sent = channel("email", "smtp", &settings, &surroundings()).send(&job).await;
        assert!(matches!(sent, Outcome::Sent(_)), "{sent:?}");
        let commands = sink.commands();
        let from = commands.iter().find(|line| line.starts_with("MAIL FROM")).unwrap();
        assert_eq!(from.contains(&format!("ENVID={}", job.id)), told, "{from}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_prove_themselves_is_not_heard() {
    let sink = SmtpSink::start().await;
    let mailing = Mailing::over(sink.port).await;
    let delivery = mailing.sent("one").await;
    let mail = about(FORMS[0].1, &delivery);
    for password in [None, Some(""), Some("another-secret-of-that-length"), Some(&SECRET[1..])] {
        let (status, answer) = mailing.post(password, mail.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{password:?}");
        assert!(answer.contains("FH0714") && !answer.contains(SECRET), "{answer}");
    }
    let bare = mailing.home.http().post(mailing.home.url("/callbacks/email"));
    let odd = bare.header("authorization", "Basic \u{fc}").body(mail.clone()).send().await.unwrap();
    assert_eq!(odd.status(), StatusCode::UNAUTHORIZED);
    let url = mailing.home.url("");
    let (exit, said) = mailing.bounce(&["--url", &url], &mail).await;
    assert_eq!(exit, 75, "the mail stays with the server until somebody gives it the secret: {said}");
    assert!(said.starts_with("error FH0714: "), "{said}");
    assert_eq!(mailing.receipt(&delivery).await, Value::Null);
    mailing.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_hands_it_over_or_has_the_server_keep_it() {
    let sink = SmtpSink::start().await;
    let mailing = Mailing::over(sink.port).await;
    let (url, secret) = (mailing.home.url(""), mailing.secret_file());
    let with_secret = ["--url", &url, "--secret-file", &secret];
    let delivery = mailing.sent("one").await;
    assert_eq!(mailing.bounce(&with_secret, about(FORMS[1].1, &delivery)).await, (0, String::new()));
    assert_eq!(mailing.receipt(&delivery).await["kind"], "bounced");
    let delivery = mailing.sent("two").await;
    let socket = mailing.socket();
    assert_eq!(mailing.bounce(&["--url", &socket], about(FORMS[3].1, &delivery)).await, (0, String::new()));
    assert_eq!(mailing.receipt(&delivery).await["kind"], "bounced", "the socket is proof enough");

    let unfit: [(Vec<u8>, &str); 6] = [
        (Vec::new(), "FH0712"),
        (b"Subject: out of office\r\n\r\nback on Monday\r\n".to_vec(), "FH0712"),
        (about(FORMS[0].1, "20261121.x").into_bytes(), "FH0712"),
        ([about(FORMS[0].1, &delivery).as_bytes(), &vec![b'x'; 2 << 20]].concat(), "FH0703"),
        (vec![0xff; 20 << 20], "FH0703"),
        ("Content-Type: message/rfc822\r\n\r\n".repeat(10_000).into_bytes(), "FH0712"),
    ];
    for (mail, code) in unfit {
        let (exit, said) = mailing.bounce(&with_secret, &mail).await;
        assert_eq!(exit, 65, "{code}: {said}");
        assert!(said.starts_with(&format!("error {code}: ")), "{said}");
    }
    let nobodys = about(FORMS[0].1, "del_00000000000000000000000000");
    assert_eq!(mailing.bounce(&with_secret, nobodys).await.0, 0, "nobody learns what there is");
    let mail = about(FORMS[0].1, &delivery);
    let nowhere = ["--url", &url, "--secret-file", "/no/such"];
    for arguments in [&nowhere[..], &["--url", &url, "--channel", "pager", "--secret-file", &secret]] {
        assert_eq!(mailing.bounce(arguments, &mail).await.0, 75, "{arguments:?}");
    }
    let home = mailing.home.url("");
    let Mailing { home: files, life } = mailing;
    life.kill().await;
    let gone = Mailing { life: files.spawn_under(&["true"]), home: files };
    let (exit, said) = gone.bounce(&["--url", &home, "--secret-file", &secret], &mail).await;
    assert_eq!(exit, 75, "{said}");
    assert!(said.starts_with("error FH0801: "), "{said}");
}

/// From Foghorn to a real Postfix, on to a server that knows nobody of that name, and back through
/// Postfix's pipe.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_s_bounce_comes_home() {
    // Whom Postfix runs it as may read neither the tests' folders nor what is built into them.
    let folder = tempfile::tempdir().unwrap();
    let open =
        |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(folder.path(), 0o755);
    let program = folder.path().join("foghorn");
    fs::copy(env!("CARGO_BIN_EXE_foghorn"), &program).unwrap();
    let wrapper = folder.path().join("bounce");
    let command = format!("FOGHORN_BOUNCE_SECRET={SECRET} exec {} bounce", program.display());
    let far = SmtpSink::start().await;
    far.always(At::Rcpt, Act::Say("550 5.1.1 nobody of that name"));
    let Some(postfix) = Relay::start(wrapper.to_str().unwrap(), far.port).await else { return };
    let home = Home::of(Draft::mailing_to(postfix.port)).await;
    // Postfix may run it at any moment: it finds the one or the other, and never an empty script, which
    // would be a success.
    let pipe_to = |url: &str| {
        let draft = wrapper.with_extension("draft");
        fs::write(&draft, format!("#!/bin/sh\n{command} --url {url}\n")).unwrap();
        open(&draft, 0o755);
        fs::rename(&draft, &wrapper).unwrap();
    };
    // At first nobody is there who could be told.
    pipe_to("http://127.0.0.1:1");
    home.edit("security = \"none\"", &format!("security = \"none\"\nbounce_secret = \"{SECRET}\""));
    home.edit("ada@example.com", &format!("ada@{FAR}"));
    let mailing = Mailing { life: home.start().await, home };
    let delivery = mailing.sent("real").await;
    mailing.home.until("Postfix keeps it", async || postfix.log().contains("status=deferred")).await;
    assert_eq!(mailing.receipt(&delivery).await, Value::Null);
    pipe_to(&mailing.home.url(""));
    let bounced = async || mailing.receipt(&delivery).await["kind"] == "bounced";
    mailing.home.until("the bounce is heard", bounced).await;
    let receipt = mailing.receipt(&delivery).await;
    assert_eq!(receipt["code"], "550 5.1.1", "{receipt}");
    assert_eq!(mailing.suppressed().await[0]["mark"], "gone");
    mailing.life.kill().await;
}
