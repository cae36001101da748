//! Foghorn's own record: an event about an incident, or a request to tell people something.
//!
//! Only `title` is required of an event. One that names no `dedup_key` gets
//! `auto:SERVICE:TITLE`, so that the same words about the same service are the same incident.
//! `"kind": "notification"` asks for a direct notification instead. Records of other systems, which have none of
//! these keys, are read by [`super::presets`].
//!
//! One rule everywhere: a field that is not known is refused with a suggestion, because a typo
//! that is ignored (`"severty": "critical"`) is a page that never goes out.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::fields::Fields;
use super::presets::Shape;
use super::problems::Problems;
use super::strict_json::{self, Node};
use super::text::{self, Layout};
use super::{Parsed, Words};
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{
    Body, EventStatus, IncidentEvent, Link, NotificationRequest, Priority, RequestText,
};
use crate::domain::malformed::Malformed;
use crate::domain::names::MessageType;
use crate::domain::notice::Notice;
use crate::domain::owner::Whose;
use crate::domain::severity::Severity;

/// Longest title or subject, in characters.
pub const TITLE: usize = 1_024;
/// Longest id, `dedup_key` or `idempotency_key`, in characters: what an index of any store holds.
pub const ID: usize = 512;
/// How long a message may wait for others.
const LONGEST_DIGEST: Duration = Duration::from_secs(7 * 24 * 3600);
pub(super) const SERVICE: usize = 256;
pub(super) const LABELS: usize = 64;
pub(super) const LABEL_KEY: usize = 128;
pub(super) const LABEL_VALUE: usize = 4_096;
pub(super) const LINKS: usize = 32;
const LINK: usize = 2_048;
pub(super) const RECIPIENTS: usize = 1_000;
pub(super) const CHANNELS: usize = 16;
/// Longest mail address, in characters.
pub(super) const ADDRESS: usize = 320;
const MESSAGE_TYPE: usize = 64;

/// One record, read in full.
pub fn parse(raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = body(root, "", words, now, &mut problems);
    problems.verdict(parsed)
}

