//! `{"notification_type", "recipient_email", "subject", "content", "template_vars"}`: a mail of a type that
//! people may turn off. `content` is the words, or the name of a template.

use super::super::fields::Fields;
use super::super::native::{self, TITLE};
use super::super::text::Layout;
use super::super::{Parsed, native::SERVICE};
use super::channels::producer_id;
use crate::domain::event::{Body, NotificationRequest, Priority, RequestText};
use crate::domain::notice::Notice;
use crate::domain::owner::Whose;

pub(super) fn read(mut fields: Fields<'_, '_>) -> Option<Parsed> {
    let given = fields.has("notification_type");
    let of = native::message_type(&mut fields, "notification_type");
    let of = fields.required("notification_type", of, given);
    let given = fields.has("recipient_email");
    let email = fields.id("recipient_email", native::ADDRESS);
    let email = fields.required("recipient_email", email, given);
    if email.as_ref().is_some_and(|email| !email.contains('@')) {
        fields.refuse("recipient_email", "not_allowed", "is no mail address");
    }
    let subject = fields.prose("subject", Layout::OneLine, TITLE);
    let given = fields.has("content");
    let content = fields.prose("content", Layout::Lines, usize::MAX);
    let content = fields.required("content", content, given);
    let has_vars = fields.has("template_vars");
    let vars = fields.object("template_vars").unwrap_or_default();
    let producer_id = producer_id(&mut fields);
    fields.finish();
    let content = content?;
    let text = if is_template(&content, has_vars) {
        RequestText::Template { name: content, vars, subject, locale: None }
    } else {
        let subject = subject.unwrap_or_else(|| super::channels::beginning(&content));
        RequestText::Plain { subject, body: content }
    };
    let request = NotificationRequest {
        to: vec![email?],
        via: vec!["email".into()],
        whose: Whose::Owner,
        of,
        text,
        priority: Priority::default(),
        send_at: None,
        expires_at: None,
        digest: None,
    };
    Some(Parsed { body: Body::Notification(request), producer_id })
}

/// One word that comes with variables, or that everybody knows.
fn is_template(content: &str, has_vars: bool) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_word = content.len() <= SERVICE && content.chars().all(plain);
    is_word && (has_vars || Notice::parse(content).is_some())
}
