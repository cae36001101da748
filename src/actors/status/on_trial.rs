//! Which records are being tried, so that the commit that settles one strikes out its trial too.

use std::collections::HashSet;

use crate::domain::event::Position;
use crate::domain::names::SourceName;
use crate::store::batch::Batch;

/// As good as always empty. If it is lost, a trial stays on record, and means nothing: what is in the
/// store is no suspect.
#[derive(Debug, Default)]
pub(super) struct OnTrial(HashSet<(SourceName, Position)>);

impl OnTrial {
    /// Notes the trials that `batch` begins, and has it strike out those of the records it settles.
    pub(super) fn settle(&mut self, batch: &mut Batch) {
        if !self.0.is_empty() {
            let accepts = batch.accepts.iter().map(|accept| (&accept.event.source, &accept.event.position));
            let letters = batch.quarantined.iter().map(|letter| (&letter.source, &letter.position));
            let settled = accepts.chain(letters).map(|(source, position)| (source.clone(), position.clone()));
            batch.acquitted = settled.filter_map(|record| self.0.take(&record)).collect();
        }
        self.0.extend(batch.trials.iter().map(|trial| (trial.source.clone(), trial.position.clone())));
    }
}
