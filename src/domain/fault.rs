//! Why an attempt failed, told by what to do about it.
//!
//! A channel's whole duty about errors is one table from its provider's answers to these words;
//! everything after that is [`super::retry::judge`].

use std::time::Duration;

/// How one attempt ended, as the channel or the pool saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider said yes.
    Sent(Receipt),
    /// The provider, or the way to it, said no.
    Failed(Failure),
    /// The worker died with the delivery in hand. Carries the panic's message.
    Crashed(String),
}

/// What the provider said when it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's own id of the message, if it gave one.
    pub provider_id: Option<String>,
    /// Its answer, for people.
    pub answer: String,
}

/// A fault, and the provider's words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub fault: Fault,
    /// The provider's code, for people and lists: `550 5.1.1`, `timeout`.
    pub code: String,
    /// The provider's words, cut and cleaned of control characters. Never a label.
    pub detail: String,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// This message will never go to this recipient this way.
    Permanent(Permanent),
    /// The world is unwell; the same attempt may work later. Costs an attempt.
    Transient(Transient),
    /// Not this message's fault: wait. Costs no attempt.
    Throttled {
        /// The provider's own wish; a floor for the wait.
        retry_after: Option<Duration>,
        /// Who has to wait.
        scope: Scope,
    },
    /// The operator has to mend the channel. The lane waits, nothing is lost, an alarm is raised.
    Misconfigured,
    /// The connection broke after the message went out and before the answer came back.
    Unknown,
}

/// Why it will never go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permanent {
    /// No such mailbox, number or device.
    RecipientGone,
    /// The device's address is there but not for us: another environment, another app.
    RecipientSuspect,
    /// The person does not want to be told this way.
    OptedOut,
    /// The provider will not take it: policy, reputation, consent.
    Refused,
    /// The message itself is at fault: too large, malformed.
    Unacceptable,
}

/// What is unwell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transient {
    /// No answer in time, before the message went out.
    Timeout,
    /// No connection: refused, no route, no such host, TLS failed.
    Unreachable,
    /// It answered that it cannot now.
    Unavailable,
    /// The mailbox is full or greylisted: the recipient's side, not the provider's.
    Deferred,
}

/// How far a throttle reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This recipient only.
    Recipient,
    /// Everything on this channel.
    Channel,
}

impl Fault {
    /// Every fault once, with empty details: the labels of metrics are made from it.
    pub const ALL: [Self; 13] = [
        Self::Permanent(Permanent::RecipientGone),
        Self::Permanent(Permanent::RecipientSuspect),
        Self::Permanent(Permanent::OptedOut),
        Self::Permanent(Permanent::Refused),
        Self::Permanent(Permanent::Unacceptable),
        Self::Transient(Transient::Timeout),
        Self::Transient(Transient::Unreachable),
        Self::Transient(Transient::Unavailable),
        Self::Transient(Transient::Deferred),
        Self::Throttled { retry_after: None, scope: Scope::Recipient },
        Self::Throttled { retry_after: None, scope: Scope::Channel },
        Self::Misconfigured,
        Self::Unknown,
    ];

    /// The one word for metrics, lists and filters.
    pub fn label(self) -> &'static str {
        match self {
            Self::Permanent(Permanent::RecipientGone) => "recipient_gone",
            Self::Permanent(Permanent::RecipientSuspect) => "recipient_suspect",
            Self::Permanent(Permanent::OptedOut) => "opted_out",
            Self::Permanent(Permanent::Refused) => "refused",
            Self::Permanent(Permanent::Unacceptable) => "unacceptable",
            Self::Transient(Transient::Timeout) => "timeout",
            Self::Transient(Transient::Unreachable) => "unreachable",
            Self::Transient(Transient::Unavailable) => "unavailable",
            Self::Transient(Transient::Deferred) => "deferred",
            Self::Throttled { scope: Scope::Recipient, .. } => "recipient_throttled",
            Self::Throttled { scope: Scope::Channel, .. } => "throttled",
            Self::Misconfigured => "misconfigured",
            Self::Unknown => "unknown",
        }
    }

    /// True when another provider might well take the same message now.
    pub fn calls_for_another_way(self) -> bool {
        self.concerns_the_channel() || self == Self::Transient(Transient::Timeout)
    }

    /// True when it says something about the channel rather than about one message.
    pub fn concerns_the_channel(self) -> bool {
        matches!(
            self,
            Self::Misconfigured
                | Self::Transient(Transient::Unreachable | Transient::Unavailable)
                | Self::Throttled { scope: Scope::Channel, .. }
        )
    }
}

impl Outcome {
    /// The one word for metrics, lists and filters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Sent(_) => "sent",
            Self::Failed(failure) => failure.fault.label(),
            Self::Crashed(_) => CRASHED,
        }
    }
}

/// The label of an attempt whose worker died.
pub const CRASHED: &str = "crashed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_label_of_its_own() {
        let mut labels: Vec<_> = Fault::ALL.iter().map(|fault| fault.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Fault::ALL.len());
    }
}
