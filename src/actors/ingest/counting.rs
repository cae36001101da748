//! What a settled record adds to the metrics, and what is told of one that nobody writes down.

use std::time::Duration;

use super::IngestState;
use super::in_hand::Item;
use crate::domain::event::Body;
use crate::domain::incident::Transition;
use crate::domain::malformed::Malformation;
use crate::feed::{EventFact, Fact};
use crate::messages::ingest::SettledAs;
use crate::store::batch::AcceptResult;

impl IngestState {
    pub(super) fn count(&self, item: &Item, as_what: &SettledAs) {
        let metrics = &self.arguments.intake.metrics;
        match (item, as_what) {
            (Item::Event(event), SettledAs::Event(accepted)) => match accepted.result {
                AcceptResult::Decided(decision) => {
                    let took = self.arguments.clock.now().duration_since(event.received_at);
                    metrics.accepted(Duration::try_from(took).unwrap_or_default());
                    if let (Some(Transition::Opened), Body::Incident(body)) =
                        (decision.transition(), &event.body)
                    {
                        metrics.opened(body.severity);
                    }
                }
                AcceptResult::Duplicate => metrics.duplicate(),
                AcceptResult::Conflict => metrics.rejected(Malformation::IdConflict),
            },
            (Item::Event(_), SettledAs::DeadLetter(_) | SettledAs::Ignored(_)) => {
                metrics.rejected(Malformation::Unroutable);
            }
            (Item::Ignored { source, rule, .. }, _) => {
                metrics.ignored();
                let at = self.arguments.clock.now();
                self.arguments.feed.tell(|| vec![Fact::Event(EventFact::ignored(at, source, rule))]);
            }
            (Item::Letter(letter), _) => metrics.rejected(letter.reason),
        }
    }
}
