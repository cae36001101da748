//! The document of the API tells the truth: every operation is asked for on a real Foghorn with something of
//! everything in it, and each answer is one that the document describes, to the last field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;

use foghorn::catalogue::Code;
use foghorn::http::openapi::document;
use foghorn::http::routes::{Rule, Verb, rules};
use reqwest::{Client, redirect};
use serde_json::{Map, Value, json};

use crate::support::json_schema::{misfits_of, strangers};
use crate::support::process::{Draft, Home, said};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;

/// Where answers are kept as the examples of the document.
const EXAMPLES: &str = "src/http/openapi/examples.json";

/// Operations that are answered well by no request of this test, or that have no example.
const WITHOUT_EXAMPLE: [&str; 2] = ["show_openapi", "show_openapi_of_page"];

/// Operations that take somebody else to be answered well; they have tests of their own.
const ELSEWHERE: [&str; 14] = [
    "hear_callback",
    "sign_in_with_provider",
    "come_back_from_provider",
    "take_from_sender",
    "take_from_sender_by_put",
    "take_from_prometheus",
    "take_from_prometheus_of_source",
    "take_from_pagerduty_client",
    "take_from_first_pagerduty_client",
    "refuse_change_of_pagerduty_client",
    "take_from_opsgenie_client",
    "show_outcome_to_opsgenie_client",
    "act_as_opsgenie_client",
    "change_as_opsgenie_client",
];

const SOMETHING_OF_EVERYTHING: &str = r#"
[channels.sms]
type = "sms"
provider = "outbox"
[channels.broken]
type = "sms"
provider = "outbox"
fail = "permanent"
[channels.shut]
type = "sms"
provider = "outbox"
[teams.payments]
members = ["ada"]
[teams.payments.rotation]
every = "7d"
starts = "2026-01-05T09:00:00"
[silences.database-upgrade]
match = { service = "db-*" }
until = "2030-12-02T02:00:00"
comment = "upgrade of the cluster"
by = "ada"
[policies.default]
steps = [{ notify = ["user:ada"], via = ["email"] }]
[tokens.grafana]
secret = "0123456789abcdef0123456789abcdef"
scopes = ["read"]
"#;

async fn home(sink: &SmtpSink, gone: &Provider) -> Home {
    let hook = format!(
        "[channels.hook]\ntype = \"webhook\"\nprovider = \"http\"\nurl = \"{}/hook\"\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nallow_private_networks = true\n",
        gone.url()
    );
    let home =
        Home::of(Draft { more: SOMETHING_OF_EVERYTHING.to_owned() + &hook, ..Draft::mailing_to(sink.port) })
            .await;
    home.edit("email = \"ada@example.com\"", "email = \"ada@example.com\"\nphone = \"+15550111\"");
    home.edit(
        "notify = [\"user:ada\"], via = [\"email\"] }]",
        "notify = [\"user:ada\"], via = [\"email\", \"sms\", \"broken\", \"hook\", \"shut\"] }, \
         { after = \"30m\", notify = [\"oncall:payments\"], via = [\"sms\"] }]",
    );
    home
}

/// What the walk met.
#[derive(Default)]
struct Met {
    /// Everything that was not as described.
    wrong: Vec<String>,
    /// By operation and status: an answer of JSON.
    examples: BTreeMap<String, Map<String, Value>>,
    /// Operations that were answered well.
    well: BTreeSet<String>,
}

struct Walk<'a> {
    home: &'a Home,
    /// It goes nowhere by itself.
    client: Client,
    /// The token of the link in a mail.
    link: String,
    document: Value,
    met: Met,
}

