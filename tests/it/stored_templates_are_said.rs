//! What is set as a template over the API is said instead of what is built in, at once, on every node and
//! after a kill; what has a file is read-only; and what would not compile changes nothing.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::process::{Draft, Home};
use crate::support::services;
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::mailing;

/// The mails that went to `to`, as they are.
fn mails_to(sink: &SmtpSink, to: &str) -> Vec<String> {
    let mails = sink.messages().into_iter().filter(|mail| mail.to.iter().any(|rcpt| rcpt.contains(to)));
    mails.map(|mail| String::from_utf8_lossy(&mail.raw).into_owned()).collect()
}

async fn origin(home: &Home, name: &str) -> Value {
    home.get(&format!("/api/v1/templates/{name}")).await["origin"].clone()
}

async fn resolve(home: &Home, number: u64) {
    let resolved = home.run(&["incident", "resolve", &number.to_string()]).await;
    assert_eq!(resolved.exit, 0, "{resolved:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_said_at_once_and_after_a_kill_and_what_is_built_in_comes_back() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    assert_eq!(origin(&home, "incident").await, "built_in");
    let over = json!({"subject": "Ours: {{ title }}", "text": "over {{ lasted }}"});
    let set = home.put("templates/incident-resolved", over.clone()).await;
    assert_eq!((set.status, set.etag.as_deref()), (StatusCode::CREATED, Some("\"v1\"")), "{set:?}");
    home.submit("load-one").await;
    home.all_sent().await;
    resolve(&home, 1).await;
    home.all_sent().await;
    let mails = mails_to(&sink, "ada");
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[0].contains("Subject: [Foghorn #1]"), "the general one: {}", mails[0]);
    assert!(mails[1].contains("Subject: Ours: load-one"), "{}", mails[1]);

    life.kill().await;
    let life = home.start().await;
    assert_eq!(origin(&home, "incident-resolved").await, "store");
    home.submit("load-two").await;
    home.all_sent().await;
    resolve(&home, 2).await;
    home.all_sent().await;
    assert!(mails_to(&sink, "ada")[3].contains("Subject: Ours: load-two"));

    let stale = home.tell(Method::PUT, "templates/incident-resolved", Some("\"v7\""), Some(over)).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "FH0753"), "{stale:?}");
    assert_eq!(home.remove("templates/incident-resolved").await.status, StatusCode::OK);
    home.submit("load-three").await;
    home.all_sent().await;
    resolve(&home, 3).await;
    home.all_sent().await;
    assert!(mails_to(&sink, "ada")[5].contains("Subject: [Foghorn #3]"));
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reader_of_one_incident_reads_their_own_language() {
    let sink = SmtpSink::start().await;
    let more = "[users.grace]\nemail = \"grace@example.com\"\nlocale = \"de-AT\"\n\
                [users.jean]\nemail = \"jean@example.com\"\nlocale = \"fr\"\n";
    let home = Home::of(Draft { more: more.to_owned(), ..Draft::mailing_to(sink.port) }).await;
    home.edit("notify = [\"user:ada\"]", "notify = [\"user:ada\", \"user:grace\", \"user:jean\"]");
    let life = home.start().await;
    let french = json!({"subject": "Incident {{ number }}", "text": "Ouvert: {{ title }}"});
    assert_eq!(home.put("templates/incident.fr", french).await.status, StatusCode::CREATED);
    home.submit("load-one").await;
    assert_eq!(home.all_sent().await, 3);
    for (reader, words) in [("ada", "OPEN - HIGH"), ("grace", "OFFEN - HOCH"), ("jean", "Ouvert: load-one")] {
        let mails = mails_to(&sink, reader);
        assert!(mails.len() == 1 && mails[0].contains(words), "{reader}: no {words} in {mails:?}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_compile_is_told_with_its_line_and_changes_nothing() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let table = [
        ("welcome", json!({"subject": "a", "text": "one\n{% if %}"}), "/text", "welcome.txt:2"),
        ("incident", json!({"subject": "{{ servise }}", "text": "a"}), "/subject", "undefined value"),
        ("incident-sms-resolved", json!({"text": "{{ after }}"}), "/text", "undefined value"),
        ("welcome", json!({"subject": "a"}), "/text", "a template needs a text"),
        ("welcome", json!({"text": "a"}), "", "has no welcome.subject.txt"),
        ("welcome", json!({"subject": "a", "text": "b", "htlm": "c"}), "/htlm", "unknown key"),
        ("welcome", json!({"subject": 1, "text": "b"}), "/subject", "subject is no text"),
    ];
    for (name, document, pointer, words) in table {
        let refused = home.put(&format!("templates/{name}"), document.clone()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "FH0754"),
            "{document}"
        );
        assert_eq!(refused.pointers(), [pointer], "{refused:?}");
        let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{document}: {detail}");
    }
    let unknown = home.put("templates/incident", json!({"subject": "{{ servise }}", "text": "a"})).await;
    let hint = unknown.body["errors"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("of an incident is known") && hint.contains("severity_word"), "{hint}");
    let slip = home.put("templates/welcome", json!({"subjct": "a", "text": "b"})).await;
    assert!(
        slip.body["errors"][0]["hint"].as_str().unwrap().contains("Did you mean \"subject\"?"),
        "{slip:?}"
    );
    for name in ["incident", "incident-sms-resolved", "welcome"] {
        let shown = home.http().get(home.url(&format!("/api/v1/templates/{name}"))).send().await.unwrap();
        let shown: Value = shown.json().await.unwrap();
        assert!(shown["origin"] == "built_in" || shown["status"] == 404, "{name}: {shown}");
    }
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_a_file_is_read_only_and_a_file_is_not_read_again_by_a_change() {
    let sink = SmtpSink::start().await;
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
    write("welcome.subject.txt", "Hi");
    write("welcome.txt", "Hi {{ username }}");
    let more = format!("[templates]\ndir = \"{}\"\n", dir.path().display());
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let document = json!({"subject": "a", "text": "b"});
    for (method, body) in [(Method::PUT, Some(document.clone())), (Method::DELETE, None)] {
        let refused = home.tell(method, "templates/welcome", None, body).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "FH0751"), "{refused:?}");
        let place = dir.path().join("welcome.txt").display().to_string();
        assert!(refused.body["detail"].as_str().unwrap().contains(&place), "{refused:?}");
    }
    let shown = home.get("/api/v1/templates/welcome").await;
    assert_eq!((&shown["origin"], &shown["document"]["text"]), (&json!("file"), &json!("Hi {{ username }}")));

    // Somebody writes a file, and is not done yet.
    write("welcome.txt", "{% if");
    assert_eq!(home.put("templates/welcome.de", document.clone()).await.status, StatusCode::CREATED);
    assert_eq!(home.put("templates/farewell", document).await.status, StatusCode::CREATED);
    write("welcome.txt", "Hi {{ username }}");
    write("farewell.subject.txt", "Bye");
    write("farewell.txt", "Bye");
    let reloaded = home.run(&["reload"]).await;
    assert!(reloaded.exit == 78 && reloaded.errors.contains("store:templates/farewell"), "{reloaded:?}");
    life.kill().await;
    let life = home.start().await;
    let left = home.get("/api/v1/status").await["config"]["left_out"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert!(left[0].as_str().unwrap().starts_with("templates/farewell: "), "{left}");
    assert!(life.log().contains("FH0531"));
    assert_eq!(origin(&home, "welcome.de").await, "store", "the rest is in use");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_looked_at_before_anybody_gets_it() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("load-one").await;
    home.all_sent().await;
    let render = async |name: &str, wish: Value| {
        home.tell(Method::POST, &format!("templates/{name}/render"), None, Some(wish)).await
    };
    let sms = render("incident-sms", json!({"incident": 1})).await;
    assert_eq!(sms.status, StatusCode::OK, "{sms:?}");
    assert!(sms.body["text"].as_str().unwrap().starts_with("Foghorn HIGH #1: load-one"), "{sms:?}");
    assert_eq!((&sms.body["sms"]["encoding"], &sms.body["sms"]["segments"]), (&json!("gsm7"), &json!(1)));
    let mail = render("welcome", json!({"variables": {"username": "<Ada>"}})).await;
    assert_eq!(mail.body["subject"], "Welcome, <Ada>");
    assert!(mail.body["html"].as_str().unwrap().contains("&lt;Ada&gt;"), "{mail:?}");
    let broken = render("incident", json!({"variables": {"labels": 5}})).await;
    assert_eq!((broken.status, broken.code()), (StatusCode::UNPROCESSABLE_ENTITY, "FH0765"), "{broken:?}");
    let hint = broken.body["errors"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("event_count"), "{broken:?}");
    assert_eq!(render("incident", json!({"incident": 9})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(render("welcom", json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(render("welcome", json!({"channel": "fax"})).await.status, StatusCode::NOT_FOUND);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_command_line_it_is_set_shown_tried_and_taken_away() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let run = async |line: &str| home.run(&line.split(' ').collect::<Vec<_>>()).await;
    let dir = home.file("drafts");
    let dir = dir.display();
    let ejected = run(&format!("template eject welcome --dir {dir}")).await;
    assert_eq!(ejected.exit, 0, "{ejected:?}");
    fs::write(home.file("drafts").join("welcome.subject.txt"), "Ours, {{ username }}").unwrap();
    let set = run(&format!("template set welcome --dir {dir}")).await;
    assert_eq!((set.exit, set.output.as_str()), (0, "welcome\n"), "{set:?}");
    let shown = run("template show welcome").await.output;
    assert!(shown.starts_with("welcome   stored, v1, "), "{shown}");
    assert!(shown.contains("\nwelcome.subject.txt:\n   Ours, {{ username }}\n"), "{shown}");
    let listed = run("template list --running").await.output;
    let line = |name: &str| {
        let line = listed.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(line("welcome").as_deref(), Some("welcome subject, text, html stored"), "{listed}");
    assert_eq!(line("incident-sms.de").as_deref(), Some("incident-sms.de text built in"), "{listed}");
    assert_eq!(line("welcome.de"), None, "it was taken over: {listed}");
    let tried = run("template render welcome username=Ada --running --channel sms").await;
    assert!(tried.output.starts_with("Ours, Ada: Hello Ada,"), "{tried:?}");
    assert!(tried.errors.starts_with("1 part in gsm7, "), "{tried:?}");
    assert_eq!(run("template remove welcome").await.exit, 0);
    assert!(run("template show welcome").await.output.starts_with("welcome   built in\n"));
    let nothing = run("template remove welcome").await;
    assert_eq!(nothing.exit, 3, "{nothing:?}");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_says_it_within_moments() {
    if !services::require("postgres") {
        return;
    }
    let database = Database::create().await;
    let sink = SmtpSink::start().await;
    let draft = || Draft { store: Some(database.url.clone()), ..Draft::mailing_to(sink.port) };
    let (one, other) = (Home::of(draft()).await, Home::of(draft()).await);
    other.edit("name = \"harbour\"", "name = \"quay\"");
    let (life, second) = (one.start().await, other.start().await);
    let ours = json!({"subject": "Ours: {{ title }}", "text": "{{ title }}"});
    assert_eq!(one.put("templates/incident", ours).await.status, StatusCode::CREATED);
    other.until("the other one has it", async || origin(&other, "incident").await == "store").await;
    assert_eq!(one.put("policies/other", mailing(&["user:ada"])).await.status, StatusCode::CREATED);
    other.submit("load-there").await;
    other.all_sent().await;
    assert!(mails_to(&sink, "ada")[0].contains("Subject: Ours: load-there"));
    life.kill().await;
    second.kill().await;
}
