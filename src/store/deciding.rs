//! What people do and what timers do, in an open transaction: the incident is read again, decided
//! upon, and written, with the timer that fired. So an action and a timer that race have an order, and
//! a timer fires once (I7, I12).

use std::collections::HashMap;

use super::StoreError;
use super::batch::{Batch, Committed};
use super::groups::Groups;
use super::write::{Ledger, waiting};
use crate::domain::acceptance::{Affected, Grants, Rows, act, fire};
use crate::domain::action::{Act, Acted};
use crate::domain::delivery::Target;
use crate::domain::group::Member;
use crate::domain::incident::Incident;
use crate::domain::timer::{Timer, TimerKind};

/// Does what people ask for, one after the other: each sees what the one before did.
pub(super) async fn acts<L: Ledger + Groups>(
    ledger: &mut L,
    batch: &Batch,
    grants: &mut Grants,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    for wanted in &batch.acts {
        let found = ledger.incidents(&[wanted.number]).await?.pop();
        let Some(incident) = found.filter(|incident| incident.deleted_at.is_none()) else {
            committed.acted.push(Acted::NotFound);
            continue;
        };
        let told = told(ledger, std::slice::from_ref(&incident)).await?.remove(&wanted.number);
        let (acted, rows) = one(wanted, incident, told.unwrap_or_default(), batch, grants);
        committed.acted.push(acted);
        written(ledger, batch, rows, committed).await?;
    }
    Ok(())
}

fn one(
    wanted: &Act,
    incident: Incident,
    told: Vec<Target>,
    batch: &Batch,
    grants: &mut Grants,
) -> (Acted, Rows) {
    act(wanted, incident, told, grants, &batch.rules, batch.now, &mut || fastrand::u128(..))
}

/// Fires timers. One that is not as it was read is somebody else's, or not wanted any more.
pub(super) async fn firings<L: Ledger + Groups>(
    ledger: &mut L,
    batch: &Batch,
    grants: &mut Grants,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let wanted: Vec<_> =
        batch.firings.iter().map(|firing| (firing.timer.incident, firing.timer.kind)).collect();
    let armed: Vec<Timer> = ledger.timers(&wanted).await?;
    let mut numbers: Vec<u64> = armed.iter().map(|timer| timer.incident).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let incidents = ledger.incidents(&numbers).await?;
    let mut told = told(ledger, &incidents).await?;
    let mut members = members(ledger, &armed).await?;
    let mut incidents: HashMap<u64, Incident> = incidents.into_iter().map(|i| (i.number, i)).collect();
    let mut rows = Rows::default();
    for firing in batch.firings.iter().filter(|firing| armed.contains(&firing.timer)) {
        let number = firing.timer.incident;
        let Some(incident) = incidents.remove(&number) else { continue };
        let told = told.remove(&number).unwrap_or_default();
        let members = members.remove(&number).unwrap_or_default();
        let affected = Affected { incident, told, members };
        let entropy = &mut || fastrand::u128(..);
        rows.add(fire(firing, affected, grants, &batch.rules, batch.now, entropy));
        committed.fired += 1;
    }
    written(ledger, batch, rows, committed).await
}

/// What those stand for that may run out.
async fn members<L: Groups>(
    ledger: &mut L,
    armed: &[Timer],
) -> Result<HashMap<u64, Vec<Member>>, StoreError> {
    let expire = armed.iter().filter(|timer| timer.kind == TimerKind::Expiry);
    let numbers: Vec<u64> = expire.map(|timer| timer.incident).collect();
    let mut members: HashMap<u64, Vec<Member>> = HashMap::new();
    if !numbers.is_empty() {
        for member in ledger.members(&numbers).await? {
            members.entry(member.incident).or_default().push(member);
        }
    }
    Ok(members)
}

async fn told<L: Ledger>(
    ledger: &mut L,
    incidents: &[Incident],
) -> Result<HashMap<u64, Vec<Target>>, StoreError> {
    let mut told: HashMap<u64, Vec<Target>> = HashMap::new();
    if incidents.is_empty() {
        return Ok(told);
    }
    let incidents: Vec<&Incident> = incidents.iter().collect();
    for (number, target) in ledger.told(&incidents).await? {
        told.entry(number).or_default().push(target);
    }
    Ok(told)
}

async fn written<L: Ledger + Groups>(
    ledger: &mut L,
    batch: &Batch,
    mut rows: Rows,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    ledger.insert(&batch.lease, batch.now, &rows).await?;
    if !rows.members.is_empty() {
        ledger.put_members(&rows.members).await?;
    }
    waiting(&rows, batch.now, committed);
    committed.started.append(&mut rows.started);
    committed.rows.add(rows);
    Ok(())
}
