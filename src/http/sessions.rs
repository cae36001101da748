//! Which sessions are known here. A session is looked up by its digest, and what was found counts for two
//! seconds: so long one that was ended on another node goes on. While the store is away those that were
//! known go on for a while, as tokens do.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, timeout};

use super::Api;
use super::credentials::{FRESH, OUTAGE, same};
use super::problem::{Code, Problem};
use crate::domain::session::Session;
use crate::domain::token::Digest;

/// With so many, those that nobody showed for a while are forgotten.
const REMEMBERED: usize = 10_000;

/// What is known of sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Known>>);

#[derive(Clone)]
struct Known {
    session: Session,
    /// When it was read.
    read_at: Instant,
}

impl Sessions {
    /// The session with this digest, its time over or not.
    pub(super) async fn find(&self, api: &Api, shown: &Digest) -> Result<Option<Session>, Problem> {
        let known = self.known().get(shown.bytes()).cloned();
        if let Some(known) = known.as_ref().filter(|known| known.read_at.elapsed() < FRESH) {
            return Ok(Some(known.session.clone()));
        }
        match timeout(api.limits.probe_time, api.store.session(shown)).await {
            Ok(Ok(found)) => {
                let found = found.filter(|session| same(&session.digest, shown));
                self.learn(shown, found.clone());
                Ok(found)
            }
            _ => match known.filter(|known| known.read_at.elapsed() < OUTAGE) {
                Some(known) => Ok(Some(known.session)),
                None => Err(Problem::new(Code::Unavailable, "the store is away, and with it the sessions")),
            },
        }
    }

    /// It was ended here.
    pub(super) fn ended(&self, digest: &Digest) {
        self.known().remove(digest.bytes());
    }

    fn learn(&self, shown: &Digest, found: Option<Session>) {
        let mut known = self.known();
        let Some(session) = found else {
            known.remove(shown.bytes());
            return;
        };
        if known.len() >= REMEMBERED {
            known.retain(|_, known| known.read_at.elapsed() < FRESH);
        }
        known.insert(*shown.bytes(), Known { session, read_at: Instant::now() });
    }

    /// Nothing is left half done in a map, so a poisoned one is still true.
    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
