//! What a provider says about a message after it has accepted it: it arrived, or it did not.
//!
//! A receipt is an attribute of a delivery and never a new state. The first final word counts: what comes
//! twice, late or out of order changes nothing.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::ids::DeliveryId;

/// The final word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptKind {
    /// It is with the recipient.
    Delivered,
    /// It did not arrive.
    Undelivered,
    /// The recipient's side sent it back.
    Bounced,
}

impl ReceiptKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Undelivered, Self::Bounced];

    /// The word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Bounced => "bounced",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What was said about one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Receipt {
    /// Which.
    #[serde(skip)]
    pub delivery: DeliveryId,
    /// What.
    pub kind: ReceiptKind,
    /// The provider's code, or empty.
    pub code: String,
    /// The provider's words, or empty.
    pub detail: String,
    /// When it was heard.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in ReceiptKind::ALL {
            assert_eq!(ReceiptKind::parse(kind.as_str()), Some(kind));
        }
    }
}
