//! Asks Pub/Sub about the subscriptions of a source, for `foghorn check --connect`: nothing is read.

use super::PubSubSettings;
use super::link::ask;
use crate::sources::SourceError;

/// Asks for every subscription of `settings`. Says what it saw.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answered, [`SourceError::Refused`] if the operator has to act.
pub async fn probe(settings: &PubSubSettings) -> Result<String, SourceError> {
    let clients = settings.clients().await?;
    for subscription in &settings.subscriptions {
        ask(&clients.admin, &settings.path(subscription)).await?;
    }
    Ok(format!("{}, subscriptions {}", settings.shown(), settings.subscriptions.join(" ")))
}
