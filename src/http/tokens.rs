//! Who has which token: `GET` and `POST /api/v1/tokens`, and `DELETE /api/v1/tokens/{id}`. The secret of a
//! new one is in the answer and nowhere else. Those of the configuration are shown, and stay there.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::callers::Caller;
use super::credentials::{digest, fresh_secret};
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, ask, json};
use crate::domain::Timestamp;
use crate::domain::ids::TokenId;
use crate::domain::token::{ConfiguredToken, Scope, Scopes, Token, TokenChange, TokenOrigin, is_name};
use crate::store::batch::AccessChange;
use crate::store::views::Page;

/// No token is made for longer.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Where a token is from.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = TokenOrigin)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Api,
    /// The first one, made at a start that found none.
    Bootstrap,
    /// `[tokens]`: there it is changed, and nowhere else.
    Config,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = TokenState)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    Active,
    Expired,
    Revoked,
}

/// A token as the API shows it: all but what it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Token)]
pub(super) struct View {
    /// None of those in the configuration.
    id: Option<TokenId>,
    name: String,
    scopes: Scopes,
    origin: Origin,
    state: Standing,
    created_at: Option<Timestamp>,
    created_by: Option<String>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl View {
    fn of(token: Token, now: Timestamp) -> Self {
        let state = match token.revoked_at {
            Some(_) => Standing::Revoked,
            None if token.counts(now) => Standing::Active,
            None => Standing::Expired,
        };
        Self {
            id: Some(token.id),
            name: token.name,
            scopes: token.scopes,
            origin: match token.origin {
                TokenOrigin::Api => Origin::Api,
                TokenOrigin::Bootstrap => Origin::Bootstrap,
            },
            state,
            created_at: Some(token.created_at),
            created_by: Some(token.created_by),
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }

    fn configured(token: &ConfiguredToken) -> Self {
        Self {
            id: None,
            name: token.name.clone(),
            scopes: token.scopes,
            origin: Origin::Config,
            state: Standing::Active,
            created_at: None,
            created_by: None,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Json<Page<View>>, Problem> {
    // Short, and comes whole.
    Query::parse(&uri, &["limit", "cursor"])?;
    let now = shared.api.clock.now();
    let made = shared.api.store.tokens().await?;
    let in_use = shared.api.in_use.borrow().clone();
    let made = made.into_iter().map(|token| View::of(token, now));
    let data = in_use.tokens.iter().map(View::configured).chain(made).collect();
    Ok(Json(Page { data, next_cursor: None }))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TokenRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    name: String,
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// `90d`; without it, it has no end.
    expires_in: Option<String>,
}

/// A new token, and what nobody will see again.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NewToken)]
pub(super) struct Made {
    #[serde(flatten)]
    token: View,
    secret: String,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let wish: Wish = json::read(&shared, request).await?;
    let now = shared.api.clock.now();
    if !is_name(&wish.name) {
        return Err(invalid(
            "name has 1 to 64 letters, digits, \"-\", \"_\" and \".\", and is none of socket, loopback and network",
        ));
    }
    let taken = shared.api.in_use.borrow().tokens.iter().any(|token| token.name == wish.name)
        || shared.api.store.tokens().await?.iter().any(|token| token.counts(now) && token.name == wish.name);
    if taken {
        return Err(invalid(format!(
            "there is a token {} already: choose another name, or revoke it",
            wish.name
        )));
    }
    let no_numbers = || Problem::new(Code::Internal, "the machine gives no random numbers");
    let secret = fresh_secret().ok_or_else(no_numbers)?;
    let token = Token {
        id: TokenId::new(now, fastrand::u128(..)),
        name: wish.name,
        digest: digest(&secret),
        scopes: scopes(&wish.scopes)?,
        origin: TokenOrigin::Api,
        created_at: now,
        created_by: caller.name.to_string(),
        expires_at: wish.expires_in.as_deref().map(|time| end(time, now)).transpose()?,
        last_used_at: None,
        revoked_at: None,
    };
    let change = AccessChange::Token(TokenChange::Made(token.clone()));
    ask::note(&shared.api, vec![change], shared.api.limits.answer_time).await?;
    shared.keys.changed().await;
    let location = format!("/api/v1/tokens/{}", token.id);
    let made = Made { token: View::of(token, now), secret };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(made)).into_response())
}

fn invalid(why: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::InvalidBody, why)
}

fn scopes(words: &[String]) -> Result<Scopes, Problem> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    let scope = |word: &String| {
        Scope::parse(word).ok_or_else(|| invalid(format!("{word:?} is no scope; there are: {}", known())))
    };
    let scopes: Scopes = words.iter().map(scope).collect::<Result<_, _>>()?;
    if scopes.is_empty() {
        return Err(invalid(format!("scopes names none; there are: {}", known())));
    }
    Ok(scopes)
}

fn end(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let time = humantime::parse_duration(text).ok().filter(|time| !time.is_zero() && *time <= LONGEST);
    let end = time.and_then(|time| now.checked_add(time).ok());
    end.ok_or_else(|| invalid("expires_in is a duration of at most 10 years, such as \"90d\""))
}

pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    if shared.api.in_use.borrow().tokens.iter().any(|token| token.name == id) {
        let detail = format!("token {id} is in the configuration: remove [tokens.{id}] and reload");
        return Err(Problem::new(Code::Method, detail));
    }
    let nothing = || Problem::new(Code::NotFound, format!("there is no token {id}; see: foghorn token list"));
    let wanted: TokenId = id.parse().map_err(|_| nothing())?;
    let known = shared.api.store.tokens().await?;
    let mut token = known.into_iter().find(|token| token.id == wanted).ok_or_else(nothing)?;
    let now = shared.api.clock.now();
    let change = AccessChange::Token(TokenChange::Revoked(wanted, now));
    ask::note(&shared.api, vec![change], shared.api.limits.answer_time).await?;
    shared.keys.changed().await;
    token.revoked_at.get_or_insert(now);
    Ok(Json(View::of(token, now)))
}
