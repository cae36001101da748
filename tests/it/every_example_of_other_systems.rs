//! Every example that the five systems document which Foghorn takes over from, as a row: what is asked and
//! what is answered, what is put on a bus and who hears of it, and how a service is told where things are.
//!
//! ```text
//! 1  incidents by request, with a team and a word on whether anybody was told
//! 2  mails by request and by event, with preferences and a history
//! 3  four channels, by records that name a user
//! 4  commands about incidents, by records
//! 5  words over channels, by request and by record
//! ```
//!
//! What they say to a bus that Foghorn does not read comes as a record of Kafka here: a record is read alike,
//! wherever it is from.

use std::process::Stdio;

use foghorn::sources::kafka::EmbeddedBroker;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, reading_from, said_with};
use crate::support::smtp_sink::SmtpSink;

const USERS: &str = r#"
[users.1]
email = "user@example.com"
phone = "+1234567890"
ios = ["0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"]
android = ["a-device"]
[channels.sms]
type = "sms"
provider = "outbox"
[channels.ios]
type = "ios"
provider = "outbox"
[channels.android]
type = "android"
provider = "outbox"
[notifications.email_verification]
link = "https://app.com/verify/{token}"
[notifications.password_reset]
link = "https://app.com/reset/{token}"
"#;

/// A request: of which system, what it is called there, how it is asked, and what the answer has in it.
/// `{incident}` and `{userid}` stand for what an earlier answer named.
struct Asked {
    of: &'static str,
    method: Method,
    path: &'static str,
    body: Value,
    status: StatusCode,
    answer: Value,
}

fn asked(of: &'static str, line: &'static str, body: Value, status: u16, answer: Value) -> Asked {
    let (method, path) = line.split_once(' ').unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    Asked { of, method: method.parse().unwrap(), path, body, status, answer }
}

fn requests() -> impl Iterator<Item = Asked> {
    [about_incidents(), about_mails(), about_preferences(), about_how_it_is()].into_iter().flatten()
}

fn about_incidents() -> Vec<Asked> {
    let nothing = || Value::Null;
    let timeout = json!({
        "title": "Service Timeout", "description": "API Gateway is timing out", "status": "open",
        "severity": "high", "team": "DevOps",
    });
    let mended = json!({ "status": "resolved", "description": "Issue fixed by scaling the gateway" });
    vec![
        asked("1.1 create an incident", "POST /incidents", timeout.clone(), 201, timeout.clone()),
        asked("1.2 list all incidents", "GET /incidents", nothing(), 200, json!([timeout])),
        asked("1.3 one incident by its id", "GET /incidents/{incident}", nothing(), 200, timeout),
        asked("1.4 update an incident", "PATCH /incidents/{incident}", mended.clone(), 200, mended.clone()),
        asked("1.4 and it stays so", "GET /incidents/{incident}", nothing(), 200, mended),
        asked("1.5 delete an incident", "DELETE /incidents/{incident}", nothing(), 204, nothing()),
        asked("1.5 and it is gone", "GET /incidents/{incident}", nothing(), 404, nothing()),
    ]
}

fn about_mails() -> Vec<Asked> {
    let verification = json!({
        "notification_type": "email_verification", "recipient_email": "user@example.com",
        "subject": "Verify Your Email", "content": "email_verification",
        "template_vars": { "username": "John Doe", "verification_link": "https://app.com/verify/token123" },
    });
    let order = json!({
        "content": "Your order has shipped", "channels": ["email"], "destination": "user@example.com",
        "user": { "id": "u1", "name": "John Doe", "email": "user@example.com" },
    });
    let pending = || json!({ "status": "pending" });
    vec![
        asked("2 send a notification", "POST /notifications/send", verification, 202, pending()),
        asked("5 send over channels", "POST /send-notification", order, 202, pending()),
    ]
}

