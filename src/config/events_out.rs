//! `[events_out]`: who is told what changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::channels::texts;
use super::check::is_bad;
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::EVENTS_OUT;
use super::settings::{SinkConfig, SinkSettings};
use super::tree::{Entry, Table};
use crate::channels::Settings;
use crate::channels::sinks::kafka::KafkaSinkSettings;
use crate::channels::sinks::rabbitmq::RabbitSinkSettings;
use crate::channels::sinks::{WEBHOOK_KEYS, webhook};
use crate::clock::Clock;
use crate::domain::names::SinkName;
use crate::domain::outgoing::{EventsOut, Wanted};
use crate::domain::pattern::Pattern;

/// The keys of `type = "kafka"`, beside those that all have.
const KAFKA_KEYS: &[&str] = &["brokers", "topic", "sasl", "tls", "properties"];

/// The keys of `type = "rabbitmq"`.
const RABBITMQ_KEYS: &[&str] = &["url", "password", "tls", "exchange", "declare", "mandatory"];

/// Every sink that can be built.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> BTreeMap<SinkName, SinkConfig> {
    let mut sinks = BTreeMap::new();
    for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
        if let Some(sink) = one(entry, report) {
            sinks.insert(SinkName::from(entry.key.as_str()), sink);
        }
    }
    sinks
}

/// What is written down for `sinks`.
pub(super) fn wanted(public_url: &str, sinks: &BTreeMap<SinkName, SinkConfig>) -> EventsOut {
    let wanted =
        |(name, sink): (&SinkName, &SinkConfig)| Wanted { sink: name.clone(), only: sink.only.clone() };
    EventsOut { source: public_url.to_owned(), sinks: sinks.iter().map(wanted).collect() }
}

fn one(entry: &Entry, report: &mut Report<'_>) -> Option<SinkConfig> {
    let table = entry.node.table()?;
    let kind = match table.text("type") {
        Some(kind) => kind,
        None if table.get("type").is_some_and(is_bad) => return None,
        None => {
            let what = format!("[events_out.{}] needs a type", entry.key);
            let problem = Problem::new(Code::Missing, what)
                .label(r#"add: type = "kafka", type = "rabbitmq" or type = "webhook""#);
            report.at(&entry.place, problem);
            return None;
        }
    };
    let own = match kind {
        "kafka" => KAFKA_KEYS,
        "rabbitmq" => RABBITMQ_KEYS,
        _ => WEBHOOK_KEYS,
    };
    if !only_own_keys(entry, table, kind, own, report) || !table.bad_keys().is_empty() {
        return None;
    }
    let mut settings = table.clone();
    settings.entries.retain(|entry| own.contains(&entry.key.as_str()));
    let settings = settings.to_toml();
    let settings = match kind {
        "kafka" => SinkSettings::Kafka(kafka(entry, table, settings, report)?),
        "rabbitmq" => SinkSettings::RabbitMq(exchange(entry, table, settings, report)?),
        _ => SinkSettings::Webhook(hook(entry, table, settings, report)?),
    };
    let only = table.get("only").map(texts).unwrap_or_default();
    Some(SinkConfig { settings, only: only.into_iter().map(|(text, _)| Pattern::new(text)).collect() })
}

/// Keys of the other type mean nothing here.
fn only_own_keys(entry: &Entry, table: &Table, kind: &str, own: &[&str], report: &mut Report<'_>) -> bool {
    let mut fits = true;
    for other in &table.entries {
        let key = other.key.as_str();
        if !["type", "only"].contains(&key) && !own.contains(&key) && EVENTS_OUT.kind(key).is_some() {
            let what = format!("[events_out.{}] is of type {kind}, which has no {key}", entry.key);
            let problem = Problem::new(Code::Contradiction, what).label(format!("it has {}", own.join(", ")));
            report.at(&other.place, problem);
            fits = false;
        }
    }
    fits
}

fn kafka(
    entry: &Entry,
    table: &Table,
    mut settings: Settings,
    report: &mut Report<'_>,
) -> Option<Arc<KafkaSinkSettings>> {
    if let Some(toml::Value::Table(tls)) = settings.get_mut("tls") {
        tls.retain(|_, value| value.as_str() != Some(""));
    }
    if let Some(toml::Value::Table(properties)) = settings.get_mut("properties") {
        for (_, value) in properties.iter_mut().filter(|(_, value)| !value.is_str()) {
            *value = toml::Value::String(value.to_string());
        }
    }
    let settings: KafkaSinkSettings = given(entry, settings, report)?;
    let objections = settings.objections();
    let told = objections.iter().map(|objection| (objection.key.as_str(), objection.detail.as_str()));
    unobjected(entry, table, told, report).then(|| Arc::new(settings))
}

fn exchange(
    entry: &Entry,
    table: &Table,
    settings: Settings,
    report: &mut Report<'_>,
) -> Option<Arc<RabbitSinkSettings>> {
    let settings: RabbitSinkSettings = given(entry, settings, report)?;
    unobjected(entry, table, settings.objections().into_iter(), report).then(|| Arc::new(settings))
}

/// The settings as their type has them.
fn given<T: DeserializeOwned>(entry: &Entry, settings: Settings, report: &mut Report<'_>) -> Option<T> {
    match settings.try_into() {
        Ok(settings) => Some(settings),
        Err(error) => {
            let error: toml::de::Error = error;
            let what = format!("[events_out.{}] {}", entry.key, error.message());
            report.at(&entry.place, Problem::new(Code::WrongValue, what));
            None
        }
    }
}

/// Reports what cannot be, each with its key. True if there is nothing.
fn unobjected<'a>(
    entry: &Entry,
    table: &Table,
    objections: impl Iterator<Item = (&'a str, &'a str)>,
    report: &mut Report<'_>,
) -> bool {
    let mut none = true;
    for (key, detail) in objections {
        let what = format!("[events_out.{}] {key}: {detail}", entry.key);
        let found = table.deep_entry(key);
        let code = if found.is_some() { Code::WrongValue } else { Code::Missing };
        let place = found.map_or(&entry.place, |found| &found.node.place);
        report.at(place, Problem::new(code, what));
        none = false;
    }
    none
}

fn hook(entry: &Entry, table: &Table, settings: Settings, report: &mut Report<'_>) -> Option<Settings> {
    let Err(problems) = webhook(&settings, Clock::system()) else { return Some(settings) };
    for problem in problems {
        let key = problem.key.as_deref().unwrap_or_default();
        let node = table.get(key);
        let code = if node.is_some() { Code::WrongValue } else { Code::Missing };
        let what = format!("[events_out.{}] {key} {}", entry.key, problem.message);
        report.at(node.map_or(&entry.place, |node| &node.place), Problem::new(code, what));
    }
    None
}
