//! What a record is, by its headers and by the keys that only one sender's records have.

use std::borrow::Cow;

use crate::formats::envelope;
use crate::formats::{Format, Headers};

/// The format of this record; our own if it is nobody else's.
pub(crate) fn format(raw: &[u8], header: Headers<'_, '_>) -> Format {
    let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
    let has_envelope = header("ce_specversion").or_else(|| header("ce-specversion")).is_some();
    if has_envelope || content_type.starts_with("application/cloudevents") {
        return Format::CloudEvents;
    }
    match raw.trim_ascii_start().first() {
        Some(b'[') => of_list(raw),
        _ => of_object(&envelope::keys_of(raw).unwrap_or_default()),
    }
}

/// A list is one of Prometheus' alerts if its first item is one.
fn of_list(raw: &[u8]) -> Format {
    let list: Option<Vec<&serde_json::value::RawValue>> = serde_json::from_slice(raw).ok();
    let first = list.as_ref().and_then(|items| items.first());
    let keys = first.and_then(|item| envelope::keys_of(item.get().as_bytes())).unwrap_or_default();
    match of_object(&keys) {
        Format::CloudEvents => Format::CloudEvents,
        _ if has_all(&keys, &["labels"]) && !has_all(&keys, &["title"]) => Format::AlertmanagerApi,
        _ => Format::Foghorn,
    }
}

fn of_object(keys: &[Cow<'_, str>]) -> Format {
    if has_all(keys, &["specversion", "id", "source", "type"]) {
        Format::CloudEvents
    } else if has_all(keys, &["alerts", "groupKey", "orgId"]) {
        Format::Grafana
    } else if has_all(keys, &["alerts", "groupKey", "version"]) {
        Format::Alertmanager
    } else if has_all(keys, &["alerts", "version", "orgId"]) {
        Format::Grafana
    } else if has_all(keys, &["routing_key", "event_action"]) || has_all(keys, &["service_key", "event_type"])
    {
        Format::PagerDuty
    } else {
        Format::Foghorn
    }
}

fn has_all(keys: &[Cow<'_, str>], wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| keys.iter().any(|key| key == wanted))
}
