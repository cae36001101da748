//! The keys of `[http]`, `[auth]` and `[tokens]`: where it is asked, and by whom.

use super::{DAY, HOUR, Kind, SECOND, Section, key, section};

pub(super) static HTTP: Section = section(
    &[
        key("listen", Kind::Text),
        key("hosts", Kind::Texts),
        key("socket", Kind::Text),
        key("max_body", Kind::Size(1 << 10, 64 << 20)),
        key("request_timeout", Kind::Duration(100, HOUR)),
        key("rate_limit", Kind::Table(&RATE_LIMIT)),
        key("docs", Kind::Switch),
    ],
    &["base_path", "trusted_proxies", "ui", "tls"],
);

static RATE_LIMIT: Section = section(
    &[key("requests_per_second", Kind::Count(1, 1_000_000)), key("burst", Kind::Count(1, 10_000_000))],
    &[],
);

pub(super) static AUTH: Section = section(
    &[
        key("mode", Kind::Word(&["none", "trusted_network", "token"], &["password", "oidc", "proxy"])),
        key("oidc", Kind::Table(&OIDC)),
        key("session_ttl", Kind::Duration(60 * SECOND, 30 * DAY)),
        key("ack_link_ttl", Kind::Duration(HOUR, 30 * DAY)),
    ],
    &["default_role"],
);

static OIDC: Section = section(
    &[
        key("issuer", Kind::Text),
        key("client_id", Kind::Text),
        key("client_secret", Kind::Secret),
        key("admin_group", Kind::Text),
        key("groups", Kind::Words(&["viewer", "responder", "admin"])),
        key("groups_claim", Kind::Text),
        key("scopes", Kind::Texts),
        key("timeout", Kind::Duration(SECOND, 60 * SECOND)),
        key("allow_private_networks", Kind::Switch),
        key("ca_file", Kind::Text),
    ],
    &[],
);

pub(super) static TOKEN: Section = section(&[key("secret", Kind::Secret), key("scopes", Kind::Texts)], &[]);
