//! The addresses of the systems that Foghorn takes over from: their clients stay as they are.
//!
//! Nothing is decided here. What comes in is read by [`crate::formats::presets`] or said in the words of our
//! own API, goes the same way as everything else, and what comes of it is told in the words of the
//! other system. Errors are ours, as everywhere.
//!
//! ```text
//! incidents      POST|GET /incidents, GET|PATCH|DELETE /incidents/{id}
//! notifications  POST /send-notification, POST /notifications/send
//! preferences    POST /notifications/preferences, GET|PUT /notifications/preferences/{userid}
//! history        GET /notifications/history/{userid}
//! broker         GET /broker/health; its metrics are those of everybody
//! ```

pub(super) mod broker;
pub(super) mod history;
pub(super) mod incidents;
pub(super) mod notifications;
pub(super) mod preferences;

use serde::Serialize;

use crate::domain::delivery::DeliveryState;
use crate::store::views::DeliveryCounts;

/// Whether somebody was told, in three words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum NotificationStatus {
    /// Not yet.
    Pending,
    /// At least one message was accepted.
    Sent,
    /// None was, and none is on its way.
    Failed,
}

impl NotificationStatus {
    /// Of an incident: somebody heard of it, or may yet hear, or nobody did.
    fn of(counts: &DeliveryCounts) -> Self {
        if counts.sent > 0 {
            Self::Sent
        } else if counts.pending + counts.sending + counts.retrying == 0 && counts.dead + counts.expired > 0 {
            Self::Failed
        } else {
            Self::Pending
        }
    }

    /// Of one message. What is not wanted any more is not going to arrive either.
    fn of_one(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending | DeliveryState::Sending | DeliveryState::Retrying => Self::Pending,
            DeliveryState::Sent => Self::Sent,
            DeliveryState::Dead | DeliveryState::Canceled | DeliveryState::Expired => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_heard_may_yet_hear_or_nobody_did() {
        use DeliveryState as Is;
        let table: [(&[DeliveryState], NotificationStatus); 8] = [
            (&[], NotificationStatus::Pending),
            (&[Is::Pending, Is::Dead], NotificationStatus::Pending),
            (&[Is::Retrying], NotificationStatus::Pending),
            (&[Is::Sent, Is::Pending, Is::Dead], NotificationStatus::Sent),
            (&[Is::Dead], NotificationStatus::Failed),
            (&[Is::Expired, Is::Canceled], NotificationStatus::Failed),
            // Taken before anybody had to be told.
            (&[Is::Canceled], NotificationStatus::Pending),
            (&[Is::Sending], NotificationStatus::Pending),
        ];
        for (states, expected) in table {
            let mut counts = DeliveryCounts::default();
            states.iter().for_each(|state| *counts.of(*state) += 1);
            assert_eq!(NotificationStatus::of(&counts), expected, "{states:?}");
        }
    }
}
