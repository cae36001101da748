//! `{"event_type": "UserEmailVerificationRequested", "userid", "email", "username", "verify_token"}` and its
//! siblings: what a service wants its user to be told. Whatever else it says is a variable of the template.

use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use super::super::fields::Fields;
use super::super::native;
use super::super::{Parsed, Words};
use crate::domain::event::{Body, NotificationRequest, Priority, RequestText};
use crate::domain::names::MessageType;
use crate::domain::notice::Notice;
use crate::domain::owner::Whose;

/// Where services put the token that a link leads back with.
const TOKENS: [&str; 5] = ["verify_token", "verification_token", "reset_token", "alert_token", "token"];

pub(super) fn read(mut fields: Fields<'_, '_>, words: &Words) -> Option<Parsed> {
    let word = fields.word("event_type")?;
    let notice = Notice::ALL.into_iter().find(|notice| notice.events().contains(&&*word));
    if notice.is_none() {
        let known = Notice::ALL.into_iter().flat_map(|notice| notice.events().iter().copied());
        fields.refuse_word("event_type", &word, known);
    }
    let key = if fields.has("userid") { "userid" } else { "user_id" };
    let given = fields.has(key);
    let user = fields.take(key).and_then(super::channels::plain);
    if given && user.is_none() {
        fields.refuse(key, "wrong_type", "must be the id of a user");
    }
    let given = fields.has("email");
    let email = fields.id("email", native::ADDRESS);
    let email = fields.required("email", email, given);
    if email.as_ref().is_some_and(|email| !email.contains('@')) {
        fields.refuse("email", "not_allowed", "is no mail address");
    }
    let producer_id = super::channels::producer_id(&mut fields);
    let mut vars = fields.rest();
    let (notice, email) = (notice?, email?);
    let of = MessageType::from(notice.as_str());
    if let Some(link) = link(words, &of, &vars) {
        vars.entry("link").or_insert(Value::String(link));
    }
    vars.insert("email".to_owned(), Value::String(email.clone()));
    if let Some(user) = &user {
        vars.insert("userid".to_owned(), Value::String(user.clone()));
    }
    let request = NotificationRequest {
        to: vec![email],
        via: vec!["email".into()],
        whose: user.map_or(Whose::Owner, |user| Whose::User(user.into())),
        of: Some(of),
        text: RequestText::Template { name: notice.as_str().to_owned(), vars, subject: None, locale: None },
        priority: Priority::High,
        send_at: None,
        expires_at: None,
        digest: None,
    };
    Some(Parsed { body: Body::Notification(request), producer_id })
}

/// `[notifications.TYPE] link`, leading back with the token.
fn link(words: &Words, of: &MessageType, vars: &Map<String, Value>) -> Option<String> {
    let pattern = words.links.get(of)?;
    let token = TOKENS.into_iter().find_map(|name| vars.get(name)?.as_str()).unwrap_or_default();
    if token.is_empty() && pattern.contains("{token}") {
        return None;
    }
    // A plus means a blank in a query, and itself in a path.
    let token = byte_serialize(token.as_bytes()).collect::<String>().replace('+', "%20");
    Some(pattern.replace("{token}", &token))
}