impl Walk<'_> {
    fn operation(&self, rule: &Rule) -> &Value {
        &self.document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()]
    }

    async fn ask(&mut self, rule: &Rule, path: &str, body: Option<&Value>) -> (u16, Value) {
        let method = rule.method.as_str().parse().unwrap();
        let mut request = self.client.request(method, self.home.url(path));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap());
        let kind = kind.split(';').next().unwrap().to_owned();
        let text = if kind == "text/event-stream" { String::new() } else { answer.text().await.unwrap() };
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let operation = self.operation(rule);
        let wrong = not_described(&self.document, operation, status, &kind, &value);
        let id = operation["operationId"].as_str().unwrap().to_owned();
        let asked = format!("{} {path}", rule.method.as_str());
        self.met.wrong.extend(wrong.into_iter().map(|wrong| format!("{asked} ({status} {kind}): {wrong}")));
        if status < 400 {
            self.met.well.insert(id.clone());
            if kind == "application/json" && !WITHOUT_EXAMPLE.contains(&id.as_str()) {
                let examples = self.met.examples.entry(id).or_default();
                // The fuller one says more.
                let fuller =
                    examples.get(&status.to_string()).is_none_or(|known| known.to_string().len() < 200);
                if fuller {
                    examples.insert(status.to_string(), shortened(&value));
                }
            }
        }
        (status, value)
    }

    /// The paths that a route serves: an entry of the list above it for each part that is named.
    async fn paths(&self, rule: &Rule) -> Vec<String> {
        let Some((list, rest)) = rule.path.split_once("/{") else { return vec![rule.path.to_owned()] };
        let (key, rest) = rest.split_once('}').unwrap();
        let named = match rule.path {
            "/docs/errors/{code}" => vec![Code::NotFound.as_str().to_owned()],
            "/docs/{file}" => vec!["swagger-ui.css".to_owned()],
            "/callbacks/{channel}" => vec!["email".to_owned()],
            "/notifications/preferences/{userid}" | "/notifications/history/{userid}" => {
                self.entries("/api/v1/users", "name").await
            }
            "/api/v1/notifications/{id}/cancel" => {
                self.entries("/api/v1/deliveries", "notification_id").await
            }
            "/calendar/{file}" => self.calendars().await,
            _ if list == "/i" => vec![self.link.clone()],
            _ if list == "/hooks" || list.starts_with("/v2/") => vec!["nobody".to_owned()],
            _ => self.entries(list, key).await,
        };
        let rests = match rest {
            "/{flow}" => vec!["/pause", "/resume"],
            "/{deed}" => vec!["/close"],
            rest => vec![rest],
        };
        let paths =
            named.iter().flat_map(|name| rests.iter().map(move |rest| format!("{list}/{name}{rest}")));
        paths.collect()
    }

    /// Where calendars subscribe to the shifts of teams.
    async fn calendars(&self) -> Vec<String> {
        let mut files = Vec::new();
        for team in self.entries("/api/v1/oncall", "team").await {
            let shifts = self.home.get(&format!("/api/v1/teams/{team}/oncall")).await;
            let (_, file) = shifts["calendar_url"].as_str().unwrap().rsplit_once('/').unwrap();
            files.push(file.to_owned());
        }
        files
    }

    async fn entries(&self, list: &str, key: &str) -> Vec<String> {
        let list = if list.starts_with("/api/") { list.to_owned() } else { format!("/api/v1{list}") };
        let of = |entry: &Value| match &entry[key] {
            Value::Null => entry["job_id"].as_str().map(str::to_owned),
            value => Some(value.to_string().trim_matches('"').to_owned()),
        };
        let lists = match list.as_str() {
            "/api/v1/dead-letters" => vec!["?kind=delivery", "?kind=event"],
            // These take no page.
            "/api/v1/sources" | "/api/v1/channels" | "/api/v1/jobs" | "/api/v1/oncall" => vec![""],
            _ => vec!["?limit=200"],
        };
        let mut found = Vec::new();
        for query in lists {
            let page = self.home.get(&format!("{list}{query}")).await;
            found.extend(page["data"].as_array().unwrap().iter().filter_map(of));
        }
        found
    }
}

/// What of an answer the document does not say.
fn not_described(document: &Value, operation: &Value, status: u16, kind: &str, value: &Value) -> Vec<String> {
    let mut response = &operation["responses"][status.to_string()];
    if let Some(path) = response["$ref"].as_str() {
        response = document.pointer(path.strip_prefix('#').unwrap()).unwrap();
    }
    if response.is_null() {
        return vec![format!("this status is not described; {value}")];
    }
    let content = &response["content"];
    let content = content.get(kind).or_else(|| content.get("*/*"));
    match content {
        None if kind.is_empty() && response["content"].is_null() => Vec::new(),
        None => vec![format!("this content type is not described: {response}")],
        Some(_) if !kind.ends_with("json") => Vec::new(),
        Some(content) => {
            let schema = &content["schema"];
            let mut wrong = misfits_of(document, schema, value);
            wrong.extend(strangers(document, schema, value));
            wrong
        }
    }
}

/// Lists with one entry say as much, and what is another one each time would say nothing.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().take(1).map(shortened).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), field(key, value))).collect(),
        Value::String(text) if text.starts_with("http://127.0.0.1:") => "http://127.0.0.1:9000/hook".into(),
        value => value.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    match key {
        "secret" => format!("fh_{}", "0".repeat(64)).into(),
        // They name this test's own files.
        "warnings" => json!([]),
        "address" if value.as_str().is_some_and(|text| text.starts_with("127.0.0.1:")) => {
            "127.0.0.1:3644".into()
        }
        // Signed with the key of this test's own store.
        "calendar_url" => "http://127.0.0.1:3644/calendar/payments-3m5x7k2q9d4w2b6c.ics".into(),
        _ => shortened(value),
    }
}

