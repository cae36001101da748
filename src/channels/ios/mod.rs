//! iOS push.

use std::sync::Arc;

use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings};
use crate::domain::people::Contact;

/// `type = "ios"`
#[derive(Debug, Clone, Copy)]
pub struct Ios;

impl ChannelType for Ios {
    fn name(&self) -> &'static str {
        "ios"
    }

    fn contact(&self) -> Contact {
        Contact::Ios
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
