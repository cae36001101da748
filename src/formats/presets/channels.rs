//! `{"content", "channels", "destination", "user"}`: words, the channels they go over, and to whom.

use super::super::fields::Fields;
use super::super::native::{ID, TITLE};
use super::super::strict_json::Node;
use super::super::text::{self, Layout};
use super::super::{Parsed, native};
use crate::domain::event::{Body, NotificationRequest, Priority, RequestText};
use crate::domain::names::ChannelName;
use crate::domain::owner::Whose;

/// The longest subject that is made of the beginning of the words.
const SUBJECT: usize = 78;

pub(super) fn read(mut fields: Fields<'_, '_>) -> Option<Parsed> {
    let given = fields.has("content");
    let content = fields.prose("content", Layout::Lines, usize::MAX);
    let content = fields.required("content", content, given);
    let via = channels(&mut fields);
    let mut to = fields.words("destination", native::RECIPIENTS).unwrap_or_default();
    let user = user(&mut fields);
    let subject = fields.prose("subject", Layout::OneLine, TITLE);
    let producer_id = producer_id(&mut fields);
    if let (Some(via), Some(user)) = (&via, &user) {
        also(&mut to, via, user);
    }
    if to.is_empty() && via.is_some() {
        fields.refuse(
            "destination",
            "missing",
            "\"destination\" or a \"user\" who can be reached is required",
        );
    }
    fields.finish();
    let body = content?;
    let whose = user.and_then(|user| user.id).map_or(Whose::Owner, |id| Whose::User(id.into()));
    let body = plain_words(to, via?, whose, subject, body);
    Some(Parsed { body, producer_id })
}

/// These words and nothing else, to these over these. Without a subject, their beginning is one.
pub(super) fn plain_words(
    to: Vec<String>,
    via: Vec<ChannelName>,
    whose: Whose,
    subject: Option<String>,
    body: String,
) -> Body {
    Body::Notification(NotificationRequest {
        to,
        via,
        whose,
        of: None,
        text: RequestText::Plain { subject: subject.unwrap_or_else(|| beginning(&body)), body },
        priority: Priority::default(),
        send_at: None,
        expires_at: None,
        digest: None,
    })
}

/// A list, or one text with commas.
fn channels(fields: &mut Fields<'_, '_>) -> Option<Vec<ChannelName>> {
    let given = fields.has("channels");
    let listed = fields.words("channels", native::CHANNELS);
    let listed = fields.required("channels", listed, given)?;
    let words = listed.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_ascii_lowercase());
    let mut names: Vec<ChannelName> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let name = ChannelName::from(word);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(names)
}

/// What is known of whoever is told.
#[derive(Default)]
struct Profile {
    id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

/// `user` or `user_profile`: a name, or an object of which more is known than is needed here.
fn user(fields: &mut Fields<'_, '_>) -> Option<Profile> {
    let key = if fields.has("user") { "user" } else { "user_profile" };
    if key == "user" && fields.has("user_profile") {
        fields.refuse("user_profile", "not_allowed", "says the same as user: give one");
    }
    fields.knows("user_profile");
    let node = fields.take(key);
    fields.take("user_profile");
    match node? {
        Node::Map(entries) => {
            let mut profile = Profile::default();
            for (name, value) in entries {
                let place = match &*name {
                    "id" | "user_id" | "userid" => &mut profile.id,
                    "email" => &mut profile.email,
                    "phone" | "phone_number" => &mut profile.phone,
                    _ => continue,
                };
                *place = plain(value);
            }
            Some(profile)
        }
        node => {
            let id = plain(node);
            if id.is_none() {
                fields.refuse(key, "wrong_type", "must be a name or an object");
            }
            Some(Profile { id, ..Profile::default() })
        }
    }
}

/// A text or a number, as an id is written.
pub(super) fn plain(node: Node<'_>) -> Option<String> {
    let text = match node {
        Node::Text(text) => text.into_owned(),
        Node::Number(number) => number.to_string(),
        _ => return None,
    };
    let fits = text::is_visible(&text) && !text::has_control(&text) && !text::is_longer(&text, ID);
    fits.then_some(text)
}

/// Where no destination leads over one of the channels, the user's own address does.
fn also(to: &mut Vec<String>, via: &[ChannelName], user: &Profile) {
    let over = |name: &str| via.iter().any(|channel| channel.as_str() == name);
    if over("email") && !to.iter().any(|text| text.contains('@')) {
        to.extend(user.email.clone());
    }
    if over("sms") && !to.iter().any(|text| text.starts_with('+')) {
        to.extend(user.phone.clone());
    }
    let by_name = over("ios") || over("android") || to.is_empty();
    to.extend(user.id.as_ref().filter(|_| by_name).map(|id| format!("user:{id}")));
}

pub(super) fn producer_id(fields: &mut Fields<'_, '_>) -> Option<String> {
    let event_id = fields.id("event_id", ID);
    fields.id("idempotency_key", ID).or(event_id)
}

/// The first line, as a subject.
pub(super) fn beginning(body: &str) -> String {
    let line = body.lines().find(|line| text::is_visible(line)).unwrap_or_default().trim();
    match line.char_indices().nth(SUBJECT) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}
