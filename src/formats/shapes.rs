//! The record format as it is written, for those who read about it; [`super::native`] reads it.
//!
//! Nothing is read with these types: a reader that tells of everything that is wrong at once, in the words of
//! the record's sender, is no derived one. That it takes every field that stands here is tested.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::batch::MOST;
use crate::domain::Timestamp;
use crate::domain::event::Priority;

/// Something is wrong, or over: what an incident is made of.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NewEvent)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// `incident`, which is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What is wrong, in a line.
    #[schema(min_length = 1, max_length = 1024)]
    pub title: String,
    /// `critical`, `high`, `medium`, `low`, `info`, or an alias of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// `open`, which is usual, `acknowledged` or `resolved`, or what other systems say for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub service: Option<String>,
    /// Events with the same key are about one incident; made of service and title unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub dedup_key: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// At most 64.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(nullable)]
    pub labels: BTreeMap<String, String>,
    /// What to read, at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(nullable)]
    pub links: Vec<Link>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The sender's own id: an event that comes again with it counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub event_id: Option<String>,
}

/// A named address of something to read.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NewLink)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it leads to; the address unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `http` or `https`.
    #[schema(max_length = 2048)]
    pub url: String,
}

/// Somebody is to be told something, without an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NewNotification)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// `notification`
    pub kind: String,
    /// Who: users, `team:NAME`, `oncall:NAME`, or addresses.
    pub to: Vec<String>,
    /// Names of channels.
    pub via: Vec<String>,
    /// What kind of message it is, for those who may not want it: `welcome`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub r#type: Option<String>,
    /// With `body`, what is said; not beside a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub subject: Option<String>,
    /// With `subject`, what is said; not beside a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Name of the template that it is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Variables of the template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(nullable)]
    pub vars: BTreeMap<String, serde_json::Value>,
    /// How soon; `normal` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Not before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Not after this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// It may wait so long for others to the same address, to be said in one message: `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The sender's own id; `event_id` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub idempotency_key: Option<String>,
    /// The sender's own id; `idempotency_key` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub event_id: Option<String>,
}

/// One of either.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = NewRecord)]
pub enum Record {
    /// Something is wrong, or over.
    Event(Event),
    /// Somebody is to be told something.
    Notification(Notification),
}

/// Several at once: each is judged by itself.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Records(pub Vec<Record>);

impl PartialSchema for Records {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name(Record::name()))
            .min_items(Some(1))
            .max_items(Some(MOST))
            .description(Some("Several at once: each is judged by itself."))
            .into()
    }
}

impl ToSchema for Records {
    fn name() -> Cow<'static, str> {
        "NewRecords".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Record::name().into_owned(), Record::schema()));
        Record::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::formats::{Words, native};

    /// The reader takes `record`, which has each field of the type that is not among `without`.
    fn is_taken_whole<T: ToSchema>(record: Value, without: &[&str]) {
        let schema = serde_json::to_value(T::schema()).expect("it is made of texts and numbers");
        let known = schema["properties"].as_object().expect("it has fields");
        for name in known.keys().filter(|name| !without.contains(&name.as_str())) {
            assert!(record.get(name).is_some(), "{name} is not tried");
        }
        let text = record.to_string();
        let parsed = native::parse(text.as_bytes(), &Words::default(), Timestamp::UNIX_EPOCH);
        assert!(parsed.is_ok(), "{parsed:?}");
    }

    #[test]
    fn the_reader_takes_every_field_that_is_described() {
        is_taken_whole::<Event>(
            json!({
                "kind": "incident",
                "title": "5xx rate above 5%",
                "severity": "critical",
                "status": "open",
                "service": "checkout-api",
                "dedup_key": "checkout-5xx",
                "description": "12.4% of requests failed",
                "labels": { "env": "prod" },
                "links": [{ "text": "Graph", "url": "https://grafana.example.com/d/abc" }],
                "occurred_at": "2026-11-21T14:02:08Z",
                "event_id": "one",
            }),
            &[],
        );
        let said = json!({
            "kind": "notification",
            "to": ["ada"],
            "via": ["email"],
            "type": "welcome",
            "subject": "Hello",
            "body": "You.",
            "priority": "high",
            "send_at": "2026-11-21T14:02:08Z",
            "expires_at": "2026-11-21T15:02:08Z",
            "idempotency_key": "one",
        });
        is_taken_whole::<Notification>(said, &["template", "vars", "digest", "event_id"]);
        let templated = json!({
            "kind": "notification", "to": ["ada"], "via": ["email"],
            "template": "welcome", "vars": { "name": "Ada" }, "digest": "1h", "event_id": "one",
        });
        let said = ["type", "subject", "body", "priority", "send_at", "expires_at", "idempotency_key"];
        is_taken_whole::<Notification>(templated, &said);
    }
}