/// More bodies than the example of each operation.
fn bodies(id: &str, example: &Value) -> Vec<Option<Value>> {
    let more = match id {
        "submit_events" => vec![
            json!([{ "title": "the same id", "event_id": "one" }, { "titel": "a misspelt one" }]),
            json!([{ "title": "another one of this id", "event_id": "one" }, { "title": "a good one" }]),
            json!({ "kind": "notification", "to": ["ada"], "via": ["sms"], "subject": "Hello", "body": "You." }),
            json!({ "kind": "notification", "to": ["ada"], "via": ["shut"], "subject": "Hello", "body": "Me." }),
            json!({ "titel": "a misspelt one" }),
        ],
        "retry_dead_letters" => {
            vec![
                json!({ "filter": "", "dry_run": true }),
                json!({ "filter": "", "rate": "10/s", "canary": 1 }),
            ]
        }
        "act_on_many_incidents" => vec![json!({ "filter": "", "action": "acknowledge" })],
        "snooze_incident" => vec![json!({})],
        "create_token" => vec![json!({ "name": "prometheus", "scopes": [] })],
        _ => Vec::new(),
    };
    let first = (!example.is_null()).then(|| example.clone());
    std::iter::once(first).chain(more.into_iter().map(Some)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_as_the_document_says() {
    let (sink, gone) = (SmtpSink::start().await, Provider::always(Reply::status(410)).await);
    let home = home(&sink, &gone).await;
    let life = home.start().await;
    let url = home.url("/api/v1/channels/shut/pause");
    assert!(home.http().post(url).send().await.unwrap().status().is_success());
    home.submit("disk").await;
    home.until("something ran out, and an address is known to be gone", async || {
        let dead = home.get("/api/v1/dead-letters").await;
        let known = home.get("/api/v1/suppressions").await;
        !dead["data"].as_array().unwrap().is_empty() && !known["data"].as_array().unwrap().is_empty()
    })
    .await;
    let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
    let link = link(&home).await;
    let mut walk = Walk { home: &home, client, link, document: document(), met: Met::default() };
    // What takes away comes behind what looks, and what ends comes last.
    let looks = |rule: &Rule| rule.method == Verb::Get;
    let takes = |rule: &Rule| rule.method == Verb::Delete;
    let ends = |rule: &Rule| rule.path.ends_with("/drain");
    let (first, second): (Vec<Rule>, Vec<Rule>) =
        rules().into_iter().partition(|rule| !takes(rule) && !ends(rule));
    for rule in first.iter().filter(|rule| !looks(rule)) {
        change(&mut walk, rule).await;
    }
    for rule in first.iter().filter(|rule| looks(rule)) {
        look(&mut walk, rule).await;
    }
    for rule in second.iter().filter(|rule| takes(rule)).chain(second.iter().filter(|rule| ends(rule))) {
        change(&mut walk, rule).await;
    }

    let Met { wrong, examples, well } = walk.met;
    assert!(wrong.is_empty(), "{} answers are not as described:\n{}", wrong.len(), wrong.join("\n"));
    for rule in rules() {
        let id = walk.document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()]["operationId"]
            .clone();
        let id = id.as_str().unwrap();
        assert!(well.contains(id) || ELSEWHERE.contains(&id), "{id} was never answered well");
    }
    examples_are_answers(&walk.document, &examples);
    life.terminate().await;
    life.exit().await;
}

/// Of the link in the first mail.
async fn link(home: &Home) -> String {
    let mails = home.get("/api/v1/deliveries?channel=email").await;
    let id = mails["data"][0]["id"].as_str().unwrap().to_owned();
    let mail = home.get(&format!("/api/v1/deliveries/{id}")).await;
    let words = mail["rendered"]["text"].as_str().unwrap();
    let (_, token) = words.split_once("/i/").expect("a link");
    token.split_whitespace().next().unwrap().to_owned()
}

/// Asks for what changes something, with each of its bodies.
async fn change(walk: &mut Walk<'_>, rule: &Rule) {
    let operation = walk.operation(rule).clone();
    let example = &operation["requestBody"]["content"]["application/json"]["example"];
    // One is left for the other way to delete.
    let most = if operation["operationId"] == "delete_incident" { 1 } else { usize::MAX };
    for path in walk.paths(rule).await.into_iter().take(most) {
        for body in bodies(operation["operationId"].as_str().unwrap(), example) {
            let body = match body {
                // Of events that there are.
                Some(body) if body.get("ids").is_some() => {
                    Some(json!({ "ids": walk.entries("/api/v1/events", "id").await }))
                }
                body => body,
            };
            walk.ask(rule, &path, body.as_ref()).await;
        }
    }
}

/// Asks for what can be looked at, as it may be asked for and as it may not.
async fn look(walk: &mut Walk<'_>, rule: &Rule) {
    let paths = walk.paths(rule).await;
    for path in &paths {
        walk.ask(rule, path, None).await;
    }
    let documented: Vec<String> = walk.operation(rule)["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect();
    let Some(path) = paths.first().filter(|path| path.starts_with("/api/")) else { return };
    let (status, problem) = walk.ask(rule, &format!("{path}?zzzzzzzzzz=1"), None).await;
    let known = problem["detail"].as_str().and_then(|detail| detail.split("there are ").nth(1));
    let mut known: Vec<&str> = match known {
        Some("none here") | None => Vec::new(),
        Some(known) => known.split(", ").collect(),
    };
    known.sort_unstable();
    let mut sorted = documented.clone();
    sorted.sort_unstable();
    if sorted != known {
        walk.met
            .wrong
            .push(format!("GET {path} ({status}) takes {known:?}, and the document says {sorted:?}"));
    }
}

/// The examples of the document are such answers, and there is one wherever one is answered.
fn examples_are_answers(document: &Value, met: &BTreeMap<String, Map<String, Value>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES);
    let mut kept: Map<String, Value> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let mut old = Vec::new();
    for (rule, operation) in rules()
        .iter()
        .map(|rule| (rule, &document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()]))
    {
        let id = operation["operationId"].as_str().unwrap();
        for (status, example) in met.get(id).into_iter().flatten() {
            let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
            let known = &kept.get(id).unwrap_or(&Value::Null)[status];
            let fits = |value: &Value| {
                !value.is_null()
                    && misfits_of(document, schema, value).is_empty()
                    && strangers(document, schema, value).is_empty()
            };
            if !fits(known) {
                old.push(format!("{} {}", rule.method.as_str(), rule.path));
                let slot = kept.entry(id).or_insert_with(|| json!({}));
                slot[status] = example.clone();
            }
        }
    }
    kept.retain(|id, _| met.contains_key(id));
    if std::env::var_os("FOGHORN_BLESS").is_some() {
        fs::write(&path, format!("{:#}\n", Value::Object(kept))).unwrap();
        return;
    }
    assert!(
        old.is_empty(),
        "{EXAMPLES} has no answer as it is now of {old:?}: run FOGHORN_BLESS=1 cargo test --test it the_api_is_as_described, \
         and then FOGHORN_BLESS=1 cargo test --test it inventory"
    );
}

