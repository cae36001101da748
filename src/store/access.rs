//! Tokens, who did what, and requests that may come again: rows, so that they hold on every node and
//! outlive the process.

use async_trait::async_trait;
use sqlx::FromRow;

use super::reading::{Ask, Fetch, cursor, limit, nothing, page};
use super::rows::{Readable, column, corrupt, id, number, optional, read_all, time};
use super::views::Page;
use super::{Paging, StoreError};
use crate::domain::Timestamp;
use crate::domain::audit::AuditEntry;
use crate::domain::idempotency::{Answer, Key, Known};
use crate::domain::ids::AuditId;
use crate::domain::token::{Digest, Scopes, Token, TokenOrigin};
use crate::store::batch::AccessChange;

/// What an open transaction can do about callers.
#[async_trait]
pub(super) trait Access: Send {
    /// Writes down what is new about callers, in this order.
    async fn access(&mut self, changes: &[AccessChange]) -> Result<(), StoreError>;
}

/// `$1` id, `$2` name, `$3` digest, `$4` scopes, `$5` created_at, `$6` created_by, `$7` expires_at.
pub(super) const MAKE: &str = "INSERT INTO token \
     (id, name, digest, scopes, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (id) DO NOTHING";

/// `$1` id, `$2` name, `$3` digest, `$4` scopes, `$5` created_at, `$6` created_by. The row is the claim: of
/// many nodes that try, one has it, and once. A token with the scope admin that was made in any other way,
/// and ended since, is one too.
pub(super) const FIRST: &str = "INSERT INTO token (id, name, digest, scopes, created_at, created_by, origin) \
     SELECT $1, $2, $3, $4, $5, $6, 'bootstrap' \
     WHERE NOT EXISTS (SELECT 1 FROM token WHERE ',' || scopes || ',' LIKE '%,admin,%') \
     ON CONFLICT DO NOTHING";

/// [`FIRST`] of this token.
macro_rules! first {
    ($token:expr) => {{
        sqlx::query(crate::store::access::FIRST)
            .bind($token.id.to_string())
            .bind(&$token.name)
            .bind($token.digest.bytes().to_vec())
            .bind($token.scopes.words())
            .bind($token.created_at.as_millisecond())
            .bind(&$token.created_by)
    }};
}
pub(super) use first;

/// `$1` id, `$2` now.
pub(super) const REVOKE: &str = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

/// `$1` id, `$2` now. The clocks of nodes differ: it never goes back.
pub(super) const USE: &str =
    "UPDATE token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

/// `$1` id, `$2` at, `$3` who, `$4` address, `$5` action, `$6` target, `$7` status, `$8` request id.
pub(super) const AUDIT: &str = "INSERT INTO audit \
     (id, at, who, address, action, target, status, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (id) DO NOTHING";

/// `$1` the id that the first line of a moment could have, `$2` how many: those of before that, the oldest first.
pub(super) const FORGET_AUDIT: &str =
    "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2)";

/// Ids begin with their time, so the table needs no other index for it.
pub(super) fn first_of(moment: Timestamp) -> String {
    AuditId::new(moment, 0).to_string()
}

/// `$1` now.
pub(super) const FORGET: &str = "DELETE FROM idempotency WHERE expires_at <= $1";

/// `$1` caller, `$2` key, `$3` who claims, `$4` fingerprint, `$5` now, `$6` expires_at, `$7` what is stale.
/// Said again, it is the same claim.
pub(super) const CLAIM: &str = "INSERT INTO idempotency \
     (caller, key, claimed_by, fingerprint, begun_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (caller, key) DO UPDATE SET claimed_by = excluded.claimed_by, \
     fingerprint = excluded.fingerprint, begun_at = excluded.begun_at, expires_at = excluded.expires_at \
     WHERE idempotency.status IS NULL AND idempotency.begun_at < $7";

/// `$1` caller, `$2` key, `$3` who claimed it, `$4` status, `$5` content type, `$6` location, `$7` body.
pub(super) const ANSWER: &str = "UPDATE idempotency \
     SET status = $4, content_type = $5, location = $6, body = $7 \
     WHERE caller = $1 AND key = $2 AND claimed_by = $3 AND status IS NULL";

