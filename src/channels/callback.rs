//! What providers send of their own accord: that a message arrived or did not, and what people answer.
//!
//! A channel says whether a callback is its provider's, by a signature over the bytes as they came, and
//! what it means. What follows from it is decided elsewhere.

use reqwest::header::HeaderMap;

use crate::domain::Timestamp;
use crate::domain::button::Button;
use crate::domain::delivery::Address;
use crate::domain::fault::Fault;
use crate::domain::ids::DeliveryId;
use crate::domain::receipt::ReceiptKind;

/// One request of a provider, as it came.
#[derive(Debug)]
pub struct Callback<'a> {
    /// The address that the provider called, as the world knows it, with its query.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its bytes.
    pub body: &'a [u8],
    /// Who made it.
    pub caller: Caller,
    /// When it came.
    pub now: Timestamp,
}

/// Who made a request, as far as that can be told by the way it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Anybody,
    /// Whoever may open the socket: they may do everything.
    Owner,
}

/// What it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The final word about a message.
    Receipt {
        /// Which delivery's.
        delivery: DeliveryId,
        /// What.
        kind: ReceiptKind,
        /// Why not, if it did not arrive and the provider said so.
        fault: Option<Fault>,
        /// The provider's code, or empty.
        code: String,
        /// The provider's words, or empty.
        detail: String,
        /// Whom it is about, where that may be somebody else than was written to: only what is said
        /// about that address is held against it.
        about: Vec<Address>,
    },
    /// Somebody answered.
    Said {
        /// Who: their address on this channel.
        from: Address,
        /// What.
        text: String,
    },
    /// Somebody pressed a button under a message.
    Pressed {
        /// Who: their id with the provider.
        by: Address,
        /// Which button.
        button: Button,
        /// Where words for them go, if not into the answer to the callback.
        answer_at: Option<String>,
    },
}

/// Why nothing was heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotHeard {
    /// This channel expects no callbacks.
    #[error("this channel expects no callbacks")]
    NotExpected,
    /// It does not come from the provider, or not just now.
    #[error("this is not signed by the provider")]
    NotTheirs,
    /// It does, and makes no sense.
    #[error("{0}")]
    NotUnderstood(String),
}

/// What is answered to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Of the body.
    pub content_type: &'static str,
    /// In the provider's own form.
    pub body: String,
}

impl Answer {
    /// Nothing but yes.
    pub const NOTHING: Self = Self { content_type: "text/plain; charset=utf-8", body: String::new() };
}
