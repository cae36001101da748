//! `{"user_id", "topic", "message"}`: words for a user whom we know, over the channel of that name. Some say
//! `channel` for `topic`.

use super::super::Parsed;
use super::super::fields::Fields;
use super::super::native::{ID, TITLE};
use super::super::text::Layout;
use super::channels::{plain, plain_words, producer_id};
use crate::domain::owner::Whose;

pub(super) fn read(mut fields: Fields<'_, '_>) -> Option<Parsed> {
    let user = fields.take("user_id").and_then(plain);
    if user.is_none() {
        fields.refuse("user_id", "wrong_type", "must be the name or the number of a user");
    }
    let key = if fields.has("topic") { "topic" } else { "channel" };
    let given = fields.has(key);
    let topic = fields.id(key, ID);
    let topic = fields.required(key, topic, given);
    let given = fields.has("message");
    let message = fields.prose("message", Layout::Lines, usize::MAX);
    let message = fields.required("message", message, given);
    let subject = fields.prose("subject", Layout::OneLine, TITLE);
    let producer_id = producer_id(&mut fields);
    fields.finish();
    let body = message?;
    let (to, via) = (vec![format!("user:{}", user?)], vec![topic?.to_ascii_lowercase().into()]);
    let body = plain_words(to, via, Whose::Nobody, subject, body);
    Some(Parsed { body, producer_id })
}