/// The record in `node`, which lies at the pointer `base`.
pub(super) fn body(
    node: Node<'_>,
    base: &str,
    words: &Words,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<Parsed> {
    const KINDS: [&str; 2] = ["incident", "notification"];
    let mut fields = Fields::of(node, base, problems)?;
    match Shape::of(&mut fields) {
        Ok(None) => {}
        Ok(Some(shape)) => return shape.read(fields, words, now),
        Err(_) => return None,
    }
    let kind_given = fields.has("kind");
    let parsed = match fields.word("kind").as_deref() {
        None if kind_given => None,
        None | Some("incident") => incident(&mut fields, words, now),
        Some("notification") => notification(&mut fields),
        Some(other) => {
            fields.refuse_word("kind", other, KINDS.into_iter());
            return None;
        }
    };
    fields.finish();
    parsed
}

fn incident(fields: &mut Fields<'_, '_>, words: &Words, now: Timestamp) -> Option<Parsed> {
    let given = fields.has("title");
    let title = fields.prose("title", Layout::OneLine, TITLE);
    let title = fields.required("title", title, given);
    let severity = severity(fields, words);
    let status = status(fields);
    let service = fields.prose("service", Layout::OneLine, SERVICE);
    let dedup_key = fields.id("dedup_key", ID);
    let description = fields.prose("description", Layout::Lines, words.bounds.string);
    let labels = labels(fields);
    let links = links(fields);
    let occurred_at = fields.moment("occurred_at").map(|moment| clamped(moment, words, now));
    let producer_id = fields.id("event_id", ID);
    let title = title?;
    let dedup_key = dedup_key.unwrap_or_else(|| derived_key(service.as_deref(), &title));
    let event = IncidentEvent {
        title,
        severity,
        status,
        service,
        dedup_key,
        keyspace: Keyspace::Shared,
        description,
        labels,
        links,
        occurred_at,
        expires_at: None,
    };
    Some(Parsed { body: Body::Incident(event), producer_id })
}

pub(super) fn severity(fields: &mut Fields<'_, '_>, words: &Words) -> Severity {
    let Some(word) = fields.word("severity") else {
        return words.default_severity;
    };
    words.aliases.resolve(&word).unwrap_or_else(|| {
        let aliases = words.aliases.0.keys().map(String::as_str);
        let severities = Severity::ALL.iter().map(|severity| severity.as_str());
        let known = severities.chain(aliases);
        fields.refuse_word("severity", &word, known);
        words.default_severity
    })
}

pub(super) fn status(fields: &mut Fields<'_, '_>) -> EventStatus {
    let Some(word) = fields.word("status") else {
        return EventStatus::Open;
    };
    EventStatus::parse(&word).unwrap_or_else(|| {
        let known = EventStatus::ALL.into_iter().map(EventStatus::as_str);
        fields.refuse_word("status", &word, known);
        EventStatus::Open
    })
}

pub(super) fn labels(fields: &mut Fields<'_, '_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in fields.labels("labels", LABELS) {
        if !text::is_visible(&key) {
            fields.refuse("labels", "empty", "a label has no name");
        } else if text::has_control(&key) {
            fields.refuse("labels", "control_character", "a label's name has control characters");
        } else if text::is_longer(&key, LABEL_KEY) || text::is_longer(&value, LABEL_VALUE) {
            let detail = format!("a name may have {LABEL_KEY} characters, a value {LABEL_VALUE}");
            fields.refuse("labels", "too_long", detail);
        } else {
            labels.insert(key.into_owned(), text::cleaned(value, Layout::OneLine));
        }
    }
    labels
}

pub(super) fn links(fields: &mut Fields<'_, '_>) -> Vec<Link> {
    let Some(items) = fields.list("links", LINKS) else {
        return Vec::new();
    };
    let mut links = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let base = fields.place_of("links", index);
        let Some(mut link) = Fields::of(item, base, fields.problems) else {
            continue;
        };
        let given = link.has("url");
        let url = link.word("url").and_then(|url| {
            let address = address(&url);
            if address.is_none() {
                link.refuse("url", "not_allowed", "must be a http or https address");
            }
            address
        });
        let url = link.required("url", url, given);
        let text = link.prose("text", Layout::OneLine, TITLE);
        link.finish();
        if let Some(url) = url {
            let text = text.unwrap_or_else(|| url.clone());
            links.push(Link { text, url });
        }
    }
    links
}

/// The address in the one spelling that every reader understands alike: `javascript:` and
/// friends have no way in, and quotes and angle brackets come out escaped.
pub(super) fn address(text: &str) -> Option<String> {
    if text.len() > LINK {
        return None;
    }
    if is_plain_address(text) {
        return Some(text.to_owned());
    }
    if text::has_control(text) {
        return None;
    }
    let url = Url::parse(text.trim()).ok()?;
    let readable = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none();
    readable.then(|| url.into())
}

/// Most addresses need no rewriting: a lower-case host name, and a path of characters
/// that mean nothing to any reader. Reading them in full costs as much as half the record.
fn is_plain_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    host.starts_with(|c: char| c.is_ascii_lowercase())
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~?=&%#+,:".contains(&b))
}

/// A sender's clock may be ahead; its event is not from the future.
pub(super) fn clamped(moment: Timestamp, words: &Words, now: Timestamp) -> Timestamp {
    let latest = now.checked_add(words.bounds.clock_skew).unwrap_or(Timestamp::MAX);
    if moment > latest { now } else { moment }
}

/// The key of an event that names none. Colons of the service are escaped, so that two services
/// never share one; a long one ends in a fingerprint of the whole.
pub(super) fn derived_key(service: Option<&str>, title: &str) -> String {
    let service = service.unwrap_or_default().replace('%', "%25").replace(':', "%3A");
    fitting_key(format!("auto:{service}:{title}"))
}

/// The key; of one that is too long the beginning and a fingerprint of the whole.
pub(super) fn fitting_key(key: String) -> String {
    const FINGERPRINT: usize = 17;
    if !text::is_longer(&key, ID) {
        return key;
    }
    let head: String = key.chars().take(ID - FINGERPRINT).collect();
    format!("{head}#{:016x}", fnv1a(key.as_bytes()))
}

/// FNV-1a, 64 bits: the same on every machine and in every version, as a stored key must be.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A direct notification that stands by itself.
pub(super) fn tell(mut fields: Fields<'_, '_>) -> Option<Parsed> {
    let parsed = notification(&mut fields);
    fields.finish();
    parsed
}

