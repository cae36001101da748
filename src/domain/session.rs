//! Sessions: what a browser shows instead of a token.
//!
//! A session is made for something else that lets its holder in, and counts no longer than that. Like a
//! token it is a secret of which only the digest is known.

use super::Timestamp;
use super::ids::{SessionId, TokenId};
use super::token::{Digest, Scopes};

/// What a session was made for.
#[derive(Debug, Clone)]
pub enum Grounds {
    /// A token of the store.
    Token(TokenId),
    /// `[tokens.NAME]`, with the digest that its secret had then.
    Configured(String, Digest),
    /// The word of the identity provider with this address.
    Provider(String),
}

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Of its secret.
    pub digest: Digest,
    /// Who is said to have done what is done with it.
    pub who: String,
    /// What it was made for.
    pub grounds: Grounds,
    /// What they might do when it began. What a token may is asked of the token.
    pub scopes: Scopes,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl Session {
    /// Is its time not over?
    pub fn counts(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// What becomes of sessions.
#[derive(Debug, Clone)]
pub enum SessionChange {
    /// Somebody signed in.
    Began(Session),
    /// Somebody signed out.
    Ended(SessionId),
}