/// `$1` caller, `$2` key, `$3` who claimed it.
pub(super) const RELEASE: &str =
    "DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND claimed_by = $3 AND status IS NULL";

/// Runs what `$changes` say on `$ledger`: the statements are the same in both databases.
macro_rules! access {
    ($ledger:expr, $changes:expr) => {{
        use crate::domain::idempotency::KeyChange;
        use crate::domain::session::SessionChange;
        use crate::domain::token::TokenChange;
        use crate::store::access::{
            ANSWER, AUDIT, CLAIM, FORGET, FORGET_AUDIT, MAKE, RELEASE, REVOKE, USE, first_of,
        };
        use crate::store::batch::AccessChange;
        use crate::store::sessions::{FORGET_SESSIONS, SIGN_IN, SIGN_OUT, words_of};
        use sqlx::query;
        for change in $changes {
            let query = match change {
                AccessChange::Token(TokenChange::Made(token)) => query(MAKE)
                    .bind(token.id.to_string())
                    .bind(&token.name)
                    .bind(token.digest.bytes().to_vec())
                    .bind(token.scopes.words())
                    .bind(token.created_at.as_millisecond())
                    .bind(&token.created_by)
                    .bind(token.expires_at.map(|at| at.as_millisecond())),
                AccessChange::Token(TokenChange::Revoked(id, at)) => {
                    query(REVOKE).bind(id.to_string()).bind(at.as_millisecond())
                }
                AccessChange::Token(TokenChange::Used(id, at)) => {
                    query(USE).bind(id.to_string()).bind(at.as_millisecond())
                }
                AccessChange::Session(SessionChange::Began(session)) => {
                    let (grounds, of, digest) = words_of(&session.grounds);
                    query(SIGN_IN)
                        .bind(session.id.to_string())
                        .bind(session.digest.hex())
                        .bind(&session.who)
                        .bind(grounds)
                        .bind(of)
                        .bind(digest)
                        .bind(session.scopes.words())
                        .bind(session.created_at.as_millisecond())
                        .bind(session.expires_at.as_millisecond())
                }
                AccessChange::Session(SessionChange::Ended(id)) => query(SIGN_OUT).bind(id.to_string()),
                AccessChange::Audit(entry) => query(AUDIT)
                    .bind(entry.id.to_string())
                    .bind(entry.at.as_millisecond())
                    .bind(&entry.who)
                    .bind(&entry.from)
                    .bind(&entry.action)
                    .bind(&entry.target)
                    .bind(i64::from(entry.status))
                    .bind(&entry.request_id),
                AccessChange::Key(KeyChange::Claimed(claim)) => {
                    $ledger.run(query(FORGET).bind(claim.at.as_millisecond())).await?;
                    query(CLAIM)
                        .bind(&claim.key.caller)
                        .bind(&claim.key.key)
                        .bind(&claim.by)
                        .bind(&claim.fingerprint)
                        .bind(claim.at.as_millisecond())
                        .bind(claim.expires_at.as_millisecond())
                        .bind(claim.stale_before.as_millisecond())
                }
                AccessChange::Key(KeyChange::Answered { key, by, answer }) => query(ANSWER)
                    .bind(&key.caller)
                    .bind(&key.key)
                    .bind(by)
                    .bind(i64::from(answer.status))
                    .bind(&answer.content_type)
                    .bind(&answer.location)
                    .bind(&answer.body),
                AccessChange::Key(KeyChange::Released { key, by }) => {
                    query(RELEASE).bind(&key.caller).bind(&key.key).bind(by)
                }
                AccessChange::Purge(purge) => {
                    $ledger.run(query(FORGET).bind(purge.now.as_millisecond())).await?;
                    if let Some(before) = purge.audit_before {
                        let most = i64::try_from(purge.most).unwrap_or(i64::MAX);
                        $ledger.run(query(FORGET_AUDIT).bind(first_of(before)).bind(most)).await?;
                    }
                    query(FORGET_SESSIONS).bind(purge.now.as_millisecond())
                }
            };
            $ledger.run(query).await?;
        }
        Ok(())
    }};
}
pub(super) use access;

