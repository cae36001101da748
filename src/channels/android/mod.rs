//! Android push.

use std::sync::Arc;

use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings};
use crate::domain::people::Contact;

/// `type = "android"`
#[derive(Debug, Clone, Copy)]
pub struct Android;

impl ChannelType for Android {
    fn name(&self) -> &'static str {
        "android"
    }

    fn contact(&self) -> Contact {
        Contact::Android
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
