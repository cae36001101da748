//! What incidents stand for, in memory.

use async_trait::async_trait;

use super::state::State;
use crate::domain::dedup::DedupKey;
use crate::domain::group::{Member, MemberStatus};
use crate::store::StoreError;
use crate::store::groups::Groups;
use crate::store::views::{MOST_MEMBERS, MembersView};

impl State {
    /// The number of the newest incident of this key. A source's own word reaches what the source began
    /// while its keys were shared, too.
    pub(super) fn newest_of(&self, key: &DedupKey) -> Option<u64> {
        let own = self.newest.get(key).copied();
        let shared = || self.newest.get(&DedupKey::shared(&key.text)).copied();
        let began = |number: &u64| {
            let began =
                self.members.get(&(*number, DedupKey::shared(&key.text))).map(|member| &member.source);
            let began = began.or_else(|| self.incidents.get(number).map(|incident| &incident.source));
            began.is_some() && began == key.own_of.as_ref()
        };
        own.max(shared().filter(began))
    }

    /// What an incident of a group stands for.
    pub(super) fn members_of(&self, number: u64) -> Option<MembersView> {
        let members = self.members.range((number, DedupKey::default())..).map(|(_, member)| member);
        let of_it: Vec<&Member> = members.take_while(|member| member.incident == number).collect();
        let (wrong, over): (Vec<&Member>, Vec<&Member>) =
            of_it.iter().partition(|member| member.status == MemberStatus::Wrong);
        (!of_it.is_empty()).then(|| MembersView {
            wrong: wrong.len() as u64,
            over: over.len() as u64,
            data: wrong.into_iter().chain(over).take(MOST_MEMBERS).cloned().map(Into::into).collect(),
        })
    }
}

#[async_trait]
impl Groups for State {
    async fn members(&mut self, numbers: &[u64]) -> Result<Vec<Member>, StoreError> {
        let members = self.members.values().filter(|member| numbers.contains(&member.incident));
        Ok(members.cloned().collect())
    }

    async fn put_members(&mut self, members: &[Member]) -> Result<(), StoreError> {
        for member in members {
            self.newest.insert(member.key(), member.incident);
            self.members.insert((member.incident, member.key()), member.clone());
        }
        Ok(())
    }
}
