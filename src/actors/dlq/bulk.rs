//! What the rows of bulk jobs ask for now: the next few dead letters of each job that is due.

use crate::domain::Timestamp;
use crate::domain::bulk::{Bulk, BulkAction, BulkStep, Resolved};
use crate::domain::query::{DeadLetterKind, DeadLetterQuery, DeliveryQuery};
use crate::store::views::DeadLetterRef;
use crate::store::{Paging, Store, StoreError};

/// What is due, and when to look again.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) steps: Vec<BulkStep>,
    pub(super) next: Option<Timestamp>,
}

/// Looks at every job that goes on.
pub(super) async fn look(store: &dyn Store, now: Timestamp) -> Result<Due, StoreError> {
    let mut due = Due::default();
    for bulk in store.running_bulks().await? {
        if bulk.due_at <= now {
            due.steps.push(next_step(store, &bulk).await?);
        } else {
            due.next = Some(due.next.map_or(bulk.due_at, |next| next.min(bulk.due_at)));
        }
    }
    Ok(due)
}

async fn next_step(store: &dyn Store, bulk: &Bulk) -> Result<BulkStep, StoreError> {
    let before = Some(bulk.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let query = DeadLetterQuery::Delivery(wanted(bulk)?);
    let page = store.dead_letter_ids(&query, &Paging { before, limit: bulk.room() }).await?;
    let ids = page.data.into_iter().filter_map(|letter| match letter {
        DeadLetterRef::Delivery(id) => Some(id),
        DeadLetterRef::Event(_) => None,
    });
    Ok(BulkStep { job: bulk.id, after: bulk.cursor.clone(), ids: ids.collect(), next: page.next_cursor })
}

/// Which dead letters the job is about.
fn wanted(bulk: &Bulk) -> Result<DeliveryQuery, StoreError> {
    let parsed = DeadLetterQuery::parse(&bulk.filter, Some(DeadLetterKind::Delivery), bulk.created_at);
    match (parsed, bulk.action, bulk.resolved) {
        (Ok(DeadLetterQuery::Delivery(query)), BulkAction::Retry, Resolved::Skip) => Ok(query.live_calls()),
        (Ok(DeadLetterQuery::Delivery(query)), ..) => Ok(query),
        _ => Err(StoreError::Corrupt(format!("the filter of {} is not understood", bulk.id))),
    }
}
