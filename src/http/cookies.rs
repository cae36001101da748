//! Cookies: what a browser keeps of us and shows by itself.
//!
//! No script can read them, and no page of another site has them sent along. Behind https they are sent nowhere
//! else, and their name begins with `__Host-`: then no other host, not even one below or above ours, can have
//! written them. A browser keeps no such cookie of a page that came without https.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Somebody is signed in. Not sent along when another site leads here, nor is anything shown then.
    Session,
    /// Somebody has begun to sign in with the identity provider, which leads back here.
    SignIn,
}

impl Cookie {
    fn plain_name(self) -> &'static str {
        match self {
            Self::Session => "foghorn",
            Self::SignIn => "foghorn-sign-in",
        }
    }

    fn same_site(self) -> &'static str {
        match self {
            Self::Session => "Strict",
            Self::SignIn => "Lax",
        }
    }
}

/// How cookies are written and read here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jar {
    /// Does `[server] public_url` begin with https?
    pub(super) secure: bool,
}

/// No value of ours is longer.
const LONGEST: usize = 512;

impl Jar {
    fn name(self, cookie: Cookie) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}", cookie.plain_name())
    }

    /// What a request shows; `None` if it shows none, or two.
    pub(super) fn shown(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) if (1..=LONGEST).contains(&value.len()) => Some(value),
            _ => None,
        }
    }

    /// Has a browser keep it for so long. The value is one of ours, of digits and letters.
    pub(super) fn keep(self, cookie: Cookie, value: &str, age: Duration) -> Option<HeaderValue> {
        let (name, same_site, secure) =
            (self.name(cookie), cookie.same_site(), if self.secure { "; Secure" } else { "" });
        let line = format!(
            "{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite={same_site}{secure}",
            age.as_secs()
        );
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }

    /// Has a browser forget it.
    pub(super) fn forget(self, cookie: Cookie) -> Option<HeaderValue> {
        self.keep(cookie, "", Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_https_it_is_ours_alone() {
        let line = |secure| {
            let line =
                Jar { secure }.keep(Cookie::Session, "ab12", Duration::from_secs(60)).expect("a header");
            assert!(line.is_sensitive());
            line.to_str().expect("ASCII").to_owned()
        };
        assert_eq!(line(true), "__Host-foghorn=ab12; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(line(false), "foghorn=ab12; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
        let forgotten = Jar { secure: true }.forget(Cookie::SignIn).expect("a header");
        let expected = "__Host-foghorn-sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(forgotten.to_str().expect("ASCII"), expected);
    }

    #[test]
    fn one_of_its_name_is_seen_among_others() {
        let shown = |secure, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            Jar { secure }.shown(&headers, Cookie::Session).map(str::to_owned)
        };
        assert_eq!(shown(true, &["a=b; __Host-foghorn=ab12; c=d"]).as_deref(), Some("ab12"));
        assert_eq!(shown(false, &["a=b", "foghorn=ab12"]).as_deref(), Some("ab12"));
        for (secure, line) in [
            (true, "foghorn=ab12"),
            (false, "__Host-foghorn=ab12"),
            (false, "foghorn="),
            (false, "Foghorn=ab12"),
            (false, "ab12"),
        ] {
            assert_eq!(shown(secure, &[line]), None, "{line}");
        }
        assert_eq!(shown(false, &["foghorn=ab12; foghorn=cd34"]), None, "one of them is not ours");
        assert_eq!(shown(false, &["foghorn=ab12", "foghorn=ab12"]), None);
    }
}
