//! The tree takes on another configuration while it works, and ways are shut and opened.
//!
//! Nothing here can fail: a configuration that gets here is valid and its channels are built. Ways out
//! come first and ways in last, so that nothing is planned for a channel that is not there. A child
//! that is wanted no more, or not as it is, finishes what it has in hand before it goes.

use std::sync::Arc;

use ractor::ActorId;

use super::drain;
use super::{Doors, SupervisorState};
use crate::domain::suppression::Suppressions;
use crate::domain::way::{Flow, FlowChange, Paused};
use crate::messages::delivery::DeliveryMessage;
use crate::messages::dlq::DlqMessage;
use crate::messages::ingest::IngestMessage;
use crate::messages::post::tell;
use crate::messages::renewal::Renewal;
use crate::messages::router::RouterMessage;
use crate::messages::status::StatusMessage;
use crate::messages::supervisor::Child;
use crate::messages::sweeper::SweeperMessage;

impl SupervisorState {
    pub(super) async fn on_renew(&mut self, renewal: Renewal) {
        let Renewal { rules, words, routes, channels, sources, letter_boxes, reconnect } = renewal;
        self.arguments.plan.letter_boxes = letter_boxes.clone();
        tell(self.tree.peers.dlq.as_ref(), DlqMessage::LetterBoxes(letter_boxes));
        self.arguments.plan.status.rules = rules.clone();
        tell(self.tree.peers.status.as_ref(), StatusMessage::Rules(rules));

        let series = channels.iter().map(|(name, with)| (name.clone(), with.metrics.clone())).collect();
        self.arguments.plan.sweeper.channels = series;
        let series = self.arguments.plan.sweeper.channels.clone();
        tell(self.tree.sweeper.as_ref(), SweeperMessage::Channels(series));
        let plan = &mut self.arguments.plan;
        let pools = std::mem::replace(&mut plan.pools, channels);
        let ingests = std::mem::replace(&mut plan.ingests, sources);
        plan.words = words;
        for (name, equipment) in plan.pools.iter().filter(|(name, _)| pools.contains_key(*name)) {
            tell(self.tree.peers.pools.get(name), DeliveryMessage::Renew(equipment.clone()));
        }
        let new = plan.pools.keys().filter(|name| !pools.contains_key(*name));
        let ways_out: Vec<Child> = new.cloned().map(Child::Pool).collect();
        let new = plan.ingests.keys().filter(|key| !ingests.contains_key(*key));
        let ways_in: Vec<Child> = new.cloned().map(Child::Ingest).collect();
        let shut_out = pools.keys().filter(|name| !plan.pools.contains_key(*name));
        let shut_in =
            ingests.keys().filter(|key| !plan.ingests.contains_key(*key) || reconnect.contains(*key));
        let gone: Vec<Child> =
            shut_out.cloned().map(Child::Pool).chain(shut_in.cloned().map(Child::Ingest)).collect();
        for (key, ingest) in &self.tree.peers.ingests {
            if plan.ingests.contains_key(key) && !reconnect.contains(key) {
                ingest.tell(IngestMessage::Words(Arc::clone(&plan.words)));
            }
        }
        self.start_all(ways_out).await;
        self.arguments.plan.routes = Arc::clone(&routes);
        tell(self.tree.peers.router.as_ref(), RouterMessage::Routes(routes));
        self.start_all(ways_in).await;
        self.introduce();
        for child in gone {
            drain::retire(child, &self.tree.peers, self.myself.clone());
        }
    }

    async fn start_all(&mut self, children: Vec<Child>) {
        for child in children {
            if self.doors == Doors::Shut && matches!(child, Child::Ingest(_)) {
                continue;
            }
            if let Err(error) = self.start(child.clone()).await {
                self.on_death(child, &error.to_string());
            }
        }
    }

    /// A child has finished. It goes, and if it is to be there as another, that one comes.
    pub(super) async fn on_retired(&mut self, child: Child, life: ActorId) {
        // Out of the list first: then its end is no death.
        if self.children.remove(&life).is_some() {
            self.tree.dismiss(&child, life);
        }
        if self.is_wanted(&child) {
            self.start_all(vec![child]).await;
        }
        self.introduce();
    }

    pub(super) fn on_flow(&mut self, changes: &[FlowChange]) {
        for FlowChange { way, flow } in changes {
            match flow {
                Flow::Paused => self.tree.peers.paused.insert(way.clone()),
                Flow::Running => self.tree.peers.paused.remove(way),
            };
        }
        self.introduce();
    }

    pub(super) fn on_addresses_changed(&self) {
        tell(self.tree.sweeper.as_ref(), SweeperMessage::Addresses);
    }

    pub(super) fn on_suppressed(&mut self, found: Arc<Suppressions>) {
        self.tree.peers.suppressed = found;
        self.introduce();
    }

    /// What the store said is old news if something changed since it was asked.
    pub(super) fn on_paused(&mut self, known: &Paused, found: Paused) {
        if self.tree.peers.paused == *known {
            self.tree.peers.paused = found;
            self.introduce();
        }
    }
}
