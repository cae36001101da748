//! Callers of the API on plain collections.

use async_trait::async_trait;

use super::state::{Claimed, State};
use crate::domain::idempotency::{Claim, Key, KeyChange, Known};
use crate::domain::ids::AuditId;
use crate::domain::retention::Purge;
use crate::domain::session::SessionChange;
use crate::domain::token::{Scope, Token, TokenChange};
use crate::store::StoreError;
use crate::store::access::Access;
use crate::store::batch::AccessChange;

#[async_trait]
impl Access for State {
    async fn access(&mut self, changes: &[AccessChange]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                AccessChange::Token(change) => self.change_token(change),
                AccessChange::Session(SessionChange::Began(session)) => {
                    self.sessions.entry(session.id).or_insert_with(|| session.clone());
                }
                AccessChange::Session(SessionChange::Ended(id)) => drop(self.sessions.remove(id)),
                AccessChange::Purge(purge) => self.purge(purge),
                AccessChange::Audit(entry) => drop(self.audit.insert(entry.id, entry.clone())),
                AccessChange::Key(KeyChange::Claimed(claim)) => self.claim_key(claim),
                AccessChange::Key(KeyChange::Answered { key, by, answer }) => {
                    if let Some(claimed) = self.running(key, by) {
                        claimed.known.answer = Some(answer.clone());
                    }
                }
                AccessChange::Key(KeyChange::Released { key, by }) => {
                    if self.running(key, by).is_some() {
                        self.keys.remove(key);
                    }
                }
            }
        }
        Ok(())
    }
}

impl State {
    /// Keeps it if it is the first that may do everything.
    pub(super) fn first_token(&mut self, token: &Token) -> bool {
        let is_first = !self.tokens.values().any(|known| known.scopes.allow(Scope::Admin));
        if is_first {
            self.tokens.insert(token.id, token.clone());
        }
        is_first
    }

    fn purge(&mut self, Purge { now, audit_before, most }: &Purge) {
        self.keys.retain(|_, known| known.expires_at > *now);
        self.sessions.retain(|_, session| session.counts(*now));
        if let Some(before) = audit_before {
            let old: Vec<AuditId> =
                self.audit.range(..AuditId::new(*before, 0)).map(|(id, _)| *id).take(*most).collect();
            old.iter().for_each(|id| drop(self.audit.remove(id)));
        }
    }

    fn change_token(&mut self, change: &TokenChange) {
        match change {
            TokenChange::Made(token) => drop(self.tokens.entry(token.id).or_insert_with(|| token.clone())),
            TokenChange::Revoked(id, at) => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.revoked_at.get_or_insert(*at);
                }
            }
            TokenChange::Used(id, at) => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.last_used_at = token.last_used_at.max(Some(*at));
                }
            }
        }
    }

    fn claim_key(&mut self, claim: &Claim) {
        self.keys.retain(|_, known| known.expires_at > claim.at);
        let held = self.keys.get(&claim.key);
        if held.is_some_and(|held| held.known.answer.is_some() || held.at >= claim.stale_before) {
            return;
        }
        let known = Known { by: claim.by.clone(), fingerprint: claim.fingerprint.clone(), answer: None };
        self.keys.insert(claim.key.clone(), Claimed { known, at: claim.at, expires_at: claim.expires_at });
    }

    fn running(&mut self, key: &Key, by: &str) -> Option<&mut Claimed> {
        self.keys.get_mut(key).filter(|claimed| claimed.known.by == by && claimed.known.answer.is_none())
    }
}
