//! Mail that came back: a report of a mail server (RFC 3464), posted as it is to
//! `/callbacks/{channel}`.
//!
//! Reports are not signed by anybody. So whoever hands them over has to be known: by the socket, which
//! only the owner may open, or by `bounce_secret` as the password of a login. What a report says it can
//! say of one delivery, whose id nobody can guess, and against the address that this delivery went to.

mod report;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

use crate::channels::callback::{Callback, Caller, News, NotHeard};
use crate::channels::settings::Reader;

/// Fewer characters can be guessed.
const SHORTEST: usize = 16;

/// Who may hand reports over.
pub(super) struct Bounces {
    secret: Option<SecretString>,
}

impl Bounces {
    /// Takes `bounce_secret`.
    pub(super) fn read(reader: &mut Reader) -> Self {
        let secret = reader.secret("bounce_secret");
        if secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < SHORTEST) {
            reader.problem("bounce_secret", format!("must have at least {SHORTEST} characters"));
        }
        Self { secret }
    }

    /// What the report in `callback` says.
    pub(super) fn heard(&self, callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        if callback.caller != Caller::Owner && !self.knows(callback) {
            return Err(NotHeard::NotTheirs);
        }
        report::read(callback.body).map(|news| news.into_iter().collect())
    }

    /// The user's name is of no account.
    fn knows(&self, callback: &Callback<'_>) -> bool {
        let Some(secret) = &self.secret else { return false };
        let header = callback.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let login = header
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, login)| STANDARD.decode(login.trim()).ok());
        let Some(login) = login else { return false };
        let colon = login.iter().position(|byte| *byte == b':');
        let password = colon.map_or(&[][..], |colon| &login[colon + 1..]);
        verify_slices_are_equal(password, secret.expose_secret().as_bytes()).is_ok()
    }
}
