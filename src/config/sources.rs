//! `[sources]`

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::check::is_bad;
use super::hooks;
use super::mappers::{self, Mappers};
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::source_type;
use super::settings::SourceConfig;
use super::tree::{Entry, Node, Table};
use crate::channels::Settings;
use crate::domain::names::SourceName;
use crate::formats::Format;
use crate::sources::kafka::KafkaSettings;
use crate::sources::nats::NatsSettings;
use crate::sources::pubsub::PubSubSettings;
use crate::sources::rabbitmq::RabbitSettings;
use crate::sources::redis::RedisSettings;
use crate::sources::settings::Objection;

/// Every source; `api` is always there.
pub(super) fn read(
    table: &Table,
    mappers: &Mappers,
    report: &mut Report<'_>,
) -> BTreeMap<SourceName, SourceConfig> {
    let mut sources = BTreeMap::from([(SourceName::from(API), SourceConfig::Http(Arc::default()))]);
    for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
        let kind = entry.node.table().and_then(|inner| inner.text("type")).unwrap_or("http");
        if entry.key == API && kind != "http" {
            let problem = Problem::new(Code::Contradiction, "[sources.api] is of type http, always")
                .label("choose another name for this source");
            report.at(&entry.place, problem);
            continue;
        }
        let source = match kind {
            "kafka" => kafka(entry, mappers, report),
            "redis" => {
                queue(entry, mappers, report, RedisSettings::objections, |all, format| all.format = format)
                    .map(SourceConfig::Redis)
            }
            "nats" => {
                queue(entry, mappers, report, NatsSettings::objections, |all, format| all.format = format)
                    .map(SourceConfig::Nats)
            }
            "rabbitmq" => {
                queue(entry, mappers, report, RabbitSettings::objections, |all, format| all.format = format)
                    .map(SourceConfig::RabbitMq)
            }
            "pubsub" => {
                queue(entry, mappers, report, PubSubSettings::objections, |all, format| all.format = format)
                    .map(SourceConfig::PubSub)
            }
            _ if entry.key == API => {
                api(entry, report);
                Some(SourceConfig::Http(Arc::default()))
            }
            _ => hook(entry, &sources, mappers, report),
        };
        let Some(source) = source else {
            continue;
        };
        sources.insert(SourceName::from(entry.key.as_str()), source);
    }
    sources
}

/// A sender of its own, with its format and its lock, at a path of its own.
fn hook(
    entry: &Entry,
    sources: &BTreeMap<SourceName, SourceConfig>,
    mappers: &Mappers,
    report: &mut Report<'_>,
) -> Option<SourceConfig> {
    let mut keys = entry.node.table()?.clone();
    let format = mappers::format_of(entry, &mut keys, mappers, report);
    let mut hook = hooks::read(entry, report)?;
    if let Some(format) = format.ok()? {
        hook.format = format;
    }
    let same = |source: &SourceConfig| matches!(source, SourceConfig::Http(known) if known.path == hook.path);
    if let Some((known, _)) = sources.iter().find(|(_, source)| same(source)) {
        let what = format!("[sources.{}] has the path of [sources.{known}]", entry.key);
        let problem = Problem::new(Code::Contradiction, what).label("give one of them another path");
        report.at(&entry.place, problem);
        return None;
    }
    Some(SourceConfig::Http(Arc::new(hook)))
}

/// Our own API takes our own records, from whoever may report events.
fn api(entry: &Entry, report: &mut Report<'_>) {
    let stray = entry.node.table().and_then(|table| table.entries.iter().find(|entry| entry.key != "type"));
    if let Some(stray) = stray.filter(|stray| !is_bad(&stray.node)) {
        let what = format!("[sources.api] takes Foghorn's own records: {} is for another source", stray.key);
        let problem = Problem::new(Code::Contradiction, what).label("give the sender a source of its own");
        report.at(&stray.place, problem);
    }
}

/// The source that is always there.
const API: &str = "api";

