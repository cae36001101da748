//! The environment: `FOGHORN_<SECTION>__<KEY>` over the file, and the names that other
//! notification services use under it.
//!
//! | variable | means | |
//! |---|---|---|
//! | `KAFKA_BROKERS`, `KAFKA_TOPIC`, `KAFKA_GROUP_ID`, `KAFKA_DLQ_TOPIC` | `[sources.kafka]` | unless the file has another Kafka source |
//! | `RABBITMQ_URL` | `[sources.rabbitmq]`, a queue `foghorn` that hears `user.#` of `notification.events` | unless the file has another RabbitMQ source |
//! | `PUBSUB_PROJECT_ID`, `PUBSUB_SUBSCRIPTION_ID` | `[sources.pubsub]` | unless the file has another Pub/Sub source |
//! | `PUBSUB_EMULATOR_HOST` | `endpoint` of every Pub/Sub source | |
//! | `SMTP_*`, `EMAIL_*` | `[channels.email]` | unless the file has another email channel |
//! | `DATABASE_URL` | `[store] url` | if it is one of a store |
//! | `WORKER_POOL_SIZE`, `MAX_RETRIES`, `BACKOFF_BASE_DELAY_MS` | `[delivery]` | |

use std::sync::Arc;

use toml::de::DeValue;

use super::problem::{Code, Problem};
use super::report::{Report, is_secret};
use super::schema::{Kind, ROOT, kind_at};
use super::secrets::Environment;
use super::tree::{self, Node, Place, Table, Value};
use crate::amqp::EXCHANGE;
use crate::domain::suggest::nearest;

const PREFIX: &str = "FOGHORN_";

/// Variables that mean something elsewhere.
fn is_taken(name: &str) -> bool {
    matches!(name, "FOGHORN_CONFIG" | "FOGHORN_URL" | "FOGHORN_TOKEN" | "FOGHORN_REQUIRE_SERVICES")
        || name.starts_with("FOGHORN_TEST_")
}

/// Lays the `FOGHORN_*` variables over the file.
pub(super) fn overrides(tree: &mut Table, env: &Environment, report: &mut Report<'_>) {
    for (name, text) in env {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !is_taken(name)) else {
            continue;
        };
        let parts: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        // What a variable would include has no file to be relative to.
        let top = |key: &str| key == rest.to_lowercase() && key != "include";
        let known = parts.len() > 1 || ROOT.names().any(top);
        if !known || parts.iter().any(String::is_empty) {
            report.at(&place(name), nameless(name, rest));
            continue;
        }
        let path = operators_names(tree, parts);
        let value = read(text, kind_at(&path), &path, &place(name));
        put(tree, &path, value, &place(name));
    }
}

fn place(name: &str) -> Place {
    Place::Variable(Arc::from(name))
}

fn nameless(name: &str, rest: &str) -> Problem {
    let problem = Problem::new(Code::UnknownVariable, format!("{name} means nothing and is ignored"))
        .label("variables are named FOGHORN_<SECTION>__<KEY>, with two underscores between");
    let section = rest.split('_').next().unwrap_or_default().to_lowercase();
    match nearest(&section, ROOT.names()) {
        Some(section) if rest.contains('_') => {
            let key = rest.split_once('_').map_or("", |(_, key)| key);
            problem.note(format!("did you mean {PREFIX}{}__{key}?", section.to_uppercase()))
        }
        _ => problem,
    }
}

/// `INCIDENTS_KAFKA` means `incidents-kafka`, if the file has such a name.
fn operators_names(tree: &Table, mut path: Vec<String>) -> Vec<String> {
    let mut table = tree;
    for part in &mut path {
        let same = |key: &str| key.to_lowercase().replace(['-', '.'], "_") == *part;
        if let Some(entry) = table.entries.iter().find(|entry| same(&entry.key)) {
            part.clone_from(&entry.key);
        }
        table = table.table(part);
    }
    path
}

fn put(tree: &mut Table, path: &[String], node: Node, place: &Place) {
    match path {
        [] => {}
        [key] => tree.put(key, place.clone(), node),
        [key, rest @ ..] => {
            if let Some(inner) = tree.table_mut(key, place) {
                put(inner, rest, node, place);
            }
        }
    }
}

/// The value of a variable: lists and tables as JSON or TOML, everything else as it stands.
fn read(text: &str, kind: Option<Kind>, path: &[String], place: &Place) -> Node {
    let written = text.trim();
    let structured = written.starts_with(['[', '{']);
    let secret = path.last().is_some_and(|key| is_secret(key));
    match kind {
        _ if secret && !written.starts_with('{') => plain(text, place),
        Some(Kind::Texts) if !structured => listed(written, place),
        Some(Kind::Text | Kind::Word(..) | Kind::Duration(..) | Kind::Rate | Kind::Size(..))
        | Some(Kind::Moment | Kind::Clock | Kind::Zone) => plain(text, place),
        None if !structured && !is_certain(written) => plain(text, place),
        _ => parsed(written, place).unwrap_or_else(|| plain(text, place)),
    }
}