fn about_preferences() -> Vec<Asked> {
    let wants = |reset: bool, alert: bool| json!({ "email_verification": true, "password_reset": reset, "welcome": true, "security_alert": alert });
    let of = |email: &str, wants: Value| json!({ "notification_email": email, "preferences": wants });
    let first = of("user@example.com", wants(true, false));
    let second = of("newemail@example.com", wants(false, true));
    let flow = json!({ "preferences": { "email_verification": true, "marketing": false } });
    let none = json!({ "notifications": [] });
    let (update, show) =
        ("PUT /notifications/preferences/{userid}", "GET /notifications/preferences/{userid}");
    vec![
        asked("2 create preferences", "POST /notifications/preferences", first.clone(), 201, first),
        asked("2 update preferences", update, second.clone(), 200, second.clone()),
        asked("2 preferences of a user", show, Value::Null, 200, second),
        asked("2 history of a user", "GET /notifications/history/{userid}", Value::Null, 200, none),
        asked("2 how they are changed", "PUT /notifications/preferences/user123", flow.clone(), 201, flow),
    ]
}

fn about_how_it_is() -> Vec<Asked> {
    let (nothing, healthy) = (|| Value::Null, json!({ "status": "healthy", "database": "healthy" }));
    vec![
        asked("2 health", "GET /broker/health", nothing(), 200, healthy),
        asked("2 metrics", "GET /broker/metrics", nothing(), 200, json!({ "deliveries": {} })),
        asked("2 metrics for Prometheus", "GET /broker/prometheus", nothing(), 200, nothing()),
        asked("5 metrics", "GET /metrics", nothing(), 200, nothing()),
        asked("5 the interface to look at", "GET /docs", nothing(), 200, nothing()),
    ]
}

/// Everything of `part` is in `whole`; a list begins with it.
fn has(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, Value::Null) => true,
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| has(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            part.len() <= whole.len() && whole.iter().zip(part).all(|(whole, part)| has(whole, part))
        }
        _ => whole == part,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_a_request_is_answered_as_it_was() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { more: USERS.to_owned(), ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    let (mut incident, mut userid) = (String::new(), String::new());
    for Asked { of, method, path, body, status, answer } in requests() {
        let path = path.replace("{incident}", &incident).replace("{userid}", &userid);
        let mut request = home.http().request(method, home.url(&path));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answered = request.send().await.unwrap();
        assert_eq!(answered.status(), status, "{of}");
        let text = answered.text().await.unwrap();
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(has(&told, &answer), "{of}: {answer} is not in {text}");
        if path == "/incidents" && status == StatusCode::CREATED {
            incident = told["id"].as_str().unwrap().to_owned();
            assert!(["pending", "sent"].contains(&told["notification_status"].as_str().unwrap()), "{told}");
        }
        if path == "/notifications/preferences" {
            userid = told["userid"].as_str().unwrap().to_owned();
        }
    }
    // The incident, the verification and the order.
    let mails = sink.wait_for(3).await;
    for words in ["Service Timeout", "https://app.com/verify/token123", "Your order has shipped"] {
        assert!(mails.iter().any(|mail| String::from_utf8_lossy(&mail.raw).contains(words)), "{words}");
    }
    life.kill().await;
}

