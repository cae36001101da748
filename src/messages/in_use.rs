//! What a running Foghorn works by, for those who ask what it would do.
//!
//! Replaced as a whole when a reload was told to everybody; whoever asks takes it once and answers
//! from that, so that no answer is half of one configuration and half of another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::channels::Channel;
use crate::domain::names::ChannelName;
use crate::domain::record::Tables;
use crate::domain::retry::RetryPolicy;
use crate::domain::routes::RouteTable;
use crate::domain::token::ConfiguredToken;
use crate::formats::Words;
use crate::render::Letterhead;
use crate::render::sms::SmsStyle;
use crate::sources::http::Hooks;

/// What a running Foghorn works by.
#[derive(Debug, Clone, Default)]
pub struct InUse {
    /// Who hears of what.
    pub routes: Arc<RouteTable>,
    /// Where each user, team, policy and route stands.
    pub tables: Arc<Tables>,
    /// How records are read.
    pub words: Arc<Words>,
    /// What every message says of this Foghorn, and the operator's templates.
    pub letterhead: Letterhead,
    /// `[tokens]`
    pub tokens: Vec<ConfiguredToken>,
    /// The addresses of senders.
    pub hooks: Hooks,
    /// Every way out.
    pub channels: BTreeMap<ChannelName, WayOut>,
}

/// One way out.
#[derive(Clone)]
pub struct WayOut {
    /// `type = "…"`
    pub kind: String,
    /// Who carries it.
    pub provider: String,
    /// How to send: what its pool sends with.
    pub channel: Arc<dyn Channel>,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// How it wants text messages, if that is what it sends.
    pub texts: Option<SmsStyle>,
}

impl fmt::Debug for WayOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WayOut")
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