/// Of a key that nobody here knows the type of: `587` is a number, `+15550100` is a phone number.
fn is_certain(text: &str) -> bool {
    matches!(text, "true" | "false")
        || text.starts_with('"')
        || (text.len() < 10 && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn plain(text: &str, place: &Place) -> Node {
    Node { place: place.clone(), value: Value::Text(text.to_owned()) }
}

fn listed(text: &str, place: &Place) -> Node {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Node { place: place.clone(), value: Value::List(items.map(|item| plain(item, place)).collect()) }
}

fn parsed(text: &str, place: &Place) -> Option<Node> {
    if text.starts_with(['[', '{'])
        && let Ok(json) = serde_json::from_str(text)
    {
        return Some(tree::from_json(json, place));
    }
    let value = DeValue::parse(text).ok()?;
    Some(tree::from_toml(&value, &|_| place.clone()))
}

/// What a foreign name stands for.
enum Foreign {
    Text,
    List,
    Count,
    /// Retries, where Foghorn counts attempts.
    Retries,
    Millis,
    /// `tls` means STARTTLS where it comes from, and `ssl` means TLS.
    Encryption,
    StoreUrl,
}

/// The names that other services use, each with its meaning. The first that is set wins.
const FOREIGN: [(&str, &str, Foreign); 21] = [
    ("KAFKA_BROKERS", "sources.kafka.brokers", Foreign::List),
    ("KAFKA_TOPIC", "sources.kafka.topics", Foreign::List),
    ("KAFKA_GROUP_ID", "sources.kafka.group_id", Foreign::Text),
    ("KAFKA_DLQ_TOPIC", "sources.kafka.dead_letter_topic", Foreign::Text),
    ("RABBITMQ_URL", "sources.rabbitmq.url", Foreign::Text),
    ("PUBSUB_PROJECT_ID", "sources.pubsub.project", Foreign::Text),
    ("PUBSUB_SUBSCRIPTION_ID", "sources.pubsub.subscriptions", Foreign::List),
    ("SMTP_HOST", "channels.email.host", Foreign::Text),
    ("EMAIL_HOST", "channels.email.host", Foreign::Text),
    ("SMTP_PORT", "channels.email.port", Foreign::Count),
    ("EMAIL_PORT", "channels.email.port", Foreign::Count),
    ("SMTP_USERNAME", "channels.email.username", Foreign::Text),
    ("EMAIL_USERNAME", "channels.email.username", Foreign::Text),
    ("SMTP_PASSWORD", "channels.email.password", Foreign::Text),
    ("EMAIL_PASSWORD", "channels.email.password", Foreign::Text),
    ("EMAIL_ENCRYPTION", "channels.email.security", Foreign::Encryption),
    ("EMAIL_FROM_ADDRESS", "channels.email.from", Foreign::Text),
    ("DATABASE_URL", "store.url", Foreign::StoreUrl),
    ("WORKER_POOL_SIZE", "delivery.workers", Foreign::Count),
    ("MAX_RETRIES", "delivery.retry.max_attempts", Foreign::Retries),
    ("BACKOFF_BASE_DELAY_MS", "delivery.retry.base", Foreign::Millis),
];

/// Lays the names of other services under the file. Returns those that were of use.
pub(super) fn foreign(tree: &mut Table, env: &Environment) -> Vec<String> {
    let set = |name: &str| env.get(name).is_some_and(|text| !text.trim().is_empty());
    let mail = set("SMTP_HOST") || set("EMAIL_HOST");
    let enough = [
        ("sources", "kafka", set("KAFKA_BROKERS")),
        ("sources", "rabbitmq", set("RABBITMQ_URL")),
        ("sources", "pubsub", set("PUBSUB_PROJECT_ID") && set("PUBSUB_SUBSCRIPTION_ID")),
        ("channels", "email", mail),
    ];
    let unwelcome = enough.map(|(room, name, enough)| {
        let path = format!("{room}.{name}.");
        if welcome(tree, room, name, enough) { String::new() } else { path }
    });
    let mut used = Vec::new();
    for (name, path, meaning) in &FOREIGN {
        if !set(name) || unwelcome.iter().any(|start| !start.is_empty() && path.starts_with(start)) {
            continue;
        }
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let Some(value) = env.get(*name).and_then(|text| meant(text.trim(), meaning)) else {
            continue;
        };
        if absent(tree, &path) {
            let place = place(name);
            put(tree, &path, Node { place: place.clone(), value }, &place);
            used.push((*name).to_owned());
        }
    }
    complete(tree, env, &mut used);
    used
}

/// May foreign names speak of `[room.name]`, whose type is called as it is? Not if the file has it otherwise.
fn welcome(tree: &Table, room: &str, name: &str, enough: bool) -> bool {
    let kind = name;
    let table = tree.table(room);
    if table.has(name) {
        let outbox = table.table(name).text("provider") == Some("outbox");
        return !outbox && table.table(name).text("type").is_none_or(|found| found == kind);
    }
    let another =
        |entry: &tree::Entry| entry.node.table().is_some_and(|inner| inner.text("type") == Some(kind));
    enough && !table.entries.iter().any(another)
}

fn absent(tree: &Table, path: &[String]) -> bool {
    match path {
        [] => false,
        [key] => !tree.has(key),
        [key, rest @ ..] => absent(tree.table(key), rest),
    }
}

fn meant(text: &str, meaning: &Foreign) -> Option<Value> {
    Some(match meaning {
        Foreign::Text => Value::Text(text.to_owned()),
        Foreign::List => listed(text, &Place::Default).value,
        Foreign::Count => Value::Integer(text.parse().ok()?),
        Foreign::Retries => Value::Integer(text.parse::<i128>().ok()?.saturating_add(1)),
        Foreign::Millis => Value::Text(format!("{}ms", text.parse::<u64>().ok()?)),
        Foreign::Encryption => Value::Text(
            match text.to_lowercase().as_str() {
                "ssl" | "smtps" => "tls",
                "none" | "null" => "none",
                _ => "starttls",
            }
            .to_owned(),
        ),
        Foreign::StoreUrl => {
            let known = ["postgres://", "postgresql://", "sqlite:"];
            known.iter().any(|scheme| text.starts_with(scheme)).then(|| Value::Text(text.to_owned()))?
        }
    })
}

/// Adds what foreign names leave unsaid: the type, the provider, and the sender.
fn complete(tree: &mut Table, env: &Environment, used: &mut Vec<String>) {
    let name_of = |used: &[String], prefix: &[&str]| {
        used.iter().find(|name| prefix.iter().any(|start| name.starts_with(start))).cloned()
    };
    if let Some(name) = name_of(used, &["KAFKA_"]) {
        fill(tree, ["sources", "kafka", "type"], "kafka", &name);
    }
    if let Some(name) = name_of(used, &["RABBITMQ_"]) {
        queue_of_our_own(tree, &name);
    }
    if let Some(name) = name_of(used, &["PUBSUB_"]) {
        fill(tree, ["sources", "pubsub", "type"], "pubsub", &name);
    }
    emulator(tree, env, used);
    let Some(name) = name_of(used, &["SMTP_", "EMAIL_"]) else {
        return;
    };
    fill(tree, ["channels", "email", "type"], "email", &name);
    fill(tree, ["channels", "email", "provider"], "smtp", &name);
    if let (Some(address), Some(sender)) = (env.get("EMAIL_FROM_ADDRESS"), env.get("EMAIL_FROM_NAME"))
        && used.iter().any(|name| name == "EMAIL_FROM_ADDRESS")
    {
        let from = format!("{} <{}>", sender.trim(), address.trim());
        let path = ["channels", "email", "from"].map(str::to_owned);
        put(tree, &path, plain(&from, &place("EMAIL_FROM_NAME")), &place("EMAIL_FROM_NAME"));
        used.push("EMAIL_FROM_NAME".to_owned());
    }
    let username = tree.table("channels").table("email").text("username").map(str::to_owned);
    if let Some(username) = username.filter(|name| name.contains('@')) {
        fill(tree, ["channels", "email", "from"], &username, &name);
    }
}

/// Who names only the broker has the exchange of the notification services on it.
fn queue_of_our_own(tree: &mut Table, name: &str) {
    let here = |key: &str| ["sources", "rabbitmq", key].map(str::to_owned);
    fill(tree, ["sources", "rabbitmq", "type"], "rabbitmq", name);
    if absent(tree, &here("queues")) {
        fill(tree, ["sources", "rabbitmq", "exchange"], EXCHANGE, name);
        put(tree, &here("queues"), listed("foghorn", &place(name)), &place(name));
        put(tree, &here("bindings"), listed("user.#", &place(name)), &place(name));
    }
}

/// As Google's own clients do, and so its name is not borrowed: it speaks of a source that is there.
fn emulator(tree: &mut Table, env: &Environment, used: &mut Vec<String>) {
    const NAME: &str = "PUBSUB_EMULATOR_HOST";
    let Some(host) = env.get(NAME).map(|host| host.trim()).filter(|host| !host.is_empty()) else { return };
    let sources = tree.table("sources").entries.iter();
    let is_one =
        |entry: &&tree::Entry| entry.node.table().is_some_and(|inner| inner.text("type") == Some("pubsub"));
    let names: Vec<String> = sources.filter(is_one).map(|entry| entry.key.clone()).collect();
    for name in names {
        let path = ["sources", &name, "endpoint"].map(str::to_owned);
        if absent(tree, &path) {
            put(tree, &path, plain(host, &place(NAME)), &place(NAME));
            if !used.iter().any(|used| used == NAME) {
                used.push(NAME.to_owned());
            }
        }
    }
}

fn fill(tree: &mut Table, path: [&str; 3], text: &str, name: &str) {
    let path = path.map(str::to_owned);
    if absent(tree, &path) {
        put(tree, &path, plain(text, &place(name)), &place(name));
    }
}
