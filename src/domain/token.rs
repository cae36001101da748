//! Tokens: who may ask for what, over the API. Of the secret only its digest is known, here and in the
//! store, so that neither a backup nor a log lets anybody in.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Timestamp;
use super::ids::TokenId;
use super::people::Role;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To report events.
    EventsWrite,
    /// To look.
    Read,
    /// To act on what is there.
    Respond,
    /// To change how it works, and who may do what. Holds the others.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::EventsWrite, Self::Read, Self::Respond, Self::Admin];

    /// The word used in the configuration, the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::Read => "read",
            Self::Respond => "respond",
            Self::Admin => "admin",
        }
    }

    /// The scope of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::EventsWrite => 1,
            Self::Read => 2,
            Self::Respond => 4,
            Self::Admin => 8,
        }
    }
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What a request needs. `admin` holds the others."))
            .enum_values(Some(Self::ALL.map(Self::as_str)))
            .into()
    }
}

impl ToSchema for Scope {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// What somebody with this role may do. Events are reported by programs.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Viewer => [Scope::Read].into_iter().collect(),
            Role::Responder => [Scope::Read, Scope::Respond].into_iter().collect(),
            Role::Admin => [Scope::Admin].into_iter().collect(),
        }
    }

    /// Everything.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// May they?
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// True if nothing is allowed.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, as it was given.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }

    /// The words, with a comma between; read back by [`Scopes::parse`].
    pub fn words(self) -> String {
        self.iter().map(Scope::as_str).collect::<Vec<_>>().join(",")
    }

    /// The scopes of these words.
    pub fn parse(words: &str) -> Option<Self> {
        words.split(',').map(Scope::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl PartialSchema for Scopes {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(Ref::from_schema_name(Scope::name())).into()
    }
}

impl ToSchema for Scopes {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Scope::name().into_owned(), Scope::schema()));
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

/// SHA-256 of something secret. Two of them are compared where that takes the same time for any two, so
/// there is no `==` here; and it is never printed.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be compared or kept.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The same in hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digest that is written so.
    pub fn of_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let fits = text.len() == 64 && text.is_ascii();
        for (place, byte) in bytes.iter_mut().enumerate().filter(|_| fits) {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
        }
        fits.then_some(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

/// Where a token of the store is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOrigin {
    /// Somebody asked for it.
    Api,
    /// A node made it at its start, because there was none.
    Bootstrap,
}

impl TokenOrigin {
    /// The word used in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Bootstrap => "bootstrap",
        }
    }

    /// The origin of this word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Api, Self::Bootstrap].into_iter().find(|origin| origin.as_str() == text)
    }
}

