//! The clients of the systems that Foghorn takes over from stay as they are: each of their requests, as
//! their documentation has it, to the real process, and what becomes of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::{Act, At, SmtpSink};

struct Service {
    home: Home,
    life: Life,
    sink: SmtpSink,
}

const MORE: &str = r#"
[users.1]
email = "one@example.com"
locale = "de-DE"
[users.german]
email = "german@example.com"
locale = "de"
[notifications.email_verification]
link = "https://app.example.com/verify/{token}"
"#;

async fn service() -> Service {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft { more: MORE.to_owned(), ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    Service { home, life, sink }
}

impl Service {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.home.http().request(method, self.home.url(path));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// The mails so far, each with to whom it went.
    fn mails(&self) -> Vec<(String, String)> {
        let text = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
        self.sink.messages().iter().map(|mail| (mail.to.join(" "), text(&mail.raw))).collect()
    }
}

fn timeout() -> Value {
    json!({
        "title": "Service Timeout",
        "description": "API Gateway is timing out",
        "status": "open",
        "severity": "high",
        "team": "DevOps"
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_created_listed_shown_changed_and_deleted() {
    let service = service().await;
    service.sink.always(At::Greeting, Act::Close);
    let (status, made) = service.post("/incidents", timeout()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    for (key, value) in timeout().as_object().unwrap() {
        assert_eq!(&made[key], value, "{key}");
    }
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
    assert_eq!(made["notification_status"], "pending");
    assert!(made["created_at"].is_string());
    let (_, other) = service.post("/incidents", timeout()).await;
    assert_ne!(other["id"], made["id"], "each request is an incident of its own");

    let (status, listed) = service.get("/incidents").await;
    assert_eq!(status, StatusCode::OK);
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|incident| &incident["id"]).collect();
    assert_eq!(ids, [&other["id"], &made["id"]]);
    let ours = service.home.get("/api/v1/incidents/1").await;
    assert_eq!(ours["labels"]["team"], "DevOps");
    for name in [id.as_str(), "1", ours["id"].as_str().unwrap()] {
        let (status, one) = service.get(&format!("/incidents/{name}")).await;
        assert_eq!((status, &one["id"]), (StatusCode::OK, &made["id"]), "{name}");
    }
    // The same address is a page for people.
    let page = service.home.http().get(service.home.url("/incidents/1"));
    let page = page.header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(page.headers()["vary"], "accept");

    let change = json!({"status": "resolved", "description": "Issue fixed by scaling the gateway"});
    let path = format!("/incidents/{id}");
    let (status, changed) = service.ask(Method::PATCH, &path, Some(change.clone())).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!((&changed["status"], &changed["description"]), (&change["status"], &change["description"]));
    let (status, changed) = service.ask(Method::PATCH, &path, Some(json!({"team": "SRE"}))).await;
    assert_eq!((status, &changed["team"]), (StatusCode::OK, &"SRE".into()));

    let path = format!("/incidents/{}", other["id"].as_str().unwrap());
    assert_eq!(service.ask(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    for (method, path) in
        [(Method::GET, path.as_str()), (Method::DELETE, &path), (Method::GET, "/api/v1/incidents/2")]
    {
        assert_eq!(service.ask(method, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(service.get("/incidents").await.1.as_array().unwrap().len(), 1);
    service.home.until_quiet().await;
    // Numbers are not given again, and our own API deletes too.
    assert_eq!(service.post("/incidents", timeout()).await.1["number"], 3);
    assert_eq!(service.ask(Method::DELETE, "/api/v1/incidents/3", None).await.0, StatusCode::NO_CONTENT);
    service.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_somebody_was_told_is_said_in_three_words() {
    let service = service().await;
    let (_, made) = service.post("/incidents", timeout()).await;
    let path = format!("/incidents/{}", made["id"].as_str().unwrap());
    let said = async |wanted: &str| service.get(&path).await.1["notification_status"] == wanted;
    service.home.until("it is sent", async || said("sent").await).await;
    service.sink.always(At::Rcpt, Act::Say("550 5.1.1 no such user"));
    let (_, made) = service.post("/incidents", timeout()).await;
    let path = format!("/incidents/{}", made["id"].as_str().unwrap());
    let said = async |wanted: &str| service.get(&path).await.1["notification_status"] == wanted;
    service.home.until("it failed", async || said("failed").await).await;
    for bad in
        [json!({"titel": "x"}), json!({"title": ""}), json!({"title": "x", "status": "lost"}), json!([])]
    {
        let (status, problem) = service.post("/incidents", bad.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {problem}");
    }
    service.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_is_sent_over_channels() {
    let service = service().await;
    let request = json!({
        "content": "Your order has shipped",
        "channels": ["email"],
        "destination": "user@example.com",
        "user": {"id": "u1", "name": "John Doe"}
    });
    let (status, taken) = service.post("/send-notification", request).await;
    assert_eq!((status, &taken["status"]), (StatusCode::ACCEPTED, &"pending".into()), "{taken}");
    let short = json!({"content": "Hi", "channels": "email", "user_profile": {"email": "other@example.com"}});
    assert_eq!(service.post("/send-notification", short).await.0, StatusCode::ACCEPTED);
    // What another system puts on a topic comes by request as well.
    let dispatched = json!({"user_id": 1, "topic": "email", "message": "Hi!"});
    assert_eq!(service.post("/api/v1/events", dispatched).await.0, StatusCode::ACCEPTED);
    assert_eq!(service.home.all_sent().await, 3);
    let mails = service.mails();
    for (to, words) in [
        ("user@example.com", "Your order has shipped"),
        ("other@example.com", "Hi"),
        ("one@example.com", "Hi!"),
    ] {
        assert!(
            mails.iter().any(|(whom, mail)| whom.contains(to) && mail.contains(words)),
            "{to}: {mails:?}"
        );
    }
    let (_, history) = service.get("/notifications/history/u1").await;
    assert_eq!(history["notifications"][0]["status"], "sent", "{history}");
    for bad in [json!({"content": "Hi"}), json!({"content": "Hi", "channels": ["email"]}), json!([])] {
        let (status, problem) = service.post("/send-notification", bad.clone()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"FH0702".into()), "{bad}");
    }
    service.life.kill().await;
}

fn verification(email: &str) -> Value {
    json!({
        "notification_type": "email_verification",
        "recipient_email": email,
        "subject": "Verify Your Email",
        "content": "email_verification",
        "template_vars": {
            "username": "John Doe",
            "verification_link": "https://app.com/verify/token123"
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_is_mailed_and_preferences_are_honoured() {
    let service = service().await;
    let preferences =
        json!({"email_verification": true, "password_reset": true, "welcome": true, "security_alert": false});
    let wanted = json!({"notification_email": "user@example.com", "preferences": preferences});
    let (status, made) = service.post("/notifications/preferences", wanted).await;
    assert_eq!((status, &made["preferences"]), (StatusCode::CREATED, &preferences), "{made}");
    assert_eq!(made["notification_email"], "user@example.com");
    let userid = made["userid"].as_str().unwrap().to_owned();
    assert!(userid.len() == 32 && userid.bytes().all(|byte| byte.is_ascii_hexdigit()), "{userid}");
    let path = format!("/notifications/preferences/{userid}");
    assert_eq!(service.get(&path).await, (StatusCode::OK, made.clone()));

    let (status, taken) = service.post("/notifications/send", verification("user@example.com")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    service.home.until_quiet().await;
    let history = format!("/notifications/history/{userid}");
    let (status, told) = service.get(&history).await;
    assert_eq!((status, &told["userid"]), (StatusCode::OK, &made["userid"]));
    let first = &told["notifications"][0];
    assert_eq!(
        (&first["notification_type"], &first["status"]),
        (&"email_verification".into(), &"sent".into()),
        "{told}"
    );
    let mail = service.mails().pop().unwrap().1;
    assert!(mail.contains("Subject: Verify Your Email"), "{mail}");
    assert!(mail.contains("John Doe") && mail.contains("https://app.com/verify/token123"), "{mail}");

    let off = json!({
        "notification_email": "newemail@example.com",
        "preferences": {"email_verification": true, "password_reset": false, "welcome": true, "security_alert": false}
    });
    let (status, changed) = service.ask(Method::PUT, &path, Some(off.clone())).await;
    assert_eq!((status, &changed["preferences"]), (StatusCode::OK, &off["preferences"]), "{changed}");
    assert_eq!(changed["notification_email"], "newemail@example.com");
    for (event, subject) in
        [("UserPasswordResetRequested", None), ("UserSecurityAlertRequested", Some("Security alert"))]
    {
        let before = service.mails().len();
        let event = json!({"event_type": event, "userid": userid, "email": "newemail@example.com", "reset_token": "t"});
        assert_eq!(service.post("/api/v1/events", event).await.0, StatusCode::ACCEPTED);
        service.home.until_quiet().await;
        let mails = service.mails();
        let said = mails.get(before).map(|(_, mail)| mail.as_str());
        assert_eq!(said.is_some(), subject.is_some(), "{said:?}");
        assert!(subject.is_none_or(|subject| said.unwrap_or_default().contains(subject)), "{said:?}");
    }
    service.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_preferences_are_unknown_wants_everything() {
    let service = service().await;
    let only = json!({"notification_email": "u123@example.com", "preferences": {"marketing": false}});
    let (status, made) = service.ask(Method::PUT, "/notifications/preferences/user123", Some(only)).await;
    assert_eq!(status, StatusCode::CREATED, "who is not there is made: {made}");
    let known = &made["preferences"];
    assert_eq!((&known["marketing"], &known["welcome"]), (&false.into(), &true.into()));
    assert_eq!(service.get("/notifications/preferences/nobody").await.0, StatusCode::NOT_FOUND);
    let ada =
        service.ask(Method::PUT, "/notifications/preferences/ada", Some(json!({"preferences": {}}))).await;
    assert_eq!(ada.0, StatusCode::CONFLICT, "a file has her: {}", ada.1);
    service.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_asks_for_is_said_in_the_language_of_its_user() {
    let service = service().await;
    let event = json!({
        "event_type": "UserEmailVerificationRequested",
        "userid": "a1b2c3d4e5f6789012345678901234ab",
        "email": "user@example.com",
        "username": "John Doe",
        "verify_token": "verification-token-123"
    });
    assert_eq!(service.post("/api/v1/events", event).await.0, StatusCode::ACCEPTED);
    let mut german = verification("german@example.com");
    german.as_object_mut().unwrap().remove("subject");
    assert_eq!(service.post("/notifications/send", german).await.0, StatusCode::ACCEPTED);
    service.home.until_quiet().await;
    let mails = service.mails();
    let to =
        |whom: &str| mails.iter().find(|(to, _)| to.contains(whom)).map(|(_, mail)| mail.as_str()).unwrap();
    assert!(to("user@example.com").contains("verification-token-123"), "{mails:?}");
    assert!(to("user@example.com").contains("https://app.example.com/verify/"), "{mails:?}");
    assert!(to("user@example.com").contains("Subject: Verify your email address"), "{mails:?}");
    assert!(to("german@example.com").contains("Guten Tag John Doe"), "{mails:?}");
    let (_, told) = service.get("/notifications/history/a1b2c3d4e5f6789012345678901234ab").await;
    assert_eq!(told["notifications"].as_array().unwrap().len(), 1, "{told}");
    let command = json!({"type": "create_incident", "payload": {"title": "Disk full", "incident_id": "i-1"}});
    assert_eq!(service.post("/api/v1/events", command).await.0, StatusCode::ACCEPTED);
    let command = json!({"type": "resolve_incident", "payload": {"incident_id": "i-1"}});
    assert_eq!(service.post("/api/v1/events", command).await.0, StatusCode::ACCEPTED);
    assert_eq!(service.get("/incidents/1").await.1["status"], "resolved");
    service.life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_says_how_it_is() {
    let service = service().await;
    let (status, health) = service.get("/broker/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &"healthy".into()), "{health}");
    assert_eq!(health["database"], "healthy");
    assert!(health["channels"]["email"].is_string());
    let (status, metrics) = service.get("/broker/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(metrics["deliveries"].is_object(), "{metrics}");
    let text = service.home.http().get(service.home.url("/broker/prometheus")).send().await.unwrap();
    assert!(text.text().await.unwrap().contains("# TYPE foghorn_"));
    service.life.kill().await;
}