fn notification(fields: &mut Fields<'_, '_>) -> Option<Parsed> {
    let to_given = fields.has("to");
    let to = fields.words("to", RECIPIENTS);
    let to = fields.required("to", to, to_given);
    let via_given = fields.has("via");
    let via = fields.words("via", CHANNELS);
    let via = fields.required("via", via, via_given);
    let of = message_type(fields, "type");
    let text = request_text(fields);
    let priority = priority(fields);
    let send_at = fields.moment("send_at");
    let expires_at = fields.moment("expires_at");
    if let (Some(send_at), Some(expires_at)) = (send_at, expires_at)
        && expires_at <= send_at
    {
        fields.refuse("expires_at", "not_allowed", "is not after send_at");
    }
    let digest = digest(fields, send_at.is_some());
    let twice = fields.has("event_id") && fields.has("idempotency_key");
    let event_id = fields.id("event_id", ID);
    let producer_id = fields.id("idempotency_key", ID).or(event_id);
    if twice {
        fields.refuse("event_id", "not_allowed", "says the same as idempotency_key: give one");
    }
    let request = NotificationRequest {
        to: to?,
        via: via?.into_iter().map(Into::into).collect(),
        whose: Whose::Nobody,
        of: of.or_else(|| type_of(text.as_ref()?)),
        text: text?,
        priority,
        send_at,
        expires_at,
        digest,
    };
    Some(Parsed { body: Body::Notification(request), producer_id })
}

/// What everybody knows by the name of its template is of that type, also if nobody says so.
fn type_of(text: &RequestText) -> Option<MessageType> {
    let RequestText::Template { name, .. } = text else { return None };
    Notice::parse(name).map(|notice| MessageType::from(notice.as_str()))
}

/// A word that people can turn off by its name, as the operator's names are.
pub(super) fn message_type(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<MessageType> {
    let word = fields.id(name, MESSAGE_TYPE)?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !word.chars().all(plain) {
        fields.refuse(name, "not_allowed", "is a word such as welcome: letters, digits, \"-\", \"_\", \".\"");
        return None;
    }
    Some(MessageType::from(word))
}

/// How long it may wait for others.
fn digest(fields: &mut Fields<'_, '_>, is_dated: bool) -> Option<Duration> {
    let text = fields.word("digest")?;
    let digest =
        humantime::parse_duration(&text).ok().filter(|time| !time.is_zero() && *time <= LONGEST_DIGEST);
    if digest.is_none() {
        fields.refuse("digest", "not_allowed", "is a time such as \"1h\", of up to 7 days");
    } else if is_dated {
        fields.refuse("digest", "not_allowed", "waits for others and send_at for a moment: give one");
    }
    digest
}

fn priority(fields: &mut Fields<'_, '_>) -> Priority {
    let Some(word) = fields.word("priority") else {
        return Priority::default();
    };
    Priority::parse(&word).unwrap_or_else(|| {
        let known = Priority::ALL.into_iter().map(Priority::as_str);
        fields.refuse_word("priority", &word, known);
        Priority::default()
    })
}

/// Either the words themselves or the name of a template, not both.
fn request_text(fields: &mut Fields<'_, '_>) -> Option<RequestText> {
    if fields.has("template") {
        for name in ["subject", "body"] {
            if fields.has(name) {
                fields.refuse(name, "not_allowed", "the words come from the template");
                fields.take(name);
            }
        }
        let name = fields.id("template", SERVICE);
        let vars = fields.object("vars").unwrap_or_default();
        return name.map(|name| RequestText::Template { name, vars, subject: None, locale: None });
    }
    if fields.has("vars") {
        fields.refuse("vars", "not_allowed", "goes with a template");
        fields.take("vars");
    }
    let subject_given = fields.has("subject");
    let subject = fields.prose("subject", Layout::OneLine, TITLE);
    let subject = fields.required("subject", subject, subject_given);
    let body_given = fields.has("body");
    let body = fields.prose("body", Layout::Lines, usize::MAX);
    let body = fields.required("body", body, body_given);
    fields.knows("template");
    fields.knows("vars");
    Some(RequestText::Plain { subject: subject?, body: body? })
}