#[test]
fn every_body_that_is_shown_is_one_that_is_taken() {
    let document = document();
    let mut shown = 0;
    for rule in rules() {
        let operation = &document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()];
        let content = &operation["requestBody"]["content"]["application/json"];
        if let Some(example) = content.get("example") {
            let wrong = misfits_of(&document, &content["schema"], example);
            assert!(wrong.is_empty(), "{} {}: {wrong:?}", rule.method.as_str(), rule.path);
            shown += 1;
        }
    }
    assert!(shown > 10, "{shown}");
}

#[tokio::test]
async fn the_document_is_printed_without_a_server() {
    let printed = said(&["openapi"], Stdio::piped()).await;
    assert_eq!(printed.exit, 0, "{printed:?}");
    assert_eq!(printed.output, foghorn::http::openapi::text());
}

#[test]
fn a_field_that_is_not_described_is_noticed() {
    let document = document();
    let delivery = json!({ "$ref": "#/components/schemas/DeliveryWithAttempts" });
    let known: Value = serde_json::from_str(
        &fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES)).unwrap(),
    )
    .unwrap();
    let mut answer = known["show_delivery"]["200"].clone();
    assert!(
        misfits_of(&document, &delivery, &answer).is_empty()
            && strangers(&document, &delivery, &answer).is_empty()
    );
    answer["secret_note"] = "x".into();
    answer["attempts"][0]["more"] = 1.into();
    let found = strangers(&document, &delivery, &answer);
    assert_eq!(found, [".attempts[0].more is not in the schema", ".secret_note is not in the schema"]);
    answer["state"] = "lost".into();
    assert!(!misfits_of(&document, &delivery, &answer).is_empty());
}
