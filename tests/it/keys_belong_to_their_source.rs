//! What one integration of PagerDuty or Opsgenie began, no other reaches by its key: what is said of it is
//! taken, as these systems take it, and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

const RED: &str = "11111111111111111111111111111111";
const BLUE: &str = "22222222222222222222222222222222";

const SOURCES: &str = r#"
[sources.red-pages]
type = "http"
format = "pagerduty-v2"
token = "RED"
[sources.blue-pages]
type = "http"
format = "pagerduty-v2"
token = "BLUE"
[sources.red-alerts]
type = "http"
format = "opsgenie"
token = "RED"
[sources.blue-alerts]
type = "http"
format = "opsgenie"
token = "BLUE"
"#;

struct Ground {
    home: Home,
    life: Life,
    _sink: SmtpSink,
}

impl Ground {
    async fn start(group_by: &str) -> Self {
        let sink = SmtpSink::start().await;
        let more = SOURCES.replace("RED", RED).replace("BLUE", BLUE);
        let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
        home.edit("policy = \"mail\"\n", &format!("policy = \"mail\"\ngroup_by = {group_by}\n"));
        let life = home.start().await;
        Self { home, life, _sink: sink }
    }

    /// What an event of PagerDuty about `key` does.
    async fn page(&self, routing_key: &str, action: &str, key: &str) {
        let event = json!({ "routing_key": routing_key, "event_action": action, "dedup_key": key,
            "payload": { "summary": key, "source": "srv", "severity": "error", "component": "db" } });
        let answer = self.home.http().post(self.home.url("/v2/enqueue")).json(&event).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told, json!({ "status": "success", "message": "Event processed", "dedup_key": key }));
    }

    /// The same of version 1.
    async fn first(&self, service_key: &str, action: &str, key: &str) {
        let event = json!({ "service_key": service_key, "event_type": action, "incident_key": key, "description": key });
        let url = self.home.url("/generic/2010-04-15/create_event.json");
        let answer = self.home.http().post(url).json(&event).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["incident_key"], key);
    }

    /// What Opsgenie is asked for, and the status.
    async fn ask(&self, key: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.home.http().request(method, self.home.url(path));
        let request = request.header("authorization", format!("GenieKey {key}"));
        let answer = request.json(&body).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let told: Value = answer.json().await.unwrap();
        assert_eq!(headers["x-request-id"], told["requestId"].as_str().unwrap(), "{path}");
        assert_eq!(headers["x-ratelimit-state"], "OK");
        assert!(headers["x-response-time"].to_str().unwrap().parse::<f64>().is_ok());
        (status, told)
    }

    async fn alert(&self, key: &str, alias: &str) -> String {
        let alert = json!({ "message": alias, "alias": alias, "entity": "db" });
        let (status, told) = self.ask(key, Method::POST, "/v2/alerts", alert).await;
        assert_eq!(status, 202);
        told["requestId"].as_str().unwrap().to_owned()
    }

    async fn deed(&self, key: &str, path: &str) {
        let (status, _) = self.ask(key, Method::POST, path, json!({ "user": "ada" })).await;
        assert_eq!(status, 202, "{path}");
    }

    /// Source and status of each incident, oldest first.
    async fn standing(&self) -> Vec<(String, String)> {
        let mut all = self.home.list("/api/v1/incidents?").await;
        all.sort_by_key(|one| one["number"].as_u64());
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        all.iter().map(|one| (word(&one["source"]), word(&one["status"]))).collect()
    }

    async fn end(self) {
        self.life.terminate().await;
        self.life.exit().await;
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(source, status)| ((*source).to_owned(), (*status).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_routing_key_is_answered_and_changes_nothing() {
    let ground = Ground::start("[]").await;
    ground.page(RED, "trigger", "disk").await;
    for action in ["acknowledge", "resolve"] {
        ground.page(BLUE, action, "disk").await;
        ground.first(BLUE, action, "disk").await;
        assert_eq!(ground.standing().await, pairs(&[("red-pages", "open")]), "{action}");
    }
    let by_hand = json!({ "title": "disk", "dedup_key": "disk", "status": "resolved" });
    ground.home.http().post(ground.home.url("/api/v1/events")).json(&by_hand).send().await.unwrap();
    assert_eq!(ground.standing().await, pairs(&[("red-pages", "open")]), "nor is the key anybody else's");
    ground.page(BLUE, "trigger", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-pages", "open"), ("blue-pages", "open")]));
    ground.page(RED, "acknowledge", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-pages", "acknowledged"), ("blue-pages", "open")]));
    // Both versions are one integration.
    ground.first(RED, "resolve", "disk").await;
    ground.page(BLUE, "resolve", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-pages", "resolved"), ("blue-pages", "resolved")]));
    // Taken in again, it is about the same.
    let events = ground.home.list("/api/v1/events?").await;
    let trigger = events.iter().rfind(|event| event["source"] == "red-pages").unwrap();
    let body = json!({ "ids": [trigger["id"]] });
    let again = ground.home.http().post(ground.home.url("/api/v1/events/replay")).json(&body).send().await;
    assert!(again.unwrap().status().is_success());
    assert_eq!(ground.standing().await, pairs(&[("red-pages", "open"), ("blue-pages", "resolved")]));
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_geniekey_reaches_no_alert_and_no_request() {
    let ground = Ground::start("[]").await;
    let request = ground.alert(RED, "disk").await;
    let path = format!("/v2/alerts/requests/{request}");
    let (status, told) = ground.ask(RED, Method::GET, &path, json!({})).await;
    assert_eq!(
        (status, &told["data"]["action"], &told["data"]["alias"]),
        (200, &json!("Create"), &json!("disk"))
    );
    let id = told["data"]["alertId"].as_str().unwrap().to_owned();
    assert_eq!(ground.ask(BLUE, Method::GET, &path, json!({})).await.0, 404);
    let deeds = ["close", "acknowledge", "snooze", "notes"];
    for name in ["disk", &id, "1"] {
        let by = if name == "disk" {
            "alias"
        } else if name == "1" {
            "tiny"
        } else {
            "id"
        };
        for deed in deeds {
            ground.deed(BLUE, &format!("/v2/alerts/{name}/{deed}?identifierType={by}")).await;
        }
        let path = format!("/v2/alerts/{name}/message?identifierType={by}");
        assert_eq!(ground.ask(BLUE, Method::PUT, &path, json!({ "message": "mine" })).await.0, 202);
    }
    let all = ground.home.list("/api/v1/incidents?").await;
    assert_eq!((all.len(), &all[0]["status"], &all[0]["title"]), (1, &json!("open"), &json!("disk")));
    assert_eq!(all[0]["version"], 1, "nothing was done to it");
    // What nobody knows was asked for all the same.
    let (_, told) =
        ground.ask(BLUE, Method::POST, "/v2/alerts/disk/close?identifierType=alias", json!({})).await;
    let path = format!("/v2/alerts/requests/{}", told["requestId"].as_str().unwrap());
    let (status, told) = ground.ask(BLUE, Method::GET, &path, json!({})).await;
    let data = &told["data"];
    assert_eq!(
        (status, &data["success"], &data["status"]),
        (200, &json!(false), &json!("Alert does not exist"))
    );
    // By each of its names it is closed by its own.
    for (name, by) in [("disk", "alias"), (id.as_str(), "id"), ("1", "tiny")] {
        ground.deed(RED, &format!("/v2/alerts/{name}/close?identifierType={by}")).await;
        assert_eq!(ground.standing().await, pairs(&[("red-alerts", "resolved")]), "{by}");
        ground.alert(RED, "disk").await;
        assert_eq!(ground.standing().await, pairs(&[("red-alerts", "open")]), "{by}");
    }
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_an_alert_is_checked() {
    let ground = Ground::start("[]").await;
    ground.alert(RED, "disk").await;
    let path = |deed: &str| format!("/v2/alerts/disk/{deed}?identifierType=alias");
    for (method, deed, body, status) in [
        (Method::PUT, "message", json!({ "message": "" }), 422),
        (Method::PUT, "message", json!({}), 422),
        (Method::PUT, "message", json!({ "message": 5 }), 400),
        (Method::PUT, "message", json!([]), 400),
        // Alertmanager leaves out what is empty.
        (Method::PUT, "description", json!({}), 202),
        (Method::POST, "snooze", json!({ "endTime": "soon" }), 422),
        (Method::POST, "snooze", json!({ "endTime": "2099-01-01T00:00:00Z" }), 202),
        (Method::POST, "close", json!({ "note": {} }), 400),
        (Method::POST, "burn", json!({}), 404),
    ] {
        let told = ground.ask(RED, method, &path(deed), body.clone()).await;
        assert_eq!(told.0, status, "{deed} {body}: {}", told.1);
    }
    let long = json!({ "message": format!("new\u{7} {}", "x".repeat(5_000)) });
    assert_eq!(ground.ask(RED, Method::PUT, &path("message"), long).await.0, 202);
    let title = ground.home.list("/api/v1/incidents?").await[0]["title"].as_str().unwrap().to_owned();
    assert_eq!((title.chars().count(), title.starts_with("new x")), (1_024, true), "{title}");
    let nobody =
        ground.ask(&RED.replace('1', "3"), Method::POST, "/v2/alerts", json!({ "message": "x" })).await;
    assert_eq!(nobody.0, 401);
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_each_closes_what_is_its_own() {
    let ground = Ground::start(r#"["service"]"#).await;
    ground.alert(RED, "disk").await;
    ground.alert(RED, "cpu").await;
    ground.alert(BLUE, "disk").await;
    ground.page(RED, "trigger", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-alerts", "open")]), "one service, one incident");
    ground.deed(BLUE, "/v2/alerts/cpu/close?identifierType=alias").await;
    ground.deed(BLUE, "/v2/alerts/1/close?identifierType=tiny").await;
    let members = ground.home.get("/api/v1/incidents/1").await["members"].clone();
    assert_eq!((&members["wrong"], &members["over"]), (&json!(4), &json!(0)), "{members}");
    // Its own member by the alias, all of its own by the number.
    ground.deed(BLUE, "/v2/alerts/disk/close?identifierType=alias").await;
    ground.deed(RED, "/v2/alerts/1/close?identifierType=tiny").await;
    let members = ground.home.get("/api/v1/incidents/1").await["members"].clone();
    assert_eq!((&members["wrong"], &members["over"]), (&json!(1), &json!(3)), "{members}");
    ground.page(BLUE, "resolve", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-alerts", "open")]));
    ground.page(RED, "resolve", "disk").await;
    assert_eq!(ground.standing().await, pairs(&[("red-alerts", "resolved")]));
    ground.end().await;
}
