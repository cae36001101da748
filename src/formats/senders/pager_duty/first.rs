//! Version 1 of PagerDuty's events, which older clients still send: `service_key`, `event_type`,
//! `incident_key`, `description`. It knows no severity, so that it is the one of an event that names none.

use super::{ACTIONS, KEY, about, chosen, client, demanded, detailed, link};
use crate::domain::event::{Body, EventStatus};
use crate::formats::fields::Fields;
use crate::formats::native::{self, TITLE};
use crate::formats::senders::texts;
use crate::formats::strict_json::Node;
use crate::formats::{Parsed, Words};

/// One event.
pub(super) fn event(mut fields: Fields<'_, '_>, words: &Words) -> Option<Parsed> {
    demanded(&mut fields, "service_key");
    let action = demanded(&mut fields, "event_type");
    let status = action.and_then(|action| chosen(&mut fields, "event_type", &action, &ACTIONS));
    let given = fields.has("incident_key");
    let key = fields.id("incident_key", KEY);
    let status = status?;
    if status != EventStatus::Open {
        let key = fields.required("incident_key", key, given)?;
        return Some(Parsed { body: Body::Incident(about(key, status, words)), producer_id: None });
    }
    let said = demanded(&mut fields, "description");
    let (client, mut links) = (client(&mut fields), Vec::new());
    for item in fields.list("contexts", usize::MAX).unwrap_or_default() {
        let Node::Map(entries) = item else { continue };
        links.extend(link(&entries, "href").or_else(|| link(&entries, "src")));
    }
    let details = fields.take("details");
    let said = said?;
    let mut labels = Vec::new();
    let mut event = about(String::new(), EventStatus::Open, words);
    event.description = detailed(details, &mut labels);
    event.description = event.description.and_then(|text| texts::lines(&text, words.bounds.string));
    event.title = texts::line(&said, TITLE).unwrap_or_else(|| "an event without words".to_owned());
    event.dedup_key = key.unwrap_or_else(|| native::derived_key(None, &event.title));
    event.labels = texts::labels(labels.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    event.links =
        texts::links(links.iter().chain([&client]).map(|(text, url)| (text.as_str(), url.as_str())));
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}
