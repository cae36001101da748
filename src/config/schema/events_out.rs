//! `[events_out]`

use super::{Kind, SASL, SECOND, Section, TLS, key, section};

/// `[events_out.NAME]`: the keys of all types.
pub(in crate::config) static EVENTS_OUT: Section = section(
    &[
        key("type", Kind::Word(&["kafka", "rabbitmq", "webhook"], &[])),
        key("only", Kind::Texts),
        key("brokers", Kind::Texts),
        key("topic", Kind::Text),
        key("sasl", Kind::Table(&SASL)),
        key("tls", Kind::Table(&TLS)),
        key("properties", Kind::Properties),
        key("url", Kind::Text),
        key("password", Kind::Secret),
        key("exchange", Kind::Text),
        key("declare", Kind::Switch),
        key("mandatory", Kind::Switch),
        key("secret", Kind::Secret),
        key("previous_secret", Kind::Secret),
        key("timeout", Kind::Duration(1, 60 * SECOND)),
        key("allow_private_networks", Kind::Switch),
        key("ca_file", Kind::Text),
    ],
    &[],
);
