//! Signing in with the identity provider of `[auth.oidc]`: a browser leaves at `/auth/oidc/login` and comes back
//! at `/auth/oidc/callback`, and has a session then.
//!
//! What has to be remembered meanwhile is one secret, which the browser keeps for ten minutes
//! ([`crate::channels::oidc::SignIn`]), with where to go on. Its cookie has to be sent along when the provider
//! leads back, so it is `Lax`; that of the session is not, so the answer is a page of ours that goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::access::{Asked, write_down};
use super::callers::{Caller, too_often};
use super::cookies::Cookie;
use super::credentials::random;
use super::doors::Peer;
use super::pages::written;
use super::problem::{Code, Problem};
use super::query::Query;
use super::rule::Rule;
use super::{Shared, routes, sign_in};
use crate::channels::oidc::{CALLBACK, NotSignedIn, Person, Provider, SignIn};
use crate::config::AuthMode;
use crate::domain::session::Grounds;
use crate::render::pages::Page;

pub(super) const LOGIN: &str = "/auth/oidc/login";

/// Nobody takes longer to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// Where whoever names no place goes on.
const USUAL: &str = "/docs";
/// No place of ours is longer.
const LONGEST: usize = 200;

/// Sends a browser to the provider.
pub(super) async fn leave(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let query = Query::parse(request.uri(), &["to"])?;
    let to = query.get("to").unwrap_or(USUAL);
    if !is_ours(to) {
        let detail = "to is a path on this server, such as /incidents/1042";
        return Err(Problem::new(Code::Query, detail));
    }
    let provider = provider(&shared)?;
    if let Err(wait) = turn(&shared, &request) {
        return Ok(too_often(wait, TOO_OFTEN));
    }
    let secret =
        random().ok_or_else(|| Problem::new(Code::Internal, "the machine gives no random numbers"))?;
    let door = provider.door(&SignIn::of(&secret)).await.map_err(|why| said(&why))?;
    let cookie = shared.jar.keep(Cookie::SignIn, &format!("{secret}.{to}"), PATIENCE);
    let door = HeaderValue::from_str(door.as_str()).ok();
    let (cookie, door) =
        cookie.zip(door).ok_or_else(|| Problem::new(Code::Internal, "no header holds the way"))?;
    Ok((StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, door)]).into_response())
}

/// What whoever came back sees.
#[derive(Serialize)]
struct Shown {
    who: String,
    to: String,
}

/// Signs in whoever comes back.
pub(super) async fn come_back(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let provider = provider(&shared)?;
    if let Err(wait) = turn(&shared, &request) {
        return Ok(too_often(wait, TOO_OFTEN));
    }
    let secret = shared.jar.shown(request.headers(), Cookie::SignIn).map(str::to_owned);
    let uri = request.uri().clone();
    let done = finish(provider, secret.as_deref(), &uri).await;
    let who = done.as_ref().map_or(String::new(), |(person, _)| person.name.clone());
    let mut response = match done {
        Ok((person, to)) => signed_in(&shared, provider, person, to).await,
        Err(problem) => Err(problem),
    }
    .unwrap_or_else(IntoResponse::into_response);
    // It is good for one way there and back.
    if let Some(cookie) = shared.jar.forget(Cookie::SignIn) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    let from = request.extensions().get::<Peer>().copied().map(Caller::from).unwrap_or_default();
    let rule: Option<Rule> = routes::rules().into_iter().find(|rule| rule.path == CALLBACK);
    if let Some(rule) = rule {
        write_down(&shared, (&who, from), &rule, &Asked::of(&request), response.status()).await;
    }
    Ok(response)
}

/// Who came back, by the provider's word, and where they wanted to go.
async fn finish(provider: &Provider, cookie: Option<&str>, uri: &Uri) -> Result<(Person, String), Problem> {
    // The provider adds whatever it likes.
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |key: &str| {
        let mut values = pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    };
    let none = || refused("this browser has not begun to sign in here, or did so too long ago: begin anew");
    let (secret, to) = cookie.and_then(|cookie| cookie.split_once('.')).ok_or_else(none)?;
    let sign_in = SignIn::of(secret);
    if !of("state").is_some_and(|state| sign_in.began(state)) || !is_ours(to) {
        return Err(none());
    }
    // RFC 9207: whoever mixes up two providers is found out.
    if pairs.iter().any(|(name, value)| name == "iss" && value != provider.issuer()) {
        return Err(refused("another provider leads back than the one that was gone to"));
    }
    let Some(code) = of("code").filter(|_| of("error").is_none()) else {
        return Err(refused("the provider signed nobody in"));
    };
    let person = provider.redeem(&sign_in, code).await.map_err(|why| said(&why))?;
    Ok((person, to.to_owned()))
}

async fn signed_in(
    shared: &Shared,
    provider: &Provider,
    person: Person,
    to: String,
) -> Result<Response, Problem> {
    let Some(scopes) = person.scopes else {
        let detail = format!("{} is in no group that [auth.oidc] names", person.name);
        return Err(refused(detail));
    };
    let grounds = Grounds::Provider(provider.issuer().to_owned());
    let made = sign_in::made(shared, &person.name, grounds, scopes, None).await?;
    let mut response = written(Page::SignedIn, Shown { who: person.name, to })?;
    response.headers_mut().append(SET_COOKIE, made.cookie);
    Ok(response)
}

fn provider(shared: &Shared) -> Result<&Provider, Problem> {
    match &shared.api.provider {
        Some(provider) if shared.api.auth == AuthMode::Token => Ok(provider),
        _ => Err(Problem::new(
            Code::NotFound,
            "nobody signs in with an identity provider here: that takes [auth.oidc], and [auth] mode = \"token\"",
        )),
    }
}

/// A turn of whoever asks, because each has the provider asked; or how long until there is one again.
fn turn(shared: &Shared, request: &Request) -> Result<(), Duration> {
    let peer = request.extensions().get::<Peer>().copied();
    peer.map_or(Ok(()), |peer| shared.rates.sign_in(peer.ip()))
}

const TOO_OFTEN: &str = "too many sign-ins come from this address";

/// A path of this server, in letters that a cookie and a page take as they are.
fn is_ours(to: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?=&%".contains(&byte);
    to.starts_with('/') && !to.starts_with("//") && to.len() <= LONGEST && to.bytes().all(plain)
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::SignInRefused, why)
}

fn said(why: &NotSignedIn) -> Problem {
    match why {
        NotSignedIn::Refused(why) => refused(why.clone()),
        NotSignedIn::Away(why) => {
            tracing::warn!(why, "the identity provider cannot be asked");
            Problem::new(Code::ProviderAway, format!("the identity provider cannot be asked: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for ours in ["/", "/docs", "/incidents/1042?x=1&y=%20"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "docs",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a;b",
            "/a\"b",
            "/a b",
            "/é",
        ] {
            assert!(!is_ours(other), "{other}");
        }
        assert!(!is_ours(&format!("/{}", "a".repeat(LONGEST))));
    }
}
