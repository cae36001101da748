//! `[sources]`

use std::collections::BTreeMap;

use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::settings::SourceConfig;
use super::tree::{Entry, Table};
use crate::channels::Settings;
use crate::domain::names::SourceName;

/// Every source; `api` is always there.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> BTreeMap<SourceName, SourceConfig> {
    let mut sources = BTreeMap::from([(SourceName::from(API), SourceConfig::Http)]);
    for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
        let source = match entry.node.table().and_then(|inner| inner.text("type")) {
            Some("kafka") if entry.key != API => kafka(entry, report),
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

fn kafka(entry: &Entry, report: &mut Report<'_>) -> SourceConfig {
    let empty = Table::default();
    let table = entry.node.table().unwrap_or(&empty);
    for (key, example) in [("brokers", "kafka-1:9092"), ("topics", "incidents")] {
        match table.get(key) {
            None => {
                let what = format!("[sources.{}] needs {key}", entry.key);
                let problem =
                    Problem::new(Code::Missing, what).label(format!("add: {key} = [\"{example}\"]"));
                report.at(&entry.place, problem);
            }
            Some(node) if is_bad(node) => {}
            Some(node) => {
                let odd = node.list().iter().find(|item| !fits(key, item.text().unwrap_or_default()));
                if let Some(odd) = odd.or(node.list().is_empty().then_some(node)) {
                    let what = format!("{key} holds something that is none of them");
                    let problem =
                        Problem::new(Code::WrongValue, what).label(format!("write {key} = [\"{example}\"]"));
                    report.at(&odd.place, problem);
                }
            }
        }
    }
    if let Some(node) = table.get("group_id").filter(|node| node.text() == Some("")) {
        let problem = Problem::new(Code::WrongValue, "group_id is empty").label("remove it or write a name");
        report.at(&node.place, problem);
    }
    sasl(entry, table, report);
    tls(entry, table, report);
    settings(table.to_toml())
}

/// The one place where the checked table becomes what the source is built from.
fn settings(table: Settings) -> SourceConfig {
    SourceConfig::Kafka(table)
}

/// A broker is `host:port`; a topic is any name that Kafka takes.
fn fits(key: &str, text: &str) -> bool {
    if key == "brokers" {
        let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
        return port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    // `^…` is a pattern of topics.
    text.starts_with('^') || (!text.is_empty() && text.len() <= 249 && text.chars().all(plain))
}

fn sasl(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let Some(sasl) = table.entry("sasl").filter(|sasl| !is_bad(&sasl.node)) else {
        return;
    };
    for key in ["mechanism", "username", "password"] {
        if !table.table("sasl").has(key) {
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
}

fn tls(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let tls = table.table("tls");
    let set = |key: &str| tls.text(key).is_some_and(|text| !text.is_empty());
    if set("cert_file") != set("key_file")
        && let Some(place) = table.entry("tls").map(|tls| &tls.place)
    {
        let what = format!("[sources.{}] tls has one of cert_file and key_file", entry.key);
        let problem = Problem::new(Code::Contradiction, what).label("they come together");
        report.at(place, problem);
    }
}
