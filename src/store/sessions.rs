//! Who is signed in: a row, so that it holds on every node and outlives the process.

use sqlx::FromRow;

use super::StoreError;
use super::access::read_scopes;
use super::reading::{Ask, Fetch};
use super::rows::{Readable, corrupt, id, read_all, time};
use crate::domain::session::{Grounds, Session};
use crate::domain::token::Digest;

/// `$1` id, `$2` digest, `$3` who, `$4` grounds, `$5` of what, `$6` its digest, `$7` scopes, `$8` created_at,
/// `$9` expires_at.
pub(super) const SIGN_IN: &str = "INSERT INTO session \
     (id, digest, who, grounds, grounds_of, token_digest, scopes, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";

/// `$1` id.
pub(super) const SIGN_OUT: &str = "DELETE FROM session WHERE id = $1";

/// `$1` now.
pub(super) const FORGET_SESSIONS: &str = "DELETE FROM session WHERE expires_at <= $1";

/// What a session was made for, as three columns: the word, of what, and the digest of that.
pub(super) fn words_of(grounds: &Grounds) -> (&'static str, String, Option<String>) {
    match grounds {
        Grounds::Token(id) => ("token", id.to_string(), None),
        Grounds::Configured(name, digest) => ("configured", name.clone(), Some(digest.hex())),
        Grounds::Provider(address) => ("provider", address.clone(), None),
    }
}

/// The session whose secret has this digest.
pub(super) async fn session(source: &impl Fetch, digest: &Digest) -> Result<Option<Session>, StoreError> {
    let ask = Ask::new(
        "SELECT id, digest, who, grounds, grounds_of, token_digest, scopes, created_at, expires_at \
         FROM session WHERE digest = ",
    );
    Ok(read_all(source.fetch::<SessionRow>(ask.text(digest.hex())).await?)?.pop())
}

#[derive(Debug, FromRow)]
struct SessionRow {
    id: String,
    digest: String,
    who: String,
    grounds: String,
    grounds_of: String,
    token_digest: Option<String>,
    scopes: String,
    created_at: i64,
    expires_at: i64,
}

impl Readable for SessionRow {
    type Value = Session;

    fn read(self) -> Result<Session, StoreError> {
        let digest = |text: &str| Digest::of_hex(text).ok_or_else(|| corrupt("a digest has 64 digits"));
        let grounds = match (self.grounds.as_str(), &self.token_digest) {
            ("token", None) => Grounds::Token(id(&self.grounds_of)?),
            ("configured", Some(text)) => Grounds::Configured(self.grounds_of, digest(text)?),
            ("provider", None) => Grounds::Provider(self.grounds_of),
            _ => return Err(corrupt(format!("no grounds {}", self.grounds))),
        };
        Ok(Session {
            id: id(&self.id)?,
            digest: digest(&self.digest)?,
            who: self.who,
            grounds,
            scopes: read_scopes(&self.scopes)?,
            created_at: time(self.created_at)?,
            expires_at: time(self.expires_at)?,
        })
    }
}
