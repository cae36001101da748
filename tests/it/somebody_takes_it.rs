//! What a person does to an incident, from the command line and by request: done once, said by whom,
//! taken back, and refused to whoever saw another version.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::{Act, At, SmtpSink};

struct Night {
    home: Home,
    life: Life,
    sink: SmtpSink,
}

/// One incident, of which ada is told by a mail server that does not take her mail yet.
async fn night() -> Night {
    let sink = SmtpSink::start().await;
    sink.always(At::Greeting, Act::Close);
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    home.submit("load-first").await;
    Night { home, life, sink }
}

impl Night {
    async fn incident(&self) -> Value {
        self.home.get("/api/v1/incidents/1").await
    }

    async fn history(&self) -> Vec<(String, String)> {
        let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let lines = self.home.get("/api/v1/incidents/1/timeline").await;
        lines["data"].as_array().unwrap().iter().map(|line| (word(line, "kind"), word(line, "by"))).collect()
    }

    async fn run(&self, words: &str) -> (u8, String) {
        let arguments: Vec<&str> = words.split(' ').collect();
        let said = self.home.run(&arguments).await;
        (said.exit, format!("{}{}", said.output, said.errors))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_it_stops_what_waits_and_can_be_taken_back() {
    let night = night().await;
    night
        .home
        .until("the first attempt fails", async || night.incident().await["deliveries"]["retrying"] == 1)
        .await;
    let (exit, said) = night.run("incident ack 1 --as ada --note rolling-back").await;
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("#1 acknowledged by ada. 1 waiting message canceled."), "{said}");
    assert!(said.contains("Undo: foghorn incident unack 1"), "{said}");
    let taken = night.incident().await;
    assert_eq!((&taken["status"], &taken["acknowledged_by"]), (&"acknowledged".into(), &"ada".into()));
    assert_eq!(taken["deliveries"]["canceled"], 1);

    let (exit, said) = night.run("incident ack #1 --as ada").await;
    assert_eq!((exit, said.trim()), (0, "#1 was acknowledged already"));
    assert_eq!(night.incident().await["version"], taken["version"]);

    assert_eq!(night.run("incident unack 1").await.0, 0);
    assert_eq!(night.incident().await["status"], "open");
    assert_eq!(night.run("incident resolve 1 --as ada").await.0, 0);
    let (exit, said) = night.run("incident ack 1").await;
    assert_eq!(exit, 6, "{said}");
    assert!(said.contains("FH0720") && said.contains("reopen it first"), "{said}");
    assert_eq!(night.run("incident reopen 1").await.0, 0);
    assert_eq!(night.run("incident snooze 1 --for 2h").await.0, 0);
    assert!(night.incident().await["snoozed_until"].is_string());
    assert_eq!(night.run("incident unsnooze 1").await.0, 0);
    let (exit, said) = night.run("incident note 1 looking --as ada").await;
    assert_eq!((exit, said.trim()), (0, "#1 noted"));
    assert_eq!(night.run("incident ack 99").await.0, 3);
    assert_eq!(night.run("incident ack 1 --as nobody").await.0, 3);

    let words: Vec<_> = night.history().await.into_iter().map(|(kind, _)| kind).collect();
    let expected =
        ["opened", "acknowledged", "unacknowledged", "resolved", "reopened", "snoozed", "woken", "noted"];
    let told: Vec<_> = words.iter().filter(|kind| *kind != "escalated").collect();
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
    let (_, said) = night.run("incident show 1").await;
    assert!(said.contains("acknowledged    by ada (cli): rolling-back"), "{said}");
    night.life.kill().await;
    drop(night.sink);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_saw_another_version_is_refused_and_a_patch_changes_what_it_names() {
    let night = night().await;
    let url = night.home.url("/api/v1/incidents/1");
    let patch = async |etag: &str, body: Value| {
        let request = night.home.http().patch(&url).header("if-match", etag).json(&body);
        let answer = request.send().await.unwrap();
        let etag = answer.headers().get("etag").map(|value| value.to_str().unwrap().to_owned());
        (answer.status(), etag, answer.json::<Value>().await.unwrap())
    };
    let answer = night.home.http().get(&url).send().await.unwrap();
    let seen = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(seen, "\"v1\"");
    let unchanged = night.home.http().get(&url).header("if-none-match", &seen).send().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);

    let body = json!({ "severity": "critical", "assignee": "ada", "labels": { "env": "prod" } });
    let (status, etag, changed) = patch(&seen, body.clone()).await;
    assert_eq!((status, etag.as_deref()), (StatusCode::OK, Some("\"v2\"")), "{changed}");
    assert_eq!((&changed["severity"], &changed["assignee"]), (&"critical".into(), &"ada".into()));
    assert_eq!(changed["labels"]["env"], "prod");
    let (status, _, problem) = patch(&seen, json!({ "title": "other" })).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PRECONDITION_FAILED, &"FH0753".into()));
    let (status, etag, _) = patch("\"v2\"", body).await;
    assert_eq!((status, etag.as_deref()), (StatusCode::OK, Some("\"v2\"")), "nothing is different");
    let (status, _, gone) = patch("\"v2\"", json!({ "labels": { "env": null } })).await;
    assert_eq!((status, &gone["labels"]), (StatusCode::OK, &json!({})));
    for bad in [json!({ "severity": "sev-one" }), json!({ "titel": "x" }), json!({ "title": " " }), json!([])]
    {
        let (status, _, problem) = patch("*", bad.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {problem}");
    }
    // As other systems say it.
    let (status, _, over) = patch("*", json!({ "status": "resolved", "description": "scaled" })).await;
    assert_eq!((status, &over["status"]), (StatusCode::OK, &"resolved".into()));
    assert_eq!(over["description"], "scaled");
    night.life.kill().await;
}
