//! Email.

use std::sync::Arc;

use super::{Channel, ChannelType, Settings, SettingsProblem, Surroundings};
use crate::domain::people::Contact;

/// `type = "email"`
#[derive(Debug, Clone, Copy)]
pub struct Email;

impl ChannelType for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn contact(&self) -> Contact {
        Contact::Email
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