/// A token of the store.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What people call it, and who is said to have done what is done with it.
    pub name: String,
    /// Of its secret.
    pub digest: Digest,
    /// What it is good for.
    pub scopes: Scopes,
    /// Where it is from.
    pub origin: TokenOrigin,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// The first one of all, made at `now` by a node that found none.
    pub fn first(id: TokenId, digest: Digest, now: Timestamp) -> Self {
        Self {
            id,
            name: "bootstrap".to_owned(),
            digest,
            scopes: [Scope::Admin].into_iter().collect(),
            origin: TokenOrigin::Bootstrap,
            created_at: now,
            // No token is called so.
            created_by: "first start".to_owned(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }

    /// Does it let anybody in?
    pub fn counts(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// `[tokens.NAME]`: a token of the configuration, which has no end but that of its lines.
#[derive(Debug, Clone)]
pub struct ConfiguredToken {
    /// Its name.
    pub name: String,
    /// Of its secret.
    pub digest: Digest,
    /// What it is good for.
    pub scopes: Scopes,
}

/// Can anybody get in with a token who may do everything?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Yes.
    Open,
    /// Not any more: such tokens have ended. That may be meant.
    Shut,
    /// Not yet: there never was such a token.
    New,
}

/// How it is with these tokens of the configuration and of the store, at `now`.
pub fn entrance(configured: &[ConfiguredToken], made: &[Token], now: Timestamp) -> Entrance {
    let mut admins = made.iter().filter(|token| token.scopes.allow(Scope::Admin)).peekable();
    let has_been_one = admins.peek().is_some();
    if configured.iter().any(|token| token.scopes.allow(Scope::Admin))
        || admins.any(|token| token.counts(now))
    {
        Entrance::Open
    } else if has_been_one {
        Entrance::Shut
    } else {
        Entrance::New
    }
}

/// What becomes of tokens.
#[derive(Debug, Clone)]
pub enum TokenChange {
    /// There is a new one.
    Made(Token),
    /// Somebody ends it; the first end counts.
    Revoked(TokenId, Timestamp),
    /// It was seen.
    Used(TokenId, Timestamp),
}

/// Callers that have no token. No token may be called so.
pub const WITHOUT_TOKEN: [&str; 3] = ["socket", "loopback", "network"];

/// Is this a name for a token?
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !WITHOUT_TOKEN.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_allows_itself_and_admin_allows_all() {
        for held in Scope::ALL {
            let scopes: Scopes = [held].into_iter().collect();
            for needed in Scope::ALL {
                assert_eq!(scopes.allow(needed), held == needed || held == Scope::Admin, "{held} {needed}");
                assert!(!Scopes::default().allow(needed));
            }
            assert_eq!(Scope::parse(held.as_str()), Some(held));
            assert_eq!(Scopes::parse(&scopes.words()), Some(scopes));
        }
        assert_eq!(Scopes::all().words(), "events:write,read,respond,admin");
        assert_eq!((Scopes::parse(""), Scopes::parse("read,write")), (None, None));
    }

    #[test]
    fn no_token_is_called_like_somebody_who_has_none() {
        assert!(is_name("ci.deploy-1_x"));
        for bad in ["", "socket", "loopback", "network", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_first_token_is_wanted_where_there_never_was_one_and_not_where_it_was_ended() {
        let moment = |second| Timestamp::from_second(second).expect("in range");
        let first = Token::first(TokenId::new(moment(1), 1), Digest::new([7; 32]), moment(1));
        let reader = Token { scopes: [Scope::Read].into_iter().collect(), ..first.clone() };
        let revoked = Token { revoked_at: Some(moment(2)), ..first.clone() };
        let expired = Token { expires_at: Some(moment(2)), ..first.clone() };
        let of = |made: &[Token]| entrance(&[], made, moment(3));
        assert_eq!((of(&[]), of(std::slice::from_ref(&reader))), (Entrance::New, Entrance::New));
        assert_eq!((of(&[revoked]), of(&[reader, expired.clone()])), (Entrance::Shut, Entrance::Shut));
        assert_eq!(of(&[expired.clone(), first]), Entrance::Open);
        let configured = |scope: Scope| ConfiguredToken {
            name: "boss".to_owned(),
            digest: Digest::new([8; 32]),
            scopes: [scope].into_iter().collect(),
        };
        assert_eq!(entrance(&[configured(Scope::Admin)], &[expired], moment(3)), Entrance::Open);
        assert_eq!(entrance(&[configured(Scope::Respond)], &[], moment(3)), Entrance::New);
    }

    #[test]
    fn a_digest_is_not_printed() {
        assert_eq!(format!("{:?}", Digest::new([7; 32])), "Digest");
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let bytes: [u8; 32] = std::array::from_fn(|place| (place * 9) as u8);
        let written = Digest::new(bytes).hex();
        assert_eq!(Digest::of_hex(&written).map(|digest| *digest.bytes()), Some(bytes));
        for none in ["", &written[1..], &format!("{written}0"), &written.replace('0', "g"), &"é".repeat(32)]
        {
            assert!(Digest::of_hex(none).is_none(), "{none}");
        }
    }
}
