//! `[mappers.NAME]`: the keys are known here, and what may stand behind them to [`crate::formats::mapper`].

use super::{Key, Kind, Section, key, section};

/// The fields of an event, and what a mapper says of each.
macro_rules! with_fields {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            field("title"), field("severity"), field("status"), field("service"), field("dedup_key"),
            field("description"), field("labels"), field("links"), field("occurred_at"), field("to"), field("via"),
            field("whose"), field("type"), field("subject"), field("body"), field("template"), field("vars"),
            field("priority"), field("send_at"), field("expires_at"), field("digest"), field("event_id"),
        ]
    };
}

const fn field(name: &'static str) -> Key {
    key(name, Kind::Mapped)
}

pub(super) static MAPPER: Section = section(
    with_fields![
        key("headers", Kind::Texts),
        key("each", Kind::Text),
        key("event_type", Kind::Text),
        key("rules", Kind::Each(&RULE)),
    ],
    &[],
);

static RULE: Section = section(
    with_fields![
        key("name", Kind::Text),
        key("on", Kind::Patterns),
        key("when", Kind::Mapped),
        key("kind", Kind::Word(&["incident", "notification", "ignored"], &[])),
    ],
    &[],
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::mapper::{FIELD_NAMES, RULE_KEYS, SHARED_KEYS};

    #[test]
    fn the_schema_and_the_mapper_know_the_same_keys() {
        for (section, own) in [(&MAPPER, SHARED_KEYS.as_slice()), (&RULE, RULE_KEYS.as_slice())] {
            let mut known: Vec<&str> = section.names().collect();
            let mut read: Vec<&str> = own.iter().copied().chain(FIELD_NAMES).collect();
            known.sort_unstable();
            read.sort_unstable();
            assert_eq!(known, read);
        }
    }
}
