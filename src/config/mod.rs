//! The configuration: one TOML file over compiled-in defaults, with the environment over the file.
//!
//! An empty file is valid. Whatever is wrong is told all at once, each problem with its place, what
//! is known there, and what to do ([`Problem`]). Secrets are read once, at load, and never shown:
//! neither in a problem nor in a `Debug` of anything here.
//!
//! `config.toml` at the root of the repository is both the reference and the defaults: it is
//! compiled in, and every value that a file does not have comes from it.
//!
//! A key exists when it is in `schema`; what it means is in the module of its table. A key of a
//! channel belongs to the channel's type, which checks it when it is built.

mod access;
mod calendar;
mod channels;
mod check;
mod compose;
mod environment;
mod events_out;
mod files;
mod heartbeat;
mod hooks;
mod include;
mod json_schema;
mod listing;
mod load;
mod mappers;
mod matching;
mod notices;
mod oidc;
mod people;
mod problem;
mod remarks;
mod renamed;
mod report;
mod routing;
mod schema;
mod secrets;
mod settings;
mod silences;
mod snapshot;
mod socket;
mod sources;
mod stored;
mod templates;
mod texts;
mod tree;
mod unknown;
mod values;
mod wrong;

#[cfg(test)]
mod tests;

pub use files::{Composed, Files, LeftOut};
pub use heartbeat::{Heartbeat, HeartbeatUrl};
pub use json_schema::json_schema;
pub use listing::{Difference, Origin, Setting, differences, effective, written};
pub use load::{Loaded, REFERENCE, load, load_for_store};
pub use problem::{Code, Excerpt, Gravity, InRecord, Location, Problem};
pub use report::is_secret;
pub use settings::{
    AuthMode, ChannelConfig, Config, Explorer, HttpConfig, LogFormat, LogsConfig, MetricsConfig, Migrate,
    RateLimit, ServerConfig, SeverityWords, SinkConfig, SinkSettings, SocketPlace, SourceConfig, StoreConfig,
    StoreUrl, TemplatesConfig, TokenConfig,
};
pub use snapshot::{Change, Snapshot};
pub use socket::usual_socket;
pub(crate) use values::short as short_duration;