/// Every token of the store, the newest first.
pub(super) async fn tokens(source: &impl Fetch) -> Result<Vec<Token>, StoreError> {
    let ask = Ask::new(
        "SELECT id, name, digest, scopes, origin, created_at, created_by, expires_at, last_used_at, revoked_at \
         FROM token ORDER BY id DESC",
    );
    read_all(source.fetch::<TokenRow>(ask).await?)
}

/// Who did what, newest first.
pub(super) async fn audit(source: &impl Fetch, paging: &Paging) -> Result<Page<AuditEntry>, StoreError> {
    let ask =
        Ask::new("SELECT id, at, who, address, action, target, status, request_id FROM audit WHERE id < ");
    let ask = match cursor::<AuditId>(paging) {
        // After every id of ours.
        None => ask.text("~"),
        Some(Some(id)) => ask.text(id),
        Some(None) => return Ok(nothing()),
    };
    let ask = ask.push(" ORDER BY id DESC LIMIT ").number(column(limit(paging) as u64 + 1));
    let rows = read_all(source.fetch::<AuditRow>(ask).await?)?;
    Ok(page(rows, paging, |entry: &AuditEntry| entry.id.to_string()))
}

/// What is known of a key.
pub(super) async fn idempotency(source: &impl Fetch, key: &Key) -> Result<Option<Known>, StoreError> {
    let ask = Ask::new(
        "SELECT claimed_by, fingerprint, status, content_type, location, body FROM idempotency WHERE caller = ",
    );
    let ask = ask.text(&key.caller).push(" AND key = ").text(&key.key);
    Ok(read_all(source.fetch::<KeyRow>(ask).await?)?.pop())
}

#[derive(Debug, FromRow)]
struct TokenRow {
    id: String,
    name: String,
    digest: Vec<u8>,
    scopes: String,
    origin: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Readable for TokenRow {
    type Value = Token;

    fn read(self) -> Result<Token, StoreError> {
        let digest = <[u8; 32]>::try_from(self.digest).map_err(|_| corrupt("a digest has 32 bytes"))?;
        Ok(Token {
            id: id(&self.id)?,
            name: self.name,
            digest: Digest::new(digest),
            scopes: read_scopes(&self.scopes)?,
            origin: TokenOrigin::parse(&self.origin)
                .ok_or_else(|| corrupt(format!("no origin {}", self.origin)))?,
            created_at: time(self.created_at)?,
            created_by: self.created_by,
            expires_at: optional(self.expires_at, time)?,
            last_used_at: optional(self.last_used_at, time)?,
            revoked_at: optional(self.revoked_at, time)?,
        })
    }
}

pub(super) fn read_scopes(words: &str) -> Result<Scopes, StoreError> {
    Scopes::parse(words).ok_or_else(|| corrupt(format!("no scopes {words}")))
}

#[derive(Debug, FromRow)]
struct AuditRow {
    id: String,
    at: i64,
    who: String,
    address: String,
    action: String,
    target: String,
    status: i64,
    request_id: String,
}

impl Readable for AuditRow {
    type Value = AuditEntry;

    fn read(self) -> Result<AuditEntry, StoreError> {
        Ok(AuditEntry {
            id: id(&self.id)?,
            at: time(self.at)?,
            who: self.who,
            from: self.address,
            action: self.action,
            target: self.target,
            status: number(self.status)?,
            request_id: self.request_id,
        })
    }
}

#[derive(Debug, FromRow)]
struct KeyRow {
    claimed_by: String,
    fingerprint: String,
    status: Option<i64>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

impl Readable for KeyRow {
    type Value = Known;

    fn read(self) -> Result<Known, StoreError> {
        let Self { claimed_by: by, fingerprint, status, content_type, location, body } = self;
        let answer = |status: i64| {
            Ok(Answer {
                status: number(status)?,
                content_type: content_type.unwrap_or_default(),
                location: location.unwrap_or_default(),
                body: body.unwrap_or_default(),
            })
        };
        Ok(Known { by, fingerprint, answer: optional(status, answer)? })
    }
}
