//! SMS.

use std::sync::Arc;

use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings};
use crate::domain::people::Contact;

/// `type = "sms"`
#[derive(Debug, Clone, Copy)]
pub struct Sms;

impl ChannelType for Sms {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn contact(&self) -> Contact {
        Contact::Phone
    }

    fn providers(&self) -> &'static [&'static str] {
        &["outbox"]
    }

    fn keys(&self, _provider: &str) -> &'static [&'static str] {
        &[]
    }

    fn build(
        &self,
        _provider: &str,
        _settings: &Settings,
        _surroundings: &Surroundings,
    ) -> Result<Arc<dyn Channel>, Vec<SettingsProblem>> {
        Err(Vec::new())
    }
}
