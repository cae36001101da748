//! What a pool tells people about its channel and about addresses.

use super::desk::Desk;
use super::pool::PoolArguments;
use crate::catalogue::Code;
use crate::domain::delivery::About;
use crate::domain::fault::Fault;
use crate::domain::lane::Change;
use crate::store::batch::{Attempted, Lesson, Next};
use crate::telemetry::health::Condition;

impl Desk {
    /// A provider that speaks against an address is heard once; one that takes it again takes it back.
    pub(super) fn say_what_was_learned(&self, attempted: &mut Attempted) {
        let Some(About { target, .. }) = &attempted.about else { return };
        let known = self.peers.suppressed.of(&target.channel, &target.address);
        match attempted.lesson {
            Lesson::Nothing | Lesson::Reached => {
                if attempted.next == Next::Sent && known.is_some() {
                    attempted.lesson = Lesson::Reached;
                }
            }
            Lesson::Marked(mark) => tracing::warn!(
                code = %Code::AddressMarked, channel = %target.channel, recipient = %target.recipient,
                address = %target.address, mark = mark.as_str(), why = attempted.code,
                "a provider speaks against an address"
            ),
        }
    }

    pub(super) fn say_how_it_is(&self, change: Change, attempted: &Attempted) {
        let PoolArguments { name, equipment, health, .. } = &self.arguments;
        let metrics = &equipment.metrics;
        match change {
            Change::None => {}
            Change::Held => {
                let why = format!("{} {}", attempted.code, attempted.detail);
                let refused = attempted.outcome == Fault::Misconfigured.label();
                let code = if refused { Code::CredentialRefused } else { Code::ChannelHeld };
                tracing::warn!(%code, channel = %name, fault = attempted.outcome, why, "channel is held");
                metrics.up(false);
                health.channel(name, Condition::Down(why));
            }
            Change::Reopened => {
                tracing::info!(channel = %name, "channel works again");
                metrics.up(true);
                health.channel(name, Condition::Up);
            }
        }
    }
}
