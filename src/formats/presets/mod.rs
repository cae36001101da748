//! Records of other systems, as they are: recognised by their shape where a record has none of our
//! own keys, and read into what our own record would have said.
//!
//! ```text
//! channels   {"content", "channels", "destination", "user"}                tell these, over these
//! topic      {"user_id", "topic", "message"}                               tell this user, over this
//! request    {"notification_type", "recipient_email", "subject", "content"} tell this address
//! notice     {"event_type": "User…Requested", "userid", "email", …}        what a service tells its users
//! command    {"type": "create_incident", "payload": {…}}                   what is to become of an incident
//! ```
//!
//! Each reader is as strict as ours: what it does not know is refused, except where a shape carries
//! the variables of a template. A record that fits two shapes is refused: nobody knows what it means.

mod channels;
mod command;
mod notice;
mod request;
pub mod shapes;
mod topic;

#[cfg(test)]
mod tests;

use super::fields::Fields;
use super::problems::Problems;
use super::strict_json::{self, Node};
use super::{Parsed, Words};
use crate::domain::Timestamp;
use crate::domain::malformed::Malformed;

/// A record of another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"content", "channels", …}`
    Channels,
    /// `{"user_id", "topic", "message"}`
    Topic,
    /// `{"notification_type", "recipient_email", …}`
    Request,
    /// `{"event_type", …}`
    Notice,
    /// `{"type", "payload"}`
    Command,
}

/// One of these, and a record is one of our own.
const OURS: [&str; 7] = ["kind", "title", "to", "via", "dedup_key", "body", "template"];

impl Shape {
    const ALL: [Self; 5] = [Self::Channels, Self::Topic, Self::Request, Self::Notice, Self::Command];

    /// The keys that it is known by, all of one of these.
    fn keys(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Channels => &[&["content", "channels"]],
            Self::Topic => &[&["user_id", "topic", "message"], &["user_id", "channel", "message"]],
            Self::Request => &[&["notification_type", "recipient_email"]],
            Self::Notice => &[&["event_type"]],
            Self::Command => &[&["type", "payload"]],
        }
    }

    /// The one that a record has; a record that has two is refused.
    pub(super) fn of(fields: &mut Fields<'_, '_>) -> Result<Option<Self>, Refused> {
        if OURS.into_iter().any(|key| fields.has(key)) {
            return Ok(None);
        }
        let has_all = |keys: &&[&'static str]| keys.iter().all(|key| fields.has(key));
        let fits = |shape: &Self| shape.keys().iter().any(has_all);
        let found: Vec<Self> = Self::ALL.into_iter().filter(fits).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                let shapes: Vec<String> = several.iter().map(|shape| shape.keys()[0].join(" + ")).collect();
                let detail = format!("can be read in two ways: by {}", shapes.join(", and by "));
                fields.refuse_all("ambiguous", detail);
                Err(Refused)
            }
        }
    }

    /// What the record says, of which each field was told if something is wrong with it.
    pub(super) fn read(self, fields: Fields<'_, '_>, words: &Words, now: Timestamp) -> Option<Parsed> {
        match self {
            Self::Channels => channels::read(fields),
            Self::Topic => topic::read(fields),
            Self::Request => request::read(fields),
            Self::Notice => notice::read(fields, words),
            Self::Command => command::read(fields, words, now),
        }
    }
}

/// It was told why.
pub(super) struct Refused;

/// One record that has to have this shape.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(shape: Shape, raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root: Node<'_> = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let fields = Fields::of(root, "", &mut problems);
    let parsed = fields.and_then(|fields| shape.read(fields, words, now));
    problems.verdict(parsed)
}
