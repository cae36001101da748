//! `[[routes]]` and `[policies.NAME]`.

use super::{DAY, Kind, SECOND, Section, key, section};

pub(super) static ROUTE: Section = section(
    &[
        key("name", Kind::Text),
        key("match", Kind::Match),
        key("policy", Kind::Text),
        key("group_by", Kind::Texts),
    ],
    &[],
);

pub(super) static POLICY: Section = section(
    &[
        key("repeat", Kind::Count(0, 100)),
        key("repeat_after", Kind::Duration(SECOND, 30 * DAY)),
        key("ack_timeout", Kind::Duration(0, 365 * DAY)),
        key("bundle", Kind::Duration(0, DAY)),
        key("stop_when", Kind::Word(&["acknowledged", "resolved"], &[])),
        key("on_update", Kind::Word(&["notify", "silent"], &[])),
        key("on_acknowledge", Kind::Word(&["notify", "silent"], &[])),
        key("on_resolve", Kind::Word(&["notify", "silent"], &[])),
        key("steps", Kind::Each(&STEP)),
    ],
    &[],
);

static STEP: Section = section(
    &[key("after", Kind::Duration(0, 30 * DAY)), key("notify", Kind::Texts), key("via", Kind::Texts)],
    &[],
);
