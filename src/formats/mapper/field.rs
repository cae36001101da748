//! The fields that a rule may fill: those of our own record, and whose wishes count.

use std::borrow::Cow;

use jiff::Timestamp;

use super::super::strict_json::Node;
use super::value::into_text;

/// What a rule makes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event about an incident.
    Incident,
    /// A direct notification.
    Notification,
    /// None: the record is let go.
    Ignored,
}

impl Kind {
    /// Each of them.
    pub(super) const ALL: [Self; 3] = [Self::Incident, Self::Notification, Self::Ignored];

    /// Does an event of this kind have such a field? What is let go has none.
    pub(super) fn has(self, field: Field) -> bool {
        self != Self::Ignored && field.of.is_none_or(|of| of == self)
    }

    /// The word of the record format, and of a rule that makes none.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Notification => "notification",
            Self::Ignored => "ignored",
        }
    }
}

/// How a field is written in a mapper, and what it needs to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// One text; numbers and booleans become one.
    Text,
    /// A date and a time; a number is seconds or milliseconds since 1970.
    Moment,
    /// Texts.
    Words,
    /// Names with a text behind each.
    Labels,
    /// Names with anything behind each.
    Variables,
    /// Addresses with a text.
    Links,
}

/// A field of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) class: Class,
    /// `None` if every kind has it.
    pub(super) of: Option<Kind>,
}

const fn of_incident(name: &'static str, class: Class) -> Field {
    Field { name, class, of: Some(Kind::Incident) }
}

const fn of_notification(name: &'static str, class: Class) -> Field {
    Field { name, class, of: Some(Kind::Notification) }
}

/// Whose wishes count for the addresses; our own record cannot say it.
pub(super) const WHOSE: &str = "whose";

/// Every field, as people read them.
pub(super) const FIELDS: [Field; 22] = [
    of_incident("title", Class::Text),
    of_incident("severity", Class::Text),
    of_incident("status", Class::Text),
    of_incident("service", Class::Text),
    of_incident("dedup_key", Class::Text),
    of_incident("description", Class::Text),
    of_incident("labels", Class::Labels),
    of_incident("links", Class::Links),
    of_incident("occurred_at", Class::Moment),
    of_notification("to", Class::Words),
    of_notification("via", Class::Words),
    of_notification(WHOSE, Class::Text),
    of_notification("type", Class::Text),
    of_notification("subject", Class::Text),
    of_notification("body", Class::Text),
    of_notification("template", Class::Text),
    of_notification("vars", Class::Variables),
    of_notification("priority", Class::Text),
    of_notification("send_at", Class::Moment),
    of_notification("expires_at", Class::Moment),
    of_notification("digest", Class::Text),
    Field { name: "event_id", class: Class::Text, of: None },
];

/// Their names.
pub const FIELD_NAMES: [&str; FIELDS.len()] = {
    let mut names = [""; FIELDS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = FIELDS[at].name;
        at += 1;
    }
    names
};

/// The field of this name.
pub(super) fn field(name: &str) -> Option<Field> {
    FIELDS.into_iter().find(|field| field.name == name)
}

impl Class {
    /// What was taken, as the reader of our own record wants it. What cannot be is left for it to refuse.
    pub(super) fn fitted(self, node: Node<'_>) -> Node<'_> {
        match (self, node) {
            (Self::Moment, Node::Number(number)) => match moment(number.as_f64().unwrap_or_default()) {
                Some(moment) => Node::Text(moment.to_string().into()),
                None => Node::Number(number),
            },
            (Self::Words, Node::List(items)) => {
                Node::List(items.into_iter().filter(|item| *item != Node::Null).map(into_text).collect())
            }
            (Self::Labels, Node::Map(entries)) => {
                let there = entries.into_iter().filter(|(_, value)| *value != Node::Null);
                Node::Map(there.map(|(key, value)| (key, into_text(value))).collect())
            }
            (Self::Variables | Self::Links, node) => node,
            (_, node) => into_text(node),
        }
    }
}

/// Seconds, or where that would lie in a far future, milliseconds, microseconds or nanoseconds since 1970.
fn moment(number: f64) -> Option<Timestamp> {
    const FAR: f64 = 1e11;
    if !(number.is_finite() && number >= 0.0) {
        return None;
    }
    let steps = [1.0, 1e3, 1e6, 1e9];
    let unit = steps.into_iter().find(|unit| number / unit < FAR)?;
    #[expect(clippy::cast_possible_truncation, reason = "below 1e14")]
    Timestamp::from_millisecond((number / unit * 1e3).round() as i64).ok()
}

/// A key of a tree that is made here.
pub(super) fn key<'a>(name: &str) -> Cow<'a, str> {
    Cow::Owned(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_moment_in_whatever_unit_it_is_near() {
        for number in ["1795269728", "1795269728000", "1795269728000000", "1795269728000000000"] {
            let node = Node::Number(serde_json::from_str(number).expect("a number"));
            assert_eq!(Class::Moment.fitted(node), Node::Text("2026-11-21T14:02:08Z".into()), "{number}");
        }
        let half = Node::Number(serde_json::Number::from_f64(1_795_269_728.5).expect("finite"));
        assert_eq!(Class::Moment.fitted(half), Node::Text("2026-11-21T14:02:08.5Z".into()));
        let before = Node::Number((-5).into());
        assert_eq!(Class::Moment.fitted(before.clone()), before, "refused by whoever reads it");
    }
}
