//! Who somebody is here, and what they may do, by what their provider says of them.

use serde_json::Value;

use super::id_token::Claims;
use crate::domain::people::Role;
use crate::domain::token::Scopes;
use crate::render::sanitize;

/// Which groups may do what.
pub(super) struct Rights {
    /// The claim that has the groups.
    pub(super) claim: String,
    pub(super) roles: Vec<(String, Role)>,
}

/// No name is longer.
const LONGEST_NAME: usize = 128;

impl Rights {
    /// What all their groups together may do; `None` if that is nothing.
    pub(super) fn of(&self, claims: &Claims) -> Option<Scopes> {
        let groups: Vec<&str> = match claims.more.get(&self.claim) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(group)) => vec![group],
            _ => Vec::new(),
        };
        let held = self.roles.iter().filter(|(group, _)| groups.contains(&group.as_str()));
        let scopes: Scopes =
            held.flat_map(|(_, role)| Scopes::of(*role).iter().collect::<Vec<_>>()).collect();
        (!scopes.is_empty()).then_some(scopes)
    }
}

/// What they are called in the history of what they do. No token has such a name: it begins with `oidc:`.
pub(super) fn name(claims: &Claims) -> String {
    let word = |claim: &str| claims.more.get(claim).and_then(Value::as_str).filter(|word| !word.is_empty());
    let verified = claims.more.get("email_verified").is_none_or(|verified| *verified == Value::Bool(true));
    let name = word("email").filter(|_| verified).or_else(|| word("preferred_username"));
    format!("oidc:{}", sanitize::line(name.unwrap_or(&claims.sub), LONGEST_NAME))
}
