//! Credentials that run out: the provider token of APNs, the access token of FCM.
//!
//! One credential serves all workers of a channel. Whoever finds it too old gets the next one; who
//! comes meanwhile waits for that one and shares its failure, so that a hundred messages ask once. A
//! credential that the provider refuses is renewed and the call repeated, within the same attempt and
//! once: unless another worker has renewed it already, or it is too young for that to help.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::codes::{Codes, Meaning};
use super::http::{Answer, Call, Http, failure};
use crate::clock::Clock;
use crate::domain::fault::{Failure, Fault, Transient};

/// Makes credentials, or asks for them.
#[async_trait]
pub(super) trait Issuer: Send + Sync + 'static {
    /// The word before the credential in `Authorization`.
    const SCHEME: &'static str;
    /// A younger credential is not renewed, even if it is refused.
    const YOUNGEST: Duration;

    /// The next one, at `now`, before `until`. Nothing of a message is sent, so no failure is
    /// [`Fault::Unknown`].
    async fn issue(&self, http: &Http, now: Timestamp, until: Instant) -> Result<Issued, Failure>;
}

/// What an issuer hands out.
pub(super) struct Issued {
    pub(super) secret: SecretString,
    /// After this long the next one is asked for.
    pub(super) renew_after: Duration,
}

/// The one credential of a channel.
pub(super) struct Credentials<I> {
    issuer: I,
    clock: Clock,
    /// How often the issuer was asked and has answered.
    rounds: AtomicU64,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    held: Option<Held>,
    /// The last round, if it failed.
    failed: Option<(u64, Failure)>,
}

#[derive(Clone)]
struct Held {
    secret: SecretString,
    /// The round that it is from.
    round: u64,
    made_at: Timestamp,
    renew_after: Duration,
}

impl Held {
    /// Is it good at `now` for somebody who was refused with the one of `refused`?
    fn serves(&self, now: Timestamp, refused: Option<u64>, youngest: Duration) -> bool {
        let age = Duration::try_from(now.duration_since(self.made_at)).unwrap_or_default();
        let longest = if refused == Some(self.round) { youngest } else { self.renew_after };
        age < longest
    }
}

impl<I: Issuer> Credentials<I> {
    pub(super) fn new(issuer: I, clock: Clock) -> Self {
        Self { issuer, clock, rounds: AtomicU64::new(0), shelf: Mutex::default() }
    }

    pub(super) fn issuer(&self) -> &I {
        &self.issuer
    }

    /// Makes sure that there is one.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn ensure(&self, http: &Http) -> Result<(), Failure> {
        self.get(http, None, http.deadline()).await.map(|_| ())
    }

    /// Makes `call` with a credential; once more with another one, if `codes` say that the first has
    /// run out. `code` finds the provider's own code in an answer.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn call(
        &self,
        http: &Http,
        codes: &Codes,
        code: fn(&Answer) -> String,
        call: Call,
    ) -> Result<Answer, Failure> {
        let until = http.deadline();
        let first = self.get(http, None, until).await?;
        let answer = http.call_until(authorized::<I>(call.clone(), &first), until).await?;
        let has_run_out = || codes.find(answer.status, &code(&answer)).meaning == Meaning::RenewCredential;
        if answer.is_success() || !has_run_out() {
            return Ok(answer);
        }
        let second = self.get(http, Some(first.round), until).await?;
        if second.round == first.round {
            return Ok(answer);
        }
        http.call_until(authorized::<I>(call, &second), until).await
    }

    async fn get(&self, http: &Http, refused: Option<u64>, until: Instant) -> Result<Held, Failure> {
        let seen = self.rounds.load(Ordering::Acquire);
        let Ok(mut shelf) = timeout_at(until, self.shelf.lock()).await else {
            return Err(failure(Fault::Transient(Transient::Timeout), "timeout", "no credential in time"));
        };
        let now = self.clock.now();
        if let Some(held) = &shelf.held
            && held.serves(now, refused, I::YOUNGEST)
        {
            return Ok(held.clone());
        }
        if let Some((round, failure)) = &shelf.failed
            && *round > seen
        {
            return Err(failure.clone());
        }
        let issued = self.issuer.issue(http, now, until).await;
        let round = self.rounds.fetch_add(1, Ordering::AcqRel) + 1;
        match issued {
            Ok(Issued { secret, renew_after }) => {
                let held = Held { secret, round, made_at: now, renew_after };
                *shelf = Shelf { held: Some(held.clone()), failed: None };
                Ok(held)
            }
            Err(failure) => {
                shelf.failed = Some((round, failure.clone()));
                Err(failure)
            }
        }
    }
}

fn authorized<I: Issuer>(call: Call, held: &Held) -> Call {
    call.secret(AUTHORIZATION, &format!("{} {}", I::SCHEME, held.secret.expose_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;

    fn held(round: u64) -> Held {
        Held {
            secret: SecretString::from("x"),
            round,
            made_at: Timestamp::UNIX_EPOCH,
            renew_after: Duration::from_secs(50 * MINUTE),
        }
    }

    #[test]
    fn a_credential_serves_until_it_is_old_or_refused_and_not_too_young() {
        let youngest = Duration::from_secs(20 * MINUTE);
        let table = [
            // Minutes old, refused, serves.
            (0, None, true),
            (49, None, true),
            (50, None, false),
            (19, Some(7), true),
            (20, Some(7), false),
            (49, Some(7), false),
            // Somebody else has renewed it meanwhile.
            (21, Some(6), true),
            (50, Some(6), false),
        ];
        for (minutes, refused, serves) in table {
            let now = Timestamp::from_second(i64::try_from(minutes * MINUTE).unwrap()).unwrap();
            assert_eq!(held(7).serves(now, refused, youngest), serves, "{minutes} {refused:?}");
        }
    }
}
