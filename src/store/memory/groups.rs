//! What incidents stand for, in memory.

use async_trait::async_trait;

use super::state::State;
use crate::domain::group::Member;
use crate::store::StoreError;
use crate::store::groups::Groups;

#[async_trait]
impl Groups for State {
    async fn members(&mut self, numbers: &[u64]) -> Result<Vec<Member>, StoreError> {
        let members = self.members.values().filter(|member| numbers.contains(&member.incident));
        Ok(members.cloned().collect())
    }

    async fn put_members(&mut self, members: &[Member]) -> Result<(), StoreError> {
        for member in members {
            self.newest.insert(member.dedup_key.clone(), member.incident);
            self.members.insert((member.incident, member.dedup_key.clone()), member.clone());
        }
        Ok(())
    }
}
