//! What is too old is taken away while Foghorn runs, without anybody asking.

use std::sync::Arc;
use std::time::Duration;

use foghorn::actors::sweeper::PURGE_EVERY;
use foghorn::domain::Timestamp;
use foghorn::domain::audit::AuditEntry;
use foghorn::domain::ids::AuditId;
use foghorn::store::batch::{AccessChange, Batch};
use foghorn::store::memory::MemoryStore;
use foghorn::store::{Paging, Store};

use crate::support::universe::{Draft, Universe};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn entry(at: Timestamp) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(at, 1),
        at,
        who: "ci".to_owned(),
        from: String::new(),
        action: "POST /api/v1/events".to_owned(),
        target: "/api/v1/events".to_owned(),
        status: 202,
        request_id: "req_1".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn lines_of_last_year_go_and_those_of_yesterday_stay() {
    let memory = MemoryStore::default();
    let universe = Universe::draft(Draft { memory: Arc::new(memory.clone()), ..Draft::default() }).await;
    let now = universe.clock.now();
    let (old, new) = (entry(now - 365 * DAY), entry(now - DAY));
    let lease = memory.lease(&"another".into(), now).await.unwrap();
    let mut batch = Batch::empty(lease, now, Default::default());
    batch.access = [&old, &new].map(|entry| AccessChange::Audit(entry.clone())).to_vec();
    memory.commit(&batch).await.unwrap();
    let lines = async || memory.audit(&Paging { before: None, limit: 9 }).await.unwrap().data;
    assert_eq!(lines().await, [new.clone(), old]);
    universe.live_for(PURGE_EVERY + Duration::from_secs(1)).await;
    assert_eq!(lines().await, [new]);
}