fn kafka(entry: &Entry, mappers: &Mappers, report: &mut Report<'_>) -> Option<SourceConfig> {
    let table = entry.node.table()?;
    let excused = missing(entry, table, report);
    if let Some(broker) =
        table.get("brokers").and_then(|node| node.list().iter().find(|item| !is_broker(item)))
    {
        let problem = Problem::new(Code::WrongValue, "a broker is written as host:port")
            .label("write one such as \"kafka-1:9092\"");
        report.at(&broker.place, problem);
    }
    let sasl_fits = sasl(entry, table, report);
    let mut plain = table.clone();
    plain.entries.retain(|entry| entry.key != "type" && (sasl_fits || entry.key != "sasl"));
    let format = mappers::format_of(entry, &mut plain, mappers, report);
    let mut settings = match settings(plain.to_toml()) {
        Ok(settings) => settings,
        Err(why) => {
            // The schema should have said it better; that it did not must not hide it.
            report.at(&entry.place, Problem::new(Code::WrongValue, format!("[sources.{}] {why}", entry.key)));
            return None;
        }
    };
    object(entry, table, &excused, settings.objections(), report);
    if let Some(format) = format.ok()? {
        settings.format = format;
    }
    Some(SourceConfig::Kafka(Arc::new(settings)))
}

/// A source whose settings need no more than to be read.
fn queue<T: DeserializeOwned>(
    entry: &Entry,
    mappers: &Mappers,
    report: &mut Report<'_>,
    objections: fn(&T) -> Vec<Objection>,
    read_as: fn(&mut T, Format),
) -> Option<Arc<T>> {
    let table = entry.node.table()?;
    let excused = missing(entry, table, report);
    let mut plain = table.clone();
    plain.entries.retain(|entry| entry.key != "type");
    let format = mappers::format_of(entry, &mut plain, mappers, report);
    match plain.to_toml().try_into::<T>() {
        Ok(mut settings) => {
            object(entry, table, &excused, objections(&settings), report);
            if let Some(format) = format.ok()? {
                read_as(&mut settings, format);
            }
            Some(Arc::new(settings))
        }
        Err(error) => {
            // The schema should have said it better; that it did not must not hide it.
            let what = format!("[sources.{}] {}", entry.key, error.message());
            report.at(&entry.place, Problem::new(Code::WrongValue, what));
            None
        }
    }
}

/// Reports what the type of source cannot do without and does not have. Returns the keys that need not be objected to
/// again.
fn missing<'a>(entry: &Entry, table: &'a Table, report: &mut Report<'_>) -> Vec<&'a str> {
    let mut excused = table.bad_keys();
    let needs = table.text("type").and_then(source_type).map_or(&[][..], |kind| kind.needs);
    for (key, line) in needs {
        if !table.has(key) {
            let what = format!("[sources.{}] needs {key}", entry.key);
            let problem = Problem::new(Code::Missing, what).label(format!("add: {line}"));
            report.at(&entry.place, problem);
            excused.push(key);
        }
    }
    excused
}

fn object(
    entry: &Entry,
    table: &Table,
    excused: &[&str],
    objections: Vec<Objection>,
    report: &mut Report<'_>,
) {
    for objection in objections {
        let top = objection.key.split('.').next().unwrap_or_default();
        if excused.contains(&top) {
            continue;
        }
        let what = format!("[sources.{}] {}: {}", entry.key, objection.key, objection.detail);
        let place = table.deep_entry(&objection.key).map_or(&entry.place, |found| &found.node.place);
        report.at(place, Problem::new(Code::WrongValue, what));
    }
}

/// The settings of a checked table: an empty path means none, and librdkafka's own are texts.
fn settings(mut table: Settings) -> Result<KafkaSettings, String> {
    if let Some(toml::Value::Table(tls)) = table.get_mut("tls") {
        tls.retain(|_, value| value.as_str() != Some(""));
    }
    if let Some(toml::Value::Table(properties)) = table.get_mut("properties") {
        for (_, value) in properties.iter_mut() {
            if !value.is_str() {
                *value = toml::Value::String(value.to_string());
            }
        }
    }
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn is_broker(item: &Node) -> bool {
    let text = item.text().unwrap_or_default();
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Is `sasl` whole, or not there?
fn sasl(entry: &Entry, table: &Table, report: &mut Report<'_>) -> bool {
    let Some(sasl) = table.entry("sasl") else {
        return true;
    };
    let Some(inner) = sasl.node.table() else {
        return false;
    };
    for key in ["mechanism", "username", "password"] {
        if !inner.has(key) {
            let what = format!("[sources.{}] sasl needs {key}", entry.key);
            let example = match key {
                "mechanism" => r#"mechanism = "SCRAM-SHA-512""#,
                "username" => r#"username = "foghorn""#,
                _ => r#"password = { env = "KAFKA_PASSWORD" }"#,
            };
            let problem = Problem::new(Code::Missing, what).label(format!("add: {example}"));
            report.at(&sasl.place, problem);
        }
    }
    inner.bad_keys().is_empty() && ["mechanism", "username", "password"].iter().all(|key| inner.has(key))
}
