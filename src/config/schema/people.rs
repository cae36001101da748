//! The keys of people: who they are, when they are on call, and when they hear.

use super::{DAY, HOUR, Kind, Section, key, section};

pub(super) static USER: Section = section(
    &[
        key("name", Kind::Text),
        key("email", Kind::Text),
        key("phone", Kind::Text),
        key("ios", Kind::Texts),
        key("android", Kind::Texts),
        key("slack", Kind::Text),
        key("role", Kind::Word(&["viewer", "responder", "admin"], &[])),
        key("timezone", Kind::Zone),
        key("locale", Kind::Text),
        key("quiet_hours", Kind::Table(&QUIET_HOURS)),
        key("preferences", Kind::Table(&PREFERENCES)),
    ],
    &[],
);

static QUIET_HOURS: Section = section(
    &[
        key("from", Kind::Clock),
        key("to", Kind::Clock),
        key("timezone", Kind::Zone),
        key("except", Kind::Texts),
    ],
    &[],
);

static PREFERENCES: Section = section(&[key("channels", Kind::Switches), key("types", Kind::Switches)], &[]);

pub(super) static TEAM: Section = section(
    &[
        key("members", Kind::Texts),
        key("rotation", Kind::Table(&ROTATION)),
        key("overrides", Kind::Each(&OVERRIDE)),
    ],
    &[],
);

static ROTATION: Section = section(
    &[
        key("every", Kind::Duration(HOUR, 366 * DAY)),
        key("starts", Kind::Moment),
        key("timezone", Kind::Zone),
        key("order", Kind::Texts),
    ],
    &[],
);

static OVERRIDE: Section =
    section(&[key("user", Kind::Text), key("from", Kind::Moment), key("until", Kind::Moment)], &[]);

pub(super) static SILENCE: Section = section(
    &[
        key("match", Kind::Match),
        key("from", Kind::Moment),
        key("until", Kind::Moment),
        key("comment", Kind::Text),
        key("by", Kind::Text),
    ],
    &[],
);

pub(super) static NOTIFICATION: Section =
    section(&[key("mutable", Kind::Switch), key("link", Kind::Text)], &[]);
