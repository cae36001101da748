//! Records of other systems as tables: what each says in our words, and what is refused with which words.

use std::collections::BTreeMap;

use super::super::{Parsed, Words, native};
use super::*;
use crate::domain::event::{Body, EventStatus, IncidentEvent, NotificationRequest, RequestText};
use crate::domain::owner::Whose;
use shapes::{OverChannels, Profile, ToAddress};

fn words() -> Words {
    let links =
        BTreeMap::from([("email_verification".into(), "https://app.example.com/v/{token}".to_owned())]);
    Words { links, ..Words::default() }
}

fn read(record: &str) -> Result<Parsed, Malformed> {
    native::parse(record.as_bytes(), &words(), Timestamp::UNIX_EPOCH)
}

fn told(record: &str) -> NotificationRequest {
    match read(record).map(|parsed| parsed.body) {
        Ok(Body::Notification(request)) => request,
        other => panic!("{record}: {other:?}"),
    }
}

fn incident(record: &str) -> IncidentEvent {
    match read(record).map(|parsed| parsed.body) {
        Ok(Body::Incident(event)) => event,
        other => panic!("{record}: {other:?}"),
    }
}

/// `to over via`
fn way(record: &str) -> String {
    let request = told(record);
    let via: Vec<&str> = request.via.iter().map(|name| name.as_str()).collect();
    format!("{} over {}", request.to.join(","), via.join(","))
}

