//! `[sources]`

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::settings::SourceConfig;
use super::tree::{Entry, Node, Table};
use crate::channels::Settings;
use crate::domain::names::SourceName;
use crate::sources::kafka::KafkaSettings;

/// Every source; `api` is always there.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> BTreeMap<SourceName, SourceConfig> {
    let mut sources = BTreeMap::from([(SourceName::from(API), SourceConfig::Http)]);
    for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
        let source = match entry.node.table().and_then(|inner| inner.text("type")) {
            Some("kafka") if entry.key != API => {
                let Some(source) = kafka(entry, report) else {
                    continue;
                };
                source
            }
            Some("kafka") => {
                let problem = Problem::new(Code::Contradiction, "[sources.api] is of type http, always")
                    .label("choose another name for topics");
                report.at(&entry.place, problem);
                continue;
            }
            _ if entry.key == API => SourceConfig::Http,
            _ => {
                let what = format!(
                    "[sources.{}]: a second source of type http arrives in a later version",
                    entry.key
                );
                let problem = Problem::new(Code::Later, what)
                    .label("events come in through [sources.api]: POST /api/v1/events");
                report.at(&entry.place, problem);
                continue;
            }
        };
        sources.insert(SourceName::from(entry.key.as_str()), source);
    }
    sources
}

/// The source that is always there.
const API: &str = "api";

fn kafka(entry: &Entry, report: &mut Report<'_>) -> Option<SourceConfig> {
    let table = entry.node.table()?;
    let mut excused: Vec<&str> = table.bad_keys();
    for (key, example) in [("brokers", "kafka-1:9092"), ("topics", "incidents")] {
        if !table.has(key) {
            let what = format!("[sources.{}] needs {key}", entry.key);
            let problem = Problem::new(Code::Missing, what).label(format!("add: {key} = [\"{example}\"]"));
            report.at(&entry.place, problem);
            excused.push(key);
        }
    }
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
    let settings = match settings(plain.to_toml()) {
        Ok(settings) => settings,
        Err(why) => {
            // The schema should have said it better; that it did not must not hide it.
            report.at(&entry.place, Problem::new(Code::WrongValue, format!("[sources.{}] {why}", entry.key)));
            return None;
        }
    };
    for objection in settings.objections() {
        let top = objection.key.split('.').next().unwrap_or_default();
        if excused.contains(&top) {
            continue;
        }
        let what = format!("[sources.{}] {}: {}", entry.key, objection.key, objection.detail);
        let place = table.deep_entry(&objection.key).map_or(&entry.place, |found| &found.node.place);
        report.at(place, Problem::new(Code::WrongValue, what));
    }
    Some(SourceConfig::Kafka(Arc::new(settings)))
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
