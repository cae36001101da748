//! What each of the ready mappers makes of what its sender posts.

use serde_json::{Value, json};

use super::super::super::{Parsed, Parts, Words};
use super::super::{Mapped, Mapper};
use super::{NAMES, mapper};
use crate::domain::Timestamp;
use crate::domain::event::Body;

fn now() -> Timestamp {
    "2026-11-21T14:02:08Z".parse().expect("a time")
}

/// `STATUS SEVERITY KEY: TITLE [ID]` of each event of what is posted; `RULE` in brackets of what is let go.
fn told(name: &str, header: (&str, &str), record: &Value) -> Vec<String> {
    let (mapper, words, raw) = (mapper(name).expect("it is there"), Words::default(), record.to_string());
    let found = |asked: &str| match asked {
        "x-github-delivery" | "request-id" => Some("id-1"),
        asked => (asked == header.0).then_some(header.1),
    };
    let parts = match mapper.parts(raw.as_bytes(), &found, &words.bounds).expect("it can be cut") {
        Parts::Whole => vec![raw.as_bytes().into()],
        Parts::Each(parts) => parts,
    };
    parts.iter().map(|part| one(&mapper, part, &words)).collect()
}

fn one(mapper: &Mapper, part: &[u8], words: &Words) -> String {
    match mapper.parse(part, words, now()) {
        Ok(Mapped::Event(Parsed { body: Body::Incident(event), producer_id })) => {
            let id = producer_id.map(|id| format!(" [{id}]")).unwrap_or_default();
            format!(
                "{} {} {}: {}{id}",
                event.status.as_str(),
                event.severity.as_str(),
                event.dedup_key,
                event.title
            )
        }
        Ok(Mapped::Ignored(rule)) => format!("({rule})"),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_is_a_mapper() {
    for name in NAMES {
        assert!(mapper(name).is_some(), "{name}");
    }
    assert!(mapper("nobody").is_none());
}

fn repository(more: Value) -> Value {
    let mut record = json!({
        "repository": { "id": 1, "full_name": "acme/shop", "private": true, "owner": { "login": "acme" } },
        "sender": { "login": "ada", "type": "User" },
    });
    record.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    record
}

/// What each of these deliveries becomes.
fn of_github(table: &[(&str, Value, &str)]) {
    for (event, record, expected) in table {
        assert_eq!(told("github", ("x-github-event", event), record), [*expected], "{event}: {record}");
    }
}

#[test]
fn github_tells_of_issues_and_a_ping_is_nothing() {
    let issue = |action: &str| {
        repository(
            json!({ "action": action, "issue": { "number": 7, "title": "Checkout is down", "body": null,
            "html_url": "https://github.example/acme/shop/issues/7", "labels": [], "state": "open" } }),
        )
    };
    let ping = json!({ "zen": "Keep it logically awesome.", "hook_id": 1, "hook": { "type": "Repository" } });
    of_github(&[
        ("issues", issue("opened"), "open medium github:acme/shop:issue:7: Checkout is down [id-1]"),
        ("issues", issue("closed"), "resolved medium github:acme/shop:issue:7: Checkout is down [id-1]"),
        ("issues", issue("labeled"), "(on the way)"),
        ("ping", ping, "(ping)"),
    ]);
    let unknown = told("github", ("x-github-event", "star"), &repository(json!({ "action": "created" })));
    assert!(unknown[0].contains("unmapped"), "{unknown:?}");
}

#[test]
fn github_tells_of_runs_on_branches_and_of_deployments() {
    let run = |action: &str, conclusion: Value, event: &str| {
        repository(json!({ "action": action, "workflow": { "id": 3, "name": "deploy" }, "workflow_run": {
            "id": 99, "name": "deploy", "head_branch": "main", "workflow_id": 3, "event": event,
            "display_title": "Merge it", "conclusion": conclusion, "status": action,
            "html_url": "https://github.example/acme/shop/actions/runs/99" } }))
    };
    let deployment = |state: &str| {
        repository(json!({ "action": "created", "deployment": { "id": 5, "environment": "prod" },
            "deployment_status": { "state": state, "description": "", "log_url": "" } }))
    };
    let (failed, passed) = (
        "open high github:acme/shop:workflow:3:main: deploy failed on main [id-1]",
        "resolved medium github:acme/shop:workflow:3:main: deploy passed on main [id-1]",
    );
    let (broken, done) = (
        "open high github:acme/shop:deployment:prod: Deployment to prod failed [id-1]",
        "resolved medium github:acme/shop:deployment:prod: Deployment to prod done [id-1]",
    );
    of_github(&[
        ("workflow_run", run("completed", json!("failure"), "push"), failed),
        ("workflow_run", run("completed", json!("success"), "schedule"), passed),
        ("workflow_run", run("completed", json!("failure"), "pull_request"), "(on the way)"),
        ("workflow_run", run("requested", Value::Null, "push"), "(on the way)"),
        ("deployment_status", deployment("error"), broken),
        ("deployment_status", deployment("success"), done),
        ("deployment_status", deployment("in_progress"), "(on the way)"),
    ]);
}

#[test]
fn github_tells_of_what_is_not_safe() {
    let advisory = |action: &str| {
        repository(
            json!({ "action": action, "alert": { "number": 2, "dependency": { "package": { "name": "left-pad" } },
            "security_advisory": { "summary": "It pads right", "severity": "critical" }, "html_url": "https://x.example/2" } }),
        )
    };
    let code = |action: &str| {
        repository(json!({ "action": action, "alert": { "number": 4, "html_url": "https://x.example/4",
            "rule": { "id": "js/x", "description": "Injection", "security_severity_level": "high" } } }))
    };
    let secret = |action: &str| {
        repository(json!({ "action": action,
            "alert": { "number": 6, "secret_type": "aws_access_key", "html_url": "https://x.example/6" } }))
    };
    let package = "github:acme/shop:dependabot:2: left-pad: It pads right [id-1]";
    let leaked = "github:acme/shop:secret:6: Secret in acme/shop: aws_access_key [id-1]";
    of_github(&[
        ("dependabot_alert", advisory("created"), &format!("open critical {package}")),
        ("dependabot_alert", advisory("fixed"), &format!("resolved medium {package}")),
        ("code_scanning_alert", code("created"), "open high github:acme/shop:code:4: Injection [id-1]"),
        ("code_scanning_alert", code("fixed"), "resolved medium github:acme/shop:code:4: Injection [id-1]"),
        ("secret_scanning_alert", secret("created"), &format!("open critical {leaked}")),
        ("secret_scanning_alert", secret("resolved"), &format!("resolved medium {leaked}")),
    ]);
}

#[test]
fn sentry_tells_of_an_issue_once_however_it_tells() {
    let issue = |action: &str| {
        json!({ "action": action, "installation": { "uuid": "u" }, "actor": { "type": "application", "id": "sentry" },
            "data": { "issue": { "id": "1170820242", "shortId": "SHOP-1", "title": "KeyError: 'x'", "culprit": "checkout in pay",
                "level": "error", "status": "unresolved", "project": { "id": "1", "name": "shop", "slug": "shop" },
                "web_url": "https://acme.sentry.example/issues/1170820242/" } } })
    };
    let event = json!({ "action": "triggered", "data": { "triggered_rule": "Page us", "event": { "event_id": "e4874d66",
        "issue_id": "1170820242", "title": "KeyError: 'x'", "level": "fatal", "project": 1,
        "web_url": "https://acme.sentry.example/issues/1170820242/events/e4874d66/" } } });
    let metric = |action: &str| {
        json!({ "action": action, "data": { "metric_alert": { "id": "4", "identifier": "1", "title": "Error rate",
            "alert_rule": { "name": "Error rate" } }, "description_title": "Critical: Error rate",
            "description_text": "1000 events in the last 10 minutes", "web_url": "https://acme.sentry.example/alerts/4/" } })
    };
    let key = "sentry:issue:1170820242: KeyError: 'x' [id-1]";
    for (resource, record, expected) in [
        ("issue", issue("created"), format!("open high {key}")),
        ("event_alert", event, format!("open critical {key}")),
        ("issue", issue("resolved"), format!("resolved medium {key}")),
        ("issue", issue("assigned"), "(assigned)".to_owned()),
        (
            "metric_alert",
            metric("critical"),
            "open critical sentry:metric:4: Critical: Error rate [id-1]".to_owned(),
        ),
        (
            "metric_alert",
            metric("resolved"),
            "resolved medium sentry:metric:4: Critical: Error rate [id-1]".to_owned(),
        ),
        ("installation", json!({ "action": "created", "data": {} }), "(besides)".to_owned()),
        ("comment", json!({ "action": "created", "data": {} }), "(besides)".to_owned()),
    ] {
        assert_eq!(told("sentry", ("sentry-hook-resource", resource), &record), [expected], "{resource}");
    }
}

#[test]
fn ilert_and_goalert_are_known_by_their_keys() {
    let ilert = |of: &str, key: Value| {
        json!({ "integrationKey": "k", "eventType": of, "summary": "Disk full", "details": "on db-1", "alertKey": key,
            "priority": "HIGH", "links": [{ "href": "https://x.example", "text": "Graph" }], "labels": { "env": "prod" } })
    };
    let none = ("", "");
    for (record, expected) in [
        (ilert("ALERT", json!("DB-1")), "open high db-1: Disk full"),
        (ilert("ACCEPT", json!("db-1")), "acknowledged high db-1: Disk full"),
        (ilert("RESOLVE", json!("Db-1")), "resolved high db-1: Disk full"),
        (ilert("COMMENT", json!("db-1")), "(comment)"),
        (ilert("ALERT", Value::Null), "open high ilert:Disk full: Disk full"),
    ] {
        assert_eq!(told("ilert", none, &record), [expected], "{record}");
    }
    let goalert = |more: Value| {
        let mut record = json!({ "summary": "Disk full", "details": "on db-1" });
        record.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        record
    };
    for (record, expected) in [
        (goalert(json!({ "dedup": "db-1", "meta": { "env": "prod" } })), "open medium db-1: Disk full"),
        (goalert(json!({ "dedup": "db-1", "action": "close" })), "resolved medium db-1: Disk full"),
        (goalert(json!({})), "open medium auto::Disk full: Disk full"),
        (goalert(json!({ "action": "close" })), "resolved medium auto::Disk full: Disk full"),
    ] {
        assert_eq!(told("goalert", none, &record), [expected], "{record}");
    }
}

#[test]
fn the_event_recorder_tells_of_the_same_incident_as_a_webhook_of_alertmanager() {
    let pairs = |pairs: &[(&str, &str)]| {
        let each = pairs.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        json!({ "labels": each.collect::<Vec<_>>() })
    };
    let alert = json!({ "fingerprint": "11400714819323198485", "name": "DiskFull", "startsAt": "2026-11-21T14:00:00Z",
        "endsAt": "2026-11-21T14:01:00Z", "labels": pairs(&[("alertname", "DiskFull"), ("severity", "page")]),
        "annotations": pairs(&[("summary", "The disk is full")]) });
    let mut bare = alert.clone();
    bare.as_object_mut().expect("an object").remove("annotations");
    let event = |data: Value| json!({ "@timestamp": "2026-11-21T14:02:00.123456789Z", "instance": "am-0", "data": data, "clusterPosition": 1 });
    let created = event(json!({ "alertCreated": { "alert": alert } }));
    let resolved =
        event(json!({ "alertResolved": { "alert": { "hash": "1", "details": alert }, "groupInfo": {} } }));
    let none = ("", "");
    let (open, over) =
        ("open critical 9e3779b97f4a7c15: The disk is full", "resolved medium 9e3779b97f4a7c15: DiskFull");
    assert_eq!(told("alertmanager-events", none, &created), [open], "one by one");
    assert_eq!(
        told(
            "alertmanager-events",
            none,
            &json!([created, resolved, event(json!({ "alertmanagerShutdownEvent": {} }))])
        ),
        [open, over, "(stopped)"],
        "in a batch"
    );
    assert_eq!(
        told("alertmanager-events", none, &event(json!({ "alertCreated": { "alert": bare } }))),
        ["open critical 9e3779b97f4a7c15: DiskFull"]
    );
    let other = told("alertmanager-events", none, &event(json!({ "somethingNew": {} })));
    assert!(other[0].contains("unmapped"), "{other:?}");
}