#[test]
fn words_over_channels_go_to_the_destination_or_to_the_user() {
    let table = [
        (r#"{"content":"Hi","channels":["email"],"destination":"a@x"}"#, "a@x over email"),
        (
            r#"{"content":"Hi","channels":"email, SMS,email","destination":["a@x","+15550111"]}"#,
            "a@x,+15550111 over email,sms",
        ),
        (
            r#"{"content":"Hi","channels":["email","sms"],"destination":"a@x","user":{"id":7,"phone":"+15550111","plan":"pro"}}"#,
            "a@x,+15550111 over email,sms",
        ),
        (r#"{"content":"Hi","channels":["ios"],"user":"ada"}"#, "user:ada over ios"),
        (
            r#"{"content":"Hi","channels":["email"],"user_profile":{"user_id":"u1","email":"a@x"}}"#,
            "a@x over email",
        ),
        (r#"{"content":"Hi","channels":["sms"],"user":{"id":"u1"}}"#, "user:u1 over sms"),
        (r#"{"user_id":1,"topic":"email","message":"Hi!"}"#, "user:1 over email"),
        (r#"{"user_id":"ada","topic":"SMS","message":"Hi!"}"#, "user:ada over sms"),
        (r#"{"user_id":1,"channel":"email","message":"Hello"}"#, "user:1 over email"),
    ];
    for (record, expected) in table {
        assert_eq!(way(record), expected, "{record}");
    }
    let request =
        told(r#"{"content":"First line\nand more","channels":"email","destination":"a@x","user":{"id":7}}"#);
    assert_eq!(request.whose, Whose::User("7".into()));
    let text =
        RequestText::Plain { subject: "First line".to_owned(), body: "First line\nand more".to_owned() };
    assert_eq!(request.text, text);
    assert_eq!(told(r#"{"content":"Hi","channels":"email","destination":"a@x"}"#).whose, Whose::Owner);
}

#[test]
fn a_request_names_a_template_or_brings_its_own_words() {
    let record = |content: &str, vars: &str| {
        told(&format!(
            r#"{{"notification_type":"receipt","recipient_email":"a@x","subject":"S","content":"{content}"{vars}}}"#
        ))
    };
    let template = |request: NotificationRequest| match request.text {
        RequestText::Template { name, subject, .. } => Some((name, subject)),
        RequestText::Plain { .. } => None,
    };
    let subject = || Some("S".to_owned());
    assert_eq!(template(record("welcome", "")), Some(("welcome".to_owned(), subject())));
    assert_eq!(
        template(record("receipt", r#","template_vars":{"n":1}"#)),
        Some(("receipt".to_owned(), subject()))
    );
    assert_eq!(template(record("receipt", "")), None);
    assert_eq!(template(record("Thank you, Ada", r#","template_vars":{}"#)), None);
    let request = record("welcome", "");
    assert_eq!((request.of, request.whose), (Some("receipt".into()), Whose::Owner));
    assert_eq!((request.to, request.via), (vec!["a@x".to_owned()], vec!["email".into()]));
}

#[test]
fn a_service_has_its_user_told_with_a_link_that_leads_back() {
    let request = told(
        r#"{"event_type":"UserEmailVerificationRequested","userid":"a1b2","email":"user@example.com",
            "username":"John Doe","verify_token":"a b/c"}"#,
    );
    assert_eq!(request.of, Some("email_verification".into()));
    assert_eq!(
        (request.to, request.whose),
        (vec!["user@example.com".to_owned()], Whose::User("a1b2".into()))
    );
    let RequestText::Template { name, vars, .. } = request.text else { panic!("a template") };
    assert_eq!(name, "email_verification");
    assert_eq!(vars["link"], "https://app.example.com/v/a%20b%2Fc");
    assert_eq!((&vars["username"], &vars["verify_token"]), (&"John Doe".into(), &"a b/c".into()));
    for notice in crate::domain::notice::Notice::ALL {
        for event in notice.events() {
            let request = told(&format!(r#"{{"event_type":"{event}","email":"a@x"}}"#));
            assert_eq!(request.of, Some(notice.as_str().into()), "{event}");
        }
    }
}

#[test]
fn commands_say_what_is_to_become_of_an_incident() {
    let event = incident(
        r#"{"type":"create_incident","payload":{"title":"Disk","severity":"high","team":"DevOps","incident_id":42}}"#,
    );
    assert_eq!(
        (event.title.as_str(), event.dedup_key.as_str(), event.status),
        ("Disk", "42", EventStatus::Open)
    );
    assert_eq!(event.labels["team"], "DevOps");
    let same = incident(r#"{"type":"CreateIncident","payload":{"title":"Disk","service":"db"}}"#);
    assert_eq!(same.dedup_key, "auto:db:Disk");
    for (word, status) in
        [("resolve_incident", EventStatus::Resolved), ("acknowledge-incident", EventStatus::Acknowledged)]
    {
        let event = incident(&format!(r#"{{"type":"{word}","payload":{{"id":"42"}}}}"#));
        assert_eq!((event.dedup_key.as_str(), event.status), ("42", status));
    }
    let update = r#"{"type":"update_incident","payload":{"id":"42","title":"Disk","status":"resolved"}}"#;
    assert_eq!(incident(update).status, EventStatus::Resolved);
    let tell = r#"{"type":"send_notification","payload":{"user_id":1,"topic":"email","message":"Hi"}}"#;
    assert_eq!(way(tell), "user:1 over email");
    let parsed = read(r#"{"type":"create_incident","event_id":"e1","payload":{"title":"Disk"}}"#);
    assert_eq!(parsed.map(|parsed| parsed.producer_id), Ok(Some("e1".to_owned())));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let table = [
        (r#"{"content":"Hi","channels":["email"],"user_id":1,"topic":"sms","message":"x"}"#, "", "ambiguous"),
        (r#"{"event_type":"UserWelcomeRequested","type":"create_incident","payload":{}}"#, "", "ambiguous"),
        (r#"{"content":"Hi","channels":["email"]}"#, "/destination", "missing"),
        (
            r#"{"content":"Hi","channels":["email"],"destination":"a@x","chanels":1}"#,
            "/chanels",
            "unknown_field",
        ),
        (r#"{"content":7,"channels":["email"],"destination":"a@x"}"#, "/content", "wrong_type"),
        (
            r#"{"content":"Hi","channels":["email"],"user":"a","user_profile":"b"}"#,
            "/user_profile",
            "not_allowed",
        ),
        (r#"{"content":"Hi","channels":[],"destination":"a@x"}"#, "/channels", "empty"),
        (r#"{"user_id":{},"topic":"email","message":"x"}"#, "/user_id", "wrong_type"),
        (r#"{"user_id":1,"topic":"email","message":"x","extra":1}"#, "/extra", "unknown_field"),
        (r#"{"user_id":1,"topic":"email","channel":"sms","message":"x"}"#, "/channel", "unknown_field"),
        (
            r#"{"notification_type":"a b","recipient_email":"a@x","content":"x"}"#,
            "/notification_type",
            "not_allowed",
        ),
        (
            r#"{"notification_type":"a","recipient_email":"ax","content":"x"}"#,
            "/recipient_email",
            "not_allowed",
        ),
        (r#"{"notification_type":"a","recipient_email":"a@x"}"#, "/content", "missing"),
        (r#"{"event_type":"UserDeleted","email":"a@x"}"#, "/event_type", "not_allowed"),
        (r#"{"event_type":"UserWelcomeRequested"}"#, "/email", "missing"),
        (r#"{"type":"drop_incident","payload":{}}"#, "/type", "not_allowed"),
        (r#"{"type":"create_incident","payload":{}}"#, "/payload/title", "missing"),
        (r#"{"type":"create_incident","payload":[]}"#, "/payload", "wrong_type"),
        (
            r#"{"type":"create_incident","payload":{"title":"x","titel":1}}"#,
            "/payload/titel",
            "unknown_field",
        ),
        (r#"{"type":"update_incident","payload":{"title":"x"}}"#, "/payload/incident_id", "missing"),
        // One of our own keys, and it is ours.
        (r#"{"title":"x","content":"Hi","channels":["email"]}"#, "/channels", "unknown_field"),
    ];
    for (record, pointer, code) in table {
        let malformed = read(record).expect_err(record);
        let found = malformed.problems.iter().any(|one| (one.pointer.as_str(), one.code) == (pointer, code));
        assert!(found, "{record}: {:?}", malformed.problems);
    }
}

#[test]
fn whoever_knows_the_shape_is_told_what_is_missing_from_it() {
    let refused = |shape, raw: &str| {
        parse(shape, raw.as_bytes(), &words(), Timestamp::UNIX_EPOCH).expect_err("refused").problems[0]
            .clone()
    };
    assert_eq!(refused(Shape::Channels, r#"{"content":"Hi"}"#).pointer, "/channels");
    assert_eq!(refused(Shape::Request, "{}").pointer, "/notification_type");
    assert_eq!(refused(Shape::Channels, "[]").code, "wrong_type");
}

proptest::proptest! {
    #[test]
    fn no_value_makes_a_reader_panic(
        keys in proptest::sample::subsequence(vec!["content", "channels", "destination", "user", "user_id", "topic",
            "message", "notification_type", "recipient_email", "template_vars", "event_type", "email", "type",
            "payload"], 0..14),
        text in proptest::prelude::any::<String>(),
    ) {
        for value in [serde_json::json!(text), serde_json::json!([text]), serde_json::json!({ "title": text }), 7.into()] {
            let record: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect();
            let raw = serde_json::to_vec(&record).expect("it is JSON");
            let _ = native::parse(&raw, &words(), Timestamp::UNIX_EPOCH);
        }
    }
}

#[test]
fn what_the_reference_shows_is_taken_whole() {
    let some = |text: &str| Some(text.to_owned());
    let over = OverChannels {
        content: "Hi".to_owned(),
        channels: vec!["email".to_owned()],
        destination: some("a@x"),
        user: Some(Profile { id: some("ada"), email: some("a@x"), phone: some("+15550111") }),
        subject: some("Hello"),
        idempotency_key: some("one"),
    };
    let to = ToAddress {
        notification_type: "welcome".to_owned(),
        recipient_email: "a@x".to_owned(),
        subject: some("Hello"),
        content: "welcome".to_owned(),
        template_vars: BTreeMap::from([("username".to_owned(), "Ada".into())]),
        idempotency_key: some("one"),
    };
    let records = [serde_json::to_string(&over), serde_json::to_string(&to)];
    for record in records {
        let record = record.expect("it is JSON");
        let said = match told(&record).text {
            RequestText::Plain { subject, .. } => Some(subject),
            RequestText::Template { subject, .. } => subject,
        };
        assert_eq!(said.as_deref(), Some("Hello"), "{record}");
    }
}