/// What becomes of a record.
enum Becomes {
    /// A message over this channel, with these words in it.
    Told(&'static str, &'static str),
    /// An incident of this title, which stands there.
    Incident(&'static str, &'static str),
    /// Nobody can be told: a dead letter, for this reason.
    Dead(&'static str),
}
use Becomes::{Dead, Incident, Told};

/// A record: of which system, what it is there, and what becomes of it.
type Record = (&'static str, Value, Becomes);

fn records() -> Vec<Record> {
    [events(), dispatches(), commands(), words()].into_iter().flatten().collect()
}

fn events() -> Vec<Record> {
    let of = |event: &str, name: &str, token: Value| {
        let mut event = json!({
            "event_type": event, "userid": "a1b2c3d4e5f6789012345678901234ab",
            "email": "user@example.com", "username": name,
        });
        event.as_object_mut().unwrap().extend(token.as_object().unwrap().clone());
        event
    };
    let verify = json!({ "verify_token": "verification-token-123" });
    let reset = |number: u8| json!({ "reset_token": format!("reset-token-{number}") });
    let verified = Told("email", "https://app.com/verify/verification-token-123");
    let (first, second) = ("https://app.com/reset/reset-token-1", "https://app.com/reset/reset-token-2");
    vec![
        ("2 verification", of("UserEmailVerificationRequested", "John Doe", verify), verified),
        ("2 password reset", of("UserPasswordResetRequested", "John Doe", reset(1)), Told("email", first)),
        ("2 the same, in short", of("PasswordResetRequested", "John Doe", reset(2)), Told("email", second)),
        ("2 welcome", of("UserWelcomeRequested", "Jane Roe", json!({})), Told("email", "Jane Roe")),
        ("2 registered", of("UserRegistered", "Max Moe", json!({})), Told("email", "Max Moe")),
        ("2 alert", of("UserSecurityAlertRequested", "John Doe", json!({})), Told("email", "Security alert")),
    ]
}

fn dispatches() -> Vec<Record> {
    let over = |topic: &str, message: &str| json!({ "user_id": 1, "topic": topic, "message": message });
    let event = json!({ "user_id": 1, "channel": "email", "message": "Hello" });
    let to_nobody = json!({ "user_id": 99, "topic": "email", "message": "Lost" });
    vec![
        ("3 dispatch", over("email", "Hi!"), Told("email", "Hi!")),
        ("3 a sample event", over("email", "Welcome!"), Told("email", "Welcome!")),
        ("3 an event of the service", event, Told("email", "Hello")),
        ("3 a text message", over("sms", "By text"), Told("sms", "By text")),
        ("3 to an iPhone", over("ios", "By APNs"), Told("ios", "By APNs")),
        ("3 to Android", over("android", "By FCM"), Told("android", "By FCM")),
        ("3 a user whom nobody knows", to_nobody, Dead("unroutable")),
        ("3 a channel that nobody has", over("fax", "Lost"), Dead("unroutable")),
    ]
}

fn commands() -> Vec<Record> {
    let command = |word: &str, payload: Value| json!({ "type": word, "payload": payload });
    let disk =
        json!({ "incident_id": "i-1", "title": "Disk full", "description": "97 %", "severity": "high" });
    let slow = || json!({ "title": "Disk slow", "id": "i-2" });
    let taken = json!({ "title": "Disk slow", "id": "i-2", "status": "acknowledged" });
    let gone = json!({ "title": "Disk gone", "incident_id": "i-3" });
    let over = json!({ "incident_id": "i-3" });
    vec![
        ("4 create", command("create_incident", disk), Incident("Disk full", "open")),
        ("4 create, as a class", command("CreateIncident", slow()), Incident("Disk slow", "acknowledged")),
        ("4 update", command("update_incident", taken), Incident("Disk slow", "acknowledged")),
        ("4 create a third", command("create_incident", gone), Incident("Disk gone", "resolved")),
        ("4 resolve", command("resolve_incident", over), Incident("Disk gone", "resolved")),
        ("4 what it does not know", command("paint_incident", json!({})), Dead("schema")),
    ]
}

fn words() -> Vec<Record> {
    let both = json!({
        "content": "Over two ways", "channels": ["email", "sms"], "destination": "user@example.com",
        "user_profile": { "id": 1, "phone": "+1234567890" },
    });
    vec![
        ("5 over channels", both.clone(), Told("email", "Over two ways")),
        ("5 and over the other", both, Told("sms", "Over two ways")),
        ("5 what no producer sends", json!({ "content": "No way" }), Dead("schema")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_a_record_is_told_to_whom_it_was() {
    const TOPIC: &str = "notifications";
    let sink = SmtpSink::start().await;
    let broker = EmbeddedBroker::start(&[(TOPIC, 1)]).unwrap();
    let more = format!("{USERS}{}", reading_from(broker.address(), TOPIC));
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    for (of, record, _) in records() {
        broker.produce(TOPIC, of, record.to_string().as_bytes()).await.unwrap();
    }
    let dead = records().iter().filter(|(.., becomes)| matches!(becomes, Dead(_))).count();
    home.until("every record is read", async || {
        let letters = home.list("/api/v1/dead-letters?kind=event").await;
        let events = home.list("/api/v1/events?").await;
        (letters.len(), events.len()) == (dead, records().len() - dead)
    })
    .await;
    home.until_quiet().await;
    let mails: Vec<String> =
        sink.messages().iter().map(|mail| String::from_utf8_lossy(&mail.raw).into_owned()).collect();
    let outbox = home.list("/api/v1/outbox?").await;
    let incidents = home.list("/api/v1/incidents?").await;
    let letters = home.list("/api/v1/dead-letters?kind=event").await;
    for (offset, (of, record, becomes)) in records().into_iter().enumerate() {
        let is_so = match becomes {
            Told("email", words) => mails.iter().any(|mail| mail.contains(words)),
            Told(channel, words) => {
                outbox.iter().any(|one| one["channel"] == channel && one.to_string().contains(words))
            }
            Incident(title, status) => {
                incidents.iter().any(|one| one["title"] == title && one["status"] == status)
            }
            Dead(reason) => letters.iter().any(|one| {
                let is_it = one["position"].as_str().unwrap().starts_with(&format!("{TOPIC}/0/{offset}@"));
                one["reason"] == reason && is_it
            }),
        };
        assert!(is_so, "{of}: {record}\n{mails:?}\n{outbox:?}\n{incidents:?}\n{letters:?}");
    }
    life.kill().await;
}

/// What their services are told in the environment, and what it becomes; nothing, where Foghorn has no such thing.
const ENVIRONMENT: [(&str, &str, &str, &str); 30] = [
    ("2", "DATABASE_URL", "postgresql://user:password@primary:5432/notification_db", "store.url"),
    ("2", "STANDBY_DATABASE_URL", "postgresql://user:password@standby:5432/notification_db", ""),
    ("2", "RABBITMQ_URL", "amqp://user:password@rabbitmq:5672/", ""),
    ("2", "SMTP_HOST", "smtp.gmail.com", "channels.email.host"),
    ("2", "SMTP_PORT", "587", "channels.email.port"),
    ("2", "SMTP_USERNAME", "your-email@gmail.com", "channels.email.username"),
    ("2", "SMTP_PASSWORD", "your-app-password", "channels.email.password"),
    ("4", "PUBSUB_PROJECT_ID", "your-project-id", ""),
    ("4", "PUBSUB_SUBSCRIPTION_ID", "your-subscription", ""),
    ("4", "PUBSUB_LOG_LEVEL", "INFO", ""),
    ("4", "PUBSUB_LOG_FORMAT", "json", ""),
    ("5", "KAFKA_BROKERS", "kafka:9092", "sources.kafka.brokers"),
    ("5", "KAFKA_TOPIC", "notifications", "sources.kafka.topics"),
    ("5", "KAFKA_GROUP_ID", "consumers", "sources.kafka.group_id"),
    ("5", "KAFKA_DLQ_TOPIC", "notifications.dlq", "sources.kafka.dead_letter_topic"),
    ("5", "ENABLED_CHANNELS", "email,sms", ""),
    ("5", "WORKER_POOL_SIZE", "10", "delivery.workers"),
    ("5", "MAX_RETRIES", "3", "delivery.retry.max_attempts"),
    ("5", "BACKOFF_BASE_DELAY_MS", "100", "delivery.retry.base"),
    ("5", "OTEL_SERVICE_NAME", "notification-consumer", ""),
    ("5", "OTEL_EXPORTER_OTLP_ENDPOINT", "jaeger:4317", ""),
    ("5", "OTEL_EXPORTER_OTLP_INSECURE", "true", ""),
    ("5", "METRICS_SERVER_ADDRESS", ":8081", ""),
    ("5", "EMAIL_DRIVER", "smtp", ""),
    ("5", "EMAIL_MAILER", "smtp", ""),
    // Foghorn has one way of each name: these say the same as those of the second system.
    ("5", "EMAIL_HOST", "smtp.gmail.com", ""),
    ("5", "EMAIL_PORT", "587", ""),
    ("5", "EMAIL_ENCRYPTION", "tls", "channels.email.security"),
    ("5", "EMAIL_FROM_ADDRESS", "noreply@example.com", "channels.email.from"),
    ("5", "EMAIL_FROM_NAME", "Notifications", "channels.email.from"),
];

#[tokio::test]
async fn every_example_of_an_environment_is_understood_or_does_no_harm() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, "config_version = 1\n").unwrap();
    let env: Vec<(&str, &str)> = ENVIRONMENT.iter().map(|(_, name, value, _)| (*name, *value)).collect();
    let line = ["config", "show", "--effective", "--origin", "--config", config.to_str().unwrap()];
    let shown = said_with(&env, &line, Stdio::piped()).await;
    assert_eq!(shown.exit, 0, "{}", shown.errors);
    for (of, name, _, key) in ENVIRONMENT.iter().filter(|(.., key)| !key.is_empty()) {
        let told = shown.output.lines().any(|line| line.contains(key) && line.contains(name));
        let sender = *name == "EMAIL_FROM_ADDRESS" && shown.output.contains("noreply@example.com");
        assert!(told || sender, "{of} {name} is not {key} in\n{}", shown.output);
    }
}
